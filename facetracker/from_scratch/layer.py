"""What every layer can do."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np


class Layer(ABC):
    """One step of a network: `forward` on the way in, `backward` on the way out.

    `backward` receives how much the loss changes with each number that `forward` gave (`dout`, the same shape),
    stores how much it changes with each of the layer's own parameters in `gradients`, and returns how much it
    changes with each number that `forward` was given. That hand-over from layer to layer is the chain rule.
    """

    def __init__(self) -> None:
        self.parameters: dict[str, np.ndarray] = {}  # what the optimizer changes
        self.gradients: dict[str, np.ndarray] = {}  # the same names and shapes, after backward()
        self.running: dict[str, np.ndarray] = {}  # what is remembered but not trained (batch normalisation)
        # The first layer of a network has nobody to hand a gradient to; a network that knows it is first turns
        # this off, and the layer may save itself the work.
        self.needs_input_gradient = True

    @abstractmethod
    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """The layer's output for the input `x`; `training` tells learning from using."""

    @abstractmethod
    def backward(self, dout: np.ndarray) -> np.ndarray:
        """The gradient of the loss with respect to the last input, from that with respect to the last output."""
