"""A made-up zone for the tests of loggers: one inlet, three loggers inside, each with its share of the head loss."""

from dataclasses import dataclass

import numpy as np
from outlier_site import LEARN_DAYS, MEAN_M3H, START, UTC, history

from outliers.learn.build import History
from outliers.learn.day_kinds import Calendar
from outliers.learn.loggers import LoggerArchive, logger_use
from outliers.logger_use import LoggerUse

LOSSES_BAR = {"101": 0.15, "102": 0.4, "103": 0.6}  # from the inlet, at the mean flow
HEIGHT_BAR = 0.5  # the loggers stand lower than the inlet
NOISE_BAR = 0.015
Floats = np.ndarray


@dataclass
class ZoneRows:
    """Minutes of the inlet and of the loggers, from UTC minute `first` on."""

    inlet: History
    loggers: dict[str, Floats]

    @property
    def first(self) -> int:
        return self.inlet.first

    def lower(self, begin: int, bars: dict[str, float], end: int | None = None) -> None:
        """The pressure at loggers falls from minute `begin` on, for a reason beyond the flow."""
        for logger, bar in bars.items():
            self.loggers[logger][begin:end] -= bar


def zone_rows(days: int, *, seed: int = 1, first: int = START, leak: tuple[int, float] = (0, 0.0)) -> ZoneRows:
    """`leak`: its first minute, and its flow (m3/h); the pipes from the inlet on carry it like any use."""
    inlet = history(days, seed, first)
    begin, more = leak
    if more:
        inlet.flow[begin:] += more
        before = (inlet.flow[begin:] - more) / MEAN_M3H
        inlet.pressure[begin:] -= 0.3 * ((inlet.flow[begin:] / MEAN_M3H) ** 1.85 - before**1.85)
    random = np.random.default_rng(seed + 100)
    cost = (inlet.flow / MEAN_M3H) ** 1.85
    loggers = {
        name: np.round(inlet.pressure + HEIGHT_BAR - loss * cost + random.normal(0, NOISE_BAR, len(cost)), 3)
        for name, loss in LOSSES_BAR.items()
    }
    return ZoneRows(inlet, loggers)


def learn(rows: ZoneRows, logger: str) -> LoggerUse | None:
    calendar = Calendar.of(rows.first, len(rows.inlet.flow), UTC, ())
    archive = LoggerArchive("001", rows.loggers[logger], {"001": rows.inlet.pressure}, rows.inlet.flow)
    return logger_use(archive, calendar)


def learn_all() -> dict[str, LoggerUse]:
    """What ten weeks teach of each logger."""
    rows = zone_rows(LEARN_DAYS)
    found = {logger: learn(rows, logger) for logger in LOSSES_BAR}
    return {logger: use for logger, use in found.items() if use is not None}


def days_after(count: int, *, leak: tuple[int, float] = (0, 0.0)) -> ZoneRows:
    """Days that follow the archive."""
    return zone_rows(count, seed=2, first=START + LEARN_DAYS * 1440, leak=leak)
