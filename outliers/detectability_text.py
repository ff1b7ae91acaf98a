"""`outliers.detectability` in words, for the page and the commands."""

import math
from collections.abc import Iterator

from common.messages import Catalogue
from outliers.findable import NIGHTS, Detectability, Lack


def said(found: Detectability | None, words: Catalogue) -> str:
    """What is found here, what does not work and why."""
    if found is None:
        return words.say("Not known yet: eight weeks of rows are needed first.")
    sizes = ", ".join(_sizes(found, words))
    return " ".join([words.say("9 leaks of 10 are found: {sizes}.", sizes=sizes), *_doubts(found, words)])


def _doubts(found: Detectability, words: Catalogue) -> Iterator[str]:
    """What makes it less, or less certain."""
    if Lack.NIGHTS in found.lacks:
        yield words.say("Too few nights are learnt to compare nights.")
    if Lack.FLICKER in found.lacks:
        yield words.say("The minutes do not tell use from leak: the meter's noise, pulses or damping hide it.")
    if found.estimate:
        yield words.say("An estimate: only {weeks} weeks are learnt.", weeks=round(found.weeks))


def _sizes(found: Detectability, words: Catalogue) -> Iterator[str]:
    """Only those smaller than what is found sooner."""
    known = [size for size in found.hour_m3h if math.isfinite(size)]
    sooner = math.inf
    if len(known) == len(found.hour_m3h):
        low, sooner = min(known), max(known)
        size = f"{words.about_flow(low).removesuffix(words.units.flow.name).strip()}–{words.about_flow(sooner)}"
        yield words.say("{size} within an hour, by the time of day", size=size)
    elif known:
        yield words.say("{size} within an hour at the best time of day", size=words.about_flow(min(known)))
    if found.day_m3h < sooner:
        sooner = found.day_m3h
        yield words.say("{size} within a day", size=words.about_flow(sooner))
    if found.nights_m3h < sooner:
        yield words.say("{size} within {count} nights", size=words.about_flow(found.nights_m3h), count=NIGHTS)
