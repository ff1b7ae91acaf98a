"""The training itself: learn, judge beside the old weights and the seasonal naive, keep the weights if better."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as replace_fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from common.database import Database
from common.files import replace
from common.folder import MODELS_FOLDER
from common.runner import Context
from common.settings import Settings, SiteSettings
from forecaster import artifact, holidays, store
from forecaster.adopt import adopted
from forecaster.dataset import HourlyHistory, start_of_hour
from forecaster.fit import HELD_OUT_H, Report, fit, judge, refresh
from forecaster.predict import Model
from forecaster.site_weather import WeatherReader
from forecaster.trainer import STATE, TrainingNote
from forecaster.works import without_works
from outliers import calendar

LEARNT_UNTIL = "learnt_until"
LEAST_UNSEEN_H = 72  # fewer hours than this cannot tell two sets of weights apart
LINES_PER_PART = 5  # of progress
BACK = timedelta(days=365)  # the archive keeps a year; older water use says little about the coming day


@dataclass(frozen=True)
class TrainingOutcome:
    """What a training came to. `accepted` is None when there was not enough history to train on."""

    version: str
    rows: int  # minute rows the history stands for
    cpu_s: float
    model: float
    naive: float
    old: float | None  # of the weights in use, on the rows that they have not learnt
    beside_old: float | None  # the new ones on the same rows
    coverage: float
    accepted: bool | None
    reason: str

    def line(self) -> str:
        """One line for a table."""
        beside = "" if self.old is None else f" (unseen by the old: new {self.beside_old:.3f} old {self.old:.3f})"
        verdict = "accepted" if self.accepted else "not accepted"
        return (
            f"{self.version}  rows {self.rows:,}  cpu {self.cpu_s:.1f} s  MASE model {self.model:.3f} "
            f"naive {self.naive:.3f}{beside}  interval {100 * self.coverage:.1f} %  {verdict}: {self.reason}"
        )


def run_training(
    settings: Settings, database: Database, now: datetime, report: Report | None = None
) -> TrainingOutcome:
    """Train on the archive up to `now`, judge on its last two weeks, keep the weights if they are better.

    Raises:
        DatabaseDown: the archive does not answer."""
    data, site = settings.paths.data, settings.site
    history = year_of(database, site, now, holidays.of_site(data))
    history = without_works(history, calendar.load(data, site.zone, settings.zones).works, site.zone)
    history = WeatherReader(data, site.zone).onto(history, start_of_hour(now, site.zone))
    horizon = settings.forecast.horizon_hours
    outcome = train_and_judge(data, [history], version_at(now), site=site.id, horizon=horizon, report=report)
    write_note(data, note(data, now, outcome))
    return outcome


def version_at(now: datetime) -> str:
    """The name of weights that are learnt now."""
    return now.astimezone(UTC).strftime("%Y%m%dT%H%M%S")


def year_of(
    database: Database, site: SiteSettings, now: datetime, days: frozenset[int], most: int | None = None
) -> HourlyHistory:
    """The last year of a site's sensors, or of so many of them, from its first value on."""
    until = start_of_hour(now, site.zone)
    first = (until - BACK).replace(hour=0)
    names = [span.sensor for span in store.sensors(database, site.id, first)][:most]
    return replace_fields(without_empty_start(store.history(database, site, names, first, until)), holidays=days)


def without_empty_start(history: HourlyHistory) -> HourlyHistory:
    """The history from its first row with a value, and the series that have any."""
    seen = np.isfinite(history.y)
    rows = np.flatnonzero(seen.any(0))
    lines = np.flatnonzero(seen.any(1))
    first = int(rows[0]) if len(rows) else history.rows
    series = tuple(history.series[i] for i in lines)
    return replace_fields(history, first=history.hour(first), series=series, y=history.y[lines, first:])


