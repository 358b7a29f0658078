"""From the last layer's numbers to one number that says how wrong they are."""

from __future__ import annotations

import numpy as np


def softmax(scores: np.ndarray) -> np.ndarray:
    """Scores (N, K) as probabilities (N, K): all positive, each row adds up to 1."""
    # exp() of a large score would overflow. The same number taken off a whole row changes nothing in the result.
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def cross_entropy(scores: np.ndarray, targets: np.ndarray) -> float:
    """The mean of -log(probability of the right class) over the batch; `scores` (N, K) before softmax, `targets` (N,).

    The logarithm is taken of the scores and not of the probabilities: a probability that has become 0 has none.
    """
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))  # (N, K)
    return float(-log_probabilities[np.arange(len(targets)), targets].mean())


class SoftmaxWithLoss:
    """Softmax and cross-entropy as one: apart their gradients are awkward, together it is `probability - target`."""

    def __init__(self) -> None:
        self._scores: np.ndarray | None = None
        self._targets: np.ndarray | None = None

    def forward(self, scores: np.ndarray, targets: np.ndarray) -> float:
        """The loss for `scores` (N, K) and the numbers of the right classes, `targets` (N,)."""
        self._scores, self._targets = scores, as_class_numbers(targets)
        return cross_entropy(scores, self._targets)

    def backward(self) -> np.ndarray:
        """The gradient (N, K) of the loss with respect to the scores."""
        if self._scores is None or self._targets is None:
            raise RuntimeError("backward() needs a forward() before it")
        count = len(self._targets)
        dscores = softmax(self._scores)
        dscores[np.arange(count), self._targets] -= 1
        return dscores / dscores.dtype.type(count)  # the mean: each picture has its share of the loss


def as_class_numbers(targets: np.ndarray) -> np.ndarray:
    """Targets as class numbers (N,); given one-hot (N, K), the place of the one."""
    targets = np.asarray(targets)
    if targets.ndim == 2:
        return targets.argmax(axis=1)
    if not np.issubdtype(targets.dtype, np.integer):
        raise ValueError(f"targets are class numbers (N,) or one-hot (N, K), not {targets.dtype} {targets.shape}")
    return targets
