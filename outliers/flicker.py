"""How much of the flow is leakage? Use flickers from minute to minute, and a leak does not.

Use is the sum of many small independent draws. As in any shot noise, the variance of its change from one minute to the
next is proportional to the use. A leak flows steadily and adds nothing to that variance. So the flicker tells how much
is used, whatever the day or the weather; the rest is steady: old leakage, and a new leak. Buchberger and Nadimpalli
(2004) measured leakage in this way, from the mean and the variance of flow readings.
"""

from dataclasses import dataclass

from outliers.rules import STEP_GUARD

# Upper bound of the joint score of hours and flicker, as a multiple of the flicker's own: for a leak, for its end.
GUARD, FALL_GUARD = 2.0, 3.0
DENIED = 1.0  # standard errors by which the steady flow may be below half a rise


@dataclass(frozen=True, slots=True)
class TextureUse:
    """How the flicker depends on the flow.

    Attributes:
        by_use_m3h: variance of the change in a minute, (m3/h)2, for each m3/h of use.
        steady_m3h: flow without flicker, at the usual pressure; the meter's own noise makes it seem less.
        by_bar_m3h: rise of the steady flow with the pressure, m3/h a bar; 0 = the pressure does not matter.
        usual_bar: the usual pressure.
        error: observed standard error / theoretical sampling error, at least 1.
        wander: standard deviation of the slow course of the steady flow, share of the mean flow.
    """

    by_use_m3h: float
    steady_m3h: float
    by_bar_m3h: float
    usual_bar: float
    error: float
    wander: float


@dataclass(frozen=True, slots=True)
class SteadyFlow:
    """A steady flow beyond the usual one, and its standard error, as shares of the mean flow."""

    size: float
    error: float


def together(one: SteadyFlow, two: SteadyFlow | None) -> tuple[float, float, float]:
    """Size, error and score of two measurements of one flow joined: `one` from its rise, `two` from its flicker.

    A rise alone proves no leak, however large: use has heavy tails. So the score is bound to the flicker's.
    """
    if two is None:
        return one.size, one.error, one.size / one.error
    weigh_one, weigh_two = 1.0 / one.error**2, 1.0 / two.error**2
    total = weigh_one + weigh_two
    size, error = (one.size * weigh_one + two.size * weigh_two) / total, total**-0.5
    return size, error, min(size / error, STEP_GUARD * two.size / two.error)


def denies(steady: SteadyFlow | None, size: float) -> bool:
    """Whether the flicker says that most of a flow of `size` is use."""
    return steady is not None and steady.size + DENIED * steady.error < size / 2
