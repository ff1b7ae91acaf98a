"""The embedded Postgres writes seldom, keeps what a commit promises, and its log is readable after a power cut."""

from pathlib import Path

import psycopg

from common.folder import POSTGRES_FOLDER, POSTGRES_URL_FILE
from postgres import server
from postgres.cluster import LOG_FILE

SELDOM = {"checkpoint_timeout": "1h", "wal_compression": "pglz", "wal_level": "minimal", "jit": "off"}
PROMISED = dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "on")


def test_it_writes_seldom_a_commit_is_on_disk_and_a_broken_log_is_mended(existing: Path) -> None:
    log = existing / POSTGRES_FOLDER / LOG_FILE
    log.write_bytes(log.read_bytes() + b"half a line" + bytes(4000))
    with server.running(existing, "site-1"):
        found = log.read_bytes()
        with psycopg.connect((existing / POSTGRES_URL_FILE).read_text("utf-8").strip()) as connection:
            for name, value in (SELDOM | PROMISED).items():
                assert connection.execute(f"SHOW {name}".encode()).fetchone() == (value,), name
    assert b"half a line\n" in found
    assert b"\0" not in found
