"""The group "archive" copies the audit into a real Postgres."""

import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest

from common import audit
from common.clock import SystemClock
from common.errors import DatabaseDown
from common.folder import AUDIT_FILE
from common.runner import Context
from common.settings import Settings
from consumer.archive import Archive


@pytest.fixture
def archive(settings_for: Callable[..., Settings], database_url: str) -> Iterator[Archive]:
    settings = settings_for(database__url=database_url, log__groups="archive")
    worker = Archive(Context(settings, SystemClock(), threading.Event(), "consumer-archive"))
    yield worker
    worker.close()


def test_the_audit_is_copied_each_entry_once_and_damage_costs_one_line(archive: Archive, database_url: str) -> None:
    data = archive._context.data
    audit.record(data, "Kim", "10.0.0.7", "user-role", user="이'); DROP TABLE AUDIT_TB; --", before="viewer")
    with (data / AUDIT_FILE).open("ab") as file:
        file.write(b'{"id": "torn')
    audit.record(data, "Kim", "", "login")
    copied = "SELECT site, by, address, what, values->>'user' FROM AUDIT_TB ORDER BY at"
    wanted = [
        ("site-1", "Kim", "10.0.0.7", "user-role", "이'); DROP TABLE AUDIT_TB; --"),
        ("site-1", "Kim", "", "login", None),
    ]
    with psycopg.connect(database_url, autocommit=True) as database:
        for more in range(2):
            archive.step(SystemClock().now())
            assert database.execute(copied).fetchall() == wanted
            wanted.append(("site-1", "", "", f"again-{more}", None))
            audit.record(data, "", "", f"again-{more}")


def test_what_was_done_while_the_database_was_down_is_copied_later(
    archive: Archive, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit.record(archive._context.data, "Kim", "", "login")
    with monkeypatch.context() as patch, pytest.raises(DatabaseDown):
        patch.setattr("common.database.address", lambda _settings: "postgresql://127.0.0.1:9/nothing")
        archive.step(SystemClock().now())
    archive.step(SystemClock().now())
    with psycopg.connect(database_url) as database:
        assert database.execute("SELECT count(*) FROM AUDIT_TB").fetchall() == [(1,)]
