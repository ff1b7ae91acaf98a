"""The embedded Postgres writes seldom, and keeps what a commit promises."""

import psycopg


def test_it_writes_seldom_and_a_commit_is_on_disk(empty_url: str) -> None:
    wanted = {"checkpoint_timeout": "1h", "wal_compression": "pglz", "wal_level": "minimal", "jit": "off"}
    promised = dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "on")
    with psycopg.connect(empty_url) as connection:
        for name, value in (wanted | promised).items():
            found = connection.execute(f"SHOW {name}".encode()).fetchone()
            assert found == (value,), name
