"""The embedded Postgres as a program of its own on a data folder; and a database that goes away."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from waiting import wait_for

from common import database, health, processes
from common.folder import POSTGRES_FOLDER, POSTGRES_URL_FILE
from postgres import leftovers

PROGRAM = (sys.executable, "-P", "-m", "postgres")
DEADLINE_S = 180.0


def left_over(data: Path) -> list[int]:
    """Processes of a Postgres on this folder; after a kill they need a moment."""
    end_s = time.monotonic() + DEADLINE_S
    while (left := leftovers.processes_in(data / POSTGRES_FOLDER)) and time.monotonic() < end_s:
        time.sleep(0.02)
    return left


@contextmanager
def start(data: Path, **environ: str) -> "Iterator[subprocess.Popen[str]]":
    """The program; it is ended if the body fails, and else waited for."""
    with subprocess.Popen(
        PROGRAM,
        env={**os.environ, "HYDROLOG_PATHS__DATA": str(data), **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def ready(data: Path) -> int:
    """Wait for its own word; its Postgres."""
    found: list[int] = []

    def is_ready() -> bool:
        state = health.load_all(data).get("database", {})
        pid = state.get("counters", {}).get("postgres")
        if state.get("last_success") and not state.get("problem") and pid and processes.alive(pid):
            found[:] = [pid]
        return bool(found)

    wait_for(is_ready, "Postgres")
    return found[0]


def failures(data: Path) -> int:
    return int(health.load_all(data).get("database", {}).get("counters", {}).get("failures", 0))


def rows(data: Path) -> int:
    with database.connect((data / POSTGRES_URL_FILE).read_text().strip(), "test") as connection:
        row = connection.execute("SELECT count(*) FROM REAL_VAL_TB").fetchone()
    assert row is not None
    return int(row[0])


def copied(made: Path, data: Path) -> Path:
    """With the owners, since root's Postgres runs as somebody else."""
    subprocess.run(["cp", "-a", made, data], check=True)
    return data


@contextmanager
def away(postgres_url: str, database_url: str) -> Iterator[None]:
    """A database that takes nobody and has thrown everybody out, until the block ends."""
    name = urlsplit(database_url).path[1:]
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        try:
            yield
        finally:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
