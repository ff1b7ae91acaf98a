"""What a row is about: a sensor at a site."""

from typing import NamedTuple


class Point(NamedTuple):
    """The name of a point. Two sites may use the same id for a sensor."""

    site: str
    sensor: str
