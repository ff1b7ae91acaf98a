"""Which rows may be used for learning criteria, live and in a backtest."""

import numpy as np

from outliers import flags
from outliers.learn.build import History

BEGUN_ROWS = 1440  # rows before a LEAK is raised are excluded: the leak was already there


class Taught:
    """Removes rows from a history that must not be learnt from: faulty values, a LEAK, and the day before one."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._leaked = False

    def row(self, minute: int, flow_flags: str, pressure_flags: str) -> None:
        """The next row and its flags."""
        history, place = self._history, minute - self._history.first
        leaks = flags.LEAK_LETTER in flow_flags
        if leaks and not self._leaked:
            history.flow[max(0, place - BEGUN_ROWS) : place] = np.nan
        self._leaked = leaks
        if leaks or not flags.trusted(flow_flags):
            history.flow[place] = np.nan
        if not flags.trusted(pressure_flags):
            history.pressure[place] = np.nan
