"""The commands of the command line, a file a room: parse, call one stage, print."""
