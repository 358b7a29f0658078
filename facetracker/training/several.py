"""One of several workers that train one model: data parallel, each on its own part of the photos.

The workers are ordinary processes that know of each other by `TF_CONFIG` (Ray Train sets it, so does Kubernetes, so
does launch.py). After each step all hold the same weights, equal to those of one process with the same global batch.
Worker 0, the chief, writes the run folder; the others do the same work in a folder that vanishes, because saving and
measuring are steps that all must take together.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from facetracker.cluster.tasks import Share
from facetracker.core import console
from facetracker.core.console import silenced
from facetracker.core.errors import FaceTrackerError
from facetracker.core.settings import Settings, read_settings
from facetracker.training.device import start
from facetracker.training.run import RunFolder, say_rejects

with silenced():
    import tensorflow as tf

from facetracker.training.fit import TrackerTask
from facetracker.training.photos import read_photos
from facetracker.training.plan import WorkersPlan, read_plan
from facetracker.training.trainer import Trainer


class Workers(tf.distribute.MultiWorkerMirroredStrategy):
    """The strategy as Keras 3 needs it (Keras issue 20585): `fit` calls `reduce` in two ways that it does not know."""

    def reduce(self, reduce_op, value, axis=None):
        """As the strategy's own, and also for nested values and for scalars along axis 0."""
        if isinstance(value, dict | tuple | list):
            # Keras asks for one batch, to see its shapes; the first of this worker will do.
            return tf.nest.map_structure(lambda one: self.experimental_local_results(one)[0], value)
        local = self.experimental_local_results(value)[0]
        if axis == 0 and getattr(local, "shape", None) is not None and local.shape.rank == 0:
            axis = None
        return super().reduce(reduce_op, value, axis=axis)


def here() -> Share:
    """Which worker this process is, from `TF_CONFIG`; the only one where that is not set."""
    try:
        config = json.loads(os.environ.get("TF_CONFIG", "{}"))
        workers = config.get("cluster", {}).get("worker", [])
        number = int(config.get("task", {}).get("index", 0))
    except (ValueError, AttributeError, TypeError) as error:
        raise FaceTrackerError(f"TF_CONFIG is not readable ({error})", fix="See docs/scale.md.") from None
    return Share(number, max(1, len(workers)))


def take_part(folder: str | Path, share: Share | None = None) -> Path:
    """Train as one of the workers of the run in `folder`, from its start or its last finished epoch, to its end."""
    run, share = RunFolder(Path(folder)), share or here()
    settings = read_settings(run.config)
    with tempfile.TemporaryDirectory(prefix="facetracker-worker-") as place:
        own = run
        if not share.chief:
            own = RunFolder(Path(place) / run.name)
            own.folder.mkdir()
            for path in (run.config, run.plan, run.about, run.state):
                if path.is_file():
                    shutil.copy(path, own.folder / path.name)
            console.quiet = True
        strategy = make_strategy(share)  # first of all: TensorFlow takes the workers in only before it starts
        device = start(settings.training)
        plan = read_plan(run.plan)
        photos = read_photos(run.data(), settings, plan, share)
        plan = replace(plan, crop=photos.crop)
        if share.chief:
            run.keep(run.plan, plan.to_json())
            say_rejects(run, photos.rejects)
        assert plan.workers is not None
        mine = own_settings(settings, plan.workers, share)
        with strategy.scope():
            Trainer(own, mine.training, TrackerTask(mine, plan, photos), device, strategy).go()
    return run.folder


def make_strategy(share: Share) -> Any:
    """How this process trains together with the others; the plain way where there are none."""
    if share.of == 1:
        return tf.distribute.get_strategy()
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    with silenced():
        how = tf.distribute.experimental.CommunicationImplementation.NCCL if gpus else None
        how = how or tf.distribute.experimental.CommunicationImplementation.RING
        return Workers(communication_options=tf.distribute.experimental.CommunicationOptions(implementation=how))


def own_settings(settings: Settings, workers: WorkersPlan, share: Share) -> Settings:
    """The settings as one worker uses them: its part of the batch, its seed, as many steps as all have."""
    training = {
        "learning_rate": workers.learning_rate,
        "seed": workers.seeds[share.number],
        "samples_per_epoch": workers.steps * workers.batch_each,
    }
    return settings.model_copy(
        update={
            "data": settings.data.model_copy(update={"batch_size": workers.batch_each}),
            "training": settings.training.model_copy(update=training),
        }
    )
