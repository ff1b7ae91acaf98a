"""Limits that somebody has set for a database are for others: each of our transactions has a deadline of its own."""

import contextlib
from collections.abc import Callable
from urllib.parse import urlsplit

import psycopg

from common.database import Database
from common.settings import Settings


def test_a_short_limit_of_the_database_ends_no_work_of_ours(
    settings_for: Callable[..., Settings], postgres_url: str, database_url: str
) -> None:
    name = urlsplit(database_url).path[1:]
    limits = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for limit in limits:
            connection.execute(f"ALTER DATABASE {name} SET {limit} = '1ms'".encode())
    with (
        contextlib.closing(Database(settings_for(database__url=database_url), "test")) as here,
        here.transaction() as cursor,
    ):
        found = [cursor.execute(f"SHOW {limit}".encode()).fetchone() for limit in limits]
    assert found == [("0",)] * 3
