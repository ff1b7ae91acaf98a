"""Findings: what was raised and cleared, when, and why in words; and the file that carries the newest of them.

The row carries a letter; the reason is too long for it. The producer keeps the newest findings in one small file,
replaced whole, and whoever writes a flagged row to the database looks the reason up there by sensor and minute.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from common import files, state_file

KEEP = 500  # about 200 kB; at a handful of findings a sensor and month this is months, and an outage is days
RAISE, CLEAR = "raise", "clear"


@dataclass(frozen=True, slots=True)
class Finding:
    """One raise or clear of one rule at one sensor.

    Attributes:
        minute: UTC unix minute at which it was raised or cleared.
        since: UTC unix minute at which the trouble seems to have begun (at or before `minute`).
        channel: "flow", "pressure" or "both".
        method: SYSTEM, VALUE, PREDICT or NIGHT.
        code: the rule, the same in raise and clear, such as "SYS-STUCK".
        kind: what it is about: "leak", "fault" or "supply".
        severity: "watch", "leak", "fault" or "supply"; "planned" for any of them during planned work.
        state: "raise" or "clear".
        reason: words and numbers for the operator.
        value, limit: the number that was judged and its limit, in the unit that the reason names.
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
    reason: str
    value: float
    limit: float


def load(path: Path) -> list[Finding]:
    """The findings of the file, oldest first; none where there is no file or it cannot be understood.

    The file only adds words to what the rows' flags say already, so a damaged one is treated as empty.
    """
    whole = state_file.load(path, dict[str, list[Finding]]) or {}
    return whole.get("findings", [])


def record(path: Path, new: Sequence[Finding], keep: int = KEEP) -> None:
    """Add findings to the file and drop the oldest above `keep`.

    Raises:
        OSError: the file cannot be written; the old one is untouched.
    """
    if new:
        store(path, [*load(path), *new], keep)


def store(path: Path, findings: Sequence[Finding], keep: int = KEEP) -> None:
    """Replace the file by the newest `keep` findings, one a line so that a person can read it."""
    lines = ",\n".join(json.dumps(asdict(finding), ensure_ascii=False) for finding in findings[-keep:])
    files.replace(path, f'{{"findings": [\n{lines}\n]}}\n'.encode())


def standing(findings: Iterable[Finding], sensor: str, minute: int) -> list[Finding]:
    """The findings of `sensor` that are up at `minute`: raised at or before it and not cleared by then."""
    up: dict[tuple[str, str, str], Finding] = {}
    for finding in findings:
        if finding.sensor != sensor or finding.minute > minute:
            continue
        key = (finding.code, finding.channel, finding.severity)
        if finding.state == RAISE:
            up[key] = finding
        else:
            up.pop(key, None)
    return list(up.values())
