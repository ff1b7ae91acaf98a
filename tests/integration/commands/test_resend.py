"""`hydrolog resend`: refused rows again, and a span of time from the database, under the keys of the first time."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from http_server import HttpServer, accept, answer, at_most, refuse_offsets

from cli import resend
from common.clock import FixedClock, minute_of, minute_start
from common.errors import NotDelivered, SettingsError
from common.http_answer import HttpAnswer
from common.row import Row, format_payload
from common.settings import SERVER_TOKEN, Settings
from consumer.batch import BatchLine, OutgoingBatch
from consumer.rejected import Rejected, load_all
from consumer.store import store

START = datetime(2024, 8, 26, 7, 55, tzinfo=UTC)
FIRST = minute_of(START)
LOG_ID = "6f2ba6e3-d94c-4f63-9be9-8c3164eb3018"


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with HttpServer(accept) as made:
        yield made


@pytest.fixture
def settings(
    settings_for: Callable[..., Settings],
    server: HttpServer,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Settings:
    keys = {"server__url": server.url, "database__url": database_url, "paths__data": tmp_path / "data"}
    for name, value in keys.items():
        monkeypatch.setenv(f"HYDROLOG_{name.upper()}", str(value))
    monkeypatch.setenv(SERVER_TOKEN, "t0ken")
    monkeypatch.setattr("common.clock.from_environment", lambda: Patient(START))
    return settings_for(**keys)


class Patient(FixedClock):
    """Waits for nothing."""

    def wait(self, seconds: float, stop: object) -> bool:
        return False


def refuse(settings: Settings, *offsets: int) -> None:
    rejected = Rejected(settings.paths.data)
    for offset in offsets:
        parcel = OutgoingBatch("site-1", LOG_ID, (BatchLine(offset, f"{offset}\tas it was"),))
        rejected.put(parcel, HttpAnswer(400), START)


def archive(settings: Settings, rows: list[tuple[int, Row]], log_id: str = LOG_ID) -> None:
    with psycopg.connect(settings.database.url) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO SENSOR_TB (sensor) VALUES ('001') ON CONFLICT DO NOTHING")
        store(cursor, "site-1", log_id, rows, [])


def test_refused_rows_that_the_server_takes_now_leave_the_folder(
    settings: Settings, server: HttpServer, capsys: pytest.CaptureFixture[str]
) -> None:
    refuse(settings, 9, 10, 100)
    server.behave = refuse_offsets(10)
    assert resend.run([]) == 1
    assert "2 rows sent, 1 refused" in capsys.readouterr().out
    assert [request.key for request in server.requests] == [f"site-1/{LOG_ID}/{n}-{n}" for n in (9, 10, 100)]
    assert server.rows[LOG_ID, 9] == "9\tas it was"
    assert [refused.parcel.first for refused in load_all(settings.paths.data)] == [10]
    server.behave = accept
    assert resend.run([]) == 0
    assert list(load_all(settings.paths.data)) == []


@pytest.mark.parametrize("status", [401, 503])
def test_refused_rows_stay_while_the_server_takes_nothing(settings: Settings, server: HttpServer, status: int) -> None:
    refuse(settings, 9, 10)
    server.behave = answer(status)
    with pytest.raises(NotDelivered):
        resend.run([])
    assert len(list(load_all(settings.paths.data))) == 2


def test_a_span_is_sent_as_it_stood_in_the_log(settings: Settings, server: HttpServer) -> None:
    rows = [(100 + n, Row(FIRST + n, sensor, 8.025, None, 60, "0L00")) for n, sensor in enumerate(["001", "x"] * 10)]
    archive(settings, rows)
    archive(settings, [(3, Row(FIRST + 19, "002", 1.0, 1.0, 60))], log_id="another-log")
    archive(settings, [(1, Row(FIRST + 2, "001x", 1.0, 1.0, 60))], log_id="history")
    with psycopg.connect(settings.database.url) as connection:
        hour = minute_start(FIRST + 5)
        connection.execute(
            "INSERT INTO PRED_VAL_TB (sensor, made_at, hour, flow, model) VALUES ('x', %s, %s, 7.5, 'lstm')",
            (hour, hour),
        )
    server.behave = at_most(4)
    assert resend.run(["--from", "2024-08-26T16:55:00+09:00", "--to", "2024-08-26T17:15:00+09:00"]) == 0
    zone = settings.site.zone
    expected = {
        (LOG_ID, offset): f"{offset}\t{format_payload(row, zone)}\t{'7.5' if offset == 105 else '0'}\t0"
        for offset, row in rows
    }
    expected["another-log", 3] = "3\t2024-08-26T17:14:00+09:00\t002\t1\t1\t60\t0000\t000\t0\t0"
    assert server.rows == expected
    assert not server.conflicts


def test_a_span_ends_before_its_end(settings: Settings, server: HttpServer) -> None:
    archive(settings, [(n, Row(FIRST + n, "001", 1.0, 1.0, 60)) for n in range(20)])
    assert resend.run(["--from", "2024-08-26T16:57:00+09:00", "--to", "2024-08-26T16:59:00+09:00"]) == 0
    assert sorted(offset for _, offset in server.rows) == [2, 3]


def test_what_would_be_sent_is_said_before_it_is_sent(
    settings: Settings, server: HttpServer, capsys: pytest.CaptureFixture[str]
) -> None:
    archive(settings, [(n, Row(FIRST + n, "001", 1.0, 1.0, 60)) for n in range(20)])
    archive(settings, [(99, Row(FIRST + 3, "001x", 1.0, 1.0, 60))])  # of a sensor that nobody has registered
    archive(settings, [(1, Row(FIRST + 2, "002", 1.0, 1.0, 60))], log_id="history")
    span = ["--from", "2024-08-26T16:57:00+09:00", "--to", "2024-08-26T16:59:00+09:00"]
    refuse(settings, 9)
    assert [resend.run([*span, "--dry-run"]), resend.run(["--dry-run"])] == [0, 0]
    assert capsys.readouterr().out == (
        "3 rows of 2 sensors would be sent: 2024-08-26 16:57 to 2024-08-26 16:58\n1 refused rows would be sent\n"
    )
    assert not server.requests
    server.behave = answer(503)
    with pytest.raises(NotDelivered):
        resend.run([*span, "--json"])
    assert capsys.readouterr().out == '{"rows": 0, "refused": 0}\n'
    server.behave = accept
    assert resend.run([*span, "--json"]) == 0
    assert capsys.readouterr().out == '{"rows": 3, "refused": 0}\n'


def test_a_row_of_a_span_that_is_refused_is_named(
    settings: Settings, server: HttpServer, capsys: pytest.CaptureFixture[str]
) -> None:
    archive(settings, [(n, Row(FIRST + n, "001", 1.0, 1.0, 60)) for n in range(20)])
    server.behave = refuse_offsets(13)
    assert resend.run(["--from", "2024-08-26T16:00:00+09:00", "--to", "2024-08-26T18:00:00+09:00"]) == 1
    assert "offset 13" in capsys.readouterr().out
    assert len(server.rows) == 19


def test_wrong_use_is_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for args in (["--from", "2024-08-26T16:00:00+09:00"], ["--from", "2024-08-26T16:00:00", "--to", "x"]):
        with pytest.raises(SystemExit) as exited:
            resend.run(args)
        assert exited.value.code == 2
    monkeypatch.setenv("HYDROLOG_SERVER__URL", "")
    with pytest.raises(SettingsError, match=r"server\.url"):
        resend.run([])
