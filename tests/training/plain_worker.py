"""A worker whose network is small and plain: no dropout, no batch norm, so that two workers can equal one process.

Run as a program by the launcher, with the run folder as its argument; imported by the tests for the same network.
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
# Two workers on two cores: pools of threads that wait for each other make everything several times slower.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "2")

from facetracker.core.console import silenced

with silenced():
    import keras

from facetracker.models import backbones


def plain() -> keras.Model:
    """Features of stride 8 from three small convolutions."""
    x = inputs = keras.Input((None, None, 3))
    for number, width in enumerate((4, 6, 8)):
        x = keras.layers.Conv2D(width, 3, 2, padding="same", activation="relu", name=f"conv{number}")(x)
    return keras.Model(inputs, [x, x, x])


ENTRY = backbones.Backbone("plain", plain, 64, "unit", levels=("conv2",) * 3, pretrained=False)
backbones.BACKBONES["plain"] = ENTRY

if __name__ == "__main__":
    from facetracker.training.worker import work

    work(sys.argv[1])
