"""The words of the report: what each step is for, and the commands for a camera of one's own."""

from __future__ import annotations

CHAPTERS = {
    "collect": (
        "Take photos",
        "A camera takes one photo every half second and leaves out frames that look like the one before. Here the "
        "person and the rooms are drawn. The first photo of every session shows the empty room: a tracker that has "
        "never seen one sees faces everywhere.",
    ),
    "annotate": (
        "Draw boxes",
        "labelme opens on the photos; a box round each face, then d for the next photo. Each photo gets a small JSON "
        "file of its own. A file without boxes says that a person looked and found no face.",
    ),
    "audit": (
        "Look for faults before training on them",
        "Two labels were spoilt on purpose: a class mistyped and a box pulled over the edge of its photo. The audit "
        "names the photo, the fault and the way out, and fixes what can be fixed safely, after a backup.",
    ),
    "split": (
        "Keep some photos back",
        "Photos of one session look alike. If they lie in two parts of the split, the score says how well the tracker "
        "remembers, not how well it sees. So whole sessions go to train, val or test.",
    ),
    "augment": (
        "Make many out of few",
        "Every train photo gives variants: cut, mirrored, brighter, darker, tinted. The box moves with the face, and a "
        "cut that would lose the face is drawn again. Photos of val and test stay as they are.",
    ),
    "train": (
        "Train",
        "The starter that comes with the package has seen thousands of faces and is fine-tuned on these few. The run "
        "folder keeps the best epoch, the curves and all settings; a run that was stopped goes on with --resume.",
    ),
    "evaluate": (
        "Measure",
        "On the test photos, beside the starter. Mean IoU says how tightly the boxes sit, AP and F1 how many faces are "
        "found and how many boxes are wrong. The full report has the curves and the worst mistakes.",
    ),
    "export": (
        "Take it elsewhere",
        "The network as ONNX and as LiteRT (.tflite). Each file is compared with Keras before it is handed over, and "
        "carries its own card: classes, size, threshold. To detect, no TensorFlow is needed.",
    ),
    "detect": (
        "Follow faces",
        "The film above was followed with the exported file. Below, a photo of people whom this tracker never saw in "
        "training. Their faces are smaller, so it looks at this photo at 480 pixels instead of 192.",
    ),
}

YOUR_TURN = (
    ("facetracker doctor", "what works on this machine, and how to fix what does not"),
    ("facetracker collect --count 30", "your camera, thirty photos; do it in two or three places"),
    ("facetracker annotate data", "labelme: draw a box, press d"),
    ("facetracker audit data", "everything that is wrong with photos and labels"),
    ("facetracker split data", "train, val and test"),
    ("facetracker augment data aug_data", "60 variants of every train photo"),
    ("facetracker train aug_data --preset nano", "a few minutes on two cores"),
    ("facetracker evaluate runs/nano-1 data", "the report with the worst mistakes"),
    ("facetracker export runs/nano-1 --to onnx tflite", "files for other engines"),
    ("facetracker detect runs/nano-1", "watch it follow you"),
)
