"""The settings of every stage: typed, with presets as YAML and `--set key=value` on top.

Resolved settings are the defaults, then the preset's file, then each `--set`, in that order. An unknown key is an
error that names the nearest right one: a typo that silently changes nothing costs a night of training.
"""

from __future__ import annotations

import contextlib
import copy
import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from facetracker.core.errors import FaceTrackerError
from facetracker.core.files import write_atomically
from facetracker.core.unpacking import load_yaml

PRESETS = Path(__file__).parent.parent / "presets"
FROM_SCRATCH = "from_scratch"  # in a preset: what is different when it starts without weights
# Settings of earlier versions: a run that has them was trained by a network that is no longer there.
# Settings of earlier versions that have no meaning any more: in the file of an older run they are passed over.
IDLE = {"data": ("deterministic",), "several": ("batch", "batch_each", "learning_rate", "steps", "seeds")}
REMOVED = ("training.keep", "training.replay", "training.replay_share")


class Section(BaseModel):
    """A group of settings; unknown keys are refused. They are read and never written to."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelSettings(Section):
    """What the network is."""

    backbone: str = Field("vgg16", description="The layers that see; `nano` is the starter's.")
    head: Literal["single", "dense"] = Field("single", description="single: one face a picture; dense: many.")
    classes: list[str] | None = Field(None, description="Class names; default: every class in the labels.")
    image_size: int = Field(120, ge=32, le=2048, description="Side of the square input, pixels.")
    weights: str = Field("imagenet", description="imagenet, starter, none, or a file.")
    preprocessing: Literal["backbone", "unit"] = Field(
        "backbone", description="backbone: as its weights were trained; unit: the tutorial's x/255."
    )
    regress_loss: Literal["corner", "ciou"] = Field(
        "corner", description="Loss of a single head's box; corner: the tutorial's."
    )
    crop: float | None = Field(
        None,
        gt=0,
        le=65536,
        description="How much of a frame the training pictures show: a share of its shorter side; above 1: pixels. "
        "Default: as the pictures are (none for whole frames).",
    )


class DataSettings(Section):
    """How samples become batches."""

    batch_size: int = Field(8, ge=1, description="Pictures a step.")
    cache: Literal["auto", "memory", "none"] = Field(
        "auto",
        description="Where prepared pictures are kept: in memory, or (none) in a file; auto: in memory if they fit.",
    )
    max_faces: int = Field(64, ge=1, description="Rows that targets are padded to.")
    prelabelled: bool = Field(False, description="Train on prelabelled photos too.")
    online: Literal["none", "light", "compose"] = Field(
        "none",
        description="Fresh augmentation while training: none, light (flip, colour, scale), compose (mosaics).",
    )


class TrainingSettings(Section):
    """How the network is fitted."""

    epochs: int = Field(40, ge=1, description="Number of epochs, at most.")
    learning_rate: float = Field(1e-4, gt=0, description="Learning rate of the first step after the warm-up.")
    schedule: Literal["inverse_time", "cosine", "constant"] = Field(
        "inverse_time", description="How the learning rate falls; inverse_time: as in the tutorial."
    )
    decay_to: float = Field(0.75, gt=0, le=1, description="inverse_time: share of the rate left after one epoch.")
    warmup_epochs: float = Field(0.0, ge=0, description="Epochs in which the learning rate rises from zero.")
    optimizer: Literal["adam", "adamw", "sgd"] = Field("adam", description="What changes the weights.")
    momentum: float = Field(0.9, ge=0, lt=1, description="Momentum of sgd.")
    nesterov: bool = Field(False, description="Nesterov momentum, for sgd.")
    weight_decay: float = Field(0.0, ge=0, description="Share by which the weights shrink, times the learning rate.")
    ema: float | None = Field(None, gt=0, lt=1, description="Momentum of averaged weights; none: no averaging.")
    clip_norm: float | None = Field(
        None, gt=0, description="Gradients longer than this are shortened to it; none: never."
    )
    freeze_epochs: int = Field(0, ge=0, description="Epochs with the backbone frozen before fine-tuning.")
    early_stopping: int | None = Field(
        None, ge=1, description="Training stops after this many epochs without a better val score."
    )
    mixed_precision: bool | Literal["auto"] = Field(
        "auto", description="Half precision where it is safe; auto: with a GPU."
    )
    jit_compile: bool | Literal["auto"] = Field("auto", description="XLA; auto: with a GPU.")
    keep_every: int | None = Field(
        None, ge=1, description="Keep the model of every Nth epoch in RUN/epochs; default: the best and the last."
    )
    seed: int = Field(0, description="Random seed.")
    samples_per_epoch: int | None = Field(None, ge=1, description="Pictures an epoch; default: all of them.")
    val_pictures: int | None = Field(
        None, ge=1, description="Pictures validated after each epoch; default: all of them."
    )


class SeveralSettings(Section):
    """Training by several workers at once; what follows from it stands in the run's `plan.json`."""

    workers: int = Field(1, ge=1, description="Processes or machines that train together.")
    scale_batch: bool = Field(False, description="Batch and learning rate grow with the workers (linear scaling).")


class SettingsFile(Section):
    """All the settings of one run, as they stand in its `config.yaml`."""

    def to_yaml(self) -> str:
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)

    def save(self, path: str | Path) -> Path:
        return write_atomically(path, self.to_yaml())


class Settings(SettingsFile):
    """Everything a training run depends on; stands resolved in `runs/NAME/config.yaml`."""

    preset: str = Field("vgg16", description="The preset that these settings started from.")
    model: ModelSettings = ModelSettings()
    data: DataSettings = DataSettings()
    training: TrainingSettings = TrainingSettings()
    several: SeveralSettings = SeveralSettings()


