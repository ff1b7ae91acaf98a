"""Removes unnoticed leaks from an archive.

Some leaks were too small to be noticed, or were noticed late. Left in, they make leaks look usual: the limits rise, and
so does the apparent wander of the steady flow. So leaks that the archive's texture shows are excluded, and the rest is
learnt again, until no more are found.
"""

from dataclasses import dataclass

import numpy as np

from outliers.hour_model import HourModel
from outliers.learn.flicker import Texture, learn_texture
from outliers.learn.hourly import LEAST_LEAK, WITH, Walk, walk
from outliers.learn.return_level import LOWER_HALF, Floats, daily_maxima, normal_level

ROUNDS = 3  # excluding some leaks reveals others
LEAKS_DAYS = 30.0  # return period, in days, of wrongly excluding an hour that is not part of a leak


@dataclass(frozen=True, slots=True)
class ArchiveHours:
    """Cleaned minutes of flow and pressure, and their usual values.

    Attributes:
        flow: m3/h, one-minute rows that start at a full hour.
        pressure: bar.
        usual: the expected flow at each minute, including the level.
        ratio: each hour's flow / criterion - 1.
        slot: each hour's index in the week.
        leak: the effect of a leak of the size of the mean flow on each hour's ratio.
    """

    flow: Floats
    pressure: Floats
    usual: Floats
    ratio: Floats
    slot: np.ndarray
    leak: Floats


@dataclass(frozen=True, slots=True)
class Calm:
    """The remaining flow, its texture (None if there is none; then nothing is excluded), and its hours."""

    flow: Floats
    texture: Texture | None
    walked: Walk


def calm(archive: ArchiveHours, model: HourModel, mean_m3h: float, level: float) -> Calm:
    """Exclude the leaks that the texture shows."""
    flow, ratio = archive.flow, archive.ratio
    texture = learn_texture(flow, archive.pressure, archive.usual, mean_m3h)
    walked = walk(model, ratio, archive.leak, archive.slot, texture, level=level)
    for _ in range(ROUNDS if texture is not None else 0):
        part = np.isfinite(ratio) & leaks(walked)
        rest = np.where(np.repeat(part, 60), np.nan, flow)
        again = learn_texture(rest, archive.pressure, archive.usual, mean_m3h) if part.any() else None
        if again is None:  # no leak found, or too little would be left
            break
        flow, ratio, texture = rest, np.where(part, np.nan, ratio), again
        walked = walk(model, ratio, archive.leak, archive.slot, texture, level=level)
    return Calm(flow, texture, walked)


def leaks(walked: Walk) -> np.ndarray:
    """The hours of an archive that were part of a leak: extra flow that is steady for days, which is rare otherwise."""
    limit = normal_level(daily_maxima(walked.scores[:, -1], 24), LEAKS_DAYS, quantiles=LOWER_HALF)
    part = np.zeros(len(walked.since), dtype=bool)
    for hour in np.flatnonzero(walked.scores[:, -1] > max(LEAST_LEAK[WITH], limit)):
        part[walked.since[hour] : hour + 1] = True
    return part
