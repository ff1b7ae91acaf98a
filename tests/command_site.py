"""What the tests of the commands share: rows, a log, health files, the command itself."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from common.clock import minute_of
from common.health import Health
from common.row import Row, format_payload
from common.settings import load
from log.roles import open_for

SEOUL = ZoneInfo("Asia/Seoul")
Configure = Callable[..., Path]


def now_minute() -> int:
    return minute_of(datetime.now(UTC))


def row(minute: int, sensor: str = "001", flow: float | None = 8.0, flags: str = "0000") -> Row:
    return Row(minute, sensor, flow, 4.1, 60, flags)


def count(connection: psycopg.Connection[Any], table: str) -> int:
    found = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert found
    return int(found[0])


def hydrolog(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def logged(path: Path, rows: list[Row]) -> Any:
    log = open_for(load(path))
    log.append([format_payload(each, SEOUL) for each in rows])
    return log


def healthy(data: Path, role: str, **counters: object) -> None:
    now = datetime.now(UTC)
    Health(data, role, now).success(now, 0.0, **counters)
