"""From the topic to the nights: what the archive of a center stores is what nightflow waits for."""

import contextlib
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest
from broker import make_topic
from center_site import FIRST, Center, marks, produce, row_of
from night_center import NightCenter
from night_site import MakeSettings

from common.batch_mark import BatchMark
from common.clock import minute_start
from common.kafka_rows import mark_message
from nightflow.all_sites import LOOK_EVERY

MORNING = FIRST + 660  # 05:20 in Seoul
STOPPED = FIRST + 400
NIGHT = date(2024, 8, 17)


@pytest.fixture
def center(database_url: str, tmp_path: Path) -> Iterator[NightCenter]:
    with contextlib.closing(NightCenter(database_url, tmp_path)) as made:
        yield made


def test_a_night_is_reported_when_its_site_has_delivered_it(
    center: NightCenter, settings_for: MakeSettings, broker: str, tmp_path: Path, database_url: str
) -> None:
    topic = tmp_path.name
    make_topic(broker, topic, 1)
    with psycopg.connect(database_url) as connection:  # whoever forgets the site fails
        connection.execute("ALTER TABLE SENSOR_TB ALTER COLUMN site DROP DEFAULT")
    client = f"group.protocol=classic,group.id={topic}"  # the double knows no other protocol
    url = f"kafka://{broker}/{topic}"
    archive = Center(settings_for(log__url=url, database__url=database_url, kafka__client=client))
    sent = 0

    def deliver(site: str, first: int, end: int) -> None:
        nonlocal sent
        rows = [row_of(site, minute - FIRST) for minute in range(first, end)]
        mark = mark_message(site, f"log-of-{site}", end - FIRST, BatchMark(first - FIRST, end - 1))
        produce(broker, topic, [*rows, mark])
        sent += len(rows) + 1
        archive.step_until(lambda: marks(database_url).get(0) == sent)

    with contextlib.closing(archive.worker):
        deliver("prompt", FIRST, MORNING)
        deliver("late", FIRST, STOPPED)
        worker = center.worker()
        worker.step(minute_start(MORNING))
        assert center.reports() == {("prompt", NIGHT): 290}
        deliver("late", STOPPED, MORNING)
        worker.step(minute_start(MORNING) + LOOK_EVERY)
        assert center.reports() == {("prompt", NIGHT): 290, ("late", NIGHT): 290}
        assert worker.step(minute_start(MORNING) + timedelta(minutes=1))["sites_due"] == 0
