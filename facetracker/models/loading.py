"""Loading and saving a model of ours. A file from a stranger runs nothing of theirs.

A `.keras` file says in JSON which objects to build, and Keras builds them: a Lambda, any registered class. Here only
a `FaceTracker` or a `FaceClassifier` is built, from names and numbers that are checked, and the weights are read into
it as bare arrays.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import keras

from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.files import written_beside
from facetracker.core.unpacking import BROKEN, MOST_BYTES, check_archive

if TYPE_CHECKING:
    from facetracker.models.classifier import FaceClassifier
    from facetracker.models.tracker import FaceTracker

TRACKER, CLASSIFIER = "facetracker>FaceTracker", "facetracker>FaceClassifier"
PERSONAL = "facetracker>PersonalTracker"
Model: TypeAlias = "FaceTracker | FaceClassifier"
COMMON: dict[str, type | tuple[type, ...]] = {"backbone": str, "image_size": int, "name": str}
# What may stand in the settings of each, and of which type; `classes`, `dtype` and `trainable` are looked at apart.
KINDS: dict[str, dict[str, Any]] = {
    TRACKER: {
        **COMMON,
        "head": str,
        "preprocessing": str,
        "regress_loss": str,
        "second_look": (bool, dict),
        "crop": (int, float, type(None)),
        "threshold": (int, float),
        "landmarks": bool,
    },
    CLASSIFIER: {
        **COMMON,
        "hidden": int,
        "dropout": (int, float),
        "margin": (int, float),
        "centre": (int, float, type(None)),
    },
}
KINDS[PERSONAL] = {**KINDS[TRACKER], "style": list, "own_head": bool}
EARLIER = "two_heads"  # in files up to 0.1: a second head beside the trained one
# What a compiled tracker's optimizer may be made of; everything else in a file is refused.
OPTIMIZER_MODULES = ("keras.optimizers", "keras.optimizers.schedules", "keras")
CONFIG, WEIGHTS, MOST_CONFIG = "config.json", "model.weights.h5", 4 << 20  # bytes
H5_KEY, H5_KIND = "facetracker", "facetracker_kind"


def load_model(path: str | Path, compile: bool = False) -> Any:
    """The `FaceTracker` or `FaceClassifier` in a `.keras` file, or in an `.h5` that `save_h5` wrote.

    With `compile` its optimizer comes too, state included, so that training goes on where it was.
    """
    path = Path(path)
    if not path.is_file():
        raise FaceTrackerError("no such file", path=path)
    if path.suffix == ".h5":
        return _load_h5(path)
    if path.suffix != ".keras":
        raise BadFile(
            "is not a Keras model", path=path, fix="A .keras file is expected, as `facetracker train` writes."
        )
    config = read_config(path)
    tracker = _build(config.get("config"), config.get("registered_name"), path)
    try:
        with zipfile.ZipFile(path) as archive, archive.open(WEIGHTS) as weights:
            check_h5(weights, archive.getinfo(WEIGHTS).file_size, path)
        if not compile or not config.get("compile_config"):
            tracker.load_weights(path)
            return tracker
        _check_compile_config(config["compile_config"], path)
        return keras.saving.load_model(path, compile=True, safe_mode=True)
    except FaceTrackerError:
        raise
    except Exception as error:
        raise BadFile(f"its weights cannot be read ({_first_line(error)})", path=path) from None


def save_h5(tracker: Model, path: str | Path) -> Path:
    """Write a model as one HDF5 file: Keras's weights, and our settings in an attribute."""
    import h5py

    path = Path(path)
    with tempfile.TemporaryDirectory() as folder, written_beside(path) as part:
        weights = Path(folder) / "tracker.weights.h5"
        tracker.save_weights(weights)
        with h5py.File(weights, "a") as file:
            file.attrs[H5_KEY] = json.dumps(tracker.get_config())
            file.attrs[H5_KIND] = keras.saving.get_registered_name(type(tracker))
        shutil.copyfile(weights, part)
    return path


def _load_h5(path: Path) -> Model:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            text, kind = file.attrs.get(H5_KEY), file.attrs.get(H5_KIND, TRACKER)
    except BROKEN:
        raise BadFile("is no HDF5 file, or a damaged one", path=path) from None
    if text is None:
        raise BadFile(
            "is not a FaceTracker's .h5 file",
            path=path,
            fix="Files of other programs are not opened: an .h5 model can run its author's code.",
        )
    try:
        config = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        raise BadFile("its settings are damaged", path=path) from None
    check_h5(path, path.stat().st_size, path)
    tracker = _build(config, kind, path)
    with tempfile.TemporaryDirectory() as folder:
        # Keras knows how to read a file by the end of its name.
        weights = Path(folder) / "tracker.weights.h5"
        shutil.copyfile(path, weights)
        try:
            tracker.load_weights(weights)
        except Exception as error:
            raise BadFile(f"its weights cannot be read ({_first_line(error)})", path=path) from None
    return tracker


