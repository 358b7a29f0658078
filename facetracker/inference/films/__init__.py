"""Films read frame by frame, looked through once, and every face in them linked, forwards and backwards."""
