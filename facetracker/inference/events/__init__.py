"""What people do before a camera, as events: somebody came, left, stayed, entered a zone, looks away."""
