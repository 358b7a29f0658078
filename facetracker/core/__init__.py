"""What every room stands on: boxes, photos in and out, files, settings, messages. It knows no other room."""
