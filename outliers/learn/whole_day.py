"""Medians by the time of the day, also of times at which an archive has nothing."""

import numpy as np

from outliers.learn.day_kinds import Ints
from outliers.learn.return_level import Floats


def whole_day(values: Floats, places: Ints, count: int) -> Floats:
    """The median of the values at each of `count` places of the day, of which some are known.

    Where there are none, as of a logger that sleeps by night, it lies between its neighbours: the archive says nothing
    of these times, but rows may come at them one day.
    """
    known = np.unique(places)
    medians = [np.median(values[places == place]) for place in known]
    found: Floats = np.interp(np.arange(count), known, medians, period=count)
    return found
