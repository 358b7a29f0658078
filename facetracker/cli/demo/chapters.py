"""The words of the report: what each step is for, and the commands for a camera of one's own."""

from __future__ import annotations

# The steps before this one are the quick way, from it on the trained way.
TRAINED_FROM = "collect"

CHAPTERS = {
    "film": (
        "Film yourself",
        "A few seconds before the camera, moving about: near and far, left and right. Here the person is drawn, and so "
        "is everybody else on this page.",
    ),
    "label": (
        "Label three frames",
        "The starter that comes with the package finds the face by itself and proposes boxes (orange). But everybody "
        "has their own idea of a face's box. This person wants whole heads (green), and says so three times.",
    ),
    "learn": (
        "Learn from them",
        "How a person draws boxes can be said in four numbers. They are found at once, without training: the tracker "
        "finds faces as the starter does, and draws boxes as this person does.",
    ),
    "detect": (
        "Follow the film",
        "The film above was followed with it. Green is what this person would have drawn, orange what the tracker "
        "drew, on frames that nobody labelled.",
    ),
    "hide": (
        "Hide the face",
        "A film that you can show to others. The whole film is looked through first, so that a face is hidden from "
        "its first frame to its last.",
    ),
    "frame": (
        "Keep the camera on it",
        "An upright picture from a wide one. It follows as a camera operator would: it rests while the face is well "
        "placed, and moves calmly when it is not.",
    ),
    "export": (
        "Give it away",
        "The tracker as one HTML file. Open it and allow the camera: no installation, and no picture leaves the "
        "machine.",
    ),
    "collect": (
        "Photos of many rooms",
        "With more photos a network can be trained, which also learns what a person looks like. Take them in several "
        "places. The first photo of every session shows the empty room: a tracker that has never seen one sees faces "
        "everywhere.",
    ),
    "audit": (
        "Look for faults before training on them",
        "Two labels were spoilt on purpose: a class mistyped and a box pulled over the edge of its photo. The audit "
        "names the photo, the fault and the way out, and fixes what can be fixed safely, after a backup.",
    ),
    "split": (
        "Keep some photos back",
        "Photos of one session look alike. If they are in two parts, the score says how well the tracker remembers, "
        "not how well it sees. So whole sessions go to train, val or test.",
    ),
    "augment": (
        "Make many from few",
        "Every train photo gives variants: cut, mirrored, brighter, darker, tinted. The box moves with the face, and a "
        "cut that would lose the face is drawn again. Photos of val and test stay as they are.",
    ),
    "train": (
        "Train",
        "The starter is fine-tuned on these photos. The run folder keeps the best epoch, the curves and all settings; "
        "a run that was stopped goes on with --resume.",
    ),
    "evaluate": (
        "Measure",
        "On the test photos: the starter, what three labels gave, and what was trained. Mean IoU says how tightly the "
        "boxes sit, AP and F1 how many faces are found and how many boxes are wrong.",
    ),
}

YOUR_TURN = (
    ("facetracker detect", "your camera, your face followed; q ends it"),
    ("facetracker collect --film 20", "a film of you, twenty seconds"),
    ("facetracker label data/films/NAME.mkv", "correct three boxes in the browser"),
    ("facetracker learn data", "a tracker of your own, in runs/mine"),
    ("facetracker detect runs/mine", "watch it follow you"),
    ("facetracker hide holiday.mp4", "every face in a film hidden"),
    ("facetracker frame --shape 9:16 --save me.mp4", "the camera stays on your face"),
    ("facetracker web", "all of this in a page, without a command line"),
    ("facetracker doctor", "what works on this machine, and how to fix what does not"),
)
