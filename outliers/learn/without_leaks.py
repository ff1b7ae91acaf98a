"""An archive without its own leaks.

Nobody has marked them: some were too small to be noticed, or were noticed late. Left in, they make leaks look usual:
the limits rise, and so does the wander that the still flow seems to have. So what the archive's own texture shows as
a leak is left out, and the rest is learnt from again, until nothing more shows.
"""

from dataclasses import dataclass

import numpy as np

from outliers.flow_shift import HourModel
from outliers.learn.flicker import Texture, learn_texture
from outliers.learn.hourly import LEAST_LEAK, WITH, Walk, walk
from outliers.learn.return_level import Floats, daily_maxima, normal_level

ROUNDS = 3  # what is left shows more
LEAKS_DAYS = 30.0  # so seldom does what is no leak look like one that is to be left out


@dataclass(frozen=True, slots=True)
class ArchiveHours:
    """Cleaned minutes of flow and pressure, and what is usual in them.

    Attributes:
        flow: m3/h, one-minute rows that begin with an hour.
        pressure: bar.
        usual: the flow to expect at each minute, level and all.
        ratio: each hour's flow over its criterion, less one.
        slot: each hour's place in the week.
        leak: what a leak of the size of the mean flow adds to each hour's ratio.
    """

    flow: Floats
    pressure: Floats
    usual: Floats
    ratio: Floats
    slot: np.ndarray
    leak: Floats


@dataclass(frozen=True, slots=True)
class Calm:
    """What is left: the flow, its texture (None where there is none, and then nothing is left out), its hours."""

    flow: Floats
    texture: Texture | None
    walked: Walk


def calm(archive: ArchiveHours, model: HourModel, mean_m3h: float, level: float) -> Calm:
    """Leave out the leaks that the texture shows."""
    flow, ratio = archive.flow, archive.ratio
    texture = learn_texture(flow, archive.pressure, archive.usual, mean_m3h)
    walked = walk(model, ratio, archive.leak, archive.slot, texture, level=level)
    for _ in range(ROUNDS if texture is not None else 0):
        part = np.isfinite(ratio) & leaks(walked)
        rest = np.where(np.repeat(part, 60), np.nan, flow)
        again = learn_texture(rest, archive.pressure, archive.usual, mean_m3h) if part.any() else None
        if again is None:  # nothing shows, or too little would be left
            break
        flow, ratio, texture = rest, np.where(part, np.nan, ratio), again
        walked = walk(model, ratio, archive.leak, archive.slot, texture, level=level)
    return Calm(flow, texture, walked)


def leaks(walked: Walk) -> np.ndarray:
    """Which hours of an archive were part of a leak: a flow of days that stands still, as the rest hardly ever does."""
    limit = normal_level(daily_maxima(walked.scores[:, -1], 24), LEAKS_DAYS)
    part = np.zeros(len(walked.since), dtype=bool)
    for hour in np.flatnonzero(walked.scores[:, -1] > max(LEAST_LEAK[WITH], limit)):
        part[walked.since[hour] : hour + 1] = True
    return part
