"""The training loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from facetracker.from_scratch.loss import as_class_numbers
from facetracker.from_scratch.network import Network
from facetracker.from_scratch.optimizers import Adam, Optimizer
from facetracker.from_scratch.progress import ProgressBar

Pictures = tuple[np.ndarray, np.ndarray]  # pictures (N, C, H, W) and their classes (N,) or one-hot (N, K)
Augmentation = Callable[[np.ndarray, np.random.Generator], np.ndarray]


@dataclass
class History:
    """One number an epoch."""

    loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    test_accuracy: list[float] = field(default_factory=list)


class Trainer:
    """Shows the network all training pictures once an epoch, in a new order each time, batch after batch.

    `augment` may change each batch of pictures (N, C, H, W) before the network sees it: `augment(batch, random)`.
    `accuracy_pictures` limits on how many of the training pictures the training accuracy is taken, to save time.
    `after_epoch(epoch)` is called with 1, 2, ... once an epoch is done: to save the parameters, to draw the curves.
    """

    def __init__(
        self,
        network: Network,
        train: Pictures,
        test: Pictures,
        epochs: int = 10,
        batch_size: int = 32,
        optimizer: Optimizer | None = None,
        augment: Augmentation | None = None,
        accuracy_pictures: int = 1000,
        after_epoch: Callable[[int], object] | None = None,
        seed: int = 0,
        quiet: bool = False,
    ) -> None:
        for pictures, targets in (train, test):
            if len(pictures) != len(targets) or len(pictures) == 0:
                raise ValueError(f"{len(pictures)} pictures, {len(targets)} classes: each picture needs its class")
        if batch_size < 1:
            raise ValueError(f"a batch holds at least one picture, not {batch_size}")
        self.network = network
        self.train_pictures, self.train_targets = train[0], as_class_numbers(train[1])
        self.test_pictures, self.test_targets = test[0], as_class_numbers(test[1])
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimizer = Adam() if optimizer is None else optimizer
        self.augment = augment
        self.accuracy_pictures = accuracy_pictures
        self.after_epoch = after_epoch
        self.quiet = quiet
        self.history = History()
        self._random = np.random.default_rng(seed)

    def train(self) -> History:
        """Train for all epochs; the history is there after each."""
        for epoch in range(1, self.epochs + 1):
            self._train_epoch(f"epoch {epoch}/{self.epochs}")
            if self.after_epoch is not None:
                self.after_epoch(epoch)
        return self.history

    def _train_epoch(self, title: str) -> None:
        count = len(self.train_pictures)
        order = self._random.permutation(count)
        bar = ProgressBar(title, -(-count // self.batch_size))
        total_loss = 0.0
        for start in range(0, count, self.batch_size):
            chosen = order[start : start + self.batch_size]  # the last batch may be shorter; no picture is left out
            total_loss += self._train_batch(chosen) * len(chosen)
            if not self.quiet:
                bar.step(f"loss {total_loss / (start + len(chosen)):.3f}")
        self.history.loss.append(total_loss / count)
        some = slice(0, self.accuracy_pictures)
        self.history.train_accuracy.append(self.network.accuracy(self.train_pictures[some], self.train_targets[some]))
        self.history.test_accuracy.append(self.network.accuracy(self.test_pictures, self.test_targets))
        if not self.quiet:
            history = self.history
            bar.finish(
                f"loss {history.loss[-1]:.3f}  train {history.train_accuracy[-1]:.1%}"
                f"  test {history.test_accuracy[-1]:.1%}"
            )

    def _train_batch(self, chosen: np.ndarray) -> float:
        pictures = self.train_pictures[chosen]
        if self.augment is not None:
            pictures = self.augment(pictures, self._random)
        loss, gradients = self.network.loss_and_gradients(pictures, self.train_targets[chosen])
        self.optimizer.update(self.network.parameters, gradients)
        return loss


def mirror_half(pictures: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """An augmentation for faces: each picture is mirrored left to right with a chance of one half."""
    mirrored = random.random(len(pictures)) < 0.5
    return np.where(mirrored[:, None, None, None], pictures[..., ::-1], pictures)
