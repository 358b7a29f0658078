"""The whole way of a photo on drawn faces: no camera, no network, no question."""
