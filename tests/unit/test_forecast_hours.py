"""The recent history: read in pieces it is what one reading of all would give."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from common.database import Database
from common.settings import SiteSettings
from forecaster import hours, store
from forecaster.dataset import HourlyHistory, Series, hour_number
from forecaster.hours import AT_ONCE, REACH
from forecaster.kept import KeptHere
from forecaster.store import Span

ROME = ZoneInfo("Europe/Rome")
HOUR = timedelta(hours=1)
START = datetime(2024, 10, 20, tzinfo=UTC)


class Archive:
    """Stands in for the database: a number a sensor and hour, and what was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.late: dict[tuple[str, int], float] = {}
        self.first = {"a": START - 2 * REACH, "b": START - timedelta(days=3)}
        self.now = START
        self.asked: list[tuple[tuple[str, ...], datetime]] = []
        monkeypatch.setattr(store, "sensors", self.sensors)
        monkeypatch.setattr(store, "history", self.history)

    def sensors(self, _: Database, site: str, since: datetime) -> list[Span]:
        return [Span(name, max(first, since), self.now) for name, first in self.first.items()]

    def history(
        self, _: Database, site: SiteSettings, names: list[str], first: datetime, until: datetime
    ) -> HourlyHistory:
        self.asked.append((tuple(names), first))
        begin, end = (hour_number(t.astimezone(site.zone)) for t in (first, until - timedelta(minutes=1)))
        rows = range(begin, end + 1)
        series = tuple(Series(name, channel) for name in names for channel in store.CHANNELS)
        y = [[self.late.get((s.sensor, row), row + ord(s.sensor) / 1000) for row in rows] for s in series]
        return HourlyHistory(np.datetime64(begin, "h"), series, np.array(y))

    def reader(self) -> "Reader":
        return Reader(self)


class Reader:
    """Who reads hour by hour, and keeps what is kept."""

    def __init__(self, archive: Archive) -> None:
        self.kept = KeptHere(Path())
        self._archive = archive

    def step(self, hour: datetime) -> HourlyHistory | None:
        return hours.recent(None, SiteSettings(timezone=ROME.key), self.kept, hour, hour)  # type: ignore[arg-type]

    def until(self, hour: datetime) -> HourlyHistory:
        while (history := self.step(hour)) is None:
            pass
        return history


def assert_same(one: HourlyHistory, other: HourlyHistory) -> None:
    assert (one.first, one.series) == (other.first, other.series)
    np.testing.assert_array_equal(one.y, other.y)


def test_hour_by_hour_it_is_what_a_fresh_reader_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the end of summer time, with a late row and a sensor that comes and one that goes."""
    archive = Archive(monkeypatch)
    reader = archive.reader()
    for k in range(0, 24 * 10, 5):
        archive.now = START + k * HOUR
        if k == 50:
            archive.first["c"] = archive.now - 2 * HOUR
            archive.late["a", hour_number((archive.now - 20 * HOUR).astimezone(ROME))] = np.nan
        if k == 100:
            del archive.first["b"]
        assert_same(reader.until(archive.now), archive.reader().until(archive.now))


def test_only_what_may_have_changed_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Archive(monkeypatch)
    reader = archive.reader()
    reader.until(START)
    archive.asked.clear()
    archive.now = START + HOUR
    archive.first["c"] = START
    reader.until(archive.now)
    (new, whole), (known, since) = archive.asked
    assert (known, new) == (("a", "b"), ("c",))
    assert since == (START - hours.OVERLAP).astimezone(ROME)
    assert whole.astimezone(UTC) <= archive.now - REACH


def test_a_site_that_was_away_is_read_from_where_it_had_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten days later its rows of all ten days come at once."""
    archive = Archive(monkeypatch)
    reader = archive.reader()
    reader.until(START)
    away = {("a", hour_number((START + k * HOUR).astimezone(ROME))): np.nan for k in range(240)}
    archive.late |= away
    stays = archive.now
    for k in range(0, 240, 12):
        reader.until(START + k * HOUR)
    archive.now, archive.late = stays + 240 * HOUR, {}
    assert_same(reader.until(archive.now), archive.reader().until(archive.now))


def test_many_sensors_are_read_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Archive(monkeypatch)
    archive.first = {chr(ord("A") + n): START - 2 * REACH for n in range(AT_ONCE + 5)}
    reader = archive.reader()
    assert reader.step(START) is None
    assert sum(len(names) for names, _ in archive.asked) == AT_ONCE
    assert_same(reader.until(START), archive.reader().until(START))


def test_what_came_very_late_is_there_after_a_week(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Archive(monkeypatch)
    reader = archive.reader()
    reader.until(START)
    archive.late["a", hour_number((START - timedelta(days=30)).astimezone(ROME))] = 1e6
    archive.now = START + timedelta(days=6)
    assert not (reader.until(archive.now).y == 1e6).any()
    archive.now = START + timedelta(days=7)
    assert (reader.until(archive.now).y == 1e6).sum() == 2
