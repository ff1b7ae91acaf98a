"""`hydrolog criteria show|rebuild|compare`: the criteria of each sensor, and the effect of new ones."""

import argparse
import contextlib
import dataclasses
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli import shell
from cli.checks_detectability import found_texts
from common import database, settings
from common.errors import CriteriaUnusable
from common.folder import CRITERIA_FOLDER
from common.point import Point
from common.settings import Settings
from outliers import calendar
from outliers import criteria as stored
from outliers.backtest import judge
from outliers.calendar import Occasions
from outliers.criteria import Criteria
from outliers.findings import RAISE, Finding
from outliers.findings_text import text
from outliers.flags import FAULT, LEAK

if TYPE_CHECKING:
    from outliers.learn.build import History

PREVIEW_DAYS = 30
WARM_DAYS = 16  # warm-up before the previewed month: VALUE looks this far back
MOST_SHOWN = 20  # LEAK and FAULT findings printed
ACTIONS = {
    "show": "show the newest criteria of each sensor",
    "rebuild": "learn new criteria from the database and show what they would change",
    "compare": "compare two versions of a sensor's criteria",
}


def run(args: list[str]) -> int:
    """The subcommand.

    Raises:
        DatabaseDown: no answer (`rebuild`).
        CriteriaUnusable: a file cannot be read.
    """
    parser = shell.parser("criteria", "The criteria of each sensor, learnt from its last half year, in versions.")
    actions = parser.add_subparsers(dest="action", required=True)
    for name, words in ACTIONS.items():
        action = shell.add_action(actions, name, words)
        action.add_argument(
            "--sensor", type=shell.sensor_id, metavar="ID", required=name == "compare", help="only this one"
        )
    rebuild, compare = actions.choices["rebuild"], actions.choices["compare"]
    rebuild.add_argument("--take", action="store_true", help="store the new criteria; without it nothing is changed")
    rebuild.add_argument("--alarms-per-month", type=shell.alarms_per_month, metavar="N", help=shell.ALARMS_HELP)
    compare.add_argument("--versions", type=int, nargs=2, metavar=("OLD", "NEW"), help="default: the last two")
    options = parser.parse_args(args)
    chosen = settings.load(options.config)
    folder = chosen.paths.data / CRITERIA_FOLDER
    if options.action == "show":
        return _show(chosen, folder, options.sensor)
    if options.action == "compare":
        return _compare(folder, options.sensor, options.versions)
    return _rebuild(chosen, folder, options)


def _show(chosen: Settings, folder: Path, sensor: str | None) -> int:
    names = [sensor] if sensor else stored.sensors(folder)
    known = [(name, stored.load(folder, name)) for name in names]
    table = shell.table("sensor", "version", "learnt from", "to", "weeks", "m3/h", "LEAK: step %", "by score", "night")
    for name, criteria in known:
        table.add_row(shell.cell(name), *(_summary(criteria) if criteria else ["none", *[""] * 7]))
    console = shell.console()
    console.print(table if known else "no criteria yet: they are learnt after eight weeks of rows")
    for name, found in found_texts(chosen, names):
        console.print(f"{shell.printable(name)}: {found}", soft_wrap=True)
    return 0


def _summary(criteria: Criteria) -> list[str]:
    use, night = criteria.use, criteria.night
    texts = [str(criteria.version), criteria.first, criteria.last, f"{criteria.clean_weeks:.1f}"]
    if use is None:
        return [*texts, "", "", "", ""]
    step = max(use.lasting_spread_m3h) * use.step_leak / use.mean_m3h
    texts += [f"{use.mean_m3h:.1f}", f"{100 * step:.0f}", f"{use.short_score:.1f}"]
    return [*texts, f"{night.recent_m3h[-1]:.1f} ± {night.spread_m3h:.2f}" if night else ""]


def _compare(folder: Path, sensor: str, chosen: list[int] | None) -> int:
    there = dict(stored.versions(folder, sensor))
    numbers = chosen or sorted(there)[-2:]
    if len(numbers) < 2 or any(number not in there for number in numbers):
        sys.stderr.write(f"hydrolog criteria: {sensor} has versions {sorted(there)}; two are needed\n")
        return 2
    old, new = (stored.from_text(there[number].read_text(encoding="utf-8")) for number in numbers)
    shell.console().print(_changes(old, new))
    return 0


def _changes(old: Criteria, new: Criteria) -> Any:
    names = (f"version {one.version}" if one.version else name for one, name in ((old, "none yet"), (new, "new")))
    table = shell.table("of " + shell.printable(new.sensor), *names)
    before, after = _numbers(old), _numbers(new)
    for name in before | after:
        table.add_row(name, before.get(name, ""), after.get(name, ""))
    return table


