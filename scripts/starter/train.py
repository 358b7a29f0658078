"""Train the starter's first look in PyTorch, with YuNet_n looking on. docs/starter.md says what, why and how well.

    python scripts/starter/train.py FACES OUT --teacher yunet_n_dynamic.onnx --minutes N [--weights FILE.npz]

FACES holds images/, labels/ (labelme) and sources.csv; OUT has taught.npz from teach.py. Labels say where the faces
are; beside that the features in front of the last convolutions are asked to carry what the teacher's carry at the same
place (each channel standardised, most where the teacher sees a face), through one 1x1 convolution a grid that is thrown
away afterwards. OUT gets last.pt, ema.npz (averaged weights under their names in Keras) and log.jsonl. The rate falls
along the time. Started again on the same OUT it goes on where it was. It needs PyTorch, which the package does not:
on two cores it composes and learns 60 pictures a second there, a fifth more than in TensorFlow.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import multiprocessing
import os
import time
from pathlib import Path

import cv2
import numpy as np
from photos import load_photos, lures_in, parts_in, read_rows

# Side, pictures a batch (about the same number of pixels each), how often.
SIDES = ((160, 64, 0.1), (224, 32, 0.25), (256, 24, 0.3), (320, 16, 0.35))
RECIPE = {
    "mosaic": 0.35,
    "lookalike": 0.15,
    "cut_off": 0.08,
    "usual_shift": -0.1,
    "largest_face": 0.85,
    "smallest_face": 5.0,
    "least_side": 4.0,
    "grey": 0.22,
    "blur": 0.16,
}
STRIDES = (8, 16, 32)
FEATURES = ("287", "291", "295")  # of the teacher: what all its last convolutions see, 64 channels each
WARM_UP, LAST_SHARE, AVERAGED, CLIP = 300, 0.01, 0.999, 10.0
LIKENESS_SHARE, EVERYWHERE = 1.0, 0.15  # of the loss; how much a place without a face counts
SAVED_EVERY, SAID_EVERY = 240.0, 200  # seconds, steps


def teacher_session(path: Path):
    """YuNet_n for a batch of BGR pictures of any size, its scores and its features."""
    import onnx
    import onnxruntime

    model = onnx.load(str(path))
    dims = model.graph.input[0].type.tensor_type.shape.dim
    for axis, name in ((0, "batch"), (2, "height"), (3, "width")):
        dims[axis].dim_param = name
    del model.graph.output[:]
    names = [f"{kind}_{stride}" for kind in ("cls", "obj") for stride in STRIDES] + list(FEATURES)
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"]), names


def look(session, names, pictures: np.ndarray):
    """Per grid: scores `(B, h, w)` and features `(B, 64, h, w)` of RGB pictures `(B, S, S, 3)`, in 16 bits."""
    blob = np.ascontiguousarray(pictures[..., ::-1].transpose(0, 3, 1, 2)).astype(np.float32)
    out = dict(zip(names, session.run(names, {"input": blob}), strict=True))
    told = []
    for stride, name in zip(STRIDES, FEATURES, strict=True):
        feature = out[name]
        score = np.sqrt((out[f"cls_{stride}"] * out[f"obj_{stride}"]).clip(0, 1))
        told.append((score.reshape(len(pictures), *feature.shape[2:]).astype(np.float16), feature.astype(np.float16)))
    return told


def compose_batches(photos, teacher: Path, seed: int, first: int, step: int, queue) -> None:
    """A worker's life: batch `first`, `first + step`, ... into the queue."""
    from facetracker.data.compose.compose import Composer
    from facetracker.data.compose.recipe import ComposeRecipe

    parent = os.getppid()
    session, names = teacher_session(teacher)
    composer = Composer(photos, seed, ComposeRecipe(**RECIPE), cache_bytes=2 << 30)
    odds = np.cumsum([share for _, _, share in SIDES])
    number = first
    while os.getppid() == parent:
        side, size, _ = SIDES[int(np.searchsorted(odds, np.random.default_rng([seed, number]).random() * odds[-1]))]
        made = [composer.compose_faces(number * 64 + i, side) for i in range(size)]
        pictures = np.stack([picture for picture, *_ in made])
        faces = [(boxes * side, classes, points.reshape(-1, 10) * side) for _, boxes, classes, points in made]
        queue.put((pictures, faces, look(session, names, pictures)))
        number += step


