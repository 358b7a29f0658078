"""Telling faces apart by class (mask or no mask): crops of faces, a classifier of them, and its answers."""
