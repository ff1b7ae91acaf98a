"""How much of the flow is a leak's? Use flickers from minute to minute, and a leak does not.

Use is the sum of many small draws that nobody agrees on, so it is restless: the variance of what it changes by in a
minute goes with the use itself, as in any shot noise. A leak flows without a flicker and adds nothing to it.
So the flow's texture says how much of it is used, whatever the day or the weather, and the rest stands still: leakage
that was always there, and a leak when it grows. Buchberger and Nadimpalli (2004) measured leakage so, from the mean
and the variance of flow readings.
"""

from dataclasses import dataclass

from outliers.rules import STEP_GUARD

# Times the texture's own score: no more can it and the hours have together, for a leak and for a leak's end.
GUARD, FALL_GUARD = 2.0, 3.0
DENIED = 1.0  # standard errors that the still flow may be short of half a rise


@dataclass(frozen=True, slots=True)
class TextureUse:
    """How the flow's texture goes with the flow.

    Attributes:
        by_use_m3h: variance of the change in a minute, (m3/h)2, that each m3/h of use brings.
        steady_m3h: flow without texture, at the usual pressure; the meter's own noise makes it seem less.
        by_bar_m3h: how much more of it a bar more brings; 0 = the pressure does not matter.
        usual_bar: the usual pressure.
        error: times the error that counting alone would have; at least 1.
        wander: standard deviation of the slow course of the still flow, share of the mean flow.
    """

    by_use_m3h: float
    steady_m3h: float
    by_bar_m3h: float
    usual_bar: float
    error: float
    wander: float


@dataclass(frozen=True, slots=True)
class Still:
    """A flow that stands still beyond the usual one, and its standard error, as shares of the mean flow."""

    size: float
    error: float


def together(one: Still, two: Still | None) -> tuple[float, float, float]:
    """Size, error and score of what two measurements say of the same flow: `one` of its rise, `two` of its texture.

    A rise alone proves no leak, however large: use has heavy tails. So the score is bound to the texture's.
    """
    if two is None:
        return one.size, one.error, one.size / one.error
    weigh_one, weigh_two = 1.0 / one.error**2, 1.0 / two.error**2
    total = weigh_one + weigh_two
    size, error = (one.size * weigh_one + two.size * weigh_two) / total, total**-0.5
    return size, error, min(size / error, STEP_GUARD * two.size / two.error)


def denies(still: Still | None, size: float) -> bool:
    """Whether the texture says that most of a flow of `size` is used: it flickers."""
    return still is not None and still.size + DENIED * still.error < size / 2