def _numbers(criteria: Criteria) -> dict[str, str]:
    """The figures to compare, each with its unit."""
    found = {
        "archive": f"{criteria.first} to {criteria.last}" if criteria.first else "none",
        "clean weeks": f"{criteria.clean_weeks:.1f}",
        "false LEAKs wanted a month": f"{criteria.alarms_per_month:g}",
        "flow limits, m3/h": f"{criteria.flow.low:.4g} to {criteria.flow.high:.4g}",
        "flow stuck after, min": str(criteria.flow.stuck_rows),
        "pressure limits, bar": f"{criteria.pressure.low:.4g} to {criteria.pressure.high:.4g}",
    }
    use, night, pressure = criteria.use, criteria.night, criteria.pressure_use
    if use is not None:
        days = [sum(day) / len(day) for day in use.profile_m3h]
        found |= {
            "mean flow, m3/h": f"{use.mean_m3h:.4g}",
            "Monday to Friday, m3/h": f"{sum(days[:5]) / 5:.4g}",
            "Saturday, Sunday, m3/h": f"{days[5]:.4g}, {days[6]:.4g}",
            "WATCH step by day, m3/h": f"{use.step_watch[0] * use.step_spread_m3h[12]:.3g}",
            "LEAK step by day, m3/h": f"{use.step_leak * use.lasting_spread_m3h[12]:.3g}",
            "LEAK scores": f"{use.early_score:.2f}, {use.short_score:.2f}, {use.long_score:.2f}",
        }
    if night is not None:
        found["night spread, m3/h"] = f"{night.spread_m3h:.3g}"
        found["night creep limit"] = f"{night.creep:.2f}"
    if pressure is not None:
        found["pressure slope, bar"] = f"{pressure.slope_bar:.3f}"
        found["SUPPLY step, bar"] = f"{pressure.step_bar:.2f}"
        found["drift, bar"] = f"{pressure.drift_bar:.3f}"
    if (logger := criteria.logger) is not None:
        followed = " + ".join(f"{share:.2f} × {name}" for name, share in zip(logger.inlets, logger.shares, strict=True))
        found |= {
            "as a logger of": logger.area,
            "follows the pressure of": followed,
            "loss at the mean flow, bar": f"{-logger.slope_bar:.3f}",
            "fall in 2, 6, 12 h, bar": ", ".join(f"{limit:.3f}" for limit in logger.low_bar),
            "drift as a logger, bar": f"{logger.drift_bar:.3f}",
        }
    return found


def _rebuild(chosen: Settings, folder: Path, options: argparse.Namespace) -> int:
    from outliers.learn import archive

    if options.alarms_per_month:
        wanted = dataclasses.replace(chosen.outliers, alarms_per_month=options.alarms_per_month)
        chosen = dataclasses.replace(chosen, outliers=wanted)
    now, console, refused = shell.site_clock(chosen.paths.data).now(), shell.console(), 0
    known = calendar.load(chosen.paths.data, chosen.site.zone, chosen.zones, chosen.loggers)
    for problem in known.problems:
        console.print(shell.printable(problem))
    with contextlib.closing(database.Database(chosen, "criteria")) as connection:
        with connection.transaction() as cursor:
            instruments = archive.instruments(cursor, chosen.site.id, options.sensor)
        for instrument in instruments:
            sensor = instrument.sensor
            try:
                with connection.transaction() as cursor:
                    prior, new = archive.learn_for(cursor, instrument, folder, now, chosen=chosen, known=known)
                    first = now - timedelta(days=WARM_DAYS + PREVIEW_DAYS)
                    past = archive.read_rows(cursor, Point(chosen.site.id, sensor), first, now)
            except CriteriaUnusable as error:
                console.print(f"{shell.printable(sensor)}: {error}")
                refused += 1
                continue
            old = stored.load(folder, sensor)
            console.print(_changes(old or prior, new))
            console.print(_preview(past, old, new, chosen, known))
            if options.take:
                taken = stored.store(folder, new)
                console.print(f"{shell.printable(sensor)}: stored as version {taken.version}")
    if not instruments:
        console.print("no registered sensor; see hydrolog sensors")
    elif not options.take:
        console.print("nothing was changed; use --take to store them")
    return 1 if refused else 0


def _preview(past: "History", old: Criteria | None, new: Criteria, chosen: Settings, known: Occasions) -> str:
    """What the new criteria would have raised in the last month, compared with the present ones."""
    raised = findings_over(past, new, chosen, known)
    before = _counts(findings_over(past, old, chosen, known)) if old is not None else None
    now = f"; the present ones: {before or 'nothing'}" if before is not None else ""
    lines = [f"over the last {PREVIEW_DAYS} days they would have raised: {_counts(raised) or 'nothing'}{now}"]
    urgent = [finding for finding in raised if finding.severity in (LEAK, FAULT)]
    lines += [f"  {_at(finding, chosen):%d %b %H:%M} {finding.code} {text(finding)}" for finding in urgent[:MOST_SHOWN]]
    if len(urgent) > MOST_SHOWN:
        lines.append(f"  and {len(urgent) - MOST_SHOWN} more; see them all with: hydrolog backtest outliers")
    return "\n".join(lines)


def _counts(raised: list[Finding]) -> str:
    counted = Counter(finding.code for finding in raised)
    return ", ".join(f"{count} {code}" for code, count in sorted(counted.items()))


def _at(finding: Finding, chosen: Settings) -> datetime:
    return datetime.fromtimestamp(finding.minute * 60, chosen.site.zone)


def findings_over(past: "History", criteria: Criteria, chosen: Settings, known: Occasions) -> list[Finding]:
    """The findings of criteria over the last `PREVIEW_DAYS` of existing rows, after a warm-up on the days before."""
    from outliers.watch.detector import Detector

    detector = Detector(criteria.sensor, criteria, chosen.site.zone, None, known.holidays)
    shown = past.first + len(past.flow) - PREVIEW_DAYS * 1440
    found = judge(past, detector, known)
    return [finding for finding in found if finding.state == RAISE and finding.minute >= shown]
