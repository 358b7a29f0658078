"""From photos as cameras and files give them to pictures as the network wants them."""

from __future__ import annotations

import numpy as np


def from_photos(photos: np.ndarray, dtype: np.dtype | type = np.float32) -> np.ndarray:
    """Photos (N, H, W, C), uint8 0..255, as pictures (N, C, H, W), floats 0..1.

    The channels move to the front by *transposing*. A reshape to (N, C, H, W) has the same shape and does not
    complain, but it cuts the rows of the photo into pieces and deals them out to the wrong channels.
    """
    if photos.dtype != np.uint8 or photos.ndim != 4:
        raise ValueError(f"photos are uint8 (N, H, W, C), not {photos.dtype} {photos.shape}")
    return np.ascontiguousarray(photos.transpose(0, 3, 1, 2)).astype(dtype) / np.dtype(dtype).type(255)
