"""The starter's network in PyTorch, to be trained: layer by layer the `nano` backbone with the dense head in Keras.

`names` are those of the Keras variables, so weights go over by name (`to_arrays`, `from_arrays`).
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

WIDTHS, REPEATS, STEM = (32, 64, 112, 144), (0, 3, 3, 2), 16
STRIDES = (8, 16, 32)
UNITS = (1, 2, 2)  # of the head, each grid
NECK = 64
REACH_SHIFT = 0.5
LARGEST_LOG_REACH = 4.0


class Norm(nn.BatchNorm2d):
    """With Keras's smallest variance and the momentum that the network has there."""

    def __init__(self, width: int):
        super().__init__(width, eps=1e-3, momentum=0.03)


class Shrink(nn.Conv2d):
    """A convolution of stride 2 that pads as TensorFlow does: on the right and below only."""

    def __init__(self, inputs: int, outputs: int, groups: int = 1):
        super().__init__(inputs, outputs, 3, 2, bias=False, groups=groups)

    def forward(self, x):
        return super().forward(F.pad(x, (0, 1, 0, 1)))


class Unit(nn.Module):
    """Depthwise 3x3, pointwise, batch norm; with a shortcut where the shape stays the same; ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1):
        super().__init__()
        self.depthwise = (
            Shrink(inputs, inputs, inputs)
            if stride == 2
            else nn.Conv2d(inputs, inputs, 3, padding=1, bias=False, groups=inputs)
        )
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.norm = Norm(outputs)
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x):
        y = self.norm(self.pointwise(self.depthwise(x)))
        return F.relu(x + y if self.shortcut else y)


class Starter(nn.Module):
    """RGB pictures `(B, 3, H, W)` 0..255 to logits `(B, A, 1)`, reaches `(B, A, 4)` and landmarks `(B, A, 10)`, both in
    strides from the cell's centre, stride after stride, each row by row."""

    def __init__(self):
        super().__init__()
        self.stem_conv, self.stem_norm = Shrink(3, STEM), Norm(STEM)
        self.stages = nn.ModuleList()
        width = STEM
        for wider, repeats in zip(WIDTHS, REPEATS, strict=True):
            self.stages.append(nn.Sequential(Unit(width, wider, 2), *(Unit(wider, wider) for _ in range(repeats))))
            width = wider
        self.merges = nn.ModuleList(nn.Conv2d(width, NECK, 1, bias=False) for width in WIDTHS[1:])
        self.merge_norms = nn.ModuleList(Norm(NECK) for _ in STRIDES)
        self.units = nn.ModuleList(nn.Sequential(*(Unit(NECK, NECK) for _ in range(count))) for count in UNITS)
        self.predict = nn.ModuleList(nn.Conv2d(NECK, 1 + 4 + 10, 1) for _ in STRIDES)
        for conv in self.predict:
            nn.init.normal_(conv.weight, std=0.01)
            with torch.no_grad():
                conv.bias[:] = torch.tensor([-float(np.log(99.0))] + [float(np.log(2.5))] * 4 + [0.0] * 10)

    def forward(self, pictures):
        x = F.relu(self.stem_norm(self.stem_conv(pictures / 255.0)))
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        merged = [
            F.relu(norm(merge(feature)))
            for feature, merge, norm in zip(features[1:], self.merges, self.merge_norms, strict=True)
        ]
        for fine in (1, 0):
            merged[fine] = merged[fine] + F.interpolate(merged[fine + 1], scale_factor=2.0, mode="nearest")
        rows = [
            predict(units(x)).flatten(2).transpose(1, 2)
            for x, units, predict in zip(merged, self.units, self.predict, strict=True)
        ]
        logits, reach, landmarks = torch.cat(rows, 1).float().split((1, 4, 10), -1)
        return logits, torch.exp(reach.clamp(max=LARGEST_LOG_REACH)) - REACH_SHIFT, landmarks


