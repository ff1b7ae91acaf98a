"""The page of one sensor. Pure."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from outliers.criteria import Criteria
from outliers.detectability_text import said
from server import incident_list
from server.overview import leakage_text
from server.reader import Reader
from server.render import part

Json = dict[str, Any]


def entry(state: Json, sensor: str) -> Json | None:
    """What the state says of a sensor; None if it is not registered."""
    return next((each for each in state["sensors"] if each["sensor"] == sensor), None)


def parts(sensor: Json, incidents: Json, nights: Mapping[str, Json], reader: Reader) -> dict[str, Markup]:
    """The live parts of the page by name."""
    leakage = leakage_text(nights.get(sensor["sensor"]), reader)
    return {
        "head": part("parts/sensor-head.html", reader, sensor=sensor, leakage=leakage),
        "incidents": part("parts/incidents.html", reader, **incident_list.before_charts(incidents, sensor["sensor"])),
    }


def found_here(criteria: Criteria | None, reader: Reader) -> Json | None:
    """What size of leak is found, and the last day of the rows that this was learnt from.

    None if the criteria are of a version that did not keep it.
    """
    if criteria is None or criteria.use is None:
        return {"said": said(None, reader.words), "last": ""}
    return {"said": said(criteria.found, reader.words), "last": criteria.last} if criteria.found else None
