"""Who is who from frame to frame: following faces, keeping them steady, watching a source."""
