"""The digits that scikit-learn carries with it, ready for the networks."""

from __future__ import annotations

import pytest

from facetracker.from_scratch import load_digits
from facetracker.from_scratch.trainer import Pictures


@pytest.fixture(scope="session")
def digits() -> tuple[Pictures, Pictures]:
    """Training and test pictures (N, 1, 8, 8), floats 0..1, with their classes (N,): 1,347 and 450."""
    pytest.importorskip("sklearn")
    return load_digits()


@pytest.fixture
def one_thread():
    """Matrix multiplication in one thread: with small matrices and a busy machine several only wait for each other."""
    threadpoolctl = pytest.importorskip("threadpoolctl")
    with threadpoolctl.threadpool_limits(1):
        yield
