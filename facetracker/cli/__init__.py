"""The command line: `main` puts it together, a file a room parses, calls one stage and prints."""
