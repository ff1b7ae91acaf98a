"""Findings of each rule as the methods make them, and the incidents that they become."""

from typing import Any

from incidents.book import Book
from incidents.incident import Incident
from outliers.findings import CLEAR, RAISE, End, Finding

T = 28_743_870
LOW = {"value": 0.2, "limit": 5.0}  # below the limit
RULES = {  # code: channel, method, kind, severity
    "PRE-STEP": ("flow", "PREDICT", "leak", "watch"),
    "NGT-JUMP": ("flow", "NIGHT", "leak", "watch"),
    "LEAK": ("flow", "PREDICT", "leak", "leak"),
    "LEAK-MORE": ("flow", "VALUE", "leak", "leak"),
    "SYS-METER": ("flow", "SYSTEM", "fault", "fault"),
    "SYS-STUCK": ("flow", "SYSTEM", "fault", "fault"),
    "SYS-MISS": ("pressure", "SYSTEM", "fault", "fault"),
    "SUP-STEP": ("pressure", "PREDICT", "supply", "supply"),
    "SYS-DRIFT": ("pressure", "SYSTEM", "fault", "fault"),
    "FLOW-LOW": ("flow", "SYSTEM", "fault", "fault"),
    "GAUGE-LOW": ("pressure", "SYSTEM", "fault", "fault"),
    "SYS-SPIKE": ("pressure", "SYSTEM", "fault", "fault"),
    "FLOW-MISS": ("flow", "SYSTEM", "fault", "fault"),
    "GAUGE-MISS": ("pressure", "SYSTEM", "fault", "fault"),
}


# The rule, where the table above has it twice.
NAMES = {"FLOW-LOW": "SYS-RANGE", "GAUGE-LOW": "SYS-RANGE", "FLOW-MISS": "SYS-MISS", "GAUGE-MISS": "SYS-MISS"}


def up(code: str, minute: int, since: int | None = None, sensor: str = "001", **more: Any) -> Finding:
    channel, method, kind, severity = RULES[code]
    severity = str(more.pop("severity", severity))
    return Finding(
        sensor,
        minute,
        minute if since is None else since,
        channel,
        method,
        NAMES.get(code, code),
        kind,
        severity,
        RAISE,
        **more,
    )


def down(code: str, minute: int, end: str = End.USUAL, sensor: str = "001", *, until: int | None = None) -> Finding:
    channel, method, kind, severity = RULES[code]
    name = NAMES.get(code, code)
    return Finding(sensor, minute, minute, channel, method, name, kind, severity, CLEAR, end=end, until=until)


def all_stand(_sensor: str) -> None:
    """No detector is asked."""


def booked(*found: Finding) -> list[Incident]:
    made = Book("demo")
    made.on_findings(found)
    return made.incidents
