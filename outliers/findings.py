"""Findings: what was raised and cleared, when, and what was measured; and the file with the newest ones.

A row has only a letter. The producer keeps the newest findings in one small file, replaced atomically; whoever reads a
flagged row looks there for its values, by sensor and minute. A finding holds no sentence: see `findings_text`.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from common import files, state_file
from outliers.flags import PLANNED, Flag

KEEP = 500  # about 200 kB: months of findings, while an outage lasts days
RAISE, CLEAR = "raise", "clear"


class End(StrEnum):
    """Why a finding was cleared."""

    FORECAST = "forecast"  # the flow is back at its forecast
    USUAL = "usual"  # the flow is back at its usual
    SUNDAY = "sunday"  # the day goes like a Sunday
    LEAK = "leak"  # it became a LEAK
    METER = "meter"  # it is a fault of the meter
    FELL = "fell"  # the flow fell by most of the leak
    ACCEPTED = "accepted"  # people say that it is usual; of an older release: it was up for 14 days
    REPAIRED = "repaired"  # people say that it is repaired
    PART = "part"  # it is part of the LEAK that it came on top of
    GOOD = "good"  # the instrument is good again
    NEVER = "never"  # the meter has never measured it
    BACK = "back"  # a spike is over
    PRESSURE_USUAL = "pressure-usual"  # the pressure is back, or its new level counts as the usual
    PLAN_OVER = "plan-over"  # the planned work is over


class Note(StrEnum):
    """What else was known when a finding was raised: what the pressure says, also at loggers inside; what day it is."""

    PRESSURE_UNKNOWN = "pressure-unknown"  # too small to show in the pressure
    PRESSURE_AGREES = "pressure-agrees"
    PRESSURE_DISAGREES = "pressure-disagrees"  # so far it has not fallen enough
    PRESSURE_BLAMES_METER = "pressure-blames-meter"
    SCHOOL_HOLIDAY = "school-holiday"
    LOGGERS_UNKNOWN = "loggers-unknown"  # too small to show at the loggers in the zone
    LOGGERS_AGREE = "loggers-agree"
    LOGGERS_DISAGREE = "loggers-disagree"  # so far they have not fallen enough
    LOGGER_MOST = "logger-most"  # one of them fell by more than such a flow explains
    LOGGER_ALONE = "logger-alone"  # the other loggers of the zone have not fallen
    LOGGER_OTHERS = "logger-others"  # others have fallen as well, but less
    LOGGERS_USUAL = "loggers-usual"  # most of the other loggers of the zone read as usual
    ZONE_LEAK = "zone-leak"  # a LEAK is active in the zone of the logger
    ZONE_NO_LEAK = "zone-no-leak"


# What the loggers in a zone show of a LEAK.
LOGGERS_OF_LEAK = {Note.LOGGERS_UNKNOWN, Note.LOGGERS_AGREE, Note.LOGGERS_DISAGREE, Note.LOGGER_MOST}
LOGGERS_NUMBERS = {"loggers_share", "beyond_bar"}


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One raise or clear of one rule at one sensor.

    Attributes:
        minute: UTC unix minute at which it was raised or cleared.
        since: UTC unix minute at which it probably began (at or before `minute`).
        channel: "flow", "pressure" or "both".
        method: SYSTEM, VALUE, PREDICT or NIGHT.
        code: the rule, the same in raise and clear, such as "SYS-STUCK".
        kind: "leak", "fault" or "supply".
        severity: "watch", "leak", "fault" or "supply"; "planned" for any of them during planned work.
        state: "raise" or "clear".
        numbers: what was measured, by name; the name ends in the unit. A number that is not known is absent.
        notes: a `Note` each.
        end: the `End` of a clear; empty in a raise.
        until: UTC minute until which it probably lasted, if a clear knows that it came later than that.
        work: the planned work during which it was raised; with another severity than "planned", it outlasted the work.
        point: another point that it speaks of: of a LEAK, the logger that fell most; of a logger, its zone.
        text: the reason in words, in a finding of an older release; a finding of this one has none.
    """

    sensor: str
    minute: int
    since: int
    channel: str
    method: str
    code: str
    kind: str
    severity: str
    state: str
    numbers: dict[str, float] = {}
    notes: list[str] = []
    end: str = ""
    until: int | None = None
    work: str = ""
    point: str = ""
    text: str = msgspec.field(default="", name="reason")


def load(path: Path) -> list[Finding]:
    """The findings in the file, oldest first; empty if it is missing or unreadable.

    The file only explains the rows' flags, so a damaged file is treated as empty.
    """
    whole = state_file.load(path, dict[str, list[Finding]]) or {}
    return whole.get("findings", [])


def store(path: Path, findings: Sequence[Finding], keep: int = KEEP) -> None:
    """Replace the file with the newest `keep` findings, one per line for people to read.

    Raises:
        OSError: the file cannot be written; the old one is untouched.
    """
    lines = b",\n".join(msgspec.json.encode(finding) for finding in findings[-keep:])
    files.replace(path, b'{"findings": [\n' + lines + b"\n]}\n")


class Spell(NamedTuple):
    """A raise and the clear that ended it; None while it is active, or if the clear is not known."""

    raised: Finding
    cleared: Finding | None


def spells(findings: Iterable[Finding], sensor: str) -> list[Spell]:
    """Every raise of `sensor`, oldest first."""
    found: list[Spell] = []
    open_ones: dict[tuple[str, str, str], list[int]] = {}
    for finding in findings:
        if finding.sensor != sensor:
            continue
        key = (finding.code, finding.channel, finding.severity)
        if finding.state == RAISE:
            open_ones.setdefault(key, []).append(len(found))
            found.append(Spell(finding, None))
        else:
            for index in open_ones.pop(key, ()):
                found[index] = found[index]._replace(cleared=finding)
    return found


def standing(findings: Iterable[Finding], sensor: str, minute: int) -> list[Finding]:
    """The findings of `sensor` active at `minute`: raised at or before it and not yet cleared."""
    up: dict[tuple[str, str, str], Finding] = {}
    for raised, cleared in spells(findings, sensor):
        if raised.minute <= minute and (cleared is None or cleared.minute > minute):
            up[raised.code, raised.channel, raised.severity] = raised
    return list(up.values())


class Reported(Protocol):
    """A finding, or anything derived from one."""

    @property
    def sensor(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def severity(self) -> str: ...


def about(told: Reported, sensor: str, channel: str, method: str) -> bool:
    """Whether it is about this sensor, channel and method."""
    return told.sensor == sensor and told.method == method and told.channel in (channel, "both")


def shows(told: Reported, sensor: str, flag: Flag) -> bool:
    """Whether a row's flag belongs to it. For a fault any letter matches: an instrument shows only one at a time."""
    return about(told, sensor, flag.channel, flag.method) and told.severity in (flag.severity, PLANNED)


def explaining(findings: Iterable[Finding], sensor: str, minute: int, flag: Flag) -> Finding | None:
    """The newest active finding that matches a row's flag; None = no longer in the file."""
    fitting = (finding for finding in standing(findings, sensor, minute) if shows(finding, sensor, flag))
    return max(fitting, key=lambda finding: finding.minute, default=None)
