"""How the work for the sites of a center goes: nights and what else is done for each of them."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from common.verdict import TROUBLE, WATCH, Problem

_ROLES = {"nights": "nightflow", "forecast": "forecaster"}


class WorkState(NamedTuple):
    """Of a kind of work: its sites; of these, due for 15 minutes, failed, and without their rows for three hours."""

    work: str
    sites: int
    overdue: int
    failed: int
    late: int


def of_work(states: Iterable[WorkState]) -> Iterator[Problem]:
    """Work that nobody does, and work that fails. A site that is late is told as silent, not here."""
    for each in states:
        role = _ROLES.get(each.work, each.work)
        if each.overdue:
            yield Problem(TROUBLE, role, "sites-undone", {"sites": each.overdue})
        if each.failed:
            yield Problem(WATCH, role, "sites-failed", {"sites": each.failed})
