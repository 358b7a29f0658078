"""`FaceTracker`: a backbone and a head as one Keras model that compiles, fits, saves and loads like any other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras
from keras import ops

from facetracker.core.errors import FaceTrackerError
from facetracker.models.backbones import find_backbone, preprocess
from facetracker.models.base import EpochMeans, FaceNetwork, layers_of, share_of_all
from facetracker.models.heads.dense import REACH_SHIFT, DenseHead
from facetracker.models.heads.single import SingleHead
from facetracker.models.second_look import FIRST, SecondLook, SecondLookConfig
from facetracker.models.weights import apply_weights, design_of

# The tutorial's: total_loss = regress_loss + 0.5 * class_loss.
CLASS_LOSS_SHARE = 0.5


@keras.saving.register_keras_serializable("facetracker")
class FaceTracker(FaceNetwork):
    """Finds faces in RGB pictures `(B, H, W, 3)`, uint8 or float 0..255; preprocessing is inside.

    `classes` names what is told apart; `image_size` is the side of the square it is trained at (default: the
    backbone's own). `weights`: imagenet, starter, none, or a file. Learns from targets `{"boxes": (B, M, 4)
    normalised xyxy, "classes": (B, M)}` padded with zeros and -1; `compile` needs an optimizer, no loss.
    Outputs are the head's (see heads/): a dict, which `decode` turns into boxes, scores and classes. With `second_look`
    (dense, one class; True, or a `SecondLookConfig`) the head's best guesses are judged once more (see second_look.py).
    For whoever runs it: `crop` is the share of a frame's shorter side (above 1: pixels) that was trained on, None for
    whole frames; `threshold` the score from which a box is a face. With `landmarks` (dense; default: where the weights
    know them) targets may hold `landmarks` `(B, M, 10)`, normalised, not a number where nobody knows.
    """

    def __init__(
        self,
        backbone: str = "vgg16",
        head: Literal["single", "dense"] = "single",
        classes: Sequence[str] = ("face",),
        image_size: int | None = None,
        weights: str | None = "none",
        preprocessing: Literal["backbone", "unit"] = "backbone",
        regress_loss: Literal["corner", "ciou"] = "corner",
        second_look: bool | dict[str, Any] | SecondLookConfig = False,
        crop: float | None = None,
        threshold: float = 0.5,
        landmarks: bool | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        entry = find_backbone(backbone)
        if head not in ("single", "dense"):
            raise FaceTrackerError(f"no head is called {head}", fix="There are: single, dense.")
        if preprocessing not in ("backbone", "unit"):
            raise FaceTrackerError(f"no preprocessing is called {preprocessing}", fix="There are: backbone, unit.")
        if not classes:
            raise FaceTrackerError("a tracker needs at least one class", fix="Name it, for example: face.")
        if second_look and (head != "dense" or len(classes) > 1):
            raise FaceTrackerError("a second look is for the dense head and one class", fix="Go without it.")
        if head == "dense" and landmarks is None:
            landmarks, seen = design_of(weights)
            preprocessing = "unit" if landmarks and seen == "unit" else preprocessing
        landmarks = bool(landmarks)
        if landmarks and head != "dense":
            raise FaceTrackerError("landmarks come from the dense head", fix="Use head dense, or go without them.")
        self.backbone_name = backbone
        self.head_name = head
        self.classes = tuple(classes)
        self.image_size = image_size or entry.image_size
        self.preprocessing = preprocessing
        self.regress_loss = regress_loss
        self.crop = crop
        self.threshold = threshold
        self.landmarks = landmarks
        self.how_preprocessed = "unit" if preprocessing == "unit" else entry.preprocessing
        if weights == "imagenet" and not entry.pretrained:
            raise FaceTrackerError(f"{backbone} has no ImageNet weights", fix="Use weights starter or none.")
        with layers_of(self.dtype_policy):
            if head == "dense":
                self.head = DenseHead(classes=len(self.classes), landmarks=landmarks, name="dense_head")
            else:
                self.head = SingleHead(classes=len(self.classes), regress_loss=regress_loss, name="single_head")
            self.second_look = (
                SecondLook(
                    None if second_look is True else second_look,
                    self.head.strides,
                    least_offset=-REACH_SHIFT if landmarks else 0.0,
                    name="second_look",
                )
                if second_look
                else None
            )
            self.backbone = entry.build(self.head.strides, "imagenet" if weights == "imagenet" else None)
        self.means = EpochMeans(CLASS_LOSS_SHARE)
        self.build((None, self.image_size, self.image_size, 3))
        apply_weights(self, weights)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        # Files of up to 0.1 say whether there were two heads (loading.py refuses those that had), and of a second look
        # only that there is one.
        config = {key: value for key, value in config.items() if key != "two_heads"}
        if config.get("second_look") is True:
            config["second_look"] = FIRST
        return super().from_config(config, custom_objects)

    def build(self, input_shape: Any) -> None:
        if not self.head.built:
            self.head.build(self.backbone.compute_output_shape(input_shape))
            if self.second_look is not None:
                self.second_look.build()
                self.second_look.trainable = False
        self.built = True

    def call(self, pictures: Any, training: bool | None = None) -> Any:
        scaled = ops.cast(preprocess(pictures, self.how_preprocessed), self.compute_dtype)
        features = self.backbone(scaled, training=training)
        outputs = self.head(features, training=training)
        if training or self.second_look is None:
            return outputs
        return self.second_look(pictures, outputs)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        losses = self.head.loss(y, y_pred, ops.shape(x)[1:3])
        self.means.update_state(losses)
        regress, classes = losses.regress_loss, losses.class_loss
        return regress.value * share_of_all(regress.weight) + CLASS_LOSS_SHARE * classes.value * share_of_all(
            classes.weight
        )

    def decode(self, outputs: Any, size: tuple[int, int] | None = None, threshold: float = 0.5, **options: Any) -> Any:
        """Outputs as boxes `(B, N, 4)` normalised to the input, scores `(B, N)`, classes `(B, N)` padded with -1.

        `size`: height and width of the input the outputs belong to; default: the square of `image_size`.
        """
        return self.head.decode(outputs, size or (self.image_size, self.image_size), threshold=threshold, **options)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "backbone": self.backbone_name,
            "head": self.head_name,
            "classes": list(self.classes),
            "image_size": self.image_size,
            "preprocessing": self.preprocessing,
            "regress_loss": self.regress_loss,
            "second_look": False if self.second_look is None else self.second_look.how.model_dump(mode="json"),
            "crop": self.crop,
            "threshold": self.threshold,
            "landmarks": self.landmarks,
        }
