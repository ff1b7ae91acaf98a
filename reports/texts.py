"""The sentences of a report that its PDF and its workbook share, in the reader's language."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from common import audit_words
from common.audit import Value
from common.clock import local_text, minute_of
from common.messages import Catalogue, message
from common.version import NAME, version
from incidents.acts import Act
from incidents.reading import Known
from incidents.sentences import Told, did, told
from outliers.flags import LEAK
from reports import leakage
from reports.happened import Deed
from reports.monthly import MonthlyReport

CHANNELS = {"flow": message("flow, m³/h"), "pressure": message("pressure, bar")}
LEAKAGE = message("Leakage, the largest first")
ZONES = message("Water balance of the zones, the largest leakage first")
MINIMA = message("Minimum night flow")
INCIDENTS = message("Incidents")
AVAILABILITY = message("Minutes with a value")
ERRORS = message("Forecasts: mean error")
DEEDS = message("What was done")
SECTIONS = (LEAKAGE, ZONES, MINIMA, INCIDENTS, AVAILABILITY, ERRORS, DEEDS)
# Of the audit; another one is shown as its code.
CHANGES = {
    "sensor-registered": message("sensor registered"),
    "sensor-changed": message("sensor changed"),
    "sensor-replaced": message("instrument replaced"),
    "sensor-removed": message("sensor removed"),
    "work-planned": message("work planned"),
    "work-ended": message("planned work ended"),
    "work-removed": message("planned work removed"),
    "holiday-added": message("holiday added"),
    "holiday-removed": message("holiday removed"),
    "alerts-tested": message("alarms tested"),
}


class Texts:
    """The sentences of one report in one language."""

    def __init__(self, report: MonthlyReport, speech: Catalogue) -> None:
        self.report = report
        self.speech = speech
        self._minute = minute_of(report.made)

    def title(self) -> str:
        return self.speech.say("Leakage report, {month}", month=self.speech.month(self.report.month.first))

    def made(self) -> str:
        """Which site, when it was made and by what."""
        at = local_text(self.report.made, self.report.month.zone)
        zone = self.report.month.zone.key
        return self.speech.say(
            "Site {site}. Made {at} ({zone}), {program}.",
            site=self.report.site,
            at=at,
            zone=zone,
            program=f"{NAME} {version()}",
        )

    def figures(self) -> Iterator[tuple[str, str]]:
        """The first look: words and values."""
        say, report = self.speech.say, self.report
        worst = next((one for one in report.sensors if one.lost_m3 is not None), None)
        if worst is not None and worst.leakage is not None:
            lost = worst.leakage
            range_ = leakage.in_range(lost.leak_low, lost.leak_high, lost.estimate, self.speech)
            yield say("largest leakage, m³"), f"{range_}\n{report.name(worst.sensor)}"
        troubles = [known.incident for known in report.incidents if not known.incident.joined]
        leaks = sum(incident.kind == LEAK for incident in troubles)
        counted = self.speech.many("{count} incident", "{count} incidents", len(troubles))
        of_leaks = say("{count} of them leaks", count=f"{leaks:,}")
        yield say("incidents"), f"{counted}\n{of_leaks}"
        shares = [one.available.share for one in report.sensors if one.available.share is not None]
        if shares:
            points = self.speech.many("mean of {count} sensor", "mean of {count} sensors", len(shares))
            yield say("share of minutes with a value"), f"{percent(sum(shares) / len(shares))}\n{points}"

    def remarks(self) -> Iterator[str]:
        """What a reader has to know of the figures."""
        say, report = self.speech.say, self.report
        if not report.is_whole:
            yield say("The month is not over: nights to {last}.", last=report.last)
        yield from leakage.remarks([*report.leakages], self.speech)
        yield say("A minute counts once it has a flow or a pressure; days before a sensor's first value are left out.")
        if report.zones:
            yield say("Minutes in which a meter of the zone has no flow that is believed are left out, not filled in.")
        if any(one.errors for one in report.sensors):
            yield say("Week before: the error of taking the value of the week before as the forecast.")

    def zone_heads(self) -> list[str]:
        """Of the table of zones: all volumes are m3."""
        say = self.speech.say
        return [say("zone"), say("inflow, m³"), say("outflow, m³"), say("used or lost in the zone, m³"),
                say("leakage, m³"), say("minutes with a sum")]  # fmt: skip

    def told(self, known: Known) -> Told:
        """An incident in words of when the report was made."""
        name = self.report.name(known.incident.sensor)
        return told(known, name, self.speech, self.report.month.zone, self._minute)

    def time(self, at: datetime) -> str:
        return self.speech.time(at.astimezone(self.report.month.zone), self.report.made)

    def deed(self, deed: Deed) -> tuple[str, str, str]:
        """What was done, about what, and what was written about it."""
        if isinstance(deed.what, Act):
            act = deed.what
            until = self.time(datetime.fromtimestamp(act.until * 60, deed.at.tzinfo)) if act.until is not None else ""
            return did(act, until, self.speech), self._sensor_of(act.incident), act.text
        change = self.speech.say(CHANGES.get(deed.what.what, deed.what.what))
        sensor = deed.what.values.get("sensor")
        values = {name: value for name, value in deed.what.values.items() if name != "sensor"}
        return change, self.report.name(sensor) if isinstance(sensor, str) else "", _listed(values, self.speech)

    def _sensor_of(self, incident: str) -> str:
        found = (known.incident.sensor for known in self.report.incidents if known.incident.id == incident)
        return self.report.name(next(found, ""))


def percent(share: float) -> str:
    """A share; 100 % only if nothing is missing."""
    return f"{int(share * 1000) / 10:.1f} %"


def _listed(values: Mapping[str, Value], speech: Catalogue) -> str:
    return ", ".join(f"{name} {value}" for name, value in audit_words.shown(values, speech, {}))
