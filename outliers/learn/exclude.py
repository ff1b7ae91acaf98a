"""Which rows criteria may be learnt from, live and in a judgement of the past."""

import numpy as np

from outliers import flags
from outliers.learn.build import History

BEGUN_ROWS = 1440  # before a LEAK was raised: it flowed already, and what has been proved with it must not teach


class Taught:
    """Takes out of a history, row after row, what must not teach: faulty values, a LEAK, and the day before one."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._leaked = False

    def row(self, minute: int, flow_flags: str, pressure_flags: str) -> None:
        """The next row has been flagged so."""
        history, place = self._history, minute - self._history.first
        leaks = flags.LEAK_LETTER in flow_flags
        if leaks and not self._leaked:
            history.flow[max(0, place - BEGUN_ROWS) : place] = np.nan
        self._leaked = leaks
        if leaks or not flags.trusted(flow_flags):
            history.flow[place] = np.nan
        if not flags.trusted(pressure_flags):
            history.pressure[place] = np.nan
