"""`inspect`: a trained network from inside: its layers and their cost, filters, activations, where it looks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from facetracker.core.console import silenced
from facetracker.core.crop import fit_square
from facetracker.core.errors import FaceTrackerError
from facetracker.core.files import refuse_to_overwrite, write_atomically
from facetracker.core.letterbox import letterbox
from facetracker.core.photo import Picture, read_picture
from facetracker.core.settings import read_yaml

if TYPE_CHECKING:
    from facetracker.reports.inspect.gradcam import Look
    from facetracker.reports.inspect.record import Step

FILES = ("summary.txt", "filters.png", "activations.png", "gradcam.png", "report.html")


@dataclass(frozen=True)
class Inside:
    """What is in a network and what it makes of one picture, for the report in `folder`.

    `head` says in a line what the network is, `command` (its words) what made this. `picture` is `(S, S, 3)` BGR as
    the network gets it; `before` and `after` are the kernel `(h, w, C, F)` of the first convolution `layer` as training
    began (None: not known, `notes` say why) and now.
    """

    folder: Path
    command: list[str]
    model: Path
    photo: Path | None
    is_classifier: bool
    head: str
    picture: Picture
    steps: list[Step]
    layer: str
    before: np.ndarray | None
    after: np.ndarray
    looks: list[Look]
    notes: list[str]


@dataclass(frozen=True)
class Inspected:
    """What `inspect` found and wrote."""

    folder: Path
    summary: str
    written: list[Path]
    notes: list[str]


def inspect(
    model: str | Path, photo: str | Path | None = None, *, out: str | Path | None = None, force: bool = False
) -> Inspected:
    """Look into a trained tracker or classifier (`.keras` or run folder) and write what is found to `out`.

    That is `summary.txt`, three PNGs, and `report.html`, which holds all of it and says what to see.

    `out` is `inspect/` beside the model unless told otherwise. Filters are shown as they are now and, for a run
    folder, as training began. Activations and Grad-CAM need a picture: `photo`, or a drawn face.
    """
    path = Path(model)
    run = path if path.is_dir() else path.parent
    path = path / "model.keras" if path.is_dir() else path
    if not path.is_file():
        raise FaceTrackerError("no such model", path=path, fix="Name a .keras file or a run folder.")
    folder = run / "inspect" if out is None else Path(out)
    for name in FILES:
        refuse_to_overwrite(folder / name, force)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with silenced():
        from facetracker.models import FaceClassifier
        from facetracker.models.loading import load_model
        from facetracker.reports.inspect.gradcam import looks
        from facetracker.reports.inspect.record import first_filters, record, table

        network = load_model(path)
    from facetracker.reports.inspect import sheets
    from facetracker.reports.inspect.report import report

    picture = _drawn() if photo is None else read_picture(photo)
    size = network.image_size
    is_classifier = isinstance(network, FaceClassifier)
    fitted = fit_square(picture, size, network.centre) if is_classifier else letterbox(picture, size, size)[0]
    rgb = np.asarray(cv2.cvtColor(fitted, cv2.COLOR_BGR2RGB), np.uint8)
    steps = record(network, rgb)
    answers = f"classes {', '.join(network.classes)}"
    kind = "classifier" if is_classifier else f"tracker with the {network.head_name} head"
    head = f"{kind}, backbone {network.backbone_name}, {size}x{size} pixels, {answers}"
    summary = f"{head}\n\n{table(steps)}\n"
    before, note = _before(network, run / "config.yaml" if run == path.parent else None)
    layer, after = first_filters(network)
    inside = Inside(
        folder=folder,
        command=_command(model, photo, out),
        model=path,
        photo=None if photo is None else Path(photo),
        is_classifier=is_classifier,
        head=head,
        picture=fitted,
        steps=steps,
        layer=layer,
        before=before,
        after=after,
        looks=looks(network, rgb),
        notes=[note] if note else [],
    )
    written = [
        write_atomically(folder / "summary.txt", summary),
        sheets.write_filters(folder / "filters.png", layer, before, after),
        sheets.write_activations(folder / "activations.png", fitted, steps),
        sheets.write_looks(folder / "gradcam.png", fitted, inside.looks),
        write_atomically(folder / "report.html", report(inside)),
    ]
    return Inspected(folder, summary, written, inside.notes)


def _command(model: str | Path, photo: str | Path | None, out: str | Path | None) -> list[str]:
    """The words of the command line that does the same again."""
    given = [str(model), *([] if photo is None else [str(photo)]), *([] if out is None else ["--out", str(out)])]
    return ["facetracker", "inspect", *given, "--force"]


def _before(network: Any, config: Path | None) -> tuple[np.ndarray | None, str]:
    """The first layer's filters as training began, from what the run's `config.yaml` says; or why they are unknown."""
    from facetracker.reports.inspect.record import first_filters

    if config is None or not config.is_file():
        return None, "how training began is not known: there is no run folder around the model"
    settings = read_yaml(config)
    weights = str(settings.get("model", {}).get("weights", "none"))
    values = {**network.get_config(), "weights": weights, "name": "before"}
    try:
        with silenced():
            import keras

            keras.utils.set_random_seed(int(settings.get("training", {}).get("seed", 0)))
            began = type(network)(**values)
    except FaceTrackerError as error:
        return None, f"the weights that training began with cannot be had: {error}"
    return first_filters(began)[1], ""


def _drawn() -> Picture:
    from facetracker.scenes import photo

    return photo(0, 1, 320, 320, faces=1).picture
