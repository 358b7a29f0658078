"""`export`: a trained network as files that other engines run, each compared with Keras before it is handed over."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from facetracker.core.console import silenced
from facetracker.core.disk import fault, need_room
from facetracker.core.errors import FaceTrackerError, one_line
from facetracker.core.files import PART, refuse_to_overwrite
from facetracker.core.install import needed
from facetracker.core.photo import Picture
from facetracker.core.settings import way_out
from facetracker.exports.calibrate import Loss, calibration_frames, loss_of_ap
from facetracker.exports.check import TOLERANCE, agreement, difference, drawn_frames, inputs
from facetracker.exports.formats import FORMATS, Format, Precision
from facetracker.exports.formats.html import HTML, write_page
from facetracker.exports.network import Exportable, is_styled_starter, load_network
from facetracker.inference.card import Card
from facetracker.inference.detector import ASSETS, STARTER, find_model
from facetracker.inference.engines import open_engine
from facetracker.reports.evaluation.engines import size_of

# AP50, or AP50:95, that a quantized file may lose against Keras before it is thrown away.
TOLERATED_LOSS = 0.05
# Share of the pictures that a quantized classifier must still give the class that Keras gives them.
AGREED = 0.95
CHECKED_FRAMES = 8
# What a converter may take, in sizes of the model's file, and what it takes in any case. Asked for before it begins:
# HDF5 and TensorFlow crash on a full disk, without a word.
ROOM, SMALLEST_ROOM = 3, 1 << 20


@dataclass(frozen=True)
class Exported:
    """What became of one format.

    `path` is None when the file was beyond tolerance and removed, `fault` then says why. `difference` is the largest
    one to Keras's outputs; a quantized file is judged by `loss`, the AP before and after, where it was measured.
    `as_is`: nothing was converted, so nothing was compared.
    """

    format: str
    precision: Precision
    path: Path | None
    size: int
    difference: float
    loss: Loss | None = None
    fault: str | None = None
    as_is: bool = False

    def line(self) -> str:
        """One line for a person."""
        kind = self.format if self.precision == "float32" else f"{self.format} {self.precision}"
        if self.path is None:
            return f"{kind}: removed, {self.fault}"
        gap = "the model as it is" if self.as_is else f"largest difference to Keras {self.difference:.1e}"
        line = f"{kind}: {self.path} ({self.size / 1e6:.2f} MB), {gap}"
        return line if self.loss is None else f"{line}; {self.loss.line()}"


def export(
    model: str | Path,
    to: Sequence[str] = ("onnx",),
    out: str | Path | None = None,
    quantize: Literal["float16", "int8"] | None = None,
    calibrate: str | Path | None = None,
    force: bool = False,
    threshold: float | None = None,
    tolerance: float = TOLERANCE,
) -> list[Exported]:
    """Export a trained model (`.keras` file or run folder) to the formats named in `to`.

    Files go to `out` (default: beside the model) under the model's name. `quantize` applies to the formats that know
    it, the others stay float32. `calibrate` is a folder of photos: it is needed for int8, checks run on its photos
    instead of drawn scenes, and the AP that a quantized file loses is measured there (against the labels, or without
    labels against what Keras finds). A file beyond tolerance is removed, and its `Exported` has no path.
    """
    formats = [find_format(name) for name in dict.fromkeys(to)]
    if formats == [HTML] and quantize is None and (ready := ready_for_page(model)) is not None:
        return [_page_of(*ready, Path(model), out, force, threshold)]
    if any(entry.name == "openvino" for entry in formats):
        needed("openvino")
    path = keras_file(model)
    folder = Path(out) if out is not None else path.parent
    plan = [(entry, _precision(entry, quantize)) for entry in formats]
    if quantize is not None and all(precision == "float32" for _, precision in plan):
        known = ", ".join(name for name, entry in FORMATS.items() if quantize in entry.precisions)
        raise FaceTrackerError(f"{', '.join(to)}: there is no {quantize}", fix=f"{quantize} is possible with {known}.")
    if quantize == "int8" and calibrate is None:
        raise FaceTrackerError(
            "int8 needs photos to calibrate with", fix="Pass --calibrate FOLDER; 100 photos are enough."
        )
    for entry, precision in plan:
        refuse_to_overwrite(folder / entry.file_name(path.stem, precision), force)
    network = load_network(path, threshold)
    frames = calibration_frames(calibrate) if calibrate is not None else drawn_frames()
    return [
        _export_one(network, entry, precision, path, folder, frames, calibrate, tolerance) for entry, precision in plan
    ]


def keras_file(model: str | Path) -> Path:
    """The `.keras` file meant by a file or a run folder; never an export that lies beside it."""
    path = Path(model)
    if path.is_dir():
        path = path / "model.keras"
        if is_styled_starter(style := path.with_name("model.tflite")):
            return style if not path.is_file() else path
        if not path.is_file():
            raise FaceTrackerError("holds no model.keras", path=Path(model), fix="Name a run folder or a .keras file.")
        return path
    if not path.is_file():
        return find_model(model) if str(model) == "starter" else _missing(path)
    return path


def ready_for_page(model: str | Path) -> tuple[Path, Card] | None:
    """The ONNX file and the card of a model that needs no converter: the starter, with a style or without, or an .onnx.

    So whoever learnt a style, or only wants to give the starter away, needs no tensorflow.
    """
    path = Path(model)
    if str(model) == STARTER and not path.exists():
        return ASSETS / "starter.onnx", Card.read_beside(find_model())
    if path.is_dir() and not (path / "model.keras").is_file() and is_styled_starter(path / "model.tflite"):
        return ASSETS / "starter.onnx", Card.read_beside(path / "model.tflite")
    if path.suffix == ".onnx" and path.is_file():
        return path, open_engine(path).card
    return None


def _page_of(
    source: Path, card: Card, model: Path, out: str | Path | None, force: bool, threshold: float | None
) -> Exported:
    """Write the page of a model that is there already; the starter's into the folder where one stands."""
    if threshold is not None:
        card = replace(card, threshold=threshold)
    beside = model if model.is_dir() else model.parent
    folder = Path(out) if out is not None else beside
    stem = "model" if model.is_dir() else model.stem
    target = folder / HTML.file_name(stem, "float32")
    refuse_to_overwrite(target, force)
    with _workplace(folder) as work:
        need_room(work, ROOM * source.stat().st_size + SMALLEST_ROOM)
        write_page(source, card, work / target.name)
        _hand_over(work, folder)
    return Exported(HTML.name, "float32", target, size_of(target), 0.0, as_is=True)


