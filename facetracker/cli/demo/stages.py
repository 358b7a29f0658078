"""The stages as the demo calls them: each runs the package's own function and notes what the report shows of it."""

from __future__ import annotations

import json
from pathlib import Path

from facetracker.cli.demo import drawing
from facetracker.cli.demo.steps import Demo, DemoPicture, Film
from facetracker.core.photo import read_picture
from facetracker.labels.pairing import PARTS

VARIANTS = 12
SHOWN_VARIANTS = 8


def collect(demo: Demo) -> None:
    """Draw what a camera would have taken."""
    with demo.step("collect", "drawing photos", "facetracker collect --count 30") as step:
        photos = drawing.draw_sessions(demo.data)
        step.result = f"{len(photos)} photos of one drawn person in {len(drawing.ROOMS)} rooms"
        step.pictures = [DemoPicture(read_picture(photo), _room_of(photo)) for photo in _one_a_room(photos)]


def annotate(demo: Demo) -> None:
    """The labels, as labelme would have written them."""
    with demo.step("annotate", "writing labels", "facetracker annotate data") as step:
        samples = drawing.draw_labels(demo.data)
        faces = sum(len(sample) for sample in samples)
        step.result = f"{faces} boxes, {sum(not len(sample) for sample in samples)} photos marked as without a face"
        chosen = [samples[0], *(one for one in samples if len(one))][:: drawing.PHOTOS_A_SESSION - 1][:4]
        step.pictures = [
            DemoPicture(read_picture(one.photo), "face" if len(one) else "no face", truth=one.boxes) for one in chosen
        ]


def audit(demo: Demo) -> None:
    """Look for faults, fix them, look again."""
    from facetracker.labels.audit.audit import audit

    command = "facetracker audit data --fix --rename fase=face"
    with demo.step("audit", "looking for faults", command) as step:
        out = demo.folder / "audit"
        before = audit(demo.data, out=out)
        demo.findings = [finding for finding in before.findings if finding.level == "fault"]
        after = audit(demo.data, fix=True, rename={"fase": "face"}, out=out)
        step.result = f"{len(before.faulty)} faulty labels found, {len(after.fixed)} fixed, {len(after.faulty)} left"


def split(demo: Demo) -> None:
    """Deal whole sessions out to train, val and test."""
    from facetracker.data.split import split

    with demo.step("split", "dealing sessions out", "facetracker split data") as step:
        demo.counts = split(demo.data, seed=0).counts
        step.result = ", ".join(f"{name} {demo.counts[name]}" for name in PARTS) + " photos, whole rooms each"


def augment(demo: Demo) -> None:
    """Make variants of the train photos."""
    from facetracker.data.augment.augment import augment
    from facetracker.labels.collection import Collection

    with demo.step("augment", "making variants", f"facetracker augment data aug_data --variants {VARIANTS}") as step:
        report = augment(demo.data, demo.aug_data, variants=VARIANTS)
        step.result = f"{report.total('pictures', 'train')} variants of {demo.counts['train']} train photos"
        made = Collection.open(demo.aug_data, "train")
        photo = sorted({example.made_from for example in made})[3]
        variants = [example for example in made if example.made_from == photo][:SHOWN_VARIANTS]
        for number, example in enumerate(variants, start=1):
            step.pictures.append(DemoPicture(example.picture(), f"variant {number}", truth=example.boxes))


def train(demo: Demo, epochs: int, pictures_an_epoch: int) -> None:
    """Fine-tune the starter on the variants."""
    command = f"facetracker train aug_data --preset nano --epochs {epochs} --name mine"
    with demo.step("train", "fine-tuning the starter (about a minute)", command) as step:
        from facetracker.core.console import silenced

        with silenced():
            import tensorflow  # noqa: F401
        from facetracker.training.fit import train
        from facetracker.training.state import read_state

        changes = [f"training.epochs={epochs}", f"training.samples_per_epoch={pictures_an_epoch}"]
        run = train(demo.aug_data, "nano", changes, name=demo.run.name, runs=demo.run.parent)
        demo.history = read_state(run / "state.npz")[1].history
        best = max(row["val_mean_iou"] for row in demo.history)
        step.result = f"{epochs} epochs of {pictures_an_epoch} pictures, mean IoU on val {best:.3f}"


def evaluate(demo: Demo) -> None:
    """The fine-tuned tracker and the starter on photos of rooms that training has not seen."""
    from facetracker.reports.evaluation import evaluate

    with demo.step("evaluate", "measuring on unseen rooms", "facetracker evaluate runs/mine starter data") as step:
        demo.evaluation = evaluate([demo.run, "starter"], demo.data, "test", out=demo.folder / "evaluation")
        mine, starter = (model.scores.mean_iou for model in demo.evaluation.models)
        step.result = f"mean IoU {mine:.3f} on test photos, the starter before fine-tuning {starter:.3f}"
        for judged in demo.evaluation.models[0].answers[:4]:
            answer = judged.above(demo.evaluation.models[0].scores.threshold)
            caption = "face" if len(answer.truth) else "no face"
            step.pictures.append(DemoPicture(read_picture(answer.name), caption, answer.truth, answer.boxes))


def export(demo: Demo) -> None:
    """Files for other engines, each compared with Keras."""
    from facetracker.exports import export

    with demo.step(
        "export", "writing files for other engines", "facetracker export runs/mine --to onnx tflite"
    ) as step:
        demo.exports = export(demo.run, ["onnx", "tflite"])
        sizes = ", ".join(f"{done.format} {done.size / 1e6:.2f} MB" for done in demo.exports)
        step.result = f"{sizes}, the same answers as Keras to {max(done.difference for done in demo.exports):.0e}"


def detect(demo: Demo, seconds: int) -> None:
    """Follow the face through a drawn clip and find several in a still photo."""
    from facetracker.inference.detect import Keep, Show, detect
    from facetracker.inference.detector import Detector

    with demo.step("detect", "following a face", "facetracker detect runs/mine") as step:
        film, lines = demo.folder / "followed.mp4", demo.folder / "followed.jsonl"
        source, with_face = drawing.clip(seconds)
        done = detect(demo.run, source, show=Show("none"), keep=Keep(save=film, jsonl=lines))
        rows = [json.loads(line) for line in lines.read_text().splitlines()]
        found = sum(bool(row["boxes"]) for row in rows)
        ids = {number for row in rows for number in row["ids"]}
        took = done.stages.durations["infer"].percentile(50) * 1000
        demo.film = Film(film, len(rows), with_face, found, len(ids), took)
        photo = drawing.draw_group(demo.folder / "group.jpg")
        picture = read_picture(photo)
        boxes = Detector.load(demo.run, image_size=drawing.GROUP_SIDE).detect(picture).boxes
        step.result = f"{found} of {len(rows)} frames with the face, {took:.0f} ms each; {len(boxes)} faces in a photo"
        step.pictures = [DemoPicture(picture, f"{len(boxes)} of {drawing.GROUP_FACES} people found", found=boxes)]


def _one_a_room(photos: list[Path]) -> list[Path]:
    """The empty first photo, then one of each room."""
    return [photos[0], *photos[2 :: drawing.PHOTOS_A_SESSION]]


def _room_of(photo: Path) -> str:
    return photo.stem.split("-")[-1].split("_")[0].replace("room", "room ")
