"""The detector's verdict about a minute."""

from dataclasses import dataclass

from outliers.findings import Finding


@dataclass(frozen=True, slots=True)
class RowFlags:
    """The flags of one row, and the findings raised or cleared with it."""

    flow_flags: str  # SYSTEM VALUE PREDICT NIGHT
    pressure_flags: str  # SYSTEM VALUE PREDICT
    findings: tuple[Finding, ...]
