"""Face detectors side by side on one folder of labelled photos: how well, and how fast.

    python benchmarks/peers.py DATA MODEL... --peers FOLDER
    python benchmarks/peers.py faces starter --peers peers --stems held_out.txt --group 'fddb_*' --group 'mask_*'

DATA is a folder in labelme format (or aug_data). MODEL is a model file of ours, a run folder or `starter`. FOLDER
holds the peers' files; a peer whose file is absent is skipped.

How: every detector sees the photo with its longer side at `--side` pixels (UltraLight and BlazeFace have sizes of
their own), keeps boxes from a score of 0.02 up, and all boxes go through the same scoring
(facetracker.reports.evaluation). Classes do not count here: a face is a face. False alarms are compared at the same
recall (IoU 0.4), each detector with the threshold that it needs for it. Milliseconds are for a 640x480 frame, resizing
and NMS included, at the score threshold 0.5, all detectors with the same number of threads, in short blocks that take
turns.

YuNet stands here twice: as OpenCV runs it (`cv2.FaceDetectorYN`) and on ONNX Runtime, which is faster than OpenCV 5.
"""

from __future__ import annotations

import argparse
import fnmatch
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from facetracker.core.console import track
from facetracker.core.errors import FaceTrackerError
from facetracker.core.files import write_json
from facetracker.core.letterbox import letterbox
from facetracker.core.photo import Picture, read_picture
from facetracker.inference.detector import Detector
from facetracker.reports.evaluation.average_precision import precision
from facetracker.reports.evaluation.judged import JudgedPhoto, pool
from facetracker.reports.evaluation.operating import false_alarms, threshold_for_recall
from facetracker.reports.evaluation.photos import LabelledPhotos, labelled_photos

FAINTEST = 0.02
SHOWN = 0.5
MOST_CANDIDATES = 1000
BLOCK = 10  # frames one detector gets before the next has its turn

Answer = tuple[np.ndarray, np.ndarray]  # boxes (N, 4) normalised, scores (N,)
Detect = Callable[[Picture], Answer]


@dataclass(frozen=True)
class Peer:
    """A detector by name; `load(threshold, threads, side)` gives the function from a frame to boxes and scores."""

    name: str
    load: Callable[[float, int, int], Detect]


def longer_side(picture: Picture, side: int) -> Picture:
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return picture if size == (width, height) else cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)


def yunet_opencv(path: Path) -> Callable[[float, int, int], Detect]:
    def load(threshold: float, threads: int, side: int) -> Detect:
        cv2.setNumThreads(threads)
        net = cv2.FaceDetectorYN.create(str(path), "", (side, side), threshold, 0.3, 5000)

        def detect(frame: Picture) -> Answer:
            picture = longer_side(frame, side)
            height, width = picture.shape[:2]
            net.setInputSize((width, height))
            rows = net.detect(picture)[1]
            rows = np.zeros((0, 15)) if rows is None else rows
            return _normalised(rows[:, :2], rows[:, :2] + rows[:, 2:4], width, height), rows[:, 14]

        return detect

    return load


