"""How far a meter's clock is off, in words: the same in the producer's problems, the status and the page."""

from collections.abc import Mapping

from common.messages import Catalogue, words

MOST_LISTED = 20
RIGHT_S = 1.0  # the least that a meter's time shows
SAID_S = 60.0  # less is the way of a reading through the line, and no trouble for anybody


def fast_or_slow(offset_s: float, language: str = "en") -> str:
    """Such as "3 min fast". `offset_s`: the meter's time less the site's."""
    catalogue = words(language)
    span = _span(abs(offset_s), catalogue)
    return catalogue.say("{span} fast", span=span) if offset_s > 0 else catalogue.say("{span} slow", span=span)


def said_of_meter(offset_s: float, language: str = "en") -> str:
    """A line about the meter's clock; empty if it is not worth one."""
    if abs(offset_s) < SAID_S:
        return ""
    return words(language).say("its clock is {off}", off=fast_or_slow(offset_s, language))


def listed(offsets_s: Mapping[str, float], language: str = "en") -> str:
    """Each meter's clock, by sensor; the furthest off first, where they are many."""
    catalogue = words(language)
    furthest = sorted(offsets_s, key=lambda sensor: -abs(offsets_s[sensor]))[:MOST_LISTED]
    right = catalogue.say("right")
    shown = [
        f"{sensor} {fast_or_slow(offsets_s[sensor], language) if abs(offsets_s[sensor]) >= RIGHT_S else right}"
        for sensor in sorted(furthest)
    ]
    more = len(offsets_s) - MOST_LISTED
    return ", ".join(shown) + (" " + catalogue.say("and {more} more", more=more) if more > 0 else "")


def _span(seconds: float, catalogue: Catalogue) -> str:
    """A time span in its two largest units, the units short."""
    days, hours, minutes = int(seconds // 86_400), int(seconds // 3600), round(seconds / 60)
    if days:
        return catalogue.say("{days} d {hours} h", days=f"{days:,}", hours=hours % 24)
    if hours:
        return catalogue.say("{hours} h {minutes} min", hours=hours, minutes=int(seconds % 3600 // 60))
    if seconds >= SAID_S:
        return catalogue.say("{minutes} min", minutes=minutes)
    return catalogue.say("{seconds} s", seconds=round(seconds))
