"""Flagged values as rows of OUTLIER_TB: which method spoke, how severe it is, and why, in words."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from common import files
from common.folder import FINDINGS_FILE
from common.row import Row
from outliers.findings import Finding, explaining, load
from outliers.flags import CHANNELS, CLEAR, METHODS, WATCH, explain


@dataclass(frozen=True, slots=True)
class Outlier:
    sensor: str
    minute: int  # UTC minute since 1970
    channel: str
    method: str
    code: str  # the flag's letter
    severity: str  # WATCH, LEAK, FAULT, SUPPLY, PLANNED
    value: float | None  # m3/h or bar
    reason: str


class FindingsFile:
    """The producer's newest findings, read again when their file was replaced."""

    def __init__(self, data: Path) -> None:
        self._path = data / FINDINGS_FILE
        self._seen: files.Stamp | None = None
        self._findings: list[Finding] = []

    def now(self) -> Sequence[Finding]:
        """All of them, oldest first; the same object as long as the file is. None yet: the flags say enough."""
        seen = files.stamp(self._path)
        if seen != self._seen:
            self._findings, self._seen = load(self._path), seen
        return self._findings


def outliers(rows: Iterable[Row], findings: Sequence[Finding]) -> Iterator[Outlier]:
    """One for each place of a row's flags that is set."""
    for row in rows:
        for channel, flags, value in (
            ("flow", row.flow_flags, row.flow),
            ("pressure", row.pressure_flags, row.pressure),
        ):
            if flags == CLEAR * CHANNELS[channel]:
                continue
            for place, letter in enumerate(flags):
                if letter != CLEAR:
                    severity, reason = _why(row, channel, place, findings)
                    yield Outlier(
                        row.sensor, row.minute, channel, METHODS[place], letter, severity.upper(), value, reason
                    )


def _why(row: Row, channel: str, place: int, findings: Sequence[Finding]) -> tuple[str, str]:
    """Severity and reason: the finding that the letter stands for, else what the letter means."""
    letter = (row.flow_flags if channel == "flow" else row.pressure_flags)[place]
    known = explain(channel, CLEAR * place + letter)
    if not known:  # a letter of a later version, or of somebody else
        return WATCH, f"flag {letter}"
    found = explaining(findings, row.sensor, row.minute, known[0])
    return (found.severity, found.reason) if found else (known[0].severity, known[0].meaning)
