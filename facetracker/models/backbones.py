"""The backbones: one registry entry each, with the input size and the preprocessing that belong to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
from keras import ops

from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.settings import way_out
from facetracker.models.nano import nano

# ImageNet's mean and deviation of red, green and blue, as keras.applications has them.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CAFFE_MEAN = (123.68, 116.779, 103.939)
# Layers whose names Keras makes up, new ones for every network in a process, are found by their place: the last one,
# or (a plus sign) the one behind a layer with a name, such as the addition at the end of a ConvNeXt block.
LAST = "the last one"


@dataclass(frozen=True)
class Backbone:
    """How to build a backbone, and what it wants to see.

    `levels` names the layers whose outputs have strides 8, 16 and 32.
    """

    name: str
    builder: Callable[..., keras.Model]
    image_size: int
    preprocessing: str
    levels: tuple[str, str, str]
    options: tuple[tuple[str, object], ...] = ()
    pretrained: bool = True

    def build(self, strides: tuple[int, ...] | None, weights: str | None) -> keras.Model:
        """Preprocessed pictures `(B, H, W, 3)` to the features of these strides, or to the last ones for None."""
        model = self._whole(weights)
        wanted = self.levels[-1:] if strides is None else [self.levels[(8, 16, 32).index(stride)] for stride in strides]
        outputs = [_find_layer(model, name).output for name in wanted]
        return keras.Model(model.inputs, outputs[0] if strides is None else outputs, name=self.name)

    def _whole(self, weights: str | None) -> keras.Model:
        if not self.pretrained:
            return self.builder()
        options = dict(self.options)
        try:
            return self.builder(include_top=False, weights=weights, input_shape=(None, None, 3), **options)
        except Exception as error:
            if weights is None:
                raise
            if weights != "imagenet":
                raise BadFile(
                    f"does not hold the weights of {self.name} ({_reason(error)})",
                    path=weights,
                    fix="Keras's file for it without the top layer is meant: ..._notop.h5.",
                ) from None
            raise FaceTrackerError(
                f"the {weights} weights of {self.name} could not be downloaded ({_reason(error)})",
                fix="Use --set model.weights=none or a weights file; nano needs no download.",
            ) from None


def _find_layer(model: keras.Model, name: str) -> keras.Operation:
    if name == LAST:
        return model.layers[-1]
    if name.endswith("+"):
        return model.operations[model.operations.index(model.get_layer(name[:-1])) + 1]
    return model.get_layer(name)


def _reason(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[-1][:120] if text else type(error).__name__


_ENTRIES = (
    Backbone("vgg16", keras.applications.VGG16, 120, "caffe", ("block3_pool", "block4_pool", "block5_pool")),
    Backbone("vgg19", keras.applications.VGG19, 120, "caffe", ("block3_pool", "block4_pool", "block5_pool")),
    Backbone(
        "resnet50",
        keras.applications.ResNet50,
        224,
        "caffe",
        ("conv3_block4_out", "conv4_block6_out", "conv5_block3_out"),
    ),
    Backbone(
        "resnet101",
        keras.applications.ResNet101,
        224,
        "caffe",
        ("conv3_block4_out", "conv4_block23_out", "conv5_block3_out"),
    ),
    Backbone(
        "resnet152",
        keras.applications.ResNet152,
        224,
        "caffe",
        ("conv3_block8_out", "conv4_block36_out", "conv5_block3_out"),
    ),
    Backbone(
        "mobilenet_v2",
        keras.applications.MobileNetV2,
        160,
        "signed",
        ("block_5_add", "block_12_add", "out_relu"),
    ),
    Backbone(
        "mobilenet_v3_small",
        keras.applications.MobileNetV3Small,
        160,
        "signed",
        ("expanded_conv_2_add", "expanded_conv_7_add", LAST),
        (("include_preprocessing", False),),
    ),
    Backbone(
        "efficientnet_v2_b0",
        keras.applications.EfficientNetV2B0,
        224,
        "torch",
        ("block3b_add", "block5e_add", "top_activation"),
        (("include_preprocessing", False),),
    ),
    Backbone(
        "convnext_tiny",
        keras.applications.ConvNeXtTiny,
        224,
        "torch",
        (
            "convnext_tiny_stage_1_block_2_identity+",
            "convnext_tiny_stage_2_block_8_identity+",
            LAST,
        ),
        (("include_preprocessing", False),),
    ),
    Backbone("nano", nano, 192, "signed", ("stage2_3_relu", "stage3_3_relu", "stage4_2_relu"), pretrained=False),
)
BACKBONES = {entry.name: entry for entry in _ENTRIES}


def find_backbone(name: str) -> Backbone:
    """The registry's entry; an unknown name is an error that names the nearest one."""
    if name not in BACKBONES:
        raise FaceTrackerError(f"no backbone is called {name}", fix=way_out(name, BACKBONES))
    return BACKBONES[name]


def preprocess(pictures, how: str):
    """Pictures 0..255 as `how` the backbone's weights were trained; `unit` is the tutorial's x/255."""
    pictures = ops.cast(pictures, "float32")
    if how == "unit":
        return pictures / 255.0
    if how == "signed":
        # Dividing last: TensorFlow Lite's converter takes the factor into the first convolution, 0.1 ms less a picture.
        return (pictures - 127.5) / 127.5
    if how == "caffe":
        return ops.flip(pictures - ops.convert_to_tensor(CAFFE_MEAN, "float32"), axis=-1)
    if how == "torch":
        mean, deviation = (ops.convert_to_tensor(values, "float32") * 255.0 for values in (MEAN, DEVIATION))
        return (pictures - mean) / deviation
    raise FaceTrackerError(f"no preprocessing is called {how}", fix="There are: backbone, unit.")
