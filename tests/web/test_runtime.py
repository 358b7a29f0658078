"""The tab's runtime gives the numbers that ONNX Runtime gives: every operation alone, and whole trackers."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_modules import JS, run_node

from facetracker import scenes
from facetracker.inference.detector import ASSETS

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
helper = onnx.helper

RUN = """
import { readFileSync } from "node:fs";
import { openSession } from "./js/runtime/session.js";
const told = JSON.parse(readFileSync(0, "utf8"));
const answers = [];
for (const { file, picture, width, height } of told) {
  try {
    const session = await openSession(new Uint8Array(readFileSync(file)), (name) => readFileSync(`js/runtime/${name}`));
    let found;
    // Twice, and another size in between: nothing may be left of the run before.
    for (const look of [1, 2, 3]) {
      if (look === 2 && !session.fixed) session.run(new Uint8Array(64 * 64 * 3).fill(9), 64, 64);
      else found = session.run(new Uint8Array(readFileSync(picture)), width, height);
    }
    answers.push(Object.fromEntries(Object.entries(found).map(([name, values]) => [name, Array.from(values)])));
  } catch (error) {
    answers.push({ error: error.message });
  }
}
console.log(JSON.stringify(answers));
"""
HIGH, WIDE = 6, 8
I64 = np.int64


class Graph:
    """A small model: a picture `(1, 6, 8, 3)` uint8, as planes of floats `x (1, 3, 6, 8)`, and the nodes of a test."""

    def __init__(self) -> None:
        cast = helper.make_node("Cast", ["pictures"], ["floats"], to=onnx.TensorProto.FLOAT)
        self.nodes = [cast, helper.make_node("Transpose", ["floats"], ["x"], perm=[0, 3, 1, 2])]
        self.weights: list[Any] = []

    def weight(self, values: Any, kind: Any = np.float32) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(onnx.numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    def add(self, op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        names = [f"{op}{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names  # type: ignore[return-value]

    def write(self, path: Path, *outputs: str) -> Path:
        self.nodes += [
            helper.make_node("Cast", [name], [f"out{i}"], to=onnx.TensorProto.FLOAT) for i, name in enumerate(outputs)
        ]
        source = helper.make_tensor_value_info("pictures", onnx.TensorProto.UINT8, [1, HIGH, WIDE, 3])
        ends = [helper.make_tensor_value_info(f"out{i}", onnx.TensorProto.FLOAT, None) for i in range(len(outputs))]
        graph = helper.make_graph(self.nodes, "test", [source], ends, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
        onnx.save(model, str(path))
        return path


def conv(graph: Graph, rng: Any, filters: int, kernel: tuple[int, int], group: int = 1, **attributes: Any) -> str:
    weights = graph.weight(rng.normal(0, 1, (filters, 3 // group, *kernel)))
    return graph.add("Conv", "x", weights, graph.weight(rng.normal(0, 9, filters)), group=group, **attributes)


def activated(graph: Graph, rng: Any) -> str:
    """A product that adds what another one gave, then a ReLU: done in one step."""
    one, other = conv(graph, rng, 5, (1, 1)), conv(graph, rng, 5, (1, 1))
    return graph.add("Relu", graph.add("Add", other, one))


def relu_of_a_sum_read_twice(graph: Graph, rng: Any) -> str:
    """What is read twice must not be changed by the step that makes it."""
    one = conv(graph, rng, 5, (1, 1))
    return graph.add("Sub", graph.add("Relu", one), one)


def quantized(graph: Graph, rng: Any, kind: Any) -> str:
    scale, zero = graph.weight(1.7), graph.weight(3, kind)
    shifted = graph.add("Sub", "x", graph.weight(120.0))
    return graph.add("DequantizeLinear", graph.add("QuantizeLinear", shifted, scale, zero), scale, zero)


def light(graph: Graph) -> str:
    """Brightness from 0 to 1."""
    return graph.add("Mul", "x", graph.weight(1 / 255))


def rows(graph: Graph) -> str:
    return graph.add("Reshape", light(graph), graph.weight([6, -1], I64))


CASES = {
    "product": lambda g, r: conv(g, r, 7, (1, 1)),
    "3x3": lambda g, r: conv(g, r, 5, (3, 3), auto_pad="SAME_UPPER"),
    "3x3 by two": lambda g, r: conv(g, r, 6, (3, 3), auto_pad="SAME_UPPER", strides=[2, 2]),
    "3x3 lower": lambda g, r: conv(g, r, 6, (3, 3), auto_pad="SAME_LOWER", strides=[2, 2]),
    "3x2 with a border": lambda g, r: conv(g, r, 4, (3, 2), pads=[1, 0, 2, 1], strides=[1, 2]),
    "spread": lambda g, r: conv(g, r, 4, (2, 2), dilations=[2, 3]),
    "by three": lambda g, r: conv(g, r, 4, (2, 2), strides=[3, 3]),
    "depthwise": lambda g, r: conv(g, r, 3, (3, 3), 3, auto_pad="SAME_UPPER"),
    "depthwise by two": lambda g, r: conv(g, r, 3, (3, 3), 3, auto_pad="SAME_UPPER", strides=[2, 2]),
    "depthwise 5x5": lambda g, r: conv(g, r, 3, (5, 5), 3, pads=[2, 2, 2, 2]),
    "depthwise 5x5 by two": lambda g, r: conv(g, r, 3, (5, 5), 3, pads=[1, 2, 2, 1], strides=[2, 2]),
    "depthwise by three": lambda g, r: conv(g, r, 3, (3, 3), 3, strides=[3, 3]),
    "two filters each": lambda g, r: conv(g, r, 6, (3, 3), 3),
    "sum and relu": activated,
    "read twice": relu_of_a_sum_read_twice,
    "clipped": lambda g, r: g.add("Clip", conv(g, r, 5, (1, 1)), g.weight(-20.0), g.weight(30.0)),
    "matmul": lambda g, r: g.add("MatMul", "x", g.weight(r.normal(0, 1, (8, 5)))),
    "matmul of two": lambda g, r: g.add("MatMul", "x", g.add("Transpose", "x", perm=[0, 1, 3, 2])),
    "gemm": lambda g, r: g.add(
        "Gemm", rows(g), g.weight(r.normal(0, 1, (9, 24))), g.weight(r.normal(0, 1, 9)), transB=1
    ),
    "max pool": lambda g, r: g.add("MaxPool", "x", kernel_shape=[3, 3], auto_pad="SAME_UPPER", strides=[2, 2]),
    "mean pool": lambda g, r: g.add("AveragePool", "x", kernel_shape=[2, 3], pads=[0, 1, 0, 1]),
    "global max": lambda g, r: g.add("GlobalMaxPool", "x"),
    "global mean": lambda g, r: g.add("GlobalAveragePool", "x"),
    "reduce middle": lambda g, r: g.add("ReduceMean", "x", axes=[2], keepdims=0),
    "reduce two": lambda g, r: g.add("ReduceMax", "x", axes=[-1, 1]),
    "reduce all": lambda g, r: g.add("ReduceSum", light(g)),
    "spread rows": lambda g, r: g.add("Add", "x", g.weight(r.normal(0, 9, (6, 1)))),
    "spread planes": lambda g, r: g.add("Div", g.weight(r.normal(0, 9, (3, 1, 1))), g.add("Add", "x", g.weight(1.0))),
    "least": lambda g, r: g.add("Min", "x", g.weight(99.0), g.add("Neg", g.add("Sub", "x", g.weight(180.0)))),
    "power": lambda g, r: g.add("Pow", light(g), g.weight(1.5)),
    "whole division": lambda g, r: g.add("Div", g.add("Cast", "x", to=7), g.weight([7], I64)),
    "chosen": lambda g, r: g.add("Where", g.add("Greater", "x", g.weight(99.0)), "x", g.weight(-1.0)),
    "both true": lambda g, r: g.add(
        "And", g.add("Less", "x", g.weight(150.0)), g.add("Not", g.add("Less", "x", g.weight(50.0)))
    ),
    "functions": lambda g, r: g.add("Log", g.add("Exp", g.add("Sigmoid", g.add("Sqrt", light(g))))),
    "softmax": lambda g, r: g.add("Softmax", light(g), axis=-1),
    "clamp": lambda g, r: g.add("Clip", "x", g.weight(40.0), g.weight(90.0)),
    "slice": lambda g, r: g.add("Slice", "x", *(g.weight(v, I64) for v in ([1, -6], [2**40, 7], [2, 3], [2, 3]))),
    "slice backwards": lambda g, r: g.add("Slice", "x", *(g.weight(v, I64) for v in ([-1], [-(2**40)], [3], [-2]))),
    "concat": lambda g, r: g.add("Concat", "x", g.weight(r.normal(0, 1, (1, 2, 6, 8))), "x", axis=1),
    "split": lambda g, r: g.add("Split", "x", g.weight([2, 6], I64), axis=3, outputs=2)[1],
    "expand": lambda g, r: g.add("Expand", g.add("ReduceMax", "x", axes=[3]), g.weight([2, 1, 1, 4], I64)),
    "tile": lambda g, r: g.add("Tile", "x", g.weight([1, 2, 1, 3], I64)),
    "pad": lambda g, r: g.add("Pad", "x", g.weight([0, 0, 1, 2, 0, 1, 0, 3], I64), g.weight(7.0)),
    "reversed": lambda g, r: g.add("ReverseSequence", "x", g.weight([3], I64), batch_axis=0, time_axis=1),
    "larger": lambda g, r: g.add(
        "Resize",
        "x",
        "",
        g.weight([1, 1, 2, 2]),
        mode="nearest",
        nearest_mode="floor",
        coordinate_transformation_mode="asymmetric",
    ),
    "best": lambda g, r: g.add(
        "Concat", *(g.add("Cast", name, to=1) for name in g.add("TopK", rows(g), g.weight([5], I64), outputs=2)), axis=1
    ),
    "gather": lambda g, r: g.add("Gather", "x", g.weight([[2, 0], [-1, 5]], I64), axis=2),
    "gather what is found": lambda g, r: g.add(
        "Gather",
        rows(g),
        g.add("TopK", g.add("ReduceMax", rows(g), axes=[1], keepdims=0), g.weight([3], I64), outputs=2)[1],
    ),
    "gather by place": lambda g, r: g.add("GatherND", "x", g.weight([[0, 2, 1], [0, 0, 5]], I64)),
    "scatter": lambda g, r: g.add(
        "ScatterND", rows(g), g.weight([[4], [1]], I64), g.add("Slice", rows(g), g.weight([0], I64), g.weight([2], I64))
    ),
    "running sum": lambda g, r: g.add("CumSum", light(g), g.weight(2, I64), exclusive=1),
    "running sum back": lambda g, r: g.add("CumSum", light(g), g.weight(3, I64), reverse=1),
    "place of the largest": lambda g, r: g.add("ArgMax", "x", axis=-1, keepdims=0),
    "whole numbers of eight bits": lambda g, r: quantized(g, r, np.uint8),
    "with a sign": lambda g, r: quantized(g, r, np.int8),
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory) -> dict[str, tuple[dict, dict]]:
    """For each case what ONNX Runtime and what the page's runtime says."""
    folder = tmp_path_factory.mktemp("runtime")
    picture = np.random.default_rng(2).integers(0, 256, (HIGH, WIDE, 3), np.uint8)
    (folder / "picture").write_bytes(picture.tobytes())
    told = []
    for number, make in enumerate(CASES.values()):
        graph = Graph()
        graph.write(folder / f"{number}.onnx", make(graph, np.random.default_rng(number)))
        told.append(
            {"file": str(folder / f"{number}.onnx"), "picture": str(folder / "picture"), "width": WIDE, "height": HIGH}
        )
    ours = run_node(RUN, folder, told)
    return {name: (by_onnxruntime(one["file"], picture), own) for name, one, own in zip(CASES, told, ours, strict=True)}


