"""From a frame to followed faces, without tensorflow. supervision is loaded when something is first drawn or hidden."""
