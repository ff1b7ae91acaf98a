"""The water balance of a zone, in the report of the month and on the page of the zone and of its meters."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from export_site import told
from report_site import NOW, START, MonthSite, read

from cli.recorded import workbook
from common.clock import FixedClock
from common.database import Database
from common.messages import words
from common.settings import load
from server.reader import Reader
from server.zone_screen import ZoneParts

# Two days of the zone, with an hour of the first in which it has no sum; in its first hour 001 ran by an older formula.
SUMS = """
INSERT INTO REAL_VAL_TB (site, sensor, time, flow, samples, log_id, log_offset)
SELECT one.site, 'zone_a', one.time, one.flow - two.flow, 60, 'log', 10000000 + one.log_offset
FROM REAL_VAL_TB AS one JOIN REAL_VAL_TB AS two ON (two.site, two.sensor, two.time) = (one.site, '002', one.time)
WHERE (one.site, one.sensor) = ('demo', '001') AND one.time >= %(first)s
  AND one.time < %(first)s + interval '2 days'
  AND (one.time < %(first)s + interval '5 hours' OR one.time >= %(first)s + interval '6 hours')
"""


@pytest.fixture
def zoned(month_site: MonthSite, database_url: str) -> Iterator[MonthSite]:
    month_site.write_settings(database_url, '[zones]\nzone_a = "001 - 002"\n')
    with psycopg.connect(database_url, autocommit=True) as connection:
        first = NOW - timedelta(hours=12)  # midnight in Seoul
        connection.execute(SUMS, {"first": first - timedelta(days=1)})
        connection.execute(
            "INSERT INTO SENSOR_TB (site, sensor, name, formula, replaced_at) "
            "VALUES ('demo', 'zone_a', 'Old town', '001 - 002', %s)",
            (first - timedelta(hours=23),),
        )
        connection.execute("UPDATE REAL_VAL_TB SET flow = 12 WHERE sensor = '001' AND time >= %s", (START,))
        connection.execute("UPDATE REAL_VAL_TB SET flow = 2 WHERE sensor = '002' AND time >= %s", (START,))
    yield month_site


def test_the_month_has_the_balance_of_each_zone(zoned: MonthSite, capfd: pytest.CaptureFixture[str]) -> None:
    files = [str(zoned.folder / name) for name in ("report.pdf", "report.xlsx")]
    code, _, err = told(capfd, "report", "--pdf", files[0], "--xlsx", files[1], "--config", str(zoned.config))
    assert code == 0, err
    text = read((zoned.folder / "report.pdf").read_bytes())
    # 22 hours of 31 August and none of September: 12 m3/h in, 2 m3/h out.
    assert "Water balance of the zones" in text and "zone_a Old town 264 44 220" in text and "1,320" in text
    with workbook.rows(zoned.folder / "report.xlsx", "Water balance of the zones, the") as (rows, _):
        (heads, row) = rows
    found = dict(zip(heads, row, strict=False))
    assert (found["zone"], found["meters"], found["used or lost in the zone, m³"]) == ("zone_a", "001 - 002", "220")


def test_the_page_shows_a_zone_s_balance_and_leads_from_a_meter_to_its_zones(zoned: MonthSite) -> None:
    with parts_of_pages(zoned, [{"sensor": "001", "name": "<b>", "flow": 12.0}]) as part:
        zone = part("zone_a", "en")
        cells = [line.split(">")[1].split("<")[0] for line in zone.split("<td")[1:]]
        assert cells == [
            "12.00",
            "144",
            "264",
            "144",
            "–",
            "24",
            "44",
            "24",
            "–",
            "",
            "",
            "",
            "",
            "720",
            "1,320",
            "720",
        ]
        assert "<b>220</b>" in zone and "&lt;b&gt;" in zone and "sensor?id=002" in zone
        assert "유출점" in part("002", "ko") and "sensor?id=zone_a" in part("002", "ko")
        assert part("003", "en") == ""


def test_the_page_of_a_zone_or_a_meter_leads_to_its_loggers_and_back(zoned: MonthSite, database_url: str) -> None:
    zoned.write_settings(database_url, '[zones]\nzone_a = "001 - 002"\n[loggers]\nzone_a = "101 102"\n"004" = "103"\n')
    with parts_of_pages(zoned, [{"sensor": "101", "name": "<i>", "pressure": 3.1}, {"sensor": "102"}]) as part:
        zone = part("zone_a", "en")
        assert "Water balance" in zone and "Pressure loggers inside" in zone
        assert '<a href="sensor?id=101">101 · &lt;i&gt;</a>: 3.10 bar' in zone
        assert '<a href="sensor?id=102">102</a>: –' in zone and "103" not in zone
        meter = part("004", "ko")
        assert "블록 내 수압계" in meter and '<a href="sensor?id=103">103</a>: –' in meter and "물수지" not in meter
        logger = part("102", "ko")
        assert '<a href="sensor?id=zone_a">zone_a</a>: 블록 내 수압계' in logger
        assert '<a href="sensor?id=004">004</a>: 블록 내 수압계' in part("103", "ko")
        assert "logger" not in part("001", "en")


@contextmanager
def parts_of_pages(site: MonthSite, sensors: list[dict[str, Any]]) -> Iterator[Callable[[str, str], str]]:
    """The part of a sensor's page about zones, in a language."""
    settings = load(site.config, {})
    state = {"now": NOW.timestamp(), "sensors": sensors}
    with closing(Database(settings, "test")) as database:

        async def ask(work: Callable[[Database], Any]) -> Any:
            return work(database)

        parts = ZoneParts(SimpleNamespace(settings=settings, clock=FixedClock(NOW), ask=ask))  # type: ignore[arg-type]
        zone = settings.site.zone
        yield lambda sensor, language: str(
            asyncio.run(parts.part(sensor, state, {}, Reader(words(language), zone, NOW)))
        )
