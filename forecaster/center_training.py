"""The training of a center: one model over all sites, learnt by one process at a time, published for all."""

from __future__ import annotations

import shutil
from datetime import datetime

from common.database import Database
from common.folder import LEARNING_FOLDER
from common.settings import Settings
from forecaster import artifact, center_sites
from forecaster.dataset import HourlyHistory, on_the_same_rows
from forecaster.fit import Report
from forecaster.shared_models import SharedModels
from forecaster.trainer import is_over
from forecaster.training import TrainingOutcome, note, train_and_judge, version_at, year_of

MOST_SENSORS = 1_000  # to learn from: a year of them takes some minutes and 2 GiB; the others are forecast as new ones


def run_training(
    settings: Settings, database: Database, now: datetime, report: Report | None = None, *, if_due: bool = False
) -> TrainingOutcome | None:
    """Train on the sites of the center up to `now` and publish what came of it. None: another process is at it, or
    `if_due` and another has just been.

    Raises:
        DatabaseDown: the database does not answer, or did not meanwhile; nothing is published."""
    folder = settings.paths.data / LEARNING_FOLDER
    shutil.rmtree(folder, ignore_errors=True)  # of one that was killed
    turn = Database(settings, "forecaster-turn")
    models = SharedModels(turn, folder)
    with models.turn() as is_ours:
        if not is_ours:
            return None
        models.fetch()
        if if_due and not is_over(models.last()[0], folder, now):
            return None
        version, horizon = version_at(now), settings.forecast.horizon_hours
        sites = read(settings, database, now)
        outcome = train_and_judge(folder, sites, version, horizon=horizon, report=report)
        raw = artifact.read(folder, version) if version in artifact.versions(folder) else None
        models.publish(version, note(folder, now, outcome), raw)
    shutil.rmtree(folder, ignore_errors=True)
    return outcome


def read(settings: Settings, database: Database, now: datetime) -> list[HourlyHistory]:
    """The last year of whole sites, up to MOST_SENSORS, on the same rows."""
    data, center = settings.paths.data, settings.site
    found: list[HourlyHistory] = []
    left = MOST_SENSORS
    for site in center_sites.of_center(database, center, now):
        days = center_sites.holidays_of(center, site, data, now)
        history = year_of(database, site, now, days, left)
        if history.series:
            found.append(history)
            left -= len({one.sensor for one in history.series})
        if left <= 0:
            break
    return on_the_same_rows(found)
