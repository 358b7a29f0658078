"""Drawn faces that move: a camera for tests, demos and machines without one."""

from facetracker.scenes.scene import Scene, SceneFrame, photo

__all__ = ["Scene", "SceneFrame", "photo"]
