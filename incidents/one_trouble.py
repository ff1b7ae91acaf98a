"""Signs of different kinds that are one trouble: the open incident to which a finding of another kind belongs."""

from collections.abc import Iterable

from incidents.incident import Incident, Sign
from outliers.findings import Finding
from outliers.flags import LEAK

STEP, DRIFT, METER, MISSING = "SUP-STEP", "SYS-DRIFT", "SYS-METER", "SYS-MISS"
OUTLASTS_MIN = 120  # another sign of a trouble may end so much later than it: means of hours come back slowly
TOGETHER_MIN = 240  # a step of the pressure so soon after a leak began is its sign, or shows that the meter is wrong
SILENT_TOGETHER_MIN = 10  # two instruments that fall silent within so long have one power and one cable


def one_outage(finding: Finding, incidents: Iterable[Incident]) -> Incident | None:
    """An outage of supply: the flow and the pressure fall together."""
    if not _fell(finding):
        return None
    for incident in incidents:
        fallen = [sign for sign in incident.up if _fell(sign)]
        if any(sign.channel != finding.channel or sign.code == STEP for sign in fallen):
            return incident
    return None


def one_silence(finding: Finding, incidents: Iterable[Incident]) -> Incident | None:
    """No value comes of the flow and of the pressure."""
    if finding.code != MISSING:
        return None
    for incident in incidents:
        for sign in incident.up:
            together = abs(sign.since - finding.since) <= SILENT_TOGETHER_MIN
            if sign.code == MISSING and sign.channel != finding.channel and together:
                return incident
    return None


def silent_channels(signs: Iterable[Sign]) -> set[str]:
    """Of which no value comes."""
    return {sign.channel for sign in signs if sign.code == MISSING}


def one_step(finding: Finding, incidents: Iterable[Incident]) -> Incident | None:
    """A step of the pressure: with a leak, by a flow meter that is wrong, or of a gauge that is set right."""
    if finding.code != STEP:
        return None
    for incident in incidents:
        by_gauge = any(sign.code == DRIFT and _away_bar(sign) * _away_bar(finding) < 0 for sign in incident.up)
        by_meter = any(sign.code == METER for sign in incident.up)
        by_leak = incident.kind == LEAK and incident.up and 0 <= finding.minute - incident.began <= TOGETHER_MIN
        if by_gauge or by_meter or by_leak:
            return incident
    return None


def _away_bar(one: Finding | Sign) -> float:
    return one.numbers.get("away_bar", 0.0)


def _fell(one: Finding | Sign) -> bool:
    """Whether it is a fall below all that is usual, as when no water comes."""
    if one.code == STEP:
        return _away_bar(one) < 0
    if one.code == "SYS-RANGE":
        return one.numbers.get("value", 0.0) < one.numbers.get("limit", 0.0)
    return one.code == "SYS-STUCK" and one.numbers.get("value") == 0
