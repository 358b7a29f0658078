"""The house has no circles and no class of two meanings: read from the source, imports inside functions included."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import facetracker

PACKAGE = Path(facetracker.__file__).parent

# The numpy networks of the study notes know nothing of the house, and are trained by what a learner would call it too.
TWICE: dict[str, set[str]] = {
    "Trainer": {"from_scratch.trainer", "training.trainer"},
}


def modules() -> dict[str, ast.Module]:
    """Every module of the package by its dotted name, parsed."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node below this one, but not what stands under `if TYPE_CHECKING`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        yield node
        yield from statements(node)


def imported(tree: ast.Module, known: set[str]) -> set[str]:
    """The modules of ours that one imports, at its top or inside a function."""
    found = set()
    for node in statements(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute here"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in known else str(node.module) for name in inner}
    return found & known


def circles(uses: dict[str, set[str]]) -> set[frozenset[str]]:
    """Groups of modules of which each reaches every other."""
    reached = {}
    for start in uses:
        seen, waiting = set(), [start]
        while waiting:
            new = uses[waiting.pop()] - seen
            seen |= new
            waiting += new
        reached[start] = seen
    return {
        frozenset(other for other in reached[module] if module in reached[other])
        for module in uses
        if module in reached[module]
    }


def test_no_two_modules_import_each_other_in_a_circle():
    trees = modules()
    found = circles({name: imported(tree, set(trees)) for name, tree in trees.items()})
    assert [sorted(circle) for circle in found] == []


def test_no_class_name_is_defined_twice():
    homes = defaultdict(set)
    for name, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                homes[node.name].add(name.removeprefix("facetracker."))
    double = {name: places for name, places in homes.items() if len(places) > 1}
    assert double == TWICE, "one meaning a name; what has got a name of its own comes off the list"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a.b", {"a.b"}),
        ("from a import b", {"a.b"}),
        ("from a.b import anything", {"a.b"}),
        ("def f():\n    from a.b import anything", {"a.b"}),
        ("if TYPE_CHECKING:\n    from a.b import anything", set()),
    ],
)
def test_imports_are_seen_wherever_they_stand(source, expected):
    assert imported(ast.parse(source), {"a", "a.b"}) == expected


def test_circles_are_found():
    uses = {"one": {"two"}, "two": {"three"}, "three": {"one"}, "four": {"one"}, "five": set()}
    assert circles(uses) == {frozenset({"one", "two", "three"})}
