"""From a frame to followed faces, without tensorflow. supervision is loaded when something of it is first used."""

from facetracker.inference.detections import put_to_sleep

put_to_sleep("supervision")
