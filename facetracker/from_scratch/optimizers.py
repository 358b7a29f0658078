"""From the gradient to the step. All change the parameters in place: `update(parameters, gradients)`.

The gradient says in which direction the loss rises; every one of these walks the other way. They differ in what they
remember of the steps before.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

Arrays = dict[str, np.ndarray]


class Optimizer(ABC):
    """Keeps the learning rate, and one memory an array for those that remember."""

    def __init__(self, learning_rate: float) -> None:
        if learning_rate <= 0:
            raise ValueError(f"a learning rate is positive, not {learning_rate}")
        self.learning_rate = learning_rate
        self._memories: dict[str, Arrays] = {}

    def memory(self, kind: str, name: str, like: np.ndarray) -> np.ndarray:
        """The memory `kind` of the parameter `name`: the same array every time, zeros at first."""
        arrays = self._memories.setdefault(kind, {})
        if name not in arrays:
            arrays[name] = np.zeros_like(like)
        return arrays[name]

    def update(self, parameters: Arrays, gradients: Arrays) -> None:
        """One step for all parameters."""
        for name, parameter in parameters.items():
            self.step(name, parameter, gradients[name])

    @abstractmethod
    def step(self, name: str, parameter: np.ndarray, gradient: np.ndarray) -> None:
        """One step for one parameter, in place."""


class SGD(Optimizer):
    """Straight downhill, with steps as long as the slope is steep."""

    def __init__(self, learning_rate: float = 0.01) -> None:
        super().__init__(learning_rate)

    def step(self, name: str, parameter: np.ndarray, gradient: np.ndarray) -> None:
        parameter -= self.learning_rate * gradient


class Momentum(Optimizer):
    """A ball that rolls: it keeps its speed, so zigzags cancel out and long slopes are taken faster and faster."""

    def __init__(self, learning_rate: float = 0.01, momentum: float = 0.9) -> None:
        super().__init__(learning_rate)
        self.momentum = momentum

    def step(self, name: str, parameter: np.ndarray, gradient: np.ndarray) -> None:
        velocity = self.memory("velocity", name, parameter)
        velocity *= self.momentum
        velocity -= self.learning_rate * gradient
        parameter += velocity


class Nesterov(Momentum):
    """Momentum that looks ahead: the slope counts where the ball is about to be, so it brakes before the turn.

    The parameters kept here are already the ones looked ahead to; that way the gradient need not be taken elsewhere.
    """

    def step(self, name: str, parameter: np.ndarray, gradient: np.ndarray) -> None:
        velocity = self.memory("velocity", name, parameter)
        velocity *= self.momentum
        velocity -= self.learning_rate * gradient
        parameter += self.momentum * velocity - self.learning_rate * gradient


class AdaGrad(Optimizer):
    """Each number has its own step: those that moved much already move less. The steps only ever get shorter."""

    def __init__(self, learning_rate: float = 0.01, epsilon: float = 1e-7) -> None:
        super().__init__(learning_rate)
        self.epsilon = epsilon

    def step(self, name: str, parameter: np.ndarray, gradient: np.ndarray) -> None:
        squares = self.memory("squares", name, parameter)
        squares += gradient * gradient
        parameter -= self.learning_rate * gradient / np.sqrt(squares + self.epsilon)


class RMSProp(Optimizer):
    """AdaGrad that forgets: only the last steps count, so it does not come to a halt."""

    def __init__(self, learning_rate: float = 0.001, decay: float = 0.9, epsilon: float = 1e-7) -> None:
        super().__init__(learning_rate)
        self.decay = decay
        self.epsilon = epsilon

    def step(self, name: str, parameter: np.ndarray, gradient: np.ndarray) -> None:
        squares = self.memory("squares", name, parameter)
        squares *= self.decay
        squares += (1 - self.decay) * gradient * gradient
        parameter -= self.learning_rate * gradient / np.sqrt(squares + self.epsilon)


class Adam(Optimizer):
    """Momentum and RMSProp together. Both memories begin at zero, and the first steps are corrected for that."""

    def __init__(
        self, learning_rate: float = 0.001, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-7
    ) -> None:
        super().__init__(learning_rate)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.steps = 0

    def update(self, parameters: Arrays, gradients: Arrays) -> None:
        self.steps += 1
        super().update(parameters, gradients)

    def step(self, name: str, parameter: np.ndarray, gradient: np.ndarray) -> None:
        mean = self.memory("mean", name, parameter)
        mean += (1 - self.beta1) * (gradient - mean)
        squares = self.memory("squares", name, parameter)
        squares += (1 - self.beta2) * (gradient * gradient - squares)
        correction = np.sqrt(1 - self.beta2**self.steps) / (1 - self.beta1**self.steps)
        parameter -= float(self.learning_rate * correction) * mean / (np.sqrt(squares) + self.epsilon)


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": AdaGrad,
    "rmsprop": RMSProp,
    "adam": Adam,
}


def optimizer_named(name: str, **settings: float) -> Optimizer:
    """The optimizer of that name, in any case, with its settings: `optimizer_named("adam", learning_rate=1e-3)`."""
    kind = OPTIMIZERS.get(name.lower())
    if kind is None:
        raise ValueError(f"no optimizer is called {name!r}; there are {', '.join(OPTIMIZERS)}")
    return kind(**settings)