def by_onnxruntime(file: str | Path, picture: np.ndarray) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {session.get_inputs()[0].name: picture[None]}), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_an_operation_gives_what_onnx_runtime_gives(answers, name):
    theirs, ours = answers[name]
    assert "error" not in ours, ours
    for output, values in theirs.items():
        np.testing.assert_allclose(np.array(ours[output]), values.ravel(), rtol=2e-5, atol=2e-4, err_msg=output)


def test_what_the_page_cannot_compute_is_named(tmp_path):
    graph = Graph()
    graph.write(tmp_path / "erf.onnx", graph.add("Erf", "x"))
    (tmp_path / "picture").write_bytes(bytes(HIGH * WIDE * 3))
    told = [{"file": str(tmp_path / "erf.onnx"), "picture": str(tmp_path / "picture"), "width": WIDE, "height": HIGH}]
    assert run_node(RUN, tmp_path, told) == [{"error": "this page cannot compute Erf"}]


def test_a_damaged_file_is_said_to_be_damaged(tmp_path):
    whole = (ASSETS / "starter.onnx").read_bytes()
    told = []
    for number, data in enumerate((b"", whole[:5000], b"no model at all", whole[:-3])):
        (tmp_path / f"{number}.onnx").write_bytes(data)
        (tmp_path / "picture").write_bytes(bytes(64 * 64 * 3))
        told.append({"file": f"{number}.onnx", "picture": "picture", "width": 64, "height": 64})
    assert all(answer.get("error") for answer in run_node(RUN, tmp_path, told))


@pytest.mark.parametrize(("width", "height"), [(320, 256), (320, 192), (192, 320)])
def test_the_starter_gives_what_onnx_runtime_gives(tmp_path, width, height):
    picture = np.ascontiguousarray(scenes.Scene(width, height, faces=2, seed=5).frame(0).picture[..., ::-1])
    (tmp_path / "picture").write_bytes(picture.tobytes())
    file = ASSETS / "starter.onnx"
    told = [{"file": str(file), "picture": str(tmp_path / "picture"), "width": width, "height": height}]
    [ours] = run_node(RUN, tmp_path, told)
    for name, values in by_onnxruntime(file, picture).items():
        np.testing.assert_allclose(np.array(ours[name]), values.ravel(), atol=1e-4, err_msg=name)


@pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason="needs ziglang")
def test_the_kernels_are_made_of_their_source(tmp_path):
    sys.path.insert(0, str(Path(__file__).parents[2] / "scripts" / "tab_runtime"))
    import build

    build.build(tmp_path)
    for name in build.FILES:
        assert (tmp_path / name).read_bytes() == (JS / "runtime" / name).read_bytes()
