"""How long something must last until it is told: every wait of `notice` in one place, with its reason."""

from __future__ import annotations

from dataclasses import dataclass, fields

from facetracker.core.errors import FaceTrackerError


@dataclass(frozen=True)
class Patience:
    """Seconds of the source, unless a line says otherwise.

    A wait decides when an event is told, never which time it has: that is the moment at which it began.
    """

    # A face that is seen for less is no visit. What only looks like a face (a poster passed by, a hand) rarely lasts
    # half a second; a person who comes stays longer than that.
    believe: float = 0.5
    # A person who is not seen for longer has left. The follower forgets a face after one second, a glance at the floor
    # or somebody who walks past in front takes as long: a little more than that is no leaving.
    gone: float = 1.5
    # The centre of a face must be on the other side of a zone's edge for so long: a nod across the edge is no crossing.
    settle: float = 0.3
    # ... and so far from the edge, in sizes of the face: who sits on the edge would enter and leave with every breath.
    deep: float = 0.1
    # A look aside is no looking away until it has lasted for so long; glances take less than half a second.
    glance: float = 0.7
    # Degrees to the side, and up or down, from which a face looks away, and below which it looks back. A screen of
    # 60 cm at arm's length ends at 25 degrees; between the two numbers nothing changes.
    aside: float = 35.0
    aside_back: float = 25.0
    updown: float = 30.0
    updown_back: float = 22.0
    # A track that begins where another has just ended is the same person: so near, in sizes of the face, to where that
    # one was or was going, and so much further for every second in between. Faces walk two to three sizes a second;
    # half of it is what cannot be told from the way they were going.
    near: float = 0.7
    walk: float = 1.2
    # ... and at most so many times as large or as small: nobody comes that much nearer within the time.
    resized: float = 1.8
    # A face that was followed and is too faint for the follower now (it lets go after half a second) is still here, if
    # there is a box where it was: in bad light a score falls for seconds. What stays faint for longer is a thing.
    faint: float = 10.0
    # How far back the first sighting of a face is looked for, before the follower believed in it.
    back: float = 2.0

    def __post_init__(self) -> None:
        for one in fields(self):
            if not 0 <= getattr(self, one.name) < float("inf"):
                raise FaceTrackerError(f"{one.name} {getattr(self, one.name)}: a time cannot be less than 0")
        if self.gone <= 0:
            raise FaceTrackerError(
                "--gone 0: a face that is missed once would have left", fix="Use half a second or more."
            )


def settings_of(believe: float | None = None, gone: float | None = None) -> Patience:
    """The settings with a person's own two, where they are given (seconds)."""
    given = {"believe": believe, "gone": gone}
    return Patience(**{name: value for name, value in given.items() if value is not None})
