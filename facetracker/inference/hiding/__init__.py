"""Faces hidden for good: in films, photos and folders of them."""
