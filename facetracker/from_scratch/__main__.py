"""SimpleConvNet on handwritten digits: `python -m facetracker.from_scratch [--digits FOLDER]`.

Leaves in the folder OUT the curves, the filters before and after, the mistakes, and the parameters of every epoch.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from facetracker.from_scratch.digits import load_digits
from facetracker.from_scratch.drawing import draw_curves, draw_digits, draw_filters
from facetracker.from_scratch.networks import SimpleConvNet
from facetracker.from_scratch.optimizers import OPTIMIZERS, optimizer_named
from facetracker.from_scratch.trainer import Trainer


def main() -> None:
    """Train, test, draw."""
    parser = argparse.ArgumentParser("python -m facetracker.from_scratch", description="SimpleConvNet learns digits")
    parser.add_argument("--digits", type=Path, metavar="FOLDER", help="MNIST's four files; default: scikit-learn's")
    parser.add_argument("--out", type=Path, default=Path("digits"), help="where pictures and parameters go")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, help="pictures a step; default: 100, of scikit-learn's few digits 32")
    parser.add_argument("--optimizer", choices=OPTIMIZERS, default="adam")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--first", type=int, help="take only so many training pictures, and a fifth as many to test")
    arguments = parser.parse_args()

    try:
        train, test = load_digits(arguments.digits)
    except (OSError, ValueError, ImportError) as error:
        parser.error(str(error))
    if arguments.digits is None:
        print("no --digits FOLDER: scikit-learn's 1,797 digits of 8x8 pixels in place of MNIST's 70,000 of 28x28")
    if arguments.first:
        train = train[0][: arguments.first], train[1][: arguments.first]
        test = test[0][: arguments.first // 5], test[1][: arguments.first // 5]
    small = train[0].shape[-1] < 28  # a window of 5x5 takes half of 8x8 away: a border gives it back
    network = SimpleConvNet(train[0].shape[1:], pad=2 if small else 0)
    before = network.parameters["conv1.W"].copy()
    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(
        network,
        train,
        test,
        arguments.epochs,
        arguments.batch or (32 if small else 100),
        optimizer_named(arguments.optimizer, learning_rate=arguments.learning_rate),
        after_epoch=lambda epoch: network.save(out / f"epoch_{epoch}.npz"),
    )
    history = trainer.train()
    network.save(out / "params.npz")
    draw_curves(history).savefig(out / "curves.png")
    draw_filters({"before": before, "after": network.parameters["conv1.W"]}).savefig(out / "filters.png")
    draw_digits(test, network.predict(test[0])).savefig(out / "answers.png")
    print(f"{network.accuracy(*test):.2%} of {len(test[1]):,} test pictures right; {out}: curves, filters, answers")


if __name__ == "__main__":
    main()
