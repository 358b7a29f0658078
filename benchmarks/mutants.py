"""Do the tests bite? Small faults are put into a module, one at a time, and its tests must fail.

    python benchmarks/mutants.py [--only core.boxes] [--most 200] [--show]

A mutant changes one comparison (`<` to `<=`), sum or product, number, `and`/`or`, `not`, `True`/`False`, the argument
of `min`/`max`, or leaves out one statement. The tests of the module run in a forked process, with the changed source in
place of the file; what takes five times as long as the sound ones counts as killed. Survivors are printed with their
lines. Lines that say why nothing can tell carry `# mutants:` and a reason, and are left alone.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import importlib.abc
import importlib.util
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import hypothesis

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "facetracker"
TESTS = {
    "core.boxes": ["tests/core/test_boxes.py"],
    "core.files": ["tests/core/test_files.py"],
    "core.unpacking": ["tests/core/test_unpacking.py"],
    "inference.decode": ["tests/inference/test_decoding.py"],
    "inference.tracking.tracks": ["tests/inference/test_tracks.py"],
    "inference.tracking.follow": ["tests/inference/test_following.py"],
    "inference.hiding.cover": ["tests/inference/hiding/test_cover.py"],
    "inference.hiding.tracks": ["tests/inference/hiding/test_hidden_tracks.py"],
    "models.assign": ["tests/models/test_assign.py"],
    "web.safety": ["tests/web/test_safety.py"],
}
LEFT_ALONE = "# mutants:"
PHASES = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
BAR = 0.9
COMPARED = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
RECKONED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult}


def mutants(source: str) -> Iterator[tuple[int, str, str]]:
    """`(line, what, changed source)` for every fault that is put in."""
    tree, lines = ast.parse(source), source.splitlines()
    nodes = list(ast.walk(tree))
    for number, node in enumerate(nodes):
        line = getattr(node, "lineno", 0)
        if not line or LEFT_ALONE in lines[line - 1] or _is_told(node, nodes):
            continue
        for what, change in _changes(node):
            changed = copy.deepcopy(tree)
            change(list(ast.walk(changed))[number])
            with contextlib.suppress(SyntaxError, ValueError):
                text = ast.unparse(ast.fix_missing_locations(changed))
                compile(text, "mutant", "exec")
                yield line, what, text


def _is_told(node: ast.AST, nodes: list[ast.AST]) -> bool:
    """Whether a node stands in an annotation or in a text for people, where a fault changes nothing."""
    for one in nodes:
        inside = []
        if isinstance(one, ast.arg | ast.AnnAssign) and one.annotation is not None:
            inside.append(one.annotation)
        if isinstance(one, ast.FunctionDef) and one.returns is not None:
            inside.append(one.returns)
        if isinstance(one, ast.Raise | ast.JoinedStr):
            inside.append(one)
        if any(node is inner for place in inside for inner in ast.walk(place) if inner is not one or one is not node):
            return not (isinstance(node, ast.Raise) and node is one)
    return False


def _changes(node: ast.AST):
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            for other in COMPARED.get(type(operator), ()):

                def compare(one, place=place, other=other):
                    one.ops[place] = other()

                yield f"{type(operator).__name__} to {other.__name__}", compare
    elif isinstance(node, ast.BinOp) and type(node.op) in RECKONED:
        other = RECKONED[type(node.op)]
        yield f"{type(node.op).__name__} to {other.__name__}", lambda one: setattr(one, "op", other())
    elif isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield f"{type(node.op).__name__} to {other.__name__}", lambda one: setattr(one, "op", other())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not left out", lambda one: (setattr(one, "op", ast.Not()), setattr(one, "operand", _not(one.operand)))
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"{node.value} turned", lambda one: setattr(one, "value", not one.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield f"{node.value} plus 1", lambda one: setattr(one, "value", one.value + 1)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        other = {"maximum": "minimum", "minimum": "maximum"}.get(node.func.attr)
        if other:
            yield f"{node.func.attr} to {other}", lambda one: setattr(one.func, "attr", other)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "statement left out", lambda one: setattr(one, "value", ast.Constant(None))
    elif isinstance(node, ast.Raise) and node.exc is not None:
        yield "raise left out", lambda one: one.__class__ and _forget(one)


def _not(operand: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), operand)


def _forget(node: ast.Raise) -> None:
    node.__class__ = ast.Pass
    node._fields = ()


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Gives the changed source for one module."""

    def __init__(self, name: str, path: Path, text: str):
        self.name, self.path, self.text = name, path, text

    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_loader(name, self, origin=str(self.path)) if name == self.name else None

    def get_filename(self, name):
        return str(self.path)

    def get_data(self, path):
        return self.text.encode()

    def path_stats(self, path):
        raise OSError


def survives(module: str, text: str, within: float) -> bool:
    """Whether the tests of a module pass with this source of it. `within` seconds."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setsid()
            with open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), 1)
                os.dup2(nowhere.fileno(), 2)
            path = PACKAGE / f"{module.replace('.', '/')}.py"
            sys.meta_path.insert(0, _Changed(f"facetracker.{module}", path, text))
            import pytest

            # The first example that fails is enough, and every mutant meets the same examples.
            hypothesis.settings.register_profile("mutants", phases=PHASES, database=None, derandomize=True)
            hypothesis.settings.load_profile("mutants")
            options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov", "-m", "not slow"]
            code = int(pytest.main([*options, *(str(ROOT / test) for test in TESTS[module])]))
        finally:
            os._exit(code)
    until = time.monotonic() + within
    while time.monotonic() < until:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status == 0
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=list(TESTS))
    parser.add_argument("--most", type=int, default=100_000, help="mutants of a module, drawn; default: all")
    parser.add_argument("--show", action="store_true", help="print the survivors")
    options = parser.parse_args()
    # Loaded once, before the forks; what is ours comes after them.
    for name in ("cv2", "defusedxml", "httpx", "numpy", "pydantic", "pytest", "rich", "starlette", "yaml"):
        importlib.import_module(name)
    if any(module.startswith("models.") for module in options.only or TESTS):
        importlib.import_module("keras")
    sys.path.insert(0, str(ROOT))
    weak = 0
    for module in options.only or TESTS:
        path = PACKAGE / f"{module.replace('.', '/')}.py"
        source = path.read_text(encoding="utf-8")
        began = time.monotonic()
        if not survives(module, source, 300):
            sys.exit(f"{module}: its tests fail without any fault")
        within = 10 + 5 * (time.monotonic() - began)
        found = list(mutants(source))
        if len(found) > options.most:
            found = sorted(random.Random(0).sample(found, options.most), key=lambda one: one[0])
        left = [(line, what) for line, what, text in found if survives(module, text, within)]
        killed = len(found) - len(left)
        weak += killed < BAR * len(found)
        print(f"{module:28} {killed} of {len(found)} killed ({killed / max(1, len(found)):.0%})", flush=True)
        for line, what in left if options.show else ():
            print(
                f"    {path.relative_to(ROOT)}:{line}: {what}: {source.splitlines()[line - 1].strip()[:90]}", flush=True
            )
    return 1 if weak else 0


if __name__ == "__main__":
    sys.exit(main())
