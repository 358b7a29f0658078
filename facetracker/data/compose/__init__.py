"""Training pictures composed anew from photos in memory: mosaics, faces pasted in, weather, lookalikes."""