def train_and_judge(
    data: Path,
    sites: Sequence[HourlyHistory],
    version: str,
    *,
    horizon: int,
    site: str = "",
    report: Report | None = None,
) -> TrainingOutcome:
    """Fit, compare with the newest model and the seasonal naive on the last two weeks, save if better.

    `sites` are on the same rows. `site`: of weights that were learnt before a series had one."""
    began = time.process_time()
    rows = sum(int(np.isfinite(one.y).any(0).sum()) * 60 * len({s.sensor for s in one.series}) for one in sites)
    try:
        if not sites:
            raise ValueError("there are no rows")
        history = sites[0]
        model = fit(*sites, until_row=history.rows, horizon=horizon, version=version, report=report)
    except ValueError as error:
        cpu_s, none = time.process_time() - began, float("nan")
        return TrainingOutcome(version, rows, cpu_s, none, none, None, None, none, None, str(error))
    first = history.rows - HELD_OUT_H
    new, naive, coverage = judge(model, sites, first)
    old = new_beside_old = None
    if old_model := artifact.newest(data):
        old_model = old_model.at_home(site)
        unseen = _unseen_row(old_model, history, first)
        old, new_beside_old = (judge(m, sites, unseen).model for m in (old_model, model))
    accepted, reason = _verdict(new, naive, old, new_beside_old)
    if accepted:
        model = refresh(model, *sites, until_row=history.rows, report=report)
        scores = {"mase": new, "naive_mase": naive, "coverage": coverage, LEARNT_UNTIL: str(history.hour(history.rows))}
        artifact.save(data, replace_fields(model, report=scores))
    elif old_model and (more := _take_up(data, old_model, sites, version)):
        reason += f"; they took up {more} new series"
    cpu_s = time.process_time() - began
    return TrainingOutcome(version, rows, cpu_s, new, naive, old, new_beside_old, coverage, accepted, reason)


def _take_up(data: Path, old: Model, sites: Sequence[HourlyHistory], version: str) -> int:
    """How many series more the weights in use know from now on, as this version."""
    history, model = sites[0], old
    for one in sites:
        model = adopted(model, one, one.rows)
    if more := len(model.series) - len(old.series):
        report = {**old.report, LEARNT_UNTIL: str(history.hour(history.rows))}
        artifact.save(data, replace_fields(model, version=version, report=report))
    return more


def _unseen_row(old: Model, history: HourlyHistory, first: int) -> int:
    """From where old and new weights are compared: rows that the old ones did not learn, if those are days enough."""
    try:
        learnt = np.datetime64(str(old.report[LEARNT_UNTIL]), "h")
    except (KeyError, ValueError):
        return first
    row = int((learnt - history.first).astype(int))
    return max(first, row) if row <= history.rows - LEAST_UNSEEN_H else first


def _verdict(new: float, naive: float, old: float | None, beside: float | None) -> tuple[bool, str]:
    if not new < naive:
        return False, "the seasonal naive was better on the last two weeks"
    if old is not None and beside is not None and not beside < old:
        return False, "the weights in use were better on the last two weeks"
    return True, "better on the last two weeks"


def note(data: Path, now: datetime, outcome: TrainingOutcome) -> TrainingNote:
    """When a training ran and what came of it; `data` holds its weights."""
    kind = {True: "accepted", False: "not accepted", None: "too little history"}[outcome.accepted]
    return TrainingNote(now.astimezone(UTC), kind, outcome.line(), artifact.any_usable(data))


def write_note(data: Path, said: TrainingNote) -> None:
    """Remember it on a box."""
    (data / MODELS_FOLDER).mkdir(parents=True, exist_ok=True)
    replace(data / MODELS_FOLDER / STATE, msgspec.json.encode(said) + b"\n")


Train = Callable[[Settings, Database, datetime, Report | None], TrainingOutcome | None]


class Training:
    """One training as the one step of a process."""

    def __init__(self, context: Context, train: Train) -> None:
        self._context = context
        self._train = train
        self._database = Database(context.settings, "forecaster-train")

    def step(self, now: datetime) -> Mapping[str, Any]:
        """Train on what the archive holds at `now`; says how it went in one line."""
        outcome = self._train(self._context.settings, self._database, now, Progress())
        if outcome is None:
            sys.stdout.write("another process is learning, or has just been\n")
            return {"elsewhere": 1}
        sys.stdout.write(outcome.line() + "\n")
        sys.stdout.flush()
        return {"version": outcome.version, "accepted": int(bool(outcome.accepted)), "cpu_s": round(outcome.cpu_s, 1)}

    def close(self) -> None:
        """Leave no connection open."""
        self._database.close()


class Progress:
    """Says a few times in each part how far it is."""

    def __init__(self) -> None:
        self._told: dict[str, int] = {}  # lines of each part

    def __call__(self, part: str, step: int, steps: int, loss: float) -> None:
        """After a step of a part."""
        told, self._told[part] = self._told.get(part, 0), step * LINES_PER_PART // steps
        if self._told[part] > told:
            sys.stdout.write(f"{part}: step {step}/{steps} loss {loss:.3f}\n")
            sys.stdout.flush()
