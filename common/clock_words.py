"""How far a meter's clock is off, in words: the same in the producer's problems, the status and the page."""

from collections.abc import Mapping

MOST_LISTED = 20
RIGHT_S = 1.0  # the least that a meter's time shows
SAID_S = 60.0  # less is the way of a reading through the line, and no trouble for anybody


def fast_or_slow(offset_s: float) -> str:
    """Such as "3 min fast". `offset_s`: the meter's time less the site's."""
    return f"{_span(abs(offset_s))} {'fast' if offset_s > 0 else 'slow'}"


def said_of_meter(offset_s: float) -> str:
    """A line about the meter's clock; empty if it is not worth one."""
    return f"its clock is {fast_or_slow(offset_s)}" if abs(offset_s) >= SAID_S else ""


def listed(offsets_s: Mapping[str, float]) -> str:
    """Each meter's clock, by sensor; the furthest off first, where they are many."""
    furthest = sorted(offsets_s, key=lambda sensor: -abs(offsets_s[sensor]))[:MOST_LISTED]
    shown = [
        f"{sensor} {fast_or_slow(offsets_s[sensor]) if abs(offsets_s[sensor]) >= RIGHT_S else 'right'}"
        for sensor in sorted(furthest)
    ]
    return ", ".join(shown) + (f" and {len(offsets_s) - MOST_LISTED} more" if len(offsets_s) > MOST_LISTED else "")


def _span(seconds: float) -> str:
    """A time span in its two largest units."""
    for unit_s, unit, part_s, part in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if seconds >= unit_s:
            return f"{seconds // unit_s:,.0f} {unit} {seconds % unit_s // part_s:.0f} {part}"
    return f"{seconds / 60:.0f} min" if seconds >= SAID_S else f"{seconds:.0f} s"
