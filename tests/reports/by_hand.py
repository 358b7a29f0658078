"""Small photos with boxes, for scores that can be worked out by hand."""

from facetracker.reports.evaluation.judged import JudgedPhoto


def photo(truth=(), boxes=(), scores=None, classes=None, truth_classes=None, name="a"):
    scores = [0.9] * len(boxes) if scores is None else scores
    return JudgedPhoto(
        name,
        100,
        100,
        truth,
        [0] * len(truth) if truth_classes is None else truth_classes,
        boxes,
        scores,
        [0] * len(boxes) if classes is None else classes,
    )


LEFT, RIGHT = [0.0, 0.0, 0.4, 0.4], [0.5, 0.5, 0.9, 0.9]
