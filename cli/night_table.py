"""The last nights as a table, in the reader's language."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.table import Table

from cli import shell
from common.messages import Catalogue
from common.night import DEFINITION
from nightflow.known import FIXED, SHARE, USERS

Row = dict[str, Any]  # of NIGHT_REPORT_TB


def table(nights: list[Row], zone: ZoneInfo, speech: Catalogue) -> Table:
    """A line for each night."""
    say = speech.say
    day, sensor, use, leakage = say("night"), say("sensor"), say("night use"), say("leakage")
    hour, reference, daily = say("quietest hour"), say("at reference"), say("m³ a day")
    headings = [day, sensor, hour, "m³/h", "bar", say("20 % of 7"), use, leakage]
    headings += [reference, daily, say("values"), say("left out")]
    found = shell.table(*headings, whole=(day, sensor, hour, "m³/h", "bar", use, leakage, reference, daily))
    for column in found.columns[3:]:
        column.justify = "right"
    for night in nights:
        found.add_row(
            night["night"].isoformat(),
            shell.cell(night["sensor"]),
            _hour(night["hour_start"], zone, speech),
            shell.number(night["hour_flow"]),
            shell.number(night["hour_pressure"]),
            shell.number(night["percentile_flow"]),
            _on_lines(_use(night, speech)),
            _on_lines(_leakage(night, "leak_flow", 2, speech)),
            _on_lines(_reference(night, speech)),
            _on_lines(_leakage(night, "leak_day", 0, speech)),
            str(night["good_minutes"]),
            _left_out(night, speech),
        )
    return found


def _on_lines(cell: str) -> str:
    """A number, and below it what stands in brackets: so that a line has room for all of them."""
    return cell.replace(" (", "\n(")


def _use(night: Row, speech: Catalogue) -> str:
    """Night use and its source."""
    if night["night_use_low"] is not None:
        return _estimate(night["night_use_low"], night["night_use_high"], 2, speech)
    use, by = shell.number(night["night_use"]), night["night_use_by"]
    if not use or by == SHARE:
        return ""
    sources = {
        USERS: speech.say("{users:g} users", users=night["night_users"] or 0),
        FIXED: speech.say("fixed"),
    }
    return f"{use} ({sources.get(by, by)})"


def _leakage(night: Row, name: str, decimals: int, speech: Catalogue) -> str:
    """One number where the night use is set, else the range of the estimate."""
    if _is_outdated(night):
        return speech.say("earlier definition")
    low, high = night[f"{name}_low"], night[f"{name}_high"]
    if low is None or high is None:
        return shell.number(night[name], decimals)
    return _estimate(low, high, decimals, speech)


def _estimate(low: float, high: float, decimals: int, speech: Catalogue) -> str:
    return speech.say("{low}-{high} (estimate)", low=f"{low:.{decimals}f}", high=f"{high:.{decimals}f}")


def _reference(night: Row, speech: Catalogue) -> str:
    """Leakage at the reference pressure."""
    leakage = _leakage(night, "leak_flow_reference", 2, speech)
    if night["reference_pressure"] is None or not leakage or _is_outdated(night):
        return ""
    exponent = "" if night["n1"] == 1 else f", N1 {night['n1']:g}"
    return f"{leakage} ({night['reference_pressure']:.2f} bar{exponent})"


def _is_outdated(night: Row) -> bool:
    return bool(night["definition"] < DEFINITION and night["night_use_by"] == SHARE)


def _left_out(night: Row, speech: Catalogue) -> str:
    faulty, planned = night["faulty_minutes"], night["planned_minutes"]
    parts = [speech.say("{count} faulty", count=faulty)] if faulty else []
    parts += [speech.say("{count} planned", count=planned)] if planned else []
    return ", ".join(parts)


def _hour(start: datetime | None, zone: ZoneInfo, speech: Catalogue) -> str:
    if start is None:
        return speech.say("too few values")
    return speech.say("from {time}", time=f"{start.astimezone(zone):%H:%M}")