def _layers(net: Starter):
    """Keras's name of every convolution and norm, and the module."""
    yield "backbone/stem_conv", net.stem_conv
    yield "backbone/stem_norm", net.stem_norm
    for number, stage in enumerate(net.stages, start=1):
        for place, unit in enumerate(stage):
            name = f"backbone/stage{number}_{place}"
            yield f"{name}_depthwise", unit.depthwise
            yield f"{name}_pointwise", unit.pointwise
            yield f"{name}_norm", unit.norm
    for stride, merge, norm, units in zip(STRIDES, net.merges, net.merge_norms, net.units, strict=True):
        yield f"head/merge{stride}_conv", merge
        yield f"head/merge{stride}_norm", norm
        for place, unit in enumerate(units):
            yield f"head/unit{stride}_{place}_depthwise", unit.depthwise
            yield f"head/unit{stride}_{place}_conv", unit.pointwise
            yield f"head/unit{stride}_{place}_norm", unit.norm


PREDICTED = (("score", 0, 1), ("reach", 1, 5), ("points", 5, 15))


def to_arrays(net: Starter) -> dict[str, np.ndarray]:
    """Every weight under the name of its Keras variable, in Keras's order of axes."""
    arrays = {}
    for name, module in _layers(net):
        if isinstance(module, Norm):
            values = (module.weight, module.bias, module.running_mean, module.running_var)
            for kind, value in zip(("gamma", "beta", "moving_mean", "moving_variance"), values, strict=True):
                arrays[f"{name}/{kind}"] = value.detach().float().cpu().numpy()
        else:
            kernel = module.weight.detach().float().cpu()
            order = (2, 3, 0, 1) if module.groups > 1 else (2, 3, 1, 0)
            arrays[f"{name}/kernel"] = kernel.permute(order).numpy()
    for stride, conv in zip(STRIDES, net.predict, strict=True):
        for kind, start, end in PREDICTED:
            kernel = conv.weight[start:end].detach().float().cpu()
            arrays[f"head/{kind}{stride}/kernel"] = kernel.permute(2, 3, 1, 0).numpy()
            arrays[f"head/{kind}{stride}/bias"] = conv.bias[start:end].detach().float().cpu().numpy()
    return arrays


@torch.no_grad()
def from_arrays(net: Starter, arrays: dict[str, np.ndarray]) -> None:
    """Take the weights that have a name in `arrays`; what is not there stays as it began."""
    for name, module in _layers(net):
        if isinstance(module, Norm):
            values = (module.weight, module.bias, module.running_mean, module.running_var)
            for kind, value in zip(("gamma", "beta", "moving_mean", "moving_variance"), values, strict=True):
                if f"{name}/{kind}" in arrays:
                    value.copy_(torch.from_numpy(arrays[f"{name}/{kind}"].astype(np.float32)))
        elif f"{name}/kernel" in arrays:
            kernel = torch.from_numpy(arrays[f"{name}/kernel"].astype(np.float32))
            module.weight.copy_(kernel.permute((2, 3, 0, 1) if module.groups > 1 else (3, 2, 0, 1)))
    for stride, conv in zip(STRIDES, net.predict, strict=True):
        for kind, start, end in PREDICTED:
            if f"head/{kind}{stride}/kernel" in arrays:
                kernel = torch.from_numpy(arrays[f"head/{kind}{stride}/kernel"].astype(np.float32))
                conv.weight[start:end] = kernel.permute(3, 2, 0, 1)
                conv.bias[start:end] = torch.from_numpy(arrays[f"head/{kind}{stride}/bias"].astype(np.float32))


def of_signed_pictures(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Weights that saw pictures of -1..1, for pictures of 0..1: the same answers, but for the picture's edge."""
    kernel = arrays["backbone/stem_conv/kernel"].astype(np.float32)
    return {
        **arrays,
        "backbone/stem_conv/kernel": 2.0 * kernel,
        "backbone/stem_norm/moving_mean": arrays["backbone/stem_norm/moving_mean"].astype(np.float32)
        + kernel.sum((0, 1, 2)),
    }
