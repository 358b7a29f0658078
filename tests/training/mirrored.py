"""A training on two devices of one machine, here two halves of a processor: `mirrored.py RUN_FOLDER DATA`."""

from __future__ import annotations

import sys
from pathlib import Path

import plain_worker  # noqa: F401 (registers the network)
import tensorflow as tf

from facetracker.core import console
from facetracker.core.settings import read_settings
from facetracker.training.device import on_all_gpus, start
from facetracker.training.fit import TrackerTask
from facetracker.training.photos import read_photos
from facetracker.training.plan import RunPlan
from facetracker.training.run import RunFolder
from facetracker.training.trainer import Trainer

if __name__ == "__main__":
    console.quiet = True
    halves = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], halves)
    run = RunFolder(Path(sys.argv[1]))
    settings = read_settings(run.config)
    device = start(settings.training)
    photos = read_photos(sys.argv[2], settings)
    with on_all_gpus(device, ["CPU:0", "CPU:1"]):
        Trainer(run, settings.training, TrackerTask(settings, RunPlan(("face",)), photos), device).go()
