"""The live loop: a source looked at as it comes, shown in a window or a browser."""
