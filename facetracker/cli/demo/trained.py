"""The trained way, as the demo goes it: many photos, audit, split, augment, train, evaluate."""

from __future__ import annotations

from pathlib import Path

from facetracker.cli.demo import drawing
from facetracker.cli.demo.steps import Demo, DemoPicture
from facetracker.core.photo import read_picture
from facetracker.labels.pairing import PARTS

VARIANTS = 8
SHOWN, SHOWN_VARIANTS = 4, 8


def collect(demo: Demo) -> None:
    """Draw what a camera would have taken and a person labelled."""
    with demo.step("collect", "drawing and labelling photos", "facetracker collect --folder rooms/images") as step:
        photos = drawing.draw_sessions(demo.rooms)
        examples = drawing.draw_labels(demo.rooms)
        step.result = f"{len(photos)} photos of the same person in {len(drawing.ROOMS)} rooms, labelled"
        some = [examples[0], *examples[2 :: drawing.PHOTOS_A_SESSION]]
        step.pictures = [DemoPicture(one.picture(), _room_of(one.photo), truth=one.boxes) for one in some]


def audit(demo: Demo) -> None:
    """Look for faults, fix them, look again."""
    from facetracker.labels.audit.audit import audit

    command = "facetracker audit rooms --fix --rename fase=face"
    with demo.step("audit", "looking for faults", command) as step:
        out = demo.folder / "audit"
        before = audit(demo.rooms, out=out)
        demo.findings = [finding for finding in before.findings if finding.level == "fault"]
        after = audit(demo.rooms, fix=True, rename={"fase": "face"}, out=out)
        step.result = f"{len(before.faulty)} faulty labels found, {len(after.fixed)} fixed, {len(after.faulty)} left"


def split(demo: Demo) -> None:
    """Deal whole sessions out to train, val and test."""
    from facetracker.data.split import split

    with demo.step("split", "dealing sessions out", "facetracker split rooms") as step:
        demo.counts = split(demo.rooms, seed=0).counts
        step.result = ", ".join(f"{name} {demo.counts[name]}" for name in PARTS) + " photos, whole rooms each"


def augment(demo: Demo) -> None:
    """Make variants of the train photos."""
    from facetracker.data.augment.augment import augment
    from facetracker.labels.collection import Collection

    with demo.step("augment", "making variants", f"facetracker augment rooms aug_data --variants {VARIANTS}") as step:
        # In this process: two others would take longer to start than the variants take to make.
        report = augment(demo.rooms, demo.aug_data, variants=VARIANTS, workers=1)
        step.result = f"{report.total('pictures', 'train')} variants of {demo.counts['train']} train photos"
        made = Collection.open(demo.aug_data, "train")
        photo = sorted({example.made_from for example in made})[3]
        variants = [example for example in made if example.made_from == photo][:SHOWN_VARIANTS]
        for number, example in enumerate(variants, start=1):
            step.pictures.append(DemoPicture(example.picture(), f"variant {number}", truth=example.boxes))


def train(demo: Demo, epochs: int, pictures_an_epoch: int) -> None:
    """Fine-tune the starter on the variants."""
    command = f"facetracker train aug_data --preset nano --epochs {epochs} --name trained"
    with demo.step("train", "fine-tuning the starter (about half a minute)", command) as step:
        from facetracker.core.console import silenced

        with silenced():
            import tensorflow  # noqa: F401
        from facetracker.training.fit import train
        from facetracker.training.state import read_state

        changes = [f"training.epochs={epochs}", f"training.samples_per_epoch={pictures_an_epoch}"]
        run = train(demo.aug_data, "nano", changes, name=demo.trained.name, runs=demo.trained.parent)
        demo.history = read_state(run / "state.npz")[1].history
        best = max(row["val_mean_iou"] for row in demo.history)
        step.result = f"{epochs} epochs of {pictures_an_epoch} pictures, mean IoU on val {best:.3f}"


def evaluate(demo: Demo) -> None:
    """What was trained, what three labels gave, and the starter, on photos of rooms that none of them has seen."""
    from facetracker.reports.evaluation import evaluate

    command = "facetracker evaluate runs/trained runs/mine starter rooms"
    with demo.step("evaluate", "measuring on unseen rooms", command) as step:
        models: list[str | Path] = [demo.trained, demo.mine, "starter"]
        demo.evaluation = evaluate(models, demo.rooms, "test", out=demo.folder / "evaluation")
        trained, mine, starter = (model.scores.mean_iou for model in demo.evaluation.models)
        step.result = f"mean IoU on test photos: trained {trained:.3f}, three labels {mine:.3f}, starter {starter:.3f}"
        for judged in demo.evaluation.models[0].answers[:SHOWN]:
            answer = judged.above(demo.evaluation.models[0].scores.threshold)
            caption = "face" if len(answer.truth) else "no face"
            step.pictures.append(DemoPicture(read_picture(answer.name), caption, answer.truth, answer.boxes))


def _room_of(photo: Path) -> str:
    return photo.stem.split("-")[-1].split("_")[0].replace("room", "room ")
