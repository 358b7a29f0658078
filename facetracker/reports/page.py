"""The page around every report: one HTML file that needs nothing else, in light and dark, on a phone and on paper."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape

from facetracker.core.photo import PNG

STYLE = """
:root { color-scheme: light dark;
  --paper:#f6f5f1; --card:#ffffff; --ink:#1d2126; --soft:#626a73; --line:#e3e1da; --grid:#eceae4;
  --good:#17803d; --good-paper:#e4f4e8; --warn:#96590a; --warn-paper:#fbf0d9;
  --c0:#2f62d9; --c1:#d8642a; --c2:#14917f; --c3:#8a4fc9; --c4:#c43d5d; --c5:#7d8417;
  --truth:#2bd576; --found:#ff9d3c; }
@media (prefers-color-scheme: dark) { :root {
  --paper:#14171b; --card:#1d2126; --ink:#e9ebee; --soft:#9aa3ad; --line:#30363d; --grid:#282d33;
  --good:#6fd793; --good-paper:#173323; --warn:#f0be6a; --warn-paper:#3a2c12;
  --c0:#7ea3ff; --c1:#ff9a66; --c2:#4fd0bd; --c3:#c396ff; --c4:#ff7d9c; --c5:#c7cf55; } }
* { box-sizing:border-box; }
body { margin:0; background:var(--paper); color:var(--ink); line-height:1.5;
  font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif; }
main { max-width:1120px; margin:0 auto; padding:28px 20px 60px; }
h1 { font-size:1.75rem; line-height:1.2; margin:0 0 6px; letter-spacing:-.02em; }
h2 { font-size:1.15rem; margin:38px 0 12px; letter-spacing:-.01em; }
h3 { font-size:.95rem; margin:0 0 8px; }
p { margin:0 0 10px; } .soft { color:var(--soft); } .small { font-size:.86rem; }
code { font:.88em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace; overflow-wrap:anywhere; }
.badge { display:inline-block; padding:2px 11px; border-radius:999px; font-size:.82rem; font-weight:600;
  background:var(--good-paper); color:var(--good); vertical-align:2px; }
.badge.warn { background:var(--warn-paper); color:var(--warn); }
.note { border-left:3px solid var(--warn); background:var(--warn-paper); padding:8px 14px; border-radius:0 8px 8px 0;
  margin:10px 0; }
.card { background:var(--card); border:1px solid var(--line); border-radius:14px; padding:16px 18px; }
.figures { display:grid; grid-template-columns:repeat(auto-fit,minmax(132px,1fr)); gap:12px; margin:20px 0 0; }
.figures .card { padding:13px 16px; }
.figures b { display:block; font-size:1.6rem; line-height:1.25; font-weight:650; letter-spacing:-.02em;
  font-variant-numeric:tabular-nums; }
.figures span { color:var(--soft); font-size:.84rem; }
.charts { display:grid; grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr)); gap:14px; }
.wide { grid-column:1/-1; }
.scroll { overflow-x:auto; padding:4px 6px; }
table { border-collapse:collapse; width:100%; font-variant-numeric:tabular-nums; }
th,td { padding:7px 9px; text-align:right; white-space:nowrap; border-bottom:1px solid var(--line); }
tr:last-child td { border-bottom:0; }
th { font-weight:600; color:var(--soft); font-size:.82rem; }
th:first-child,td:first-child { text-align:left; position:sticky; left:0; background:var(--card); }
td:first-child { color:var(--soft); }
td.best { font-weight:700; color:var(--good); }
td.diagonal { background:var(--good-paper); }
.dot,.swatch { display:inline-block; width:10px; height:10px; border-radius:3px; margin-right:8px;
  background:currentColor; }
.swatch.dashed { height:0; border-radius:0; background:none; border-top:2px dashed currentColor; vertical-align:3px; }
.swatch.thin { height:2px; vertical-align:3px; }
.legend { list-style:none; display:flex; flex-wrap:wrap; gap:4px 18px; padding:0; margin:8px 0 0; font-size:.84rem; }
.c0 { color:var(--c0); stroke:var(--c0); } .c1 { color:var(--c1); stroke:var(--c1); }
.c2 { color:var(--c2); stroke:var(--c2); } .c3 { color:var(--c3); stroke:var(--c3); }
.c4 { color:var(--c4); stroke:var(--c4); } .c5 { color:var(--c5); stroke:var(--c5); }
svg { display:block; width:100%; height:auto; }
svg text { font:12px system-ui,sans-serif; fill:var(--soft); text-anchor:middle; }
svg text.end { text-anchor:end; } svg text.value { font-size:11px; }
svg .grid { stroke:var(--grid); } svg .axis { stroke:var(--soft); fill:none; opacity:.6; }
svg .line { fill:none; stroke-width:2.4; stroke-linejoin:round; }
svg .line.thin { stroke-width:1.3; } svg .line.dashed { stroke-width:1.6; stroke-dasharray:6 5; }
svg .ideal { stroke:var(--soft); stroke-dasharray:3 5; fill:none; }
svg .mark { fill:var(--card); stroke-width:2.6; } svg .bar { fill:currentColor; stroke:none; }
details > summary { cursor:pointer; font-weight:600; padding:6px 0; }
.gallery { display:grid; grid-template-columns:repeat(auto-fill,minmax(min(100%,205px),1fr)); gap:14px;
  align-items:start; margin-bottom:22px; }
figure { margin:0; background:var(--card); border:1px solid var(--line); border-radius:12px; overflow:hidden; }
.photo { position:relative; width:100%; aspect-ratio:4/3; background:#0d0f11; }
.photo img,.photo svg { position:absolute; inset:0; width:100%; height:100%; object-fit:contain; }
.photo rect { fill:none; stroke-width:2.5; vector-effect:non-scaling-stroke; }
.photo .truth { stroke:var(--truth); stroke-dasharray:7 4; } .photo .found { stroke:var(--found); }
.photo .truth.this { fill:rgba(43,213,118,.22); stroke-width:3.5; }
.photo .found.this { fill:rgba(255,157,60,.22); stroke-width:3.5; }
.photo text.score { fill:#fff; text-anchor:start; font-weight:700; font-size:15px; paint-order:stroke;
  stroke:rgba(0,0,0,.75); stroke-width:3.5px; }
figcaption { padding:8px 11px 9px; font-size:.84rem; display:grid; }
figcaption span { color:var(--soft); overflow:hidden; text-overflow:ellipsis; white-space:nowrap; }
.key i { display:inline-block; width:22px; border-top:3px solid var(--found); margin:0 6px 3px 12px; }
.key i.truth { border-top:3px dashed var(--truth); margin-left:0; }
dl { margin:0; font-size:.88rem; } dt { font-weight:600; } dd { margin:0 0 9px; color:var(--soft); }
.commands div { display:grid; grid-template-columns:minmax(0,1.1fr) minmax(0,1fr); gap:2px 22px; padding:8px 0;
  border-bottom:1px solid var(--line); align-items:baseline; }
.commands div:last-child { border-bottom:0; } .commands code { font-weight:600; }
footer { margin-top:40px; color:var(--soft); font-size:.84rem; }
@media (max-width:760px) { .commands div { grid-template-columns:minmax(0,1fr); } }
@media (max-width:600px) { main { padding:20px 14px 40px; } h1 { font-size:1.4rem; }
  .figures { grid-template-columns:repeat(2,1fr); } .figures b { font-size:1.35rem; } }
@media print { body { background:#fff; } .card,figure { break-inside:avoid; } }
"""


def page(title: str, content: str, style: str = "") -> str:
    """The whole file, with `style` after the common one. No script, nothing fetched: the policy tells the browser."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; media-src data:; '
        "style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{STYLE}{style}</style>\n</head>\n<body>\n<main>\n{content}\n</main>\n"
        "</body>\n</html>\n"
    )


def count(number: int, what: str) -> str:
    """`1 photo`, `1,200 photos`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def figures(numbers: Sequence[tuple[str, str]]) -> str:
    """The few numbers at the head of a report as cards: `(value, what it is)`."""
    cards = "".join(
        f'<div class="card"><b>{escape(value)}</b><span>{escape(what)}</span></div>' for value, what in numbers
    )
    return f'<div class="figures">{cards}</div>'


def image(data: bytes, alt: str) -> str:
    """A JPEG or PNG as a part of the page itself."""
    kind = "png" if data.startswith(PNG) else "jpeg"
    return f'<img loading="lazy" alt="{escape(alt)}" src="data:image/{kind};base64,{base64.b64encode(data).decode()}">'


def definitions(title: str, texts: Mapping[str, str]) -> str:
    """A card that says what the words of the report mean."""
    rows = "".join(f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in texts.items())
    return f'<div class="card"><h3>{escape(title)}</h3><dl>{rows}</dl></div>'


def commands(lines: Sequence[tuple[str, str]]) -> str:
    """Commands to type, each with what it does: `(command, what)`."""
    rows = "".join(
        f'<div><code>{escape(command)}</code><span class="soft small">{escape(what)}</span></div>'
        for command, what in lines
    )
    return f'<div class="commands">{rows}</div>'
