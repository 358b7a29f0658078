"""Training a classifier of faces (mask or no mask) on folders of class folders."""
