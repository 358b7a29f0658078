"""Light, colour, focus and noise as cameras make them."""

from __future__ import annotations

import cv2
import numpy as np

from facetracker.core.photo import Picture
from facetracker.data.compose.recipe import ComposeRecipe


def weathered(random: np.random.Generator, picture: Picture, recipe: ComposeRecipe) -> Picture:
    """A picture `(H, W, 3)` uint8 BGR in another light, colour, focus and noise, as often as the recipe says."""
    dark = random.random() < recipe.dark
    contrast, shift = random.uniform(0.7, 1.3), random.uniform(-25, 25)
    gamma = random.uniform(0.75, 1.35)
    if dark:
        contrast, shift, gamma = random.uniform(0.25, 0.6), random.uniform(-10, 10), random.uniform(1.0, 1.6)
    tint = random.uniform(0.88, 1.12, 3)
    steps = 255.0 * (np.arange(256) / 255.0) ** gamma
    table = (((steps[:, None] - 128) * contrast + 128 if not dark else steps[:, None] * contrast) + shift) * tint
    picture = cv2.LUT(picture, np.clip(table, 0, 255).astype(np.uint8)[None])
    if random.random() < recipe.grey:
        picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    if random.random() < recipe.blur:
        picture = cv2.GaussianBlur(picture, (0, 0), random.uniform(0.4, 1.4))
    if random.random() < recipe.coarse:
        factor = random.uniform(0.5, 0.8)
        small = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        picture = cv2.resize(small, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    if dark or random.random() < 0.1:
        noise = random.normal(0, random.uniform(2, 9), (*picture.shape[:2], 1)).astype(np.int16)
        picture = np.clip(picture + noise, 0, 255).astype(np.uint8)
    if random.random() < recipe.jpeg:
        _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(35, 90))])
        picture = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    return picture
