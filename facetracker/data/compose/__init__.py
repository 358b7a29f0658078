"""Training pictures newly composed from photos in memory: mosaics, faces pasted in, weather, lookalikes."""
