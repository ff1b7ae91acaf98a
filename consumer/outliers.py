"""Flagged values as rows of OUTLIER_TB: which method spoke, how severe it is, and why, in words."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.folder import FINDINGS_FILE
from common.row import Row
from outliers.findings import Finding, load, standing
from outliers.flags import CHANNELS, CLEAR, METHODS, PLANNED, WATCH, explain


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


class Findings:
    """The producer's newest findings, read again when their file was replaced."""

    def __init__(self, data: Path) -> None:
        self._path = data / FINDINGS_FILE
        self._seen: tuple[int, int] | None = None
        self._findings: list[Finding] = []

    def now(self) -> Sequence[Finding]:
        try:
            state = self._path.stat()
        except OSError:
            return ()  # none yet: the flags' meanings are reason enough
        if self._seen != (state.st_ino, state.st_mtime_ns):
            self._findings = load(self._path)
            self._seen = (state.st_ino, state.st_mtime_ns)
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
            up = standing(findings, row.sensor, row.minute)
            for place, letter in enumerate(flags):
                if letter != CLEAR:
                    severity, reason = _why(channel, place, letter, up)
                    yield Outlier(
                        row.sensor, row.minute, channel, METHODS[place], letter, severity.upper(), value, reason
                    )


def _why(channel: str, place: int, letter: str, up: Sequence[Finding]) -> tuple[str, str]:
    """Severity and reason: the newest finding that fits the letter, else what the letter means."""
    known = explain(channel, CLEAR * place + letter)
    if not known:  # a letter of a later version, or of somebody else
        return WATCH, f"flag {letter}"
    flag = known[0]
    fitting = [
        finding
        for finding in up
        if finding.method == flag.method
        and finding.severity in (flag.severity, PLANNED)
        and finding.channel in (channel, "both")
    ]
    newest = max(fitting, key=lambda finding: finding.minute, default=None)
    return (newest.severity, newest.reason) if newest else (flag.severity, flag.meaning)
