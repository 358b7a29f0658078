"""The digits that scikit-learn carries with it, ready for the networks."""

from __future__ import annotations

import numpy as np
import pytest

Pictures = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="session")
def digits() -> tuple[Pictures, Pictures]:
    """Training and test pictures (N, 1, 8, 8), floats 0..1, with their classes (N,): 1,347 and 450."""
    sklearn_datasets = pytest.importorskip("sklearn.datasets")
    loaded = sklearn_datasets.load_digits()
    pictures = (loaded.images[:, np.newaxis] / 16).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(pictures))
    train, test = order[:1347], order[1347:]
    return (pictures[train], loaded.target[train]), (pictures[test], loaded.target[test])


@pytest.fixture
def one_thread():
    """Matrix multiplication in one thread: with small matrices and a busy machine several only wait for each other."""
    threadpoolctl = pytest.importorskip("threadpoolctl")
    with threadpoolctl.threadpool_limits(1):
        yield