def yunet_onnxruntime(path: Path) -> Callable[[float, int, int], Detect]:
    def load(threshold: float, threads: int, side: int) -> Detect:
        import onnx

        model = onnx.load(str(path))
        for axis, dim in enumerate(model.graph.input[0].type.tensor_type.shape.dim):
            if axis > 1:  # the s file is bound to 640x640, its graph is not
                dim.dim_param = "height" if axis == 2 else "width"
        for output in model.graph.output:
            output.type.tensor_type.shape.dim[1].dim_param = "cells"
        session = _session(model.SerializeToString(), threads)
        names = [output.name for output in session.get_outputs()]

        def detect(frame: Picture) -> Answer:
            picture = longer_side(frame, side)
            height, width = picture.shape[:2]
            high, wide = -(-height // 32) * 32, -(-width // 32) * 32
            padded = cv2.copyMakeBorder(picture, 0, high - height, 0, wide - width, cv2.BORDER_CONSTANT)
            blob = padded.transpose(2, 0, 1)[None].astype(np.float32)
            outputs = dict(zip(names, session.run(names, {"input": blob}), strict=True))
            corners, far, scores = [], [], []
            for stride in (8, 16, 32):
                both = outputs[f"cls_{stride}"][0, :, 0].clip(0, 1) * outputs[f"obj_{stride}"][0, :, 0].clip(0, 1)
                score = np.sqrt(both)
                keep = np.flatnonzero(score >= threshold)
                row, column = np.divmod(keep, wide // stride)
                reach = outputs[f"bbox_{stride}"][0, keep]
                centre = (np.stack([column, row], axis=1) + reach[:, :2]) * stride
                size = np.exp(reach[:, 2:]) * stride
                corners.append(centre - size / 2)
                far.append(centre + size / 2)
                scores.append(score[keep])
            boxes = _normalised(np.concatenate(corners), np.concatenate(far), width, height)
            return _kept(boxes, np.concatenate(scores), 0.3)

        return detect

    return load


def ultralight(path: Path) -> Callable[[float, int, int], Detect]:
    def load(threshold: float, threads: int, side: int) -> Detect:
        import onnx

        model = onnx.load(str(path))
        # Its weights stand among the inputs, where ONNX Runtime may not fold them: three times slower.
        weights = {weight.name for weight in model.graph.initializer}
        for source in [source for source in model.graph.input if source.name in weights]:
            model.graph.input.remove(source)
        session = _session(model.SerializeToString(), threads)

        def detect(frame: Picture) -> Answer:
            picture = cv2.cvtColor(cv2.resize(frame, (320, 240)), cv2.COLOR_BGR2RGB)
            blob = ((picture.astype(np.float32) - 127) / 128).transpose(2, 0, 1)[None]
            scores, boxes = session.run(["scores", "boxes"], {"input": blob})
            keep = np.flatnonzero(scores[0, :, 1] >= threshold)
            return _kept(boxes[0, keep], scores[0, keep, 1], 0.3)

        return detect

    return load


def blazeface(path: Path) -> Callable[[float, int, int], Detect]:
    def load(threshold: float, threads: int, side: int) -> Detect:
        from ai_edge_litert.interpreter import Interpreter

        net = Interpreter(str(path), num_threads=threads)
        net.allocate_tensors()
        source = net.get_input_details()[0]["index"]
        outputs = {detail["name"]: detail["index"] for detail in net.get_output_details()}
        anchors = np.concatenate([_cells(16, 2), _cells(8, 6)])

        def detect(frame: Picture) -> Answer:
            picture, place = letterbox(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), 128, 128)
            net.set_tensor(source, picture[None].astype(np.float32) / 127.5 - 1)
            net.invoke()
            scores = 1 / (1 + np.exp(-net.get_tensor(outputs["classificators"])[0, :, 0].clip(-80, 80)))
            keep = np.flatnonzero(scores >= threshold)
            reach = net.get_tensor(outputs["regressors"])[0, keep, :4] / 128
            centre = anchors[keep] + reach[:, :2]
            boxes = np.concatenate([centre - reach[:, 2:] / 2, centre + reach[:, 2:] / 2], axis=1)
            return _kept(place.to_picture(boxes), scores[keep], 0.3)

        return detect

    return load


def ours(model: str) -> Callable[[float, int, int], Detect]:
    def load(threshold: float, threads: int, side: int) -> Detect:
        cv2.setNumThreads(threads)
        detector = Detector.load(model, threshold=threshold, threads=threads, image_size=side)

        def detect(frame: Picture) -> Answer:
            found = detector.detect(frame)
            return found.boxes, found.scores

        return detect

    return load


def _session(model: str | bytes, threads: int):
    import onnxruntime

    cv2.setNumThreads(threads)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _cells(count: int, each: int) -> np.ndarray:
    """Centres `(count * count * each, 2)` of a square grid, row by row, each `each` times."""
    row, column = np.mgrid[:count, :count]
    centres = (np.stack([column.ravel(), row.ravel()], axis=1) + 0.5) / count
    return np.repeat(centres, each, axis=0)


def _normalised(corner: np.ndarray, far: np.ndarray, width: int, height: int) -> np.ndarray:
    return np.concatenate([corner, far], axis=1) / [width, height, width, height]


def _kept(boxes: np.ndarray, scores: np.ndarray, overlap: float) -> Answer:
    """NMS in OpenCV's C++: the peers shall not lose time in Python."""
    corners_and_sizes = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1).astype(np.float64)
    kept = np.asarray(cv2.dnn.NMSBoxes(corners_and_sizes, scores, 0.0, overlap, top_k=MOST_CANDIDATES), int)
    return boxes[kept], scores[kept]


