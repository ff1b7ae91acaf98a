"""`hydrolog night set`: a sensor's night values: users or night use, N1, reference pressure."""

import argparse
from typing import Any

from cli import acting, shell, site_choice
from common import database, registry
from common.audit import Actor
from common.messages import Catalogue, words
from common.night import CHANGED_NIGHTS
from common.point import Point
from common.settings import Settings

OPTIONS = {  # option -> column of SENSOR_TB, unit
    "--users": ("night_users", "PEOPLE"),
    "--litres": ("night_litres", "L/H"),
    "--use": ("night_use", "M3H"),
    "--n1": ("n1", "N1"),
    "--reference": ("reference_pressure", "BAR"),
    "--mains": ("mains_km", "KM"),
    "--connections": ("connections", "COUNT"),
    "--service": ("service_km", "KM"),
}
UNKNOWN = "default"


def add_parser(actions: Any) -> None:
    """Add the subcommand."""
    text = (
        "A sensor's night values: people supplied through the meter and litres per hour each (default 0.6), or "
        "their use in m3/h; N1 (1.0); the reference pressure for comparing nights (the median of 24 nights). "
        "Length of mains, service connections, and length of service pipe from property line to meter, for the "
        "unavoidable losses (UARL). "
        f"'{UNKNOWN}' resets a value. The last {CHANGED_NIGHTS} nights are computed again within a minute."
    )
    action = shell.add_action(actions, "set", "set night use, N1 and reference pressure of a sensor", text)
    action.add_argument("sensor", type=shell.sensor_id, metavar="ID")
    site_choice.add(action, again=True)
    for option, (column, unit) in OPTIONS.items():
        action.add_argument(option, dest=column, metavar=unit)


def change(chosen: Settings, options: argparse.Namespace) -> str:
    """Store the given values; returns the new ones as text.

    Raises:
        NoSuchSensor: it is not registered.
        Refused: a value is none.
        DatabaseDown: no answer.
    """
    data = chosen.paths.data
    given = {column: getattr(options, column) for column, _ in OPTIONS.values()}
    given = {column: "" if text == UNKNOWN else text for column, text in given.items() if text is not None}
    with database.changing(chosen, "night-set", database.TRANSACTION_TIMEOUT_S) as cursor:
        by, now = Actor(acting.person()), shell.site_clock(data).now()
        found = registry.change(cursor, data, by, Point(chosen.site.id, options.sensor), given, at=now)
    return f"{options.sensor}: {said(found, words(chosen.site.language))}\n"


def said(known: registry.Row, speech: Catalogue) -> str:
    """A sensor's night values as text."""
    from nightflow.known import NIGHT_LITRES
    from nightflow.leakage import N1

    columns = ("night_users", "night_litres", "night_use", "n1", "reference_pressure")
    users, litres, use, n1, reference = (known[column] for column in columns)
    if use is not None:
        night = speech.say("night use {use:g} m³/h", use=use)
    elif users is not None:
        each = NIGHT_LITRES if litres is None else litres
        values = {"users": users, "litres": each, "use": users * each / 1000}
        night = speech.say("night use {users:g} users × {litres:g} L/h = {use:.3g} m³/h", **values)
    else:
        night = speech.say("night use not known: leakage is an estimate, a range")
    if reference is None:
        pressure = speech.say("compared at the median of 24 nights")
    else:
        pressure = speech.say("compared at {bar:g} bar", bar=reference)
    return f"{night}; N1 {N1 if n1 is None else n1:g}; {pressure}"
