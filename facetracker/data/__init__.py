"""Labelled photos as a set: layout, split, augmentation, composition, records and the batches of a training."""
