"""`hydrolog incidents`: what is wrong now and what was, and what people did about it."""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

import psycopg
from rich.table import Table
from rich.text import Text

from cli import incident_acting, incident_history, shell
from cli.incident_acting import instant
from cli.incident_chart import chart
from cli.incident_history import IncidentHistory
from cli.incident_json import plain
from common import settings
from common.clock import local_text, minute_of
from common.database import Database
from common.errors import DatabaseDown, NoSuchSensor
from common.messages import LANGUAGES, Catalogue, message, words
from common.settings import Settings
from incidents.acts import Cause, Do
from incidents.incident import Incident
from incidents.life import Stage
from incidents.reading import Known
from incidents.sentences import Told, did, kind_of, told, unreadable

LONGEST_ID = 48  # columns; a longer one folds
LONGEST = 2000  # characters of a sentence or a note
RECENT = 7 * 1440  # minutes: an incident that ended earlier is listed only on request
UNITS = {"m": 1, "h": 60, "d": 1440}  # minutes
INCIDENT, BEGAN, SIZE, PEOPLE = message("incident"), message("began"), message("size"), message("people")
OVER = message("{span}, over")
STAGES = {
    Stage.OPEN: message("open"),
    Stage.ACKNOWLEDGED: message("acknowledged"),
    Stage.SHELVED: message("shelved"),
    Stage.CLOSED: message("closed"),
}
ACTIONS = {
    Do.ACKNOWLEDGE: "say that you take care of it",
    Do.SHELVE: "let it rest until a time; then it is open again",
    Do.CLOSE: "say why it is done with; a new sign opens it again",
    Do.NOTE: "write down something about it",
}


def run(args: list[str]) -> int:
    """List, show or act.

    Raises:
        NoSuchIncident, NoSuchSensor: it is not known.
        Needless: it is closed or has ended.
        ActsUnwritable: the act could not be stored, so it has not happened.
    """
    options = _parser().parse_args(args)
    chosen = settings.load(options.config)
    now = shell.site_clock(chosen.paths.data).now()
    with closing(Database(chosen, "incidents")) as database:
        history = incident_history.read(chosen, database, minute_of(now))
        command = _Command(chosen, options, history, now)
        if options.action in (None, "list"):
            command.list()
        elif options.action == "show":
            command.show(database)
        else:
            command.act(Do(options.action))
    for problem in history.problems:
        sys.stderr.write(f"{shell.printable(unreadable(problem, command.words))}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = shell.parser(
        "incidents",
        "One trouble at one point is one incident, from its first sign to its end. Without an action: list what is up, "
        "and what has ended in the last seven days.",
    )
    _add_list_options(parser)
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    _add_list_options(_action(actions, "list", "list incidents, open ones first"), argparse.SUPPRESS)
    _add_id(_action(actions, "show", "one incident: what, why, what people did, and a chart of its hours"))
    for do, text in ACTIONS.items():
        action = _action(actions, do, text)
        _add_id(action)
        if do is Do.SHELVE:
            end = action.add_mutually_exclusive_group(required=True)
            end.add_argument("--until", metavar="TIME", help='local time, "2024-08-28 09:00"')
            end.add_argument("--for", dest="minutes", type=_minutes, metavar="SPAN", help="such as 90m, 8h or 2d")
        if do is Do.CLOSE:
            action.add_argument("--cause", required=True, choices=[*map(str, Cause)], help="why")
        if do is Do.NOTE:
            action.add_argument("text", nargs="+", metavar="TEXT", help="what to write down")
        else:
            action.add_argument("--note", dest="text", nargs=1, default=[], metavar="TEXT", help="more about it")
        action.add_argument("--by", metavar="NAME", help="who does it (default: your login name)")
    return parser


def _action(actions: Any, name: str, text: str) -> argparse.ArgumentParser:
    action = shell.add_action(actions, name, text)
    if name != "list":
        _add_output(action, argparse.SUPPRESS)
    return action


def _add_list_options(parser: argparse.ArgumentParser, default: Any = None) -> None:
    parser.add_argument("--all", action="store_true", default=default or False, help="the whole history")
    parser.add_argument("--sensor", type=shell.sensor_id, metavar="ID", default=default, help="only of this sensor")
    parser.add_argument("--since", metavar="TIME", default=default, help="what was up at this local time or later")
    _add_output(parser, default)


def _add_output(parser: argparse.ArgumentParser, default: Any) -> None:
    parser.add_argument("--json", action="store_true", default=default or False, help="for programs")
    parser.add_argument("--language", choices=LANGUAGES, default=default, help="instead of the site's")


def _add_id(action: argparse.ArgumentParser) -> None:
    action.add_argument("id", metavar="ID", help="its id, or the beginning of it")


