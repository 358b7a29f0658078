"""A camera operator for fixed cameras: a part of the picture that follows whoever is in it, calmly."""
