"""How the camera is led: lengths, times and speeds, in units that hold for every camera."""

from __future__ import annotations

from dataclasses import dataclass

# Three low-pass filters in a row weigh what was t seconds ago by t^2 e^-t / 2 (time constant: one second). How far that
# weight goes up and down in all, and how far its slope does: for an input whose speed never exceeds 1, the largest
# acceleration and the largest jerk.
UP_AND_DOWN, SLOPE_UP_AND_DOWN = 0.5414, 0.6201


@dataclass(frozen=True)
class FramingSettings:
    """Times in seconds, speeds in picture widths a second. The web page has the same numbers: vision/shots.js,
    vision/operator.js."""

    # What is in the picture.
    height: float = 3.4  # of the crop, in heights of the largest face in it
    beside: float = 0.6  # room on each side of the faces at least, in heights of the largest one
    safe: float = 0.05  # share of the crop on each side in which no face should be
    above: float = 0.3  # share of the free height that lies above the faces: eyes on the upper third
    closest: float = 0.2  # of the largest crop's width: nobody is shown closer
    rim: float = 0.03  # a face so near to the picture's rim, in picture widths, is cut by it: the crop goes there too

    # How still it stands: within these shares of the crop's width, height and size a face moves without the camera.
    still_across: float = 0.05
    still_along: float = 0.05
    still_size: float = 0.12

    # How it moves.
    smooth: float = 0.1  # time constant of each of the three filters
    ahead: float = 0.2  # the camera goes where the faces will be so much later
    ahead_most: float = 0.25  # but never further than this share of the crop
    rate: float = 0.08  # time constant of the faces' measured speed
    roam: float = 0.4  # who moves gets more room: the way made in so many seconds
    calm: float = 10.0  # time constant with which that room is taken back
    follow: float = 1.2  # speed of the aim at most, while it goes with a face
    turn: float = 0.6  # the same from one shot to the next
    back: float = 0.15  # the same back to the whole picture, when nobody is there

    # When the shot changes.
    hold: float = 5.0  # between two changes of shot at least
    settle: float = 0.5  # somebody new is framed after being seen for this long,
    settle_alone: float = 0.15  # and sooner when nobody is framed
    patience: float = 1.5  # somebody who cannot be seen is gone after this time
    larger: float = 1.5  # times the height of the framed face, for another to be framed in its place
    weigh: float = 2.0  # time constant of these heights: who leans forward for a moment is no larger
    same: float = 0.3  # overlap from which a new number is the face that was lost there
    gap: float = 2.0  # without a frame for so long, the camera starts again where the faces are

    @property
    def acceleration(self) -> float:
        """What the crop's middle and width are accelerated by at most, picture widths / s^2."""
        return UP_AND_DOWN * max(self.follow, self.turn, self.back) / self.smooth

    @property
    def jerk(self) -> float:
        """How much that changes at most, picture widths / s^3."""
        return SLOPE_UP_AND_DOWN * max(self.follow, self.turn, self.back) / self.smooth**2
