"""People ask for new criteria and nightflow has them learnt: the two files between them.

`criteria_wanted.json` is written by whoever asks, `criteria_learning.json` by nightflow. A wish is open until nightflow
has named it as done, so it outlives both.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import msgspec

from common import audit, state_file
from common.audit import Actor
from common.errors import HydrologError
from common.folder import CRITERIA_LEARNING_FILE, CRITERIA_WANTED_FILE
from common.messages import message
from common.refused import NotPossible, Refused

NOBODY = message("There is no such sensor.")
UNDER_WAY = message("{by} has asked for it already, and it is under way.")

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class WishUnwritable(HydrologError):
    """A wish, or what became of it, could not be written."""


class LearningWish(msgspec.Struct, frozen=True):
    """Somebody wants the criteria of these sensors learnt anew. `at`: by the site's clock."""

    id: str
    at: Moment
    by: str
    sensors: list[str]


class Run(msgspec.Struct, frozen=True, omit_defaults=True):
    """The last learning of a sensor.

    Attributes:
        at: when it ended.
        problem: why there are no new criteria; empty if there are.
        short: whether that is for too few good weeks.
    """

    at: Moment
    problem: str = ""
    short: bool = False


class LearningProgress(msgspec.Struct, omit_defaults=True):
    """What nightflow has done. `handled`: the id of the last wish that is done; `runs`: by sensor."""

    handled: str = ""
    runs: dict[str, Run] = {}


def ask(data: Path, by: Actor, sensors: Sequence[str], now: datetime) -> None:
    """Ask for new criteria.

    Raises:
        Refused: no sensor is named.
        NotPossible: a wish is open.
        AuditUnwritable, WishUnwritable: nothing is asked for.
    """
    if not sensors:
        raise Refused(NOBODY, "sensor")
    if (before := open_wish(data)) is not None:
        raise NotPossible(UNDER_WAY, by=before.by)
    named = {"sensor": sensors[0]} if len(sensors) == 1 else {"count": len(sensors)}
    audit.record(data, *by, "criteria-wanted", **named)
    _write(data / CRITERIA_WANTED_FILE, LearningWish(uuid4().hex, now, by.name, [*sensors]))


def open_wish(data: Path) -> LearningWish | None:
    """What is not done yet."""
    wish = state_file.load(data / CRITERIA_WANTED_FILE, LearningWish)
    return wish if wish is not None and wish.id != progress(data).handled else None


def progress(data: Path) -> LearningProgress:
    """What nightflow has done so far."""
    return state_file.load(data / CRITERIA_LEARNING_FILE, LearningProgress) or LearningProgress()


def store(data: Path, done: LearningProgress) -> None:
    """For nightflow.

    Raises:
        WishUnwritable: the folder cannot be written.
    """
    _write(data / CRITERIA_LEARNING_FILE, done)


def _write(path: Path, value: LearningWish | LearningProgress) -> None:
    try:
        state_file.store(path, value)
    except OSError as error:
        raise WishUnwritable(f"cannot write {path}: {error.strerror}") from error
