"""Which rows may be used for learning criteria, live and in a backtest."""

import numpy as np

from outliers import flags
from outliers.learn.build import History
from outliers.outage import RUNS_EMPTY_MIN, Outage, row_is_dry

BEGUN_ROWS = 1440  # rows before a LEAK is raised are excluded: the leak was already there


class Taught:
    """Removes rows from a history that must not be learnt from: faulty values, an outage of supply with the time after
    it, a LEAK, and the day before one."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._leaked = False
        self._outage = Outage()

    def row(self, minute: int, flow_flags: str, pressure_flags: str) -> None:
        """The next row and its flags."""
        history, place = self._history, minute - self._history.first
        leaks = flags.LEAK_LETTER in flow_flags
        if leaks and not self._leaked:
            history.flow[max(0, place - BEGUN_ROWS) : place] = np.nan
        self._leaked = leaks
        dry = row_is_dry(history.flow[place], flow_flags, pressure_flags)
        if dry and self._outage.first is None:
            history.flow[max(0, place - RUNS_EMPTY_MIN) : place] = np.nan
        unusual = not self._outage.on_row(minute, dry=dry)
        if unusual or leaks or not flags.trusted(flow_flags):
            history.flow[place] = np.nan
        if unusual or not flags.trusted(pressure_flags):
            history.pressure[place] = np.nan
