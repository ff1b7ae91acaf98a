"""A center's archive as it runs: two processes share a topic, and are killed again and again. Each row arrives once.

The broker in memory waits for ever for a member that was killed beside another one: there, one process is alone.
"""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from broker import NODE, make_topic, running_broker
from center_site import produce, row_of, stored
from waiting import wait_for

CONSUMER = (sys.executable, "-P", "-m", "consumer", "--group", "archive")
SITES = [f"site-{number}" for number in range(6)]
PARTITIONS = 4
ROUNDS = 4
ROWS = 400  # of each site and round
DEADLINE_S = 120.0
# A broker that soon takes its partitions from a process that was killed.
_HEARTBEATS = {"session.timeout.ms": 6000, "heartbeat.interval.ms": 1000}
HURRY = [
    option
    for name, value in _HEARTBEATS.items()
    for least in ("", "min.")
    for option in ("--set", f"group.consumer.{least}{name}={value}")
]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("broker")
    with running_broker(folder, node=NODE, options=HURRY) as address:
        yield address


class Machine:
    """One machine of the center, with its one process."""

    def __init__(self, data: Path, environ: dict[str, str]) -> None:
        self._environ = {**os.environ, **environ, "HYDROLOG_PATHS__DATA": str(data)}
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(CONSUMER, env=self._environ)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def machines(folder: Path, environ: dict[str, str]) -> Iterator[list[Machine]]:
    all_of_them = [Machine(folder / name, environ) for name in (("one", "two") if NODE else ("one",))]
    try:
        yield all_of_them
    finally:
        for each in all_of_them:
            each.kill()


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_nothing_is_lost_or_doubled_by_kills(protocol: str, broker: str, database_url: str, tmp_path: Path) -> None:
    if not NODE and protocol != "classic":
        pytest.skip("the broker in memory knows only the classic protocol")
    topic = tmp_path.name
    make_topic(broker, topic, PARTITIONS)
    hurry = ",session.timeout.ms=6000" if protocol == "classic" else ""
    environ = {
        "HYDROLOG_LOG__URL": f"kafka://{broker}/{topic}",
        "HYDROLOG_DATABASE__URL": database_url,
        "HYDROLOG_KAFKA__CLIENT": f"group.protocol={protocol},group.id={topic}{hurry}",
    }

    def wait_for_rows(rows: int) -> None:
        wait_for(lambda: len(stored(database_url)) >= rows, f"{rows} rows", DEADLINE_S)

    with machines(tmp_path, environ) as running:
        for number in range(ROUNDS):
            rows = range(number * ROWS, (number + 1) * ROWS)
            produce(broker, topic, [row_of(site, offset) for offset in rows for site in SITES])
            wait_for_rows(rows.start * len(SITES) + random.randrange(ROWS))
            victim = running[number % len(running)]
            victim.kill()
            if number % 2 and len(running) > 1:  # the other one takes all
                wait_for_rows(rows.stop * len(SITES))
            victim.start()
            wait_for_rows(rows.stop * len(SITES))
    assert stored(database_url) == [(site, offset) for site in sorted(SITES) for offset in range(ROUNDS * ROWS)]
    with psycopg.connect(database_url) as connection:
        ends = connection.execute("SELECT sum(next)::int FROM KAFKA_MARK_TB").fetchone()
        assert ends == (ROUNDS * ROWS * len(SITES),)
        assert connection.execute("SELECT count(*) FROM KAFKA_TROUBLE_TB").fetchone() == (0,)
