"""Training: one loop for every block of leads. How long it runs follows from how much history there is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from forecaster.dataset import BoolArray, IntArray
from forecaster.fallback import WEEK
from forecaster.features import DAYS
from forecaster.forward import Weights
from forecaster.gather import gather, targets
from forecaster.model import Network, pinball
from forecaster.panel import Panel
from forecaster.sampling import drawn, usable_origins

LEADS_PER_WINDOW = 24  # targets drawn for each window of a long block
LEARNING_RATE = 3e-3
REFRESH_RATE = 2e-3  # when the held-out weeks are learnt at the end
DECAY = 0.02
CLIP_NORM = 1.0
FORGET_SENSOR = 0.2  # how often a sensor is treated as unknown, so that unknown ones work
REPORT_EVERY = 10  # steps
DROP_DAYS = 0.5  # share of windows that lose some days of their past


@dataclass(frozen=True)
class Block:
    """How the part of the model that answers leads up to `last` is trained."""

    last: int
    steps: int
    windows: int
    members: int = 1  # networks, whose mean counts


Progress = Callable[[int, int, float], None]  # step, steps, loss


def train(
    panel: Panel,
    block: Block,
    *,
    until_row: int,
    seed: int,
    start: Weights | None = None,
    progress: Progress | None = None,
) -> Weights:
    """Weights for a block from rows before `until_row`. The panel's first series is number 1 of the embedding.

    `start` goes on from given weights. Uses no row at or past `until_row`, as input or as target."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    network = Network.of(start) if start else Network(len(panel.kind))
    rate = LEARNING_RATE if start is None else REFRESH_RATE
    draw = drawn(usable_origins(panel, WEEK, until_row - 1))
    optimizer = torch.optim.AdamW(network.parameters(), rate, weight_decay=DECAY, fused=True)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=block.steps)
    network.train()
    for step in range(1, block.steps + 1):
        optimizer.zero_grad()
        series, origin = draw(block.windows, random).T
        leads = _leads(block, random)
        batch = gather(panel, series, origin, leads, _dropped_days(block.windows, random))
        truth, seen = targets(panel, series, origin, leads)
        seen = seen * (origin[:, None] + leads < until_row)
        known = np.where(random.random(block.windows) < FORGET_SENSOR, 0, series + 1)
        answer = network(*map(torch.from_numpy, (*batch, known)))
        loss = pinball(answer, torch.from_numpy(truth), torch.from_numpy(seen))
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), CLIP_NORM)
        optimizer.step()
        cycle.step()
        if progress and (step % REPORT_EVERY == 0 or step == block.steps):
            progress(step, block.steps, float(loss.detach()))
    return network.weights()


def _leads(block: Block, random: np.random.Generator) -> IntArray:
    """All leads of a short block; of a long one, one drawn from each of LEADS_PER_WINDOW equal parts. [B, L]"""
    if block.last <= LEADS_PER_WINDOW:
        return np.tile(np.arange(1, block.last + 1), (block.windows, 1))
    part = block.last / LEADS_PER_WINDOW
    inside = (np.arange(LEADS_PER_WINDOW) + random.random((block.windows, LEADS_PER_WINDOW))) * part
    return np.minimum(1 + inside.astype(np.int64), block.last)


def _dropped_days(windows: int, random: np.random.Generator) -> BoolArray:
    """Random gaps in the past: single days in half of the windows, everything before some day in a few. [B, DAYS]"""
    lose = random.random((windows, 1)) < DROP_DAYS
    days = random.random((windows, DAYS)) < 0.1
    short = random.random((windows, 1)) < 0.1
    age = np.arange(DAYS - 1, -1, -1)
    youngest = random.integers(1, DAYS, (windows, 1))
    return (days & lose) | (short & (age >= youngest))
