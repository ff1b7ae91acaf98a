"""The real executables with `log.url = "kafka://..."` and no other change: each row arrives once, at both ends."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psycopg
from http_server import HttpServer, accept
from meter import Cable, RunningProducer, wait_until

CONSUMER = (sys.executable, "-P", "-m", "consumer")
MINUTES = 3
SENSORS = ("001", "002")
DEADLINE_S = 180.0


def archived(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM UNREGISTERED_VAL_TB").fetchone()
    return row[0] if row else 0


def test_the_roles_on_a_cluster(broker: str, database_url: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    cable = Cable(tmp_path / "line")
    first = (int(time.time()) // 600 - 2) * 600  # a ten-minute window that is over
    with HttpServer(accept) as server:
        environ = {
            "HYDROLOG_LOG__URL": f"kafka://{broker}/{tmp_path.name}",
            "HYDROLOG_DATABASE__URL": database_url,
            "HYDROLOG_SERVER__URL": server.url,
            "HYDROLOG_SERVER__TOKEN": "s3cret",
            "HYDROLOG_PATHS__DATA": str(data),
        }
        producer = RunningProducer(data, cable.link, **environ, HYDROLOG_LINE__LATENESS_SECONDS="5")
        for minute in range(MINUTES + 1):  # the last one closes those before it
            for sensor in SENSORS:
                cable.read(sensor, range(first + 60 * minute, first + 60 * minute + 60, 10))
        expected = (MINUTES + 1) * len(SENSORS)
        consumers: list[subprocess.Popen[bytes]] = []
        try:
            for group in ("archive", "server", "archive"):
                if len(consumers) == 2:  # the archive once more, killed in between: it goes on behind its commit
                    wait_until(lambda: archived(database_url) == expected, "the archive", DEADLINE_S)
                    consumers[0].kill()
                    consumers[0].wait()
                consumers.append(subprocess.Popen([*CONSUMER, "--group", group], env={**os.environ, **environ}))
            wait_until(lambda: len(server.rows) >= expected, "the batches", DEADLINE_S)
        finally:
            for process in consumers:
                process.terminate()
                process.wait(DEADLINE_S)
            producer.process.terminate()
            producer.process.wait(DEADLINE_S)
        assert sorted(offset for _, offset in server.rows) == list(range(expected))
        assert archived(database_url) == expected
    assert not (data / "server_data.txt").exists()
