"""Many machines: Ray for the tasks of a stage, and paths in an object store. Nothing here is needed on one machine."""
