"""What a classifier's training depends on; stands resolved in its run's `config.yaml`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from facetracker.core.errors import FaceTrackerError
from facetracker.core.settings import (
    Section,
    SettingsFile,
    TrainingSettings,
    apply_change,
    first_fault,
    read_yaml,
)


class ClassifierModel(Section):
    """What the network is; see `FaceClassifier`."""

    backbone: str = Field("nano", description="The layers that see, or a classic network.")
    image_size: int = Field(96, ge=16, le=1024, description="Side of the square input, pixels.")
    weights: str = Field("starter", description="imagenet, starter, none, or a file.")
    hidden: int = Field(256, ge=1, description="Neurons of the layer before the answer.")
    dropout: float = Field(0.4, ge=0, lt=1, description="Share of them that is left out at random while training.")
    centre: float | None = Field(
        None,
        gt=0,
        le=1,
        description="How much of a picture the network sees: the middle, as a share of its shorter side. Default: as "
        "the pipeline says (none: all of it).",
    )


class ClassifierData(Section):
    """How the pictures of faces become batches."""

    batch_size: int = Field(32, ge=1, description="Pictures a step.")
    pipeline: str = Field("standard", description="standard, scratch, transfer, classic, a YAML file, or none.")
    class_weights: bool = Field(True, description="A rare class counts as much as a frequent one.")


class ClassifierSettings(SettingsFile):
    """Everything a classifier's run depends on."""

    kind: str = "classifier"
    model: ClassifierModel = ClassifierModel()
    data: ClassifierData = ClassifierData()
    training: TrainingSettings = TrainingSettings()
    fine_tune: float = Field(1.0, gt=0, le=1, description="Share of the learning rate once the backbone is free.")


# What the classic networks want else, as their write-ups have it where it learns so. With Adam at 1e-3 the 46 million
# weights of lenet5_224 run away; alexnet stays where it is with the write-up's SGD.
OWN_WAYS = {
    "lenet5_224": ("data.pipeline=classic", "training.optimizer=sgd", "training.schedule=constant"),
    "alexnet": ("data.pipeline=classic", "model.centre=1", "training.learning_rate=1e-4"),
    "vgg6": ("data.pipeline=scratch",),
}


def default_settings(backbone: str, weights: str | None = None) -> ClassifierSettings:
    """How a backbone is trained unless told otherwise.

    A network that knows pictures already is frozen at first, while the new top learns, and then moves slowly. One
    that starts from nothing is trained as a whole.
    """
    from facetracker.models.classic import CLASSIC
    from facetracker.models.classifier import find_network

    entry = find_network(backbone)
    if weights is None:
        weights = "starter" if backbone == "nano" else "imagenet" if entry.pretrained else "none"
    size = entry.image_size if backbone in CLASSIC or weights == "imagenet" else 96
    new = weights == "none"
    settings = ClassifierSettings(
        model=ClassifierModel(backbone=backbone, weights=weights, image_size=size),
        training=TrainingSettings(
            epochs=20, freeze_epochs=0 if new else 3, optimizer="adam", learning_rate=1e-3, schedule="cosine"
        ),
        fine_tune=1.0 if new or backbone == "nano" else 0.1,
    )
    return changed(settings, OWN_WAYS.get(backbone, ()))


def changed(
    settings: ClassifierSettings, changes: Iterable[str] = (), **sections: dict[str, Any]
) -> ClassifierSettings:
    """The settings with `key=value` changes, and other values in these sections; None leaves a setting as it is."""
    values = settings.model_dump()
    for name, wanted in sections.items():
        values[name] |= {key: value for key, value in wanted.items() if value is not None}
    for change in changes:
        apply_change(values, change, ClassifierSettings)
    try:
        return ClassifierSettings.model_validate(values)
    except ValidationError as error:
        raise FaceTrackerError(": ".join(first_fault(error))) from None


def read_classifier_settings(path: str | Path) -> ClassifierSettings:
    """The settings of a run; one that is not a classifier's is an error."""
    values: dict[str, Any] = read_yaml(path)
    if values.get("kind") != "classifier":
        raise FaceTrackerError("is not the run of a classifier", path=Path(path).parent)
    # Runs of earlier versions say augment: yes or no.
    data = values.get("data")
    if isinstance(data, dict) and not data.pop("augment", True):
        values["data"]["pipeline"] = "none"
    try:
        return ClassifierSettings.model_validate(values)
    except ValidationError as error:
        raise FaceTrackerError(": ".join(first_fault(error)), path=path) from None
