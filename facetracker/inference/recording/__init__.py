"""What is kept of a live picture: films, lines of JSON, crops, hard frames; and whose face is hidden in it."""
