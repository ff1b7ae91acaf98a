"""Starts the learning of criteria: three months after a sensor's first row, every three months, and when people ask.

Learning reads half a year of minutes into arrays. It runs in a child process at the lowest priority, so its memory and
its failures do not affect this process. It stores a new version of a file, which the producer then uses.
"""

import logging
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import psycopg

from common import files, processes
from common.errors import CriteriaUnusable, HistoryTooShort
from common.folder import CRITERIA_FOLDER, CRITERIA_WANTED_FILE
from common.logging_setup import quoted
from common.night import ReportHours, report_hours
from common.runner import Context
from common.settings import CONFIG
from outliers import criteria, relearning
from outliers.relearning import LearningWish, Run
from outliers.rules import REBUILD_DAYS

FIRST_DAYS = 91  # until then the initial criteria file is used
NOON = 12  # by day: at night the machine is left alone
LOWEST_PRIORITY = 19
LONGEST = timedelta(hours=2)  # limit of one run; a year of minutes takes seconds
END_S = 2.0  # time for a run to end

_log = logging.getLogger(__name__)

Command = list[str]


def due(
    current: criteria.Criteria | None, first_row: date, today: date, alarms_per_month: float, hours: ReportHours
) -> bool:
    """Whether to learn a sensor's criteria today: because of their age, a setting that changed, or an older version."""
    if current is None or not current.last:
        return (today - first_row).days >= FIRST_DAYS
    if not math.isclose(current.alarms_per_month, alarms_per_month, rel_tol=1e-4):  # the file rounds numbers
        return True
    if current.night is not None and current.night.hours != hours:
        return True
    if current.use is not None and not current.use.hours.usual_spread:  # a file of 0.1
        return True
    return (today - date.fromisoformat(current.last)).days >= REBUILD_DAYS


class Learning:
    """Controls the child process. `look` never waits."""

    def __init__(self, context: Context, command: Command | None = None) -> None:
        self._data = context.data
        self._folder = context.data / CRITERIA_FOLDER
        self._site = context.settings.site.id
        self._zone = context.settings.site.zone
        self._alarms_per_month = context.settings.outliers.alarms_per_month
        self._hours = report_hours(context.settings.night)
        self._command = command or [sys.executable, "-P", "-m", "outliers.learn"]
        self._environ = os.environ | {"OMP_NUM_THREADS": "1"}
        if context.config is not None:
            self._environ[CONFIG] = str(context.config)
        self._tried: date | None = None
        self._waiting: list[str] = []
        self._child: subprocess.Popen[bytes] | None = None
        self._sensor = ""  # of the child
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - what each child says, until `close`
        self._started = datetime.min
        self._learnt = 0
        self._progress, self._is_published = relearning.progress(context.data), True
        self._seen: files.Stamp | None = None  # of the file with the wish
        self._wish: LearningWish | None = None
        self._wished: set[str] = set()  # its sensors that are not done

    def wants_look(self, now: datetime) -> bool:
        """Whether `plan` is due: once a day, by day."""
        local = now.astimezone(self._zone)
        return local.hour >= NOON and self._tried != local.date()

    def plan(self, now: datetime, cursor: psycopg.Cursor[Any]) -> None:
        """Find the sensors whose criteria are due today."""
        today = now.astimezone(self._zone).date()
        cursor.execute(
            "SELECT sensor, (SELECT min(time) FROM REAL_VAL_TB r WHERE r.site = s.site AND r.sensor = s.sensor) "
            "FROM SENSOR_TB s WHERE s.site = %s",
            (self._site,),
        )
        for sensor, first in cursor.fetchall():
            if first is None:
                continue
            first_day = first.astimezone(self._zone).date()
            if due(self._newest(sensor), first_day, today, self._alarms_per_month, self._hours):
                self._waiting.append(sensor)
        self._tried = today

    def _newest(self, sensor: str) -> criteria.Criteria | None:
        try:
            return criteria.load(self._folder, sensor)
        except CriteriaUnusable as error:
            _log.warning("criteria_unusable sensor=%s problem=%s", sensor, quoted(error))
            return None

    def look(self, now: datetime) -> Mapping[str, int]:
        """Start the next run, or handle the end of one.

        Raises:
            WishUnwritable: people cannot be told what was done; the next call tries again.
        """
        self._take_wish()
        if self._child is not None:
            self._see_end(self._child, now)
        if self._child is None and self._waiting:
            self._start(self._waiting.pop(0), now)
        if not self._is_published:
            relearning.store(self._data, self._progress)
            self._is_published = True
        return {"criteria_learnt": self._learnt, "criteria_waiting": len(self._waiting) + (self._child is not None)}

    def _take_wish(self) -> None:
        """What people ask for comes first. After a restart, what is done already is not done again."""
        if (seen := files.stamp(self._data / CRITERIA_WANTED_FILE)) == self._seen:
            return
        self._seen, self._wish = seen, relearning.open_wish(self._data)
        if self._wish is None:
            return
        runs, asked = self._progress.runs, self._wish.at
        names = [name for name in self._wish.sensors if name not in runs or runs[name].at <= asked]
        self._wished = set(names)
        self._waiting[:0] = [name for name in names if name not in {*self._waiting, self._sensor}]
        self._note_done()

    def _see_end(self, child: "subprocess.Popen[bytes]", now: datetime) -> None:
        code, problem = child.poll(), ""
        if code is None and now - self._started <= LONGEST:
            return
        if code is None:
            problem = f"not learnt within {LONGEST}"
            processes.end_child(child, END_S)
        elif code != 0:
            problem = self._last_words() or f"the process ended with code {code}"
        else:
            self._learnt += 1
        if problem:
            _log.warning("criteria_not_learnt sensor=%s problem=%s", self._sensor, quoted(problem))
        self._progress.runs[self._sensor] = Run(now, problem, short=code == HistoryTooShort.exit_code)
        self._wished.discard(self._sensor)
        self._child, self._sensor, self._is_published = None, "", False
        self._note_done()

    def _note_done(self) -> None:
        if self._wish is not None and not self._wished:
            self._progress.handled, self._wish, self._is_published = self._wish.id, None, False

    def _last_words(self) -> str:
        """What the child has said of why it failed."""
        self._said.seek(0)
        return processes.last_words(self._said.read())

    def _start(self, sensor: str, now: datetime) -> None:
        self._started, self._sensor = now, sensor
        self._said.seek(0)
        self._said.truncate()
        self._child = subprocess.Popen(
            [*self._command, "--sensor", sensor],
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
        )
        processes.give_way(self._child, LOWEST_PRIORITY)
        _log.info("criteria_learning sensor=%s pid=%d", sensor, self._child.pid)

    def close(self) -> None:
        """Stop a run; it can be repeated."""
        processes.end_child(self._child, END_S)
        self._said.close()
