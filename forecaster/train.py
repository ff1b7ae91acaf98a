"""Training: one loop for every block of leads. How long it runs follows from how much history there is."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from forecaster.features import DAYS, SPAN, Panel, gather, targets
from forecaster.model import Network, pinball

LEADS_PER_WINDOW = 24  # targets drawn for each window of a long block
LEARNING_RATE = 3e-3
REFRESH_RATE = 2e-3  # when the held-out weeks are learnt at the end
DECAY = 0.02
CLIP_NORM = 1.0
MIN_SEEN_WEEK = 24  # hours of the last week that a window needs to be worth learning from
FORGET_SENSOR = 0.2  # how often a sensor is treated as unknown, so that unknown ones work
DROP_DAYS = 0.5  # share of windows that lose some days of their past


@dataclass(frozen=True)
class Block:
    """Leads `first`..`last` that one set of weights answers, and how it is trained."""

    first: int
    last: int
    steps: int
    windows: int


Progress = Callable[[int, int, float], None]  # step, steps, loss


def usable_origins(panel: Panel, first_row: int, last_row: int) -> Tensor:
    """(series, origin) pairs [N, 2] to learn from, whose targets lie at most one row past `last_row`."""
    seen = panel.seen[:, SPAN:]
    busy = torch.nn.functional.pad(seen.cumsum(1), (1, 0))
    rows = torch.arange(first_row, last_row, device=seen.device)
    week = busy[:, rows + 1] - busy[:, (rows - 167).clamp(min=0)]
    modelled = torch.isfinite(torch.from_numpy(panel.units.scale).to(seen.device))[:, None]
    series, at = torch.nonzero((week >= MIN_SEEN_WEEK) & modelled, as_tuple=True)
    return torch.stack([series, rows[at]], 1)


def train(
    panel: Panel,
    known: Tensor,
    block: Block,
    *,
    until_row: int,
    seed: int,
    start: Network | None = None,
    progress: Progress | None = None,
) -> Network:
    """Weights for a block from rows before `until_row`; `known[series]` are embedding indices (1..).

    `start` goes on from given weights. Uses no row at or past `until_row`, as input or as target. Runs where the
    panel is; the weights come back to the CPU. Chance is drawn on the CPU, so that a seed means the same everywhere."""
    torch.manual_seed(seed)
    device = panel.z.device
    task = _Task(panel, known.to(device), block, until_row, torch.Generator().manual_seed(seed))
    network = (copy.deepcopy(start) if start else Network(int(known.max()))).to(device)
    rate = LEARNING_RATE if start is None else REFRESH_RATE
    pairs = usable_origins(panel, 168, until_row - 1)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=block.steps)
    network.train()
    for step in range(block.steps):
        pick = pairs[torch.randint(len(pairs), (block.windows,), generator=task.random).to(device)]
        loss = _loss(network, task, pick)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP_NORM)
        optimizer.step()
        schedule.step()
        if progress:
            progress(step + 1, block.steps, float(loss.detach()))
    return network.cpu().eval()


@dataclass(frozen=True)
class _Task:
    """What stays the same through a training."""

    panel: Panel
    known: Tensor
    block: Block
    until_row: int
    random: torch.Generator


def _loss(network: Network, task: _Task, pick: Tensor) -> Tensor:
    series, origin = pick.unbind(1)
    leads = _leads(task.block, len(pick), task.random).to(pick.device)
    batch = gather(task.panel, series, origin, leads, _dropped_days(len(pick), task.random).to(pick.device))
    truth, seen = targets(task.panel, series, origin, leads)
    seen = seen * (origin[:, None] + leads < task.until_row)
    forget = torch.rand(len(pick), generator=task.random).to(pick.device) < FORGET_SENSOR
    return pinball(network(batch, task.known[series] * ~forget), truth, seen)


def _leads(block: Block, windows: int, random: torch.Generator) -> Tensor:
    """All leads of a short block; of a long one, one drawn from each of LEADS_PER_WINDOW equal parts. [B, L]"""
    span = block.last - block.first + 1
    if span <= LEADS_PER_WINDOW:
        return torch.arange(block.first, block.last + 1).expand(windows, -1)
    edges = torch.arange(LEADS_PER_WINDOW) * (span / LEADS_PER_WINDOW)
    inside = torch.rand((windows, LEADS_PER_WINDOW), generator=random) * (span / LEADS_PER_WINDOW)
    return (block.first + (edges + inside).long()).clamp(max=block.last)


def _dropped_days(windows: int, random: torch.Generator) -> Tensor:
    """Random gaps in the past: single days in half of the windows, everything before some day in a few. [B, DAYS]"""
    lose = torch.rand((windows, 1), generator=random) < DROP_DAYS
    days = torch.rand((windows, DAYS), generator=random) < 0.1
    short = torch.rand((windows, 1), generator=random) < 0.1
    age = torch.arange(DAYS - 1, -1, -1)
    youngest = torch.randint(1, DAYS, (windows, 1), generator=random)
    return (days & lose) | (short & (age >= youngest))
