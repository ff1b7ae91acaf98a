"""The embedded Postgres writes seldom, keeps what a commit promises, and its log is readable after a power cut."""

from pathlib import Path

import psycopg

from common.folder import POSTGRES_FOLDER
from postgres import server
from postgres.cluster import LOG_FILE


def test_it_writes_seldom_and_a_commit_is_on_disk(empty_url: str) -> None:
    wanted = {"checkpoint_timeout": "1h", "wal_compression": "pglz", "wal_level": "minimal", "jit": "off"}
    promised = dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "on")
    with psycopg.connect(empty_url) as connection:
        for name, value in (wanted | promised).items():
            found = connection.execute(f"SHOW {name}".encode()).fetchone()
            assert found == (value,), name


def test_what_a_power_cut_left_in_its_log_is_removed(existing: Path) -> None:
    log = existing / POSTGRES_FOLDER / LOG_FILE
    log.write_bytes(log.read_bytes() + b"half a line" + bytes(4000))
    with server.running(existing, "site-1"):
        found = log.read_bytes()
    assert b"half a line\n" in found
    assert b"\0" not in found