def peers_in(folder: Path | None, models: Sequence[str]) -> list[Peer]:
    """The peers whose files are in the folder, then our models."""
    known = [
        ("YuNet_n, OpenCV", "yunet_n_dynamic.onnx", yunet_opencv),
        ("YuNet_n, ONNX Runtime", "yunet_n_dynamic.onnx", yunet_onnxruntime),
        ("YuNet_s, OpenCV", "yunet_s_640_640.onnx", yunet_opencv),
        ("YuNet_s, ONNX Runtime", "yunet_s_640_640.onnx", yunet_onnxruntime),
        ("UltraLight RFB-320", "ultralight_rfb_320.onnx", ultralight),
        ("BlazeFace short range", "blazeface_short_range.tflite", blazeface),
    ]
    found = []
    for name, file, kind in known:
        if folder is not None and (folder / file).is_file():
            found.append(Peer(name, kind(folder / file)))
        elif folder is not None:
            print(f"skipped: {name} ({file} is not in {folder})", file=sys.stderr)
    return found + [Peer(str(model), ours(str(model))) for model in models]


def judge(peer: Peer, photos: LabelledPhotos, side: int, threads: int) -> list[JudgedPhoto]:
    """What the peer finds on every photo; every label counts as a face."""
    detect = peer.load(FAINTEST, threads, side)
    judged = []
    for sample in track(photos.examples, peer.name):
        boxes, scores = detect(read_picture(sample.photo))
        none = np.zeros(len(boxes), int)
        judged.append(
            JudgedPhoto(
                sample.stem,
                sample.width,
                sample.height,
                sample.boxes,
                np.zeros(len(sample), int),
                boxes,
                scores.clip(0, 1),
                none,
            )
        )
    return judged


def quality(judged: Sequence[JudgedPhoto], group: str, alarms_on: str, recalls: Sequence[float]) -> dict:
    """AP on the photos of a group, and false alarms on the photos without a face at given recalls."""
    members = [photo for photo in judged if fnmatch.fnmatch(photo.name, group)]
    empty = [photo for photo in judged if not len(photo.truth) and fnmatch.fnmatch(photo.name, alarms_on)]
    table = precision(members, 1, ious=(0.4, 0.5, 0.75))
    boxes = pool(members, 0.4)
    alarms = {}
    for recall in recalls:
        threshold = threshold_for_recall(boxes, recall)
        found = None if threshold is None else false_alarms(empty, threshold)
        alarms[f"{recall:.2f}"] = found and {"boxes": found.boxes, "photos": found.photos_with_alarm}
    return {
        "photos": len(members),
        "faces": boxes.faces,
        "ap": {f"{iou:.2f}": table.average(iou) for iou in table.ious},
        "false_alarms": {"photos_without_face": len(empty), "at_recall": alarms},
    }


def timing(peers: Sequence[Peer], frames: Sequence[Picture], side: int, threads: int, count: int) -> dict[str, dict]:
    """Median and 95th percentile milliseconds of each peer on `count` frames, in blocks that take turns."""
    loaded = {peer.name: peer.load(SHOWN, threads, side) for peer in peers}
    times: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for start in range(0, count, BLOCK):
        for name, detect in loaded.items():
            detect(frames[start % len(frames)])  # the caches belong to the one before
            for number in range(start, start + BLOCK):
                frame = frames[number % len(frames)]
                began = time.perf_counter()
                detect(frame)
                times[name].append((time.perf_counter() - began) * 1e3)
    return {
        name: {"median_ms": float(np.median(ms)), "p95_ms": float(np.percentile(ms, 95))} for name, ms in times.items()
    }