def check_h5(file: Any, length: int, path: Path) -> None:
    """Refuse an HDF5 file (or its path) of `length` bytes that claims more numbers than it holds, or points to others.

    Keras stores plain arrays: nothing compressed, nothing elsewhere.
    """
    import h5py

    claimed = 0

    def look(name: str, item: Any) -> None:
        nonlocal claimed
        if isinstance(item, h5py.Dataset):
            claimed += item.size * item.dtype.itemsize
            if item.external or item.is_virtual or item.chunks is not None or claimed > length:
                raise BadFile("its weights claim more than the file holds", path=path)

    try:
        with h5py.File(file, "r") as opened:
            opened.visititems(look)
            opened.visititems_links(lambda name, link: _plain_link(link, path))
    except BROKEN as error:
        raise BadFile(f"its weights cannot be read ({_first_line(error)})", path=path) from None


def _plain_link(link: Any, path: Path) -> None:
    import h5py

    if isinstance(link, h5py.ExternalLink):
        raise BadFile("its weights are said to lie in another file", path=path)


def read_config(path: Path) -> dict[str, Any]:
    """What a `.keras` file says it holds, unchecked."""
    try:
        with zipfile.ZipFile(path) as archive:
            check_archive(archive, path, MOST_BYTES)
            if archive.getinfo(CONFIG).file_size > MOST_CONFIG:
                raise BadFile("its settings unpack to more than any tracker has", path=path)
            config = json.loads(archive.read(CONFIG))
    except (OSError, zipfile.BadZipFile, EOFError, zlib.error):
        raise BadFile("is no .keras file, or a truncated one", path=path) from None
    except (KeyError, ValueError, RecursionError, NotImplementedError, RuntimeError):
        raise BadFile("is no .keras file (its config.json is missing or damaged)", path=path) from None
    if not isinstance(config, dict):
        raise BadFile("is no .keras file (its config.json holds no settings)", path=path)
    return config


def _build(config: Any, kind: Any, path: Path) -> Model:
    """A model from settings that are checked to be names and numbers."""
    if not isinstance(kind, str) or kind not in KINDS:
        what = str(kind or "something unnamed")[:60]
        raise BadFile(
            f"holds no FaceTracker or FaceClassifier but {what}",
            path=path,
            fix="Only ours are opened: other models could run their author's code.",
        )
    # By its name in Keras's registry: the classes stand above this file, they read weights with it.
    build, types = keras.saving.get_registered_object(kind), KINDS[kind]
    if isinstance(config, dict) and config.get(EARLIER):
        raise BadFile(
            "was made by an older version, with two heads",
            path=path,
            fix="Train it again: facetracker train AUG_DATA --preset nano.",
        )
    if not isinstance(config, dict) or not set(config) <= {*types, EARLIER, "classes", "dtype", "trainable"}:
        raise BadFile(f"its settings are not those of a {build.__name__}", path=path)
    dtype = config.get("dtype")
    if isinstance(dtype, dict):  # keras.DTypePolicy, written out
        inner = dtype.get("config")
        dtype = inner.get("name") if isinstance(inner, dict) else None
    plain = {key: value for key, value in config.items() if key not in ("dtype", "trainable")}
    classes, size = plain.get("classes"), plain.get("image_size")
    fits = (
        isinstance(classes, list)
        and all(isinstance(name, str) for name in classes)
        and isinstance(size, int)
        and 1 <= size <= 4096
        and all(isinstance(plain[key], types[key]) for key in types if key in plain)
        and 1 <= plain.get("hidden", 1) <= 65536
        and _is_style(plain.get("style", [0.0] * 4))
        and 0 < (1 if plain.get("crop") is None else plain["crop"]) <= 65536
        and 0 < (1 if plain.get("centre") is None else plain["centre"]) <= 1
        and 0 <= plain.get("threshold", 0.5) <= 1
        and (dtype is None or isinstance(dtype, str))
    )
    if not fits:
        raise BadFile("its settings are damaged", path=path)
    try:
        return build.from_config({**plain, "dtype": dtype or "float32"})
    except (FaceTrackerError, TypeError, ValueError) as error:
        raise BadFile(f"its settings are damaged ({_first_line(error)})", path=path) from None


def _is_style(numbers: list[Any]) -> bool:
    return len(numbers) == 4 and all(isinstance(number, int | float) and abs(number) <= 10 for number in numbers)


def _check_compile_config(config: Any, path: Path) -> None:
    """Only Keras's own optimizers and schedules, nothing that names a function or a class of someone's."""
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            named = "class_name" in value or "module" in value
            ours = str(value.get("registered_name") or "").startswith("facetracker>")
            if named and not ours and value.get("module") not in OPTIMIZER_MODULES:
                what = f"{value.get('module')}.{value.get('class_name')}"[:60]
                raise BadFile(f"its optimizer is made of {what}, which is not Keras's", path=path)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:160] if lines else type(error).__name__
