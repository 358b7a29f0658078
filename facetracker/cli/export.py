"""The command of the room `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facetracker.core import console


def export(
    arguments: Annotated[list[str], typer.Argument(metavar="MODEL", help="A .keras file, a run folder, or starter.")],
    to: Annotated[
        list[str] | None, typer.Option(metavar="FORMAT...", help="onnx, tflite, html, openvino, saved_model, h5.")
    ] = None,
    quantize: Annotated[
        str | None, typer.Option(metavar="float16|int8", help="For tflite; int8 also for onnx.")
    ] = None,
    calibrate: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Photos to calibrate int8 with and to check on.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where the files go; default: beside the model.")] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Score from which a box counts, for the card.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
) -> None:
    """Write a trained model for other engines; each file is compared with Keras before it is handed over."""
    from facetracker.core.errors import EXIT_REJECTS, FaceTrackerError
    from facetracker.exports import export as run

    if quantize not in (None, "float16", "int8"):
        raise FaceTrackerError(f"--quantize {quantize}: there are float16 and int8")
    model, formats = sort_arguments(arguments, to or [])
    results = run(model, formats, out, quantize, calibrate, force, threshold)  # type: ignore[arg-type]
    for result in results:
        if result.path is not None:
            console.say(result.line())
        else:
            console.warn(result.line())
    raise typer.Exit(0 if all(result.path is not None for result in results) else EXIT_REJECTS)


def sort_arguments(arguments: list[str], to: list[str]) -> tuple[str, list[str]]:
    """The model and the formats. In `--to onnx tflite` the parser gives only the first to the option."""
    from facetracker.core.errors import FaceTrackerError
    from facetracker.exports.exporting import find_format
    from facetracker.exports.formats import FORMATS

    formats = [*to, *(name for name in arguments if to and name in FORMATS)]
    models = [name for name in arguments if name not in formats]
    if not models:
        raise FaceTrackerError("no model is named", fix="facetracker export MODEL --to onnx tflite")
    for name in models[1:]:
        if to:
            find_format(name)
        raise FaceTrackerError(f"{name}: one model at a time", fix="facetracker export MODEL --to onnx tflite")
    return models[0], formats or ["onnx"]
