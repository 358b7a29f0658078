"""From a frame to followed faces, without tensorflow."""
