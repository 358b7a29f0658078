"""Training: the optimizers, the loop, its bar, its pictures, and that it learns."""

from __future__ import annotations

import ast
import io
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from facetracker import from_scratch as fs
from facetracker.from_scratch import drawing, progress, trainer
from facetracker.from_scratch.optimizers import OPTIMIZERS


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_finds_the_bottom_of_a_narrow_valley(name: str) -> None:
    rates = {"sgd": 0.09, "momentum": 0.02, "nesterov": 0.02, "adagrad": 0.5, "rmsprop": 0.02, "adam": 0.05}
    optimizer = fs.optimizer_named(name.upper(), learning_rate=rates[name])
    x = np.array([-7.0, 2.0])
    for _ in range(400):
        optimizer.update({"x": x}, {"x": x * [0.1, 20.0]})  # of x0**2 / 20 + 10 * x1**2
    assert np.abs(x).max() < 0.5


def test_an_optimizer_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="no optimizer is called 'adamm'; there are sgd, momentum"):
        fs.optimizer_named("adamm")
    with pytest.raises(ValueError, match="positive"):
        fs.SGD(0)


def test_simple_convnet_learns_the_digits(digits: tuple, one_thread: None) -> None:
    network = fs.SimpleConvNet((1, 8, 8), pad=2)
    start = time.perf_counter()
    history = fs.Trainer(network, *digits, epochs=20, quiet=True).train()
    assert time.perf_counter() - start < 60
    assert history.test_accuracy[-1] >= 0.97
    assert history.loss[-1] < history.loss[0] / 10
    assert len(history.loss) == len(history.train_accuracy) == len(history.test_accuracy) == 20


def test_vgg6_tells_colours_apart_on_pictures_it_has_not_seen(one_thread: None) -> None:
    # Its batch normalisation must have learned running averages that serve when it is used.
    random = np.random.default_rng(0)

    def pictures(count: int) -> tuple[np.ndarray, np.ndarray]:
        targets = np.arange(count) % 2
        x = random.random((count, 3, 32, 32)).astype(np.float32) * 0.5
        x[np.arange(count), targets, 8:24, 8:24] += 0.3  # a red or a green square
        return x, targets

    network = fs.VGG6((3, 32, 32), hidden=8, dropout=0.2)
    training = fs.Trainer(network, pictures(96), pictures(32), epochs=6, batch_size=16, quiet=True)
    assert training.train().test_accuracy[-1] == 1


def test_an_epoch_shows_every_picture_once_in_a_new_order() -> None:
    pictures = np.zeros((10, 1, 4, 4), np.float32)
    pictures[:, 0, 0, 0] = np.arange(10)
    seen: list[float] = []

    def spy(batch: np.ndarray, random: np.random.Generator) -> np.ndarray:
        seen.extend(batch[:, 0, 0, 0])
        return batch

    network = fs.SimpleConvNet((1, 4, 4), filters=2, filter_size=3, hidden=2, classes=2)
    data = (pictures, np.eye(2)[np.arange(10) % 2])
    fs.Trainer(network, data, data, epochs=2, batch_size=4, augment=spy, quiet=True).train()
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    assert seen[:10] != seen[10:]


def test_the_same_seed_trains_the_same_network() -> None:
    random = np.random.default_rng(0)
    data = (random.random((12, 3, 32, 32)).astype(np.float32), np.arange(12) % 2)
    results = []
    for _ in range(2):
        network = fs.VGG6((3, 32, 32), hidden=4, seed=1)
        fs.Trainer(network, data, data, epochs=1, batch_size=5, augment=trainer.mirror_half, quiet=True).train()
        results.append(network.parameters["affine2.W"])
    np.testing.assert_array_equal(*results)


def test_what_happens_after_an_epoch_sees_it_done(tmp_path: Path) -> None:
    data = (np.random.default_rng(0).random((6, 1, 4, 4)), np.arange(6) % 2)
    network = fs.SimpleConvNet((1, 4, 4), filters=2, filter_size=3, hidden=2, classes=2)
    done: list[int] = []

    def keep(epoch: int) -> None:
        done.append(len(training.history.test_accuracy))
        network.save(tmp_path / f"epoch_{epoch}.pkl")

    training = fs.Trainer(network, data, data, epochs=3, after_epoch=keep, quiet=True)
    training.train()
    assert done == [1, 2, 3]
    first, last = (fs.SimpleConvNet((1, 4, 4), filters=2, filter_size=3, hidden=2, classes=2) for _ in range(2))
    first.load(tmp_path / "epoch_1.pkl")
    last.load(tmp_path / "epoch_3.pkl")
    np.testing.assert_array_equal(last.parameters["conv1.W"], network.parameters["conv1.W"])
    assert (first.parameters["conv1.W"] != last.parameters["conv1.W"]).any()


