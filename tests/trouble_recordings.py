"""Recordings of troubles in the made-up district: one function a trouble, each with what is true of it.

The flow and the pressure are those that instruments would have shown, minute by minute. Each recording begins and ends
with quiet days.
"""

from typing import NamedTuple

import numpy as np
from outlier_site import DAY, MEAN_M3H, burst, days

from outliers.learn.build import History

HOUR = 60
BEGIN = 2 * DAY + 10 * HOUR  # a Wednesday, 10:00


class Recording(NamedTuple):
    """A recording, and the truth: the UTC minutes from `first` to before `end` are the trouble's.

    `largest`: a minute at which it is at its largest. `flow_m3h`: the extra flow then; `volume_m3`: that of all of it.
    """

    rows: History
    first: int
    largest: int
    end: int
    flow_m3h: float = 0.0
    volume_m3: float = 0.0


def burst_and_repair(share: float = 0.3, hours: int = 30) -> Recording:
    """A pipe bursts, and is repaired on the next day."""
    rows, end = days(6), BEGIN + hours * HOUR
    burst(rows, BEGIN, end, share)
    return _recording(rows, BEGIN, end, share * MEAN_M3H, share * MEAN_M3H * hours)


def growing_leak(share: float = 0.3) -> Recording:
    """A leak grows from nothing for three days, stays for a day, and is repaired."""
    grown, rows = BEGIN + 3 * DAY, days(9)
    end = grown + DAY
    for first in range(BEGIN, grown, HOUR):
        burst(rows, first, first + HOUR, share * (first - BEGIN) / (grown - BEGIN))
    burst(rows, grown, end, share)
    return _recording(rows, BEGIN, end, share * MEAN_M3H, share * MEAN_M3H * (36 + 24))


def stuck_gauge(hours: int = 6) -> Recording:
    """The pressure gauge keeps its last value."""
    rows, end = days(5), BEGIN + hours * HOUR
    rows.pressure[BEGIN:end] = rows.pressure[BEGIN - 1]
    return _recording(rows, BEGIN, end)


def drifting_gauge(away_bar: float = -0.3) -> Recording:
    """The pressure gauge drifts away for four days, and is changed."""
    rows, end = days(10), BEGIN + 4 * DAY
    rows.pressure[BEGIN:end] += np.linspace(0, away_bar, end - BEGIN)
    return _recording(rows, BEGIN, end)


def meter_reads_too_much(share: float = 0.2, first: int = BEGIN - 4 * HOUR) -> Recording:
    """The flow meter reads too much for two days, and is set right. The pressure follows the true flow."""
    rows, end = days(8), first + 2 * DAY
    rows.flow[first:end] *= 1 + share
    return _recording(rows, first, end)


def flushing(share: float = 0.35, minutes: int = 100) -> Recording:
    """A main is flushed through a drain valve."""
    rows, end = days(4), BEGIN + minutes
    burst(rows, BEGIN, end, share)
    return _recording(rows, BEGIN, end, share * MEAN_M3H, share * MEAN_M3H * minutes / 60)


def supply_outage(hours: int = 5, *, sudden: bool = False) -> Recording:
    """A valve at the works is shut: the pipes run empty within an hour or, if it is `sudden`, at once."""
    rows, end = days(5), BEGIN + hours * HOUR
    left = np.zeros(end - BEGIN) if sudden else np.exp(-np.arange(end - BEGIN) / 15)
    noise = np.random.default_rng(3).normal(0, 0.02, end - BEGIN)
    rows.flow[BEGIN:end] = np.round(rows.flow[BEGIN:end] * left, 2)
    rows.pressure[BEGIN:end] = np.round(0.2 + (rows.pressure[BEGIN:end] - 0.2) * left + noise, 3)
    return _recording(rows, BEGIN, end)


def _recording(rows: History, first: int, end: int, flow_m3h: float = 0.0, volume_m3: float = 0.0) -> Recording:
    return Recording(rows, rows.first + first, rows.first + end - 1, rows.first + end, flow_m3h, volume_m3)
