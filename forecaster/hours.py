"""The recent hourly history of a site, from its kept hours and the minutes of the last days.

An hour's forecast looks back on half a year. Its hours are kept (`kept.py`): only what may have changed since is read
from the minutes. Once a week all of a sensor's are read anew.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from common.database import Database
from common.settings import SiteSettings
from forecaster import store
from forecaster.dataset import LEAK_MASK_H, FloatArray, HourlyHistory, hour_number, start_of_hour
from forecaster.kept import Kept, KeptHours

REACH = timedelta(weeks=26)  # what the base looks back on: older weeks have all but faded
OVERLAP = timedelta(hours=LEAK_MASK_H + 1)  # read again each time: late rows, and where a leak's spell began
WRITTEN_EVERY = timedelta(hours=24)  # rewriting 35 kB a sensor each hour would be as much as its minutes
ANEW_EVERY = timedelta(days=7)  # rows that came very late, or were loaded, are in them then
AT_ONCE = 40  # sensors whose half year is read in one step: some seconds


def recent(database: Database, site: SiteSettings, keep: Kept, hour: datetime, now: datetime) -> HourlyHistory | None:
    """Rows of the registered sensors from REACH before `hour` (aware, start of a local hour) to before it.

    None: there is more to be read than a step should take; the next call goes on with it.

    Raises:
        DatabaseDown: nothing is lost then."""
    spans = [span for span in store.sensors(database, site.id, hour - REACH) if span.first < hour]
    names = [span.sensor for span in spans]
    newest = min(max((span.last + timedelta(minutes=1) for span in spans), default=hour), hour)
    kept = keep.hours(names)
    new = [name for name in names if name not in kept]
    old = sorted(
        (name for name in kept if not now - ANEW_EVERY < kept[name].read_at <= now), key=lambda n: kept[n].read_at
    )
    whole = [*new, *old][:AT_ONCE]
    if whole:
        history = _read(database, site, whole, hour - REACH, hour)
        fresh = _as_kept(history, whole, newest, dict.fromkeys(whole, now))
        keep.keep_hours(fresh)
        kept |= fresh
    if len(new) > AT_ONCE:
        return None
    others = [name for name in names if name not in whole]
    changed = None
    if others:
        since = min(kept[name].through for name in others) - OVERLAP
        changed = _read(database, site, others, max(since, hour - REACH), hour)
    history = _laid_over(site, names, kept, changed, hour)
    if due := [name for name in others if newest - kept[name].through >= WRITTEN_EVERY]:
        read_at = {name: kept[name].read_at for name in due}
        keep.keep_hours(_as_kept(history, due, newest, read_at))
    return history


def _read(database: Database, site: SiteSettings, names: list[str], first: datetime, hour: datetime) -> HourlyHistory:
    return store.history(database, site, names, start_of_hour(first, site.zone), hour)


def _as_kept(
    history: HourlyHistory, names: list[str], through: datetime, read_at: dict[str, datetime]
) -> dict[str, KeptHours]:
    first, line = int(history.first.astype(int)), {s.sensor: i for i, s in enumerate(history.series)}  # its second
    return {
        name: KeptHours(first, history.y[line[name] - 1 : line[name] + 1], through, read_at[name]) for name in names
    }


def _laid_over(
    site: SiteSettings,
    names: list[str],
    kept: dict[str, KeptHours],
    changed: HourlyHistory | None,
    hour: datetime,
) -> HourlyHistory:
    """The kept hours, and over them those that were read, on one grid from REACH before the hour to before it."""
    first, end = (hour_number(t.astimezone(site.zone)) for t in (hour - REACH, hour - timedelta(minutes=1)))
    y = np.full((2 * len(names), end + 1 - first), np.nan)
    place = {name: 2 * i for i, name in enumerate(names)}
    for name in names:
        _lay(y[place[name] : place[name] + 2], kept[name].y, kept[name].first - first)
    if changed is not None:
        for line, series in enumerate(changed.series[::2]):
            at = place[series.sensor]
            _lay(y[at : at + 2], changed.y[2 * line : 2 * line + 2], int(changed.first.astype(int)) - first)
    return HourlyHistory(np.datetime64(first, "h"), store.series_of(site.id, names), y)


def _lay(onto: FloatArray, part: FloatArray, shift: int) -> None:
    """Rows of a part, the first of which lies at `shift`; what is outside is left out."""
    begin, end = max(shift, 0), min(shift + part.shape[1], onto.shape[1])
    if begin < end:
        onto[:, begin:end] = part[:, begin - shift : end - shift]
