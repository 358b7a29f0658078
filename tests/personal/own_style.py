"""How the person of these tests draws: the whole head, hair included."""

from facetracker.inference.style import Style

DRAWN = Style(-0.2, -0.3, 0.2, 0.05)