def _missing(path: Path) -> Path:
    raise FaceTrackerError("no such file", path=path, fix="Name a run folder or a .keras file.")


def find_format(name: str) -> Format:
    """The registry's entry; an unknown name is an error that names the nearest one."""
    if name not in FORMATS:
        raise FaceTrackerError(f"no format is called {name}", fix=way_out(name, FORMATS))
    return FORMATS[name]


def _precision(entry: Format, quantize: Precision | None) -> Precision:
    return quantize if quantize is not None and quantize in entry.precisions else "float32"


def _export_one(
    network: Exportable,
    entry: Format,
    precision: Precision,
    source: Path,
    folder: Path,
    frames: Sequence[Picture],
    calibrate: str | Path | None,
    tolerance: float,
) -> Exported:
    card = replace(network.card, precision=precision)
    side = network.card.image_size
    pictures = list(inputs(frames, *(network.size or (side, side)))) if precision == "int8" else []
    with _workplace(folder) as work:
        for place in (work, Path(tempfile.gettempdir())):
            need_room(place, ROOM * source.stat().st_size + SMALLEST_ROOM)
        path = work / entry.file_name(source.stem, precision)
        try:
            with silenced():
                entry.write(network, path, card, pictures)
        except FaceTrackerError:
            raise
        except Exception as error:  # converters raise whatever they like
            if fault(error) is not None:  # a full disk is not the converter's fault
                raise
            why = one_line(f"{type(error).__name__}: {error}")[:200]
            return Exported(entry.name, precision, None, 0, float("inf"), fault=f"the converter failed ({why})")
        with silenced():
            gap = difference(network, entry.load(path), frames[:CHECKED_FRAMES])
        result = Exported(entry.name, precision, folder / path.name, size_of(path), gap)
        if precision == "float32":
            wrong = None if gap <= tolerance else f"it differs from Keras by {gap:.1e} (at most {tolerance:.0e})"
        elif card.head == "classifier":
            with silenced():
                same = agreement(network, entry.load(path), frames)
            wrong = None if same >= AGREED else f"only {same:.0%} of its classes are Keras's (at least {AGREED:.0%})"
        else:
            result = replace(result, loss=loss_of_ap(source, path, calibrate) if calibrate is not None else None)
            wrong = _fault_of_quantized(result)
        if wrong is not None:
            return replace(result, path=None, fault=wrong)
        _hand_over(work, folder)
        return result


def _fault_of_quantized(result: Exported) -> str | None:
    if result.difference == float("inf"):
        return "its outputs are not numbers"
    loss = result.loss
    if loss is not None and loss.lost is not None and loss.lost > TOLERATED_LOSS:
        return f"{loss.line()} (at most {TOLERATED_LOSS})"
    return None


@contextmanager
def _workplace(folder: Path) -> Iterator[Path]:
    """A folder inside the target's, so that finished files are moved on one disk; it is gone afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f"{PART}{os.getpid()}-export-", dir=folder))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _hand_over(work: Path, folder: Path) -> None:
    """Move the finished files to their place; an older export of the same name makes room first."""
    for made in sorted(work.iterdir()):
        target = folder / made.name
        if target.is_dir():
            shutil.rmtree(target)
        made.replace(target)