def test_mirroring_turns_half_of_the_pictures() -> None:
    pictures = np.zeros((200, 1, 2, 3), np.float32)
    pictures[..., 0] = 1
    mirrored = trainer.mirror_half(pictures, np.random.default_rng(0))
    assert mirrored.dtype == np.float32
    assert 60 < (mirrored[:, 0, 0, 2] == 1).sum() < 140
    assert (mirrored.sum(axis=(1, 2, 3)) == 2).all()


@pytest.mark.parametrize(
    ("pictures", "targets", "batch_size", "message"),
    [(3, 2, 1, "each picture needs its class"), (0, 0, 1, "each picture"), (3, 3, 0, "at least one picture")],
)
def test_training_data_that_does_not_fit(pictures: int, targets: int, batch_size: int, message: str) -> None:
    data = (np.zeros((pictures, 1, 4, 4)), np.zeros(targets, int))
    with pytest.raises(ValueError, match=message):
        fs.Trainer(fs.SimpleConvNet((1, 4, 4), filter_size=3), data, data, batch_size=batch_size)


def test_off_a_terminal_the_bar_is_one_line_an_epoch(capsys: pytest.CaptureFixture) -> None:
    data = (np.random.default_rng(0).random((10, 1, 4, 4)), np.arange(10) % 2)
    network = fs.SimpleConvNet((1, 4, 4), filters=2, filter_size=3, hidden=2, classes=2)
    fs.Trainer(network, data, data, epochs=2, batch_size=4).train()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"epoch 1/2 [{'#' * 24}] 3/3  loss 0.")
    assert "test " in lines[1]
    fs.Trainer(network, data, data, epochs=1, quiet=True).train()
    assert capsys.readouterr().out == ""


def test_on_a_terminal_the_bar_is_written_over() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    bar = progress.ProgressBar("epoch 1/1", 2, stream)
    bar.step("loss 2.000")
    bar.step("loss 1.000")
    bar.finish("done")
    first, second, last = stream.getvalue().split("\r")[1:]
    assert first.startswith("epoch 1/1 [############------------] 1/2  loss 2.000")
    assert "[########################] 2/2" in second
    assert "done" in last
    assert last.endswith("\n")


def test_curves_and_filters_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.image import imread

    figure = drawing.draw_curves(trainer.History([2, 1, 0.5], [0.5, 0.8, 0.9], [0.4, 0.7, 0.85]))
    left, right = figure.axes
    assert list(left.lines[0].get_ydata()) == [2, 1, 0.5]
    assert [line.get_label() for line in right.lines] == ["training pictures", "test pictures"]
    assert right.get_ylim()[0] < 0.4  # nothing below the edge

    grey = np.zeros((13, 1, 3, 3))
    grey[0, 0, 0, 0] = 2
    figure = drawing.draw_filters({"before": grey, "in colour": np.ones((4, 3, 3, 3))}, columns=10)
    pictures = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    assert len(pictures) == 13 + 4
    assert pictures[0][0, 0] == 1
    assert pictures[0][1, 1] == 0.5
    assert pictures[-1].shape == (3, 3, 3)
    figure.savefig(tmp_path / "filters.png")
    assert imread(tmp_path / "filters.png").std() > 0


def test_the_room_needs_nothing_but_numpy() -> None:
    """numpy, the standard library and itself; matplotlib and scikit-learn only inside functions."""
    folder = Path(fs.__file__).parent
    for file in folder.glob("*.py"):
        tree = ast.parse(file.read_text())
        lazy = {id(node) for f in ast.walk(tree) if isinstance(f, ast.FunctionDef | ast.If) for node in ast.walk(f)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            else:
                continue
            for name in names:
                if name.split(".")[0] in ("matplotlib", "sklearn"):
                    assert id(node) in lazy, f"{file.name} loads {name} at once"
                    continue
                known = name.split(".")[0] in {*sys.stdlib_module_names, "numpy"}
                assert known or name.startswith("facetracker.from_scratch"), f"{file.name} imports {name}"
