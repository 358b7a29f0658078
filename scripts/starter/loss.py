"""What the starter is asked for: task-aligned assignment, varifocal, complete IoU and landmarks, in PyTorch.

The same idea as `facetracker/models/assign.py` (score ** 0.5 * IoU ** 4 decides which cells answer, and how sure they
are asked to be), but only the cells round a face's middle are looked at: then a batch may hold thousands of faces.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F

STRIDES = (8, 16, 32)
SCORE_POWER, IOU_POWER = 0.5, 4.0
CELLS_PER_FACE, WINDOW = 10, 2  # cells each way round the one in the middle, on each grid
LEAST_HALF = 4.5  # pixels: round the middle of a tiny face
BACKGROUND_SHARE, BACKGROUND_POWER = 1.0, 1.5
BOX_SHARE, SCORE_SHARE, LANDMARK_SHARE = 1.0, 0.5, 1.0
SURE_LANDMARK = 0.02  # of the face's side: below it an error counts by its square


class Truth(NamedTuple):
    """Faces of a batch, one after the other: `boxes (F, 4)` in pixels, `picture (F,)`, `ignored (F,)`, `points (F, 10)`
    in pixels, not a number where nobody knows."""

    boxes: torch.Tensor
    picture: torch.Tensor
    ignored: torch.Tensor
    points: torch.Tensor


def cells(height: int, width: int, device) -> tuple[torch.Tensor, torch.Tensor]:
    """Centre `(A, 2)` and stride `(A, 1)` of every cell, in pixels."""
    centres, sides = [], []
    for stride in STRIDES:
        y = (torch.arange(height // stride, device=device) + 0.5) * stride
        x = (torch.arange(width // stride, device=device) + 0.5) * stride
        grid_y, grid_x = torch.meshgrid(y, x, indexing="ij")
        centre = torch.stack([grid_x.flatten(), grid_y.flatten()], 1)
        centres.append(centre)
        sides.append(torch.full_like(centre[:, :1], stride))
    return torch.cat(centres), torch.cat(sides)


def around(boxes: torch.Tensor, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The cells `(F, K)` round the middle of each face, and whether they are candidates `(F, K)`."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = ((boxes[:, 2:] - boxes[:, :2]) / 2).clamp(min=LEAST_HALF)
    step = torch.arange(-WINDOW, WINDOW + 1, device=boxes.device)
    dy, dx = (grid.flatten() for grid in torch.meshgrid(step, step, indexing="ij"))
    numbers, fits, first = [], [], 0
    for stride in STRIDES:
        rows, columns = height // stride, width // stride
        column = (middle[:, :1] / stride).floor().long() + dx
        row = (middle[:, 1:] / stride).floor().long() + dy
        fit = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        fit &= ((column + 0.5) * stride - middle[:, :1]).abs() < half[:, :1]
        fit &= ((row + 0.5) * stride - middle[:, 1:]).abs() < half[:, 1:]
        numbers.append(first + row.clamp(0, rows - 1) * columns + column.clamp(0, columns - 1))
        fits.append(fit)
        first += rows * columns
    return torch.cat(numbers, 1), torch.cat(fits, 1)


def pair_iou(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    shared = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    areas = (a[..., 2:] - a[..., :2]).clamp(min=0).prod(-1) + (b[..., 2:] - b[..., :2]).clamp(min=0).prod(-1)
    return shared / (areas - shared).clamp(min=1e-9)


def complete_iou(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """IoU less what the middles and the shapes differ by; boxes `(N, 4)`."""
    iou = pair_iou(a, b)
    outer = torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])
    apart = ((a[:, :2] + a[:, 2:] - b[:, :2] - b[:, 2:]) / 2).square().sum(-1) / outer.square().sum(-1).clamp(min=1e-6)
    sides_a, sides_b = (a[:, 2:] - a[:, :2]).clamp(min=1e-3), (b[:, 2:] - b[:, :2]).clamp(min=1e-3)
    shape = torch.atan(sides_a[:, 0] / sides_a[:, 1]) - torch.atan(sides_b[:, 0] / sides_b[:, 1])
    shape = 4 / torch.pi**2 * shape.square()
    with torch.no_grad():
        share = shape / (1 - iou + shape).clamp(min=1e-6)
    return iou - apart - share * shape


def loss_of(outputs, truth: Truth, height: int, width: int) -> dict[str, torch.Tensor]:
    """Losses `all`, `score`, `box`, `landmark` of a batch, and `iou`, how well faces are boxed."""
    logits, reach, landmarks = outputs
    batch, count = logits.shape[:2]
    centres, sides = cells(height, width, logits.device)
    reach = reach * sides
    boxes = torch.cat([centres - reach[..., :2], centres + reach[..., 2:]], -1)
    flat_boxes, flat_logits = boxes.reshape(-1, 4), logits.reshape(-1)
    with torch.no_grad():
        wanted, owner, counts, iou = _assign(flat_logits, flat_boxes, truth, batch, count, centres, height, width)
    looks = torch.sigmoid(flat_logits.detach())
    weight = torch.where(wanted > 0, wanted, BACKGROUND_SHARE * looks**BACKGROUND_POWER) * counts
    total = wanted.sum().clamp(min=1.0)
    score = (weight * F.binary_cross_entropy_with_logits(flat_logits, wanted, reduction="none")).sum() / total
    chosen = torch.nonzero(wanted > 0)[:, 0]
    face = owner[chosen]
    fit = (1.0 - complete_iou(flat_boxes[chosen], truth.boxes[face])) * wanted[chosen]
    box = fit.sum() / total
    size = (truth.boxes[face, 2:] - truth.boxes[face, :2]).prod(-1).sqrt()[:, None]
    cell = chosen % count
    points = landmarks.reshape(-1, 5, 2)[chosen] * sides[cell][:, None] + centres[cell][:, None]
    known = torch.isfinite(truth.points[face])
    error = (points.reshape(-1, 10) - torch.where(known, truth.points[face], 0.0)) / size
    each = F.smooth_l1_loss(error, torch.zeros_like(error), beta=SURE_LANDMARK, reduction="none") * known
    landmark = (each.sum(-1) * wanted[chosen]).sum() / total
    return {
        "all": BOX_SHARE * box + SCORE_SHARE * score + LANDMARK_SHARE * landmark,
        "score": score.detach(),
        "box": box.detach(),
        "landmark": landmark.detach(),
        "iou": iou,
    }


def _assign(logits, boxes, truth: Truth, batch: int, count: int, centres, height: int, width: int):
    """For all cells `(B * A,)`: how sure they are asked to be, of which face, whether they count; and the mean IoU."""
    wanted = torch.zeros(batch * count, device=logits.device)
    owner = torch.zeros(batch * count, dtype=torch.long, device=logits.device)
    counts = torch.ones_like(wanted)
    asked = torch.nonzero(~truth.ignored)[:, 0]
    mean = wanted.sum()
    if len(asked):
        near, fits = around(truth.boxes[asked], height, width)
        flat = near + truth.picture[asked, None] * count
        iou = pair_iou(truth.boxes[asked, None], boxes[flat])
        merit = (torch.sigmoid(logits[flat]) ** SCORE_POWER * iou**IOU_POWER + 1e-9) * fits
        least = merit.topk(CELLS_PER_FACE, dim=1).values[:, -1:]
        chosen = fits & (merit >= least.clamp(min=1e-12))
        # A cell that several faces want answers for the one it overlaps most.
        claim = torch.where(chosen, iou + 1e-6, 0.0)
        best = torch.zeros_like(wanted).scatter_reduce(0, flat.flatten(), claim.flatten(), "amax")
        chosen &= claim >= best[flat]
        merit = merit * chosen
        most = merit.amax(1, keepdim=True)
        fit = (iou * chosen).amax(1, keepdim=True)
        target = merit / most.clamp(min=1e-12) * fit
        rows, columns = torch.nonzero(chosen, as_tuple=True)
        wanted[flat[rows, columns]] = target[rows, columns]
        owner[flat[rows, columns]] = asked[rows]
        mean = fit.mean()
    ignored = torch.nonzero(truth.ignored)[:, 0]
    if len(ignored):
        spot = truth.boxes[ignored]
        middle, half = (spot[:, :2] + spot[:, 2:]) / 2, ((spot[:, 2:] - spot[:, :2]) / 2).clamp(min=LEAST_HALF)
        inside = ((centres[None] - middle[:, None]).abs() < half[:, None]).all(-1)
        rows, cell = torch.nonzero(inside, as_tuple=True)
        counts[truth.picture[ignored][rows] * count + cell] = 0.0
        counts[wanted > 0] = 1.0
    return wanted, owner, counts, mean
