"""What the keys do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Controls:
    """The state that keys change; `save` is a wish that the loop fulfils and clears."""

    mirror: bool = False
    blur: bool = False
    paused: bool = False
    help: bool = False
    save: bool = False
    quit: bool = False

    def press(self, key: str | None) -> None:
        """Act on a key (`q`, `esc`, `space`, `s`, `m`, `b`, `h`); others do nothing."""
        if key in ("q", "esc"):
            self.quit = True
        elif key == "space":
            self.paused = not self.paused
        elif key == "s":
            self.save = True
        elif key == "m":
            self.mirror = not self.mirror
        elif key == "b":
            self.blur = not self.blur
        elif key == "h":
            self.help = not self.help