def camera_frames(photos: LabelledPhotos, most: int = 20) -> list[Picture]:
    """Photos with faces as 640x480 frames: what a webcam would deliver."""
    with_face = [sample for sample in photos.examples if len(sample)] or photos.examples
    chosen = with_face[:: max(1, len(with_face) // most)][:most]
    return [letterbox(read_picture(sample.photo), 640, 480)[0] for sample in chosen]


def run(options: argparse.Namespace) -> dict:
    photos = labelled_photos(options.data, options.part)
    if options.stems:
        wanted = set(Path(options.stems).read_text(encoding="utf-8").split())
        photos = photos.only(one for one in photos.examples if one.stem in wanted)
    peers = peers_in(options.peers, options.models)
    groups = options.group or ["*"]
    results: dict = {"data": str(options.data), "side": options.side, "peers": {}}
    for peer in peers:
        judged = judge(peer, photos, options.side, max(options.threads))
        results["peers"][peer.name] = {
            group: quality(judged, group, options.alarms_on, options.recall) for group in groups
        }
    for threads in options.threads:
        frames = camera_frames(photos)
        for name, ms in timing(peers, frames, options.timing_side, threads, options.frames).items():
            results["peers"][name][f"threads_{threads}"] = ms
    for group in groups:
        _print_group(results, group, options)
    return results


def _print_group(results: dict, group: str, options: argparse.Namespace) -> None:
    first = next(iter(results["peers"].values()))[group]
    empty = first["false_alarms"]["photos_without_face"]
    print(
        f"\n{options.data} [{group}]: {first['photos']} photos, {first['faces']} faces, longer side {options.side}; "
        f"false alarms: boxes on {empty} photos without a face ({options.alarms_on}) at recall; "
        f"ms: 640x480 frame at longer side {options.timing_side}"
    )
    heads = ["AP40", "AP50", "AP75", *(f"FA@{recall:.2f}" for recall in options.recall)]
    heads += [f"{n} thr ms (p95)" for n in options.threads]
    print(f"{'':28}" + "".join(f"{head:>16}" if "ms" in head else f"{head:>9}" for head in heads))
    for name, values in results["peers"].items():
        row = values[group]
        cells = [f"{'-' if ap is None else f'{ap:.3f}':>9}" for ap in row["ap"].values()]
        cells += [f"{'-' if fa is None else fa['boxes']:>9}" for fa in row["false_alarms"]["at_recall"].values()]
        for threads in options.threads:
            ms = values[f"threads_{threads}"]
            cells.append(f"{ms['median_ms']:.1f} ({ms['p95_ms']:.1f})".rjust(16))
        print(f"{name[-27:]:28}" + "".join(cells))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of labelled photos")
    parser.add_argument("models", nargs="*", help="model files of ours, run folders, or 'starter'")
    parser.add_argument("--peers", type=Path, help="folder with the peers' files")
    parser.add_argument("--part", default=None, help="train, val or test of a split folder (default: all)")
    parser.add_argument("--stems", type=Path, help="text file: only these photos (names without suffix)")
    parser.add_argument("--group", action="append", help="pattern of names reported apart; may be repeated")
    parser.add_argument("--alarms-on", default="*", help="pattern of names of photos without a face that count")
    parser.add_argument("--side", type=int, default=320, help="longer side of the picture, pixels")
    parser.add_argument("--timing-side", type=int, default=320, help="the same for the milliseconds")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--recall", type=float, nargs="+", default=[0.7, 0.8, 0.9])
    parser.add_argument("--frames", type=int, default=200, help="frames timed for each detector and thread count")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    try:
        results = run(options)
    except FaceTrackerError as error:
        sys.exit(f"peers.py: {error}")
    if options.json:
        write_json(options.json, results)


if __name__ == "__main__":
    main()
