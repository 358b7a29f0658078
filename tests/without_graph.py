"""For tests of short trainings: no graph of a step is made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf


@contextmanager
def without_graph() -> Iterator[None]:
    """Train step by step, in a `with` or as a decorator: a dozen small steps are over before a graph of one is made.

    What a graph could change is left to the tests that train with one.
    """
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)
