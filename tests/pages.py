"""What is asked of every report: one HTML file, whole, that fetches nothing and runs nothing."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser


class Tags(HTMLParser):
    """The tags of a page, checked to be closed in order."""

    ALONE = frozenset({"meta", "img", "br"})

    def __init__(self, text):
        super().__init__()
        self.open, self.all = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.all.append((tag, dict(attrs)))
        if tag not in self.ALONE:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.all.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def self_contained(page: str) -> Tags:
    """The tags of a page that is closed in order, holds its pictures itself and has no script; else a test fails."""
    tags = Tags(page)
    assert tags.open == []
    names = {tag for tag, _ in tags.all}
    assert not names & {"script", "link", "iframe", "object"}
    sources = [attrs["src"] for tag, attrs in tags.all if "src" in attrs]
    assert sources
    assert all(re.match("data:image/(jpeg|png);base64,", source) for source in sources)
    assert not re.search(r"https?://|url\(", page)
    assert not any(name.startswith("on") for _, attrs in tags.all for name in attrs)
    return tags


def pictures_in(page: str) -> list[bytes]:
    """The files of the pictures that a page holds, in order."""
    return [base64.b64decode(data) for data in re.findall(r'src="data:image/[a-z]+;base64,([^"]+)"', page)]