def _minutes(text: str) -> int:
    found = re.fullmatch(r"([0-9]{1,6})([mhd])", text)
    if not found or not int(found[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is not a span like 90m, 8h or 2d")
    return int(found[1]) * UNITS[found[2]]


def _amounts(incident: Incident, catalogue: Catalogue) -> str:
    """The size now, or the largest of one that is over; and the volume. What is not known is left out."""
    lines = []
    if incident.size and incident.ended is None:
        lines.append(catalogue.amount(incident.size.flow_m3h, "m³/h", incident.size.error_m3h))
    elif incident.largest_m3h is not None:
        lines.append(catalogue.say("up to {value}", value=catalogue.about(incident.largest_m3h, "m³/h")))
    if incident.volume_m3 is not None:
        lines.append(catalogue.about(incident.volume_m3, "m³"))
    return "\n".join(lines)


class _Command:
    """One call: what was asked, and what is known."""

    def __init__(self, chosen: Settings, options: argparse.Namespace, history: IncidentHistory, now: datetime) -> None:
        self._chosen = chosen
        self._options = options
        self._history = history
        self._now = now
        self._minute = minute_of(now)
        self._site, self._zone = chosen.site, chosen.site.zone
        self.words = words(options.language or chosen.site.language)

    def list(self) -> None:
        """The incidents that were asked for."""
        self._refuse_unknown_sensor()
        since = self._since()
        found = [
            each
            for each in self._history.known
            if (each.incident.ended is None or each.incident.ended >= since)
            and self._options.sensor in (None, each.incident.sensor)
        ]
        if self._options.json:
            self._json({"incidents": [self._plain(each) for each in found], "whole": self._history.whole})
            return
        console = shell.console()
        if found or not self._history.damaged:
            console.print(self._table(found) if found else self.words.say("No incident."))
        earlier = len(self._history.known) - len(found)
        if earlier and self._options.sensor is None and self._options.since is None:
            see = "hydrolog incidents --all"
            console.print(self.words.say("Earlier ones: {count}; to see them: {command}", count=earlier, command=see))

    def _since(self) -> int:
        if self._options.since is not None:
            return minute_of(instant("--since", self._options.since, self._zone))
        return 0 if self._options.all else self._minute - RECENT

    def _refuse_unknown_sensor(self) -> None:
        sensor, known = self._options.sensor, self._history.known
        named = {*self._history.names, *(one.incident.sensor for one in known)}
        if sensor is not None and self._history.whole and sensor not in named:
            raise NoSuchSensor(f"{shell.printable(sensor)} is not known; see: hydrolog sensors")

    def _table(self, found: Sequence[Known]) -> Table:
        """Two lines for each, so that eighty columns are enough."""
        catalogue = self.words
        headings = [catalogue.say(each) for each in (INCIDENT, BEGAN, SIZE, PEOPLE)]
        table = shell.table(*headings, whole=headings[1:3])
        table.columns[0].min_width = min(LONGEST_ID, max(len(one.id) for one, _ in found))
        for incident, life in found:
            up = incident.ended is None
            lasted = catalogue.span(incident.minutes(self._minute))
            kind = kind_of(incident, catalogue)
            table.add_row(
                shell.cell(incident.id)
                + Text("\n")
                + shell.cell(f"[{kind}] ", shell.STYLES.get(incident.severity, "") if up else "dim")
                + shell.cell(self._history.name(incident.sensor)),
                f"{local_text(incident.began, self._zone)}\n{lasted if up else catalogue.say(OVER, span=lasted)}",
                _amounts(incident, catalogue),
                shell.cell(catalogue.say(STAGES[life.stage])) + Text("\n") + shell.cell(life.by),
            )
        return table

    def show(self, database: Database) -> None:
        """One incident, with a chart if the database has its minutes."""
        known = self._history.find(self._options.id)
        if self._options.json:
            self._json(self._plain(known))
            return
        said, console = self._told(known), shell.console()
        paragraphs = [said.title, f"({known.incident.id})", said.what, *(f"- {why}" for why in said.why)]
        paragraphs += [f"→ {todo}" for todo in said.todo]
        if said.life:
            paragraphs.append(said.life)
        for act in known.life.acts:
            done = did(act, "" if act.until is None else local_text(act.until, self._zone), self.words)
            what = f"{done}: {act.text}" if act.text else done
            paragraphs.append(f"{local_text(act.at, self._zone)}  {act.by}  {what}")
        for text in paragraphs:
            console.print(shell.cell(text, longest=LONGEST), soft_wrap=True)
        try:
            with database.transaction() as cursor:
                lines = chart(cursor, self._site, known.incident, self._minute, self.words, width=console.width)
        except (DatabaseDown, psycopg.Error):
            return  # that it does not answer is among the problems
        none = self.words.say("No minute of these hours is in the database.")
        for line in ["", *lines] if lines else [none]:
            console.print(line, soft_wrap=True)

    def act(self, do: Do) -> None:
        """Store what somebody did, and say it."""
        after, said = incident_acting.act(self._chosen, self._history, self._now, do, self._options)
        if self._options.json:
            self._json(self._plain(after))
        else:
            shell.say(shell.printable(said))

    def _told(self, known: Known) -> Told:
        name = self._history.name(known.incident.sensor)
        return told(known, name, self.words, self._zone, self._minute)

    def _plain(self, known: Known) -> dict[str, Any]:
        return plain(known, self._told(known), self._zone, self._minute)

    def _json(self, value: dict[str, Any]) -> None:
        problems = [*self._history.problems]
        sys.stdout.write(json.dumps({**value, "problems": problems}, indent=1, ensure_ascii=False) + "\n")
