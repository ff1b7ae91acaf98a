"""How much of the flow is leakage? Use flickers from minute to minute, a leak does not.

Use is the sum of many small independent draws. As in any shot noise, the variance of its one-minute changes is
proportional to the use. A leak flows steadily and adds nothing to that variance. So the flicker measures the use,
whatever the day or the weather; the rest is steady flow: old leakage, and a new leak. Buchberger and Nadimpalli (2004)
measured leakage in this way, from the mean and the variance of flow readings.
"""

from dataclasses import dataclass

from outliers.rules import STEP_GUARD

# Upper bound of the joint score of hours and flicker, as a multiple of the flicker's score: for a leak, for its end.
GUARD, FALL_GUARD = 2.0, 3.0
DENIED = 1.0  # standard errors that the steady flow may be below half of a rise


@dataclass(frozen=True, slots=True)
class TextureUse:
    """How the flicker depends on the flow.

    Attributes:
        by_use_m3h: variance of the one-minute change, (m3/h)2, per m3/h of use.
        steady_m3h: flow without flicker, at the usual pressure; meter noise makes it look smaller.
        by_bar_m3h: increase of the steady flow with the pressure, m3/h per bar; 0 = independent of it.
        usual_bar: the usual pressure.
        error: observed standard error / theoretical sampling error, at least 1.
        wander: standard deviation of the slow variation of the steady flow, share of the mean flow.
    """

    by_use_m3h: float
    steady_m3h: float
    by_bar_m3h: float
    usual_bar: float
    error: float
    wander: float


@dataclass(frozen=True, slots=True)
class SteadyFlow:
    """Extra steady flow beyond the usual, and its standard error, as shares of the mean flow."""

    size: float
    error: float


def together(one: SteadyFlow, two: SteadyFlow | None) -> tuple[float, float, float]:
    """Combine two measurements of one flow, `one` from its rise and `two` from its flicker: size, error, score.

    Even a large rise alone proves no leak, because use has heavy tails. So the flicker's score limits the total.
    """
    if two is None:
        return one.size, one.error, one.size / one.error
    weigh_one, weigh_two = 1.0 / one.error**2, 1.0 / two.error**2
    total = weigh_one + weigh_two
    size, error = (one.size * weigh_one + two.size * weigh_two) / total, total**-0.5
    return size, error, min(size / error, STEP_GUARD * two.size / two.error)


def denies(steady: SteadyFlow | None, size: float) -> bool:
    """Whether the flicker shows that most of a flow of `size` is use."""
    return steady is not None and steady.size + DENIED * steady.error < size / 2


def agrees(steady: SteadyFlow | None, size: float) -> bool:
    """Whether all of a flow of `size` explains the flicker better than none of it."""
    return steady is not None and steady.size > size / 2
