"""A made-up district for the outlier tests: two peaks a day, a quieter Sunday, pressure that pays for the flow."""

from collections.abc import Collection
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from outliers.criteria import Criteria
from outliers.findings import Finding
from outliers.learn.build import History
from outliers.learn.day_kinds import Calendar
from outliers.watch.detector import Detector, DetectorState

UTC = ZoneInfo("UTC")

MEAN_M3H, STEADY_M3H = 40.0, 20.0
RESTLESS_M3H = 0.15  # 1.7 m3/h of scatter at the mean
START = 27_360_000 - 27_360_000 % 10_080 + 4 * 1440  # a Monday 00:00 UTC, as a unix minute
Floats = np.ndarray
LEARN_DAYS = 70
DAY = 1440


def history(
    days: int, seed: int = 1, first: int = START, zone: ZoneInfo = UTC, *, restless: float = 0.0, more: float = 0.0
) -> History:
    """`days` of one-minute flow (m3/h) and pressure (bar); people live by the clock of `zone`.

    The minutes scatter by 1 m3/h at any time or, where each m3/h of use brings a variance of `restless` (m3/h)2, with
    the use; `STEADY_M3H` of the flow are leakage then. `more` is a share of the mean that is used besides.
    """
    random = np.random.default_rng(seed)
    calendar = Calendar.of(first, days * 1440, zone, ())
    minute = np.arange(days * 1440)
    hour = calendar.local % 1440 / 60
    sunday = calendar.kind == 6
    shape = 0.55 + 0.35 * np.exp(-(((hour - 7.5) / 1.5) ** 2)) + 0.4 * np.exp(-(((hour - 19) / 3) ** 2))
    shape = np.where(sunday, 0.9 * shape, shape)
    hourly = np.zeros(days * 24)
    for place in range(1, len(hourly)):
        hourly[place] = 0.7 * hourly[place - 1] + random.normal(0, 0.03)
    flow = MEAN_M3H * (shape / shape.mean() * (1 + np.repeat(hourly, 60)) + more)
    used = np.maximum(flow - STEADY_M3H, 0.0) if restless else 1.0
    flow += random.normal(0, 1.0, len(minute)) * np.sqrt(used * (restless or 1.0))
    supply = np.repeat(np.convolve(random.normal(0, 0.01, days * 24 + 5), np.ones(6), "valid"), 60)
    pressure = 4.6 - 0.3 * (flow / MEAN_M3H) ** 1.85 + supply + random.normal(0, 0.02, len(minute))
    return History(first, np.round(flow, 2), np.round(pressure, 3))


def days(count: int, *, restless: float = 0.0, more: float = 0.0) -> History:
    """Days that follow the archive."""
    return history(count, seed=2, first=START + LEARN_DAYS * DAY, restless=restless, more=more)


def burst(rows: History, first: int, last: int, share: float) -> None:
    """Add a flow of `share` of the mean to the minutes from `first` to before `last`; the pressure pays for it."""
    before = rows.flow[first:last].copy()
    rows.flow[first:last] += share * MEAN_M3H
    rows.pressure[first:last] -= 0.3 * ((rows.flow[first:last] / MEAN_M3H) ** 1.85 - (before / MEAN_M3H) ** 1.85)


def detect(criteria: Criteria, rows: History, restart_at: Collection[int] = ()) -> tuple[list[Finding], list[str]]:
    """Findings and flags of the rows, with a restart before each of these."""
    detector = Detector("001", criteria, UTC)
    found: list[Finding] = []
    flags: list[str] = []
    for place, (flow, pressure) in enumerate(zip(rows.flow.tolist(), rows.pressure.tolist(), strict=True)):
        if place in restart_at:
            kept = msgspec.json.decode(msgspec.json.encode(detector.state()), type=DetectorState)
            detector = Detector("001", criteria, UTC, kept)
        verdict = detector.step(
            rows.first + place, None if np.isnan(flow) else flow, None if np.isnan(pressure) else pressure
        )
        found += verdict.findings
        flags.append(verdict.flow_flags + verdict.pressure_flags)
    return found, flags


def raised(found: list[Finding], rows: History) -> list[tuple[str, str, int]]:
    """Code, channel and day's minute of each raise."""
    return [(one.code, one.channel, one.minute - rows.first) for one in found if one.state == "raise"]
