"""hydrolog-server as a real process, and a sender that speaks to it over HTTP."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from waiting import wait_for

PROGRAM = (sys.executable, "-P", "-m", "server")
TOKEN = "s3cret-of-the-test"
DEADLINE_S = 180.0  # never reached: a test that waits this long has failed
FORM = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "text/tab-separated-values; charset=utf-8"}
MIDNIGHT = datetime(2024, 8, 26, tzinfo=ZoneInfo("Asia/Seoul"))  # offset 0
SITE, LOG_ID = "site-1", "6f1c0c7e-0000-4000-8000-000000000001"


def kept(database_url: str) -> list[tuple[int, int]]:
    """What the database has received: (offset, how many rows have it), in order."""
    with psycopg.connect(database_url) as connection:
        return connection.execute(
            "SELECT log_offset, count(*) FROM REAL_VAL_TB GROUP BY log_offset ORDER BY log_offset"
        ).fetchall()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class ReceiverProcess:
    """One hydrolog-server on a data folder; started, killed and started again at will."""

    def __init__(self, data: Path, database_url: str, **environ: str) -> None:
        self.data = data
        self.output = data.parent / "server.txt"
        self._environ = {
            **os.environ,
            "HYDROLOG_PATHS__DATA": str(data),
            "HYDROLOG_DATABASE__URL": database_url,
            "HYDROLOG_RECEIVER__PORT": "0",
            "HYDROLOG_RECEIVER__TOKEN": TOKEN,
            **environ,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def start(self) -> None:
        """Start and wait until it listens."""
        offset = self.output.stat().st_size if self.output.exists() else 0
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(PROGRAM, env=self._environ, stdout=output, stderr=subprocess.STDOUT)

        def port() -> int:
            assert self.process is not None
            assert self.process.poll() is None, self.output.read_text()
            found = re.search(rb"listening url=https?://\S+:(\d+)/\n", self.output.read_bytes()[offset:])
            return int(found[1]) if found else 0

        self.port = wait_for(port, "the server to listen")

    def kill(self) -> None:
        """End it at once."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def end(self, number: signal.Signals) -> int:
        """Signal it; its exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)

    def request(
        self, method: str, path: str, body: bytes | Iterator[bytes] | None = None, headers: Mapping[str, str] = {}
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        with contextlib.closing(connection):
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def post(self, body: bytes, key: str, **headers: str) -> Answer:
        return self.request("POST", "/v1/batches", body, FORM | {"Idempotency-Key": key} | headers)

    def post_rows(self, first: int, last: int, **changes: str) -> Answer:
        return self.post(body_of(first, last, **changes), key_of(first, last))


def line_of(offset: int, **changes: str) -> str:
    """A row; keywords are columns that shall read otherwise."""
    columns = {
        "offset": str(offset),
        "time": (MIDNIGHT + timedelta(minutes=offset)).isoformat(),
        "sensor": "001",
        "flow": f"{8 + offset % 10 / 100}",
        "pressure": "4.11",
        "samples": "60",
        "flow_flags": "0000",
        "pressure_flags": "000",
        "pred_flow": "0",
        "pred_pressure": "0",
    }
    return "\t".join((columns | changes).values())


def body_of(first: int, last: int, **changes: str) -> bytes:
    """Rows with consecutive offsets; keywords change the last one."""
    lines = [line_of(offset) for offset in range(first, last)] + [line_of(last, **changes)]
    return "".join(f"{line}\n" for line in lines).encode()


def key_of(first: int, last: int) -> str:
    return f"{SITE}/{LOG_ID}/{first}-{last}"