def preset_names() -> list[str]:
    """The presets that come with the package."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))


def load_settings(preset: str | Path = "vgg16", changes: Iterable[str] = ()) -> Settings:
    """Settings of a preset (a name, or a YAML file) with `key=value` changes such as `training.epochs=5`.

    A preset's section `from_scratch` holds settings that count when the weights are none: learning everything takes
    longer than learning one face more.
    """
    name, path = _find_preset(preset)
    values, changes = read_yaml(path), list(changes)
    from_scratch = values.pop(FROM_SCRATCH, None) or {}
    values.setdefault("preset", name)
    settings = _changed(values, changes, path)
    if settings.model.weights != "none" or not from_scratch:
        return settings
    for section, others in from_scratch.items():
        values[section] = {**values.get(section, {}), **others}
    return _changed(values, changes, path)


def _changed(values: dict[str, Any], changes: Iterable[str], path: Path) -> Settings:
    values = copy.deepcopy(values)
    for change in changes:
        apply_change(values, change)
    return _validate(values, path)


def read_settings(path: str | Path) -> Settings:
    """The settings that stand in a YAML file, such as a run's `config.yaml`."""
    return _validate(read_yaml(path), Path(path))


def read_yaml(path: str | Path) -> dict[str, Any]:
    """A YAML file that holds a mapping; anything else is an error that names the file."""
    path = Path(path)
    try:
        values = load_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FaceTrackerError("no such file", path=path) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise FaceTrackerError(f"not readable as YAML ({error})", path=path) from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise FaceTrackerError("holds no settings (a YAML mapping is expected)", path=path)
    return values


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like a mistyped one, or None."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return close[0] if close else None


def way_out(name: str, known: Iterable[str]) -> str:
    """What to tell somebody who typed a name that is not known: the nearest one, or all there are."""
    known = list(known)
    guess = nearest(name, known)
    return f"Did you mean {guess}?" if guess else f"There are: {', '.join(known)}."


def _find_preset(preset: str | Path) -> tuple[str, Path]:
    if Path(preset).suffix in (".yaml", ".yml"):
        return Path(preset).stem, Path(preset)
    path = PRESETS / f"{preset}.yaml"
    if not path.is_file():
        raise FaceTrackerError(f"no preset is called {preset}", fix=way_out(str(preset), preset_names()))
    return str(preset), path


def apply_change(values: dict[str, Any], change: str, kind: type[SettingsFile] = Settings) -> None:
    """Put one `a.b=value` into nested values; the value is read as YAML, so numbers and lists work."""
    key, equals, text = change.partition("=")
    if not equals or not key.strip():
        raise FaceTrackerError(f"--set {change}: not of the form key=value", fix="Example: training.epochs=5")
    *groups, last = key.strip().split(".")
    check_key(key.strip(), kind=kind)
    for group in groups:
        values = values.setdefault(group, {})
        if not isinstance(values, dict):
            raise FaceTrackerError(f"{group} holds no settings, so {key.strip()} cannot be set")
    try:
        values[last] = load_yaml(text)
    except yaml.YAMLError:
        values[last] = text
    # YAML 1.1 reads 1e-3 as text, not as a number (it wants 1.0e-3); people type 1e-3.
    if isinstance(values[last], str):
        with contextlib.suppress(ValueError):
            values[last] = float(values[last])


def check_key(key: str, path: str | Path | None = None, kind: type[SettingsFile] = Settings) -> None:
    """Refuse a setting that does not exist; `path` is the file it stands in, None for the command line."""
    known = setting_keys(kind())
    if key in known:
        return
    if key in REMOVED:
        raise FaceTrackerError(
            f"there is no {key} any more: the whole network is trained",
            path=path,
            fix="Leave it out; an older run is trained again: facetracker train AUG_DATA --preset nano.",
        )
    guess = nearest(key, known) or nearest(key.rsplit(".", 1)[-1], {k.rsplit(".", 1)[-1] for k in known})
    full = next((k for k in known if guess and (k == guess or k.endswith(f".{guess}"))), None)
    hint = f"Did you mean {full}?" if full else f"There are: {', '.join(known)}."
    raise FaceTrackerError(f"no setting is called {key}", path=path, fix=hint)


def setting_keys(settings: SettingsFile | None = None) -> dict[str, Any]:
    """Every setting as `section.name` with its value, or a tracker's default."""
    keys: dict[str, Any] = {}
    for section, value in settings or Settings():
        keys |= {f"{section}.{name}": one for name, one in value} if isinstance(value, Section) else {section: value}
    return keys


def first_fault(error: ValidationError) -> tuple[str, str]:
    """Of what does not fit the first: which key (`section.name`), and what is wrong with it."""
    first = error.errors()[0]
    return ".".join(str(part) for part in first["loc"]), first["msg"]


def shortened(value: Any) -> str:
    """A value as it is shown in an error, at most a line of it."""
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


def _validate(values: Mapping[str, Any], path: Path) -> Settings:
    values = {
        name: {key: one for key, one in section.items() if key not in IDLE.get(name, ())}
        if isinstance(section, dict)
        else section
        for name, section in values.items()
    }
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        key, fault = first_fault(error)
        first = error.errors()[0]
        if first["type"] == "extra_forbidden":
            check_key(key, path)
        raise FaceTrackerError(f"{key}: {fault} (got {shortened(first['input'])})", path=path) from None