def batches(photos, teacher: Path, seed: int, first: int, workers: int):
    context = multiprocessing.get_context("fork")
    queues = [context.Queue(3) for _ in range(workers)]
    for w, queue in enumerate(queues):
        arguments = (photos, teacher, seed, first + w, workers, queue)
        context.Process(target=compose_batches, args=arguments, daemon=True).start()
    while True:
        for queue in queues:
            yield queue.get()


def read_taught(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        names, faces, first = file["names"], file["faces"], file["first"]
    return {str(name): faces[first[i] : first[i + 1]] for i, name in enumerate(names)}


def rate_share(step: int, gone: float) -> float:
    falling = LAST_SHARE + (1 - LAST_SHARE) * 0.5 * (1 + math.cos(math.pi * min(1.0, gone)))
    return min(1.0, (step + 1) / WARM_UP) * falling


def train(options: argparse.Namespace) -> None:
    out: Path = options.out
    cv2.setNumThreads(1)
    taught = read_taught(out / "taught.npz")
    rows = read_rows(options.faces)
    parts = parts_in(out, options.faces, rows)
    rows = [row for row in rows if parts[row["name"]] == "train" and row["name"] in taught]
    photos = load_photos(options.faces, rows, parts, lures_in(out, options.faces, rows), taught)
    print(len(photos), "photos to train on", flush=True)
    training = Training(options)
    source = batches(photos, options.teacher, options.seed, training.steps, options.workers)
    ready = next(source)  # the workers are forked: now PyTorch may start its threads
    del photos
    training.begin()
    while training.share_gone < 1:
        training.step(*ready)
        if training.steps % SAID_EVERY == 0:
            training.say()
        if time.time() - training.saved > SAVED_EVERY:
            training.save()
        ready = next(source)
    training.save()


class Training:
    """Network, averaged network, optimizer, and how far they are: what last.pt holds."""

    def __init__(self, options: argparse.Namespace):
        import torch

        self.options = options
        last = options.out / "last.pt"
        self.state = torch.load(last, weights_only=True) if last.exists() else None
        self.steps, self.seconds = self.state["done"] if self.state else (0, 0.0)

    def begin(self) -> None:
        import torch
        from network import Starter, from_arrays, of_signed_pictures

        options = self.options
        torch.set_num_threads(options.threads)
        torch.manual_seed(options.seed)
        net = Starter()
        if options.weights and not self.state:
            with np.load(options.weights) as file:
                arrays = {name: file[name] for name in file.files}
            from_arrays(net, of_signed_pictures(arrays) if options.signed else arrays)
        # What is learnt beside the network: from its features to the teacher's, a grid each. Thrown away afterwards.
        adapt = torch.nn.ModuleList(torch.nn.Conv2d(64, 64, 1) for _ in STRIDES)
        self.net, self.adapt = (module.to(memory_format=torch.channels_last).train() for module in (net, adapt))
        self.mean = copy.deepcopy(self.net)
        every = [*self.net.parameters(), *self.adapt.parameters()]
        decayed, others = [p for p in every if p.ndim > 1], [p for p in every if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": 0.03}, {"params": others, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, options.rate)
        if self.state:
            for name in ("net", "mean", "adapt", "optimizer"):
                getattr(self, name).load_state_dict(self.state[name])
        self.state = None
        self.features: list = []
        for units in self.net.units:
            units.register_forward_hook(lambda module, inputs, output: self.features.append(output))
        self.began = self.saved = time.time()
        self.before, self.seen, self.sums = self.seconds, 0, {}

    @property
    def share_gone(self) -> float:
        return self.seconds / (self.options.minutes * 60)

    def step(self, pictures, faces, told) -> None:
        import torch
        from loss import Truth, loss_of

        for group in self.optimizer.param_groups:
            group["lr"] = self.options.rate * rate_share(self.steps, self.share_gone)
        x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)
        truth = Truth(
            torch.from_numpy(np.concatenate([boxes for boxes, *_ in faces]).astype(np.float32)),
            torch.from_numpy(np.repeat(np.arange(len(faces)), [len(boxes) for boxes, *_ in faces])),
            torch.from_numpy(np.concatenate([classes for _, classes, _ in faces]) < 0),
            torch.from_numpy(np.concatenate([points for *_, points in faces]).astype(np.float32)),
        )
        self.features.clear()
        losses = loss_of(self.net(x), truth, x.shape[2], x.shape[3])
        losses["likeness"] = self.likeness(told)
        total = losses["all"] + LIKENESS_SHARE * losses["likeness"]
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        losses["norm"] = torch.nn.utils.clip_grad_norm_(self.net.parameters(), CLIP)
        self.optimizer.step()
        self.steps += 1
        self.seconds = self.before + time.time() - self.began
        self.average()
        self.seen += len(pictures)
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value.detach())

    def likeness(self, told):
        """How far the features of the last forward pass are from the teacher's."""
        import torch
        import torch.nn.functional as F

        sums = []
        for feature, adapter, (scores, wanted) in zip(self.features, self.adapt, told, strict=True):
            scores, wanted = torch.from_numpy(scores).float(), torch.from_numpy(wanted).float()
            weight = F.max_pool2d(scores[:, None], 3, 1, 1) + EVERYWHERE
            far = (standard(adapter(feature)) - standard(wanted)).square()
            sums.append((far * weight).sum() / (weight.sum() * far.shape[1]))
        return sum(sums) / len(sums)

    def average(self) -> None:
        import torch

        keep = min(AVERAGED, (self.steps + 1) / (self.steps + 10))
        with torch.no_grad():
            for mine, theirs in zip(self.mean.state_dict().values(), self.net.state_dict().values(), strict=True):
                if mine.dtype.is_floating_point:
                    mine.lerp_(theirs, 1 - keep)
                else:
                    mine.copy_(theirs)

    def say(self) -> None:
        row = {"minutes": self.seconds / 60, "step": self.steps}
        row.update({name: value / SAID_EVERY for name, value in self.sums.items()})
        row["pictures a second"] = self.seen / (time.time() - self.began)
        self.sums = {}
        print(time.strftime("%H:%M:%S"), {name: round(value, 5) for name, value in row.items()}, flush=True)
        with (self.options.out / "log.jsonl").open("a") as log:
            log.write(json.dumps(row) + "\n")

    def save(self) -> None:
        import torch
        from network import to_arrays

        self.saved = time.time()
        parts = {name: getattr(self, name).state_dict() for name in ("net", "mean", "adapt", "optimizer")}
        out = self.options.out
        torch.save({"done": (self.steps, self.seconds), **parts}, out / "part.pt")
        os.replace(out / "part.pt", out / "last.pt")
        np.savez(out / "part.npz", **to_arrays(self.mean))
        os.replace(out / "part.npz", out / "ema.npz")


def standard(feature):
    """Each channel of `(B, C, h, w)` with mean 0 and variance 1."""
    variance, middle = feature.var((0, 2, 3), keepdim=True), feature.mean((0, 2, 3), keepdim=True)
    return (feature - middle) / (variance + 1e-4).sqrt()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", type=Path, help="an .npz file to begin with")
    parser.add_argument("--signed", action="store_true", help="the weights saw pictures of -1..1")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
