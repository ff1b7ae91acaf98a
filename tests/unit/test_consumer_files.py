"""The consumers' small files: the frozen batch, the refused rows, the forecasts, what is no row, the reasons."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.clock import minute_of
from common.http_answer import HttpAnswer
from common.row import Row
from consumer import not_rows, outbox, rejected
from consumer.batch import BatchLine, OutgoingBatch
from consumer.forecasts import ForecastFile
from consumer.not_rows import NotRow
from consumer.outbox import Frozen
from consumer.outliers import FindingsFile, outliers
from log.format import Record
from log.roles import open_log
from outliers import findings
from outliers.findings import Finding

NOW = datetime(2024, 8, 26, 8, 0, tzinfo=UTC)
LOG_ID = "6f2ba6e3-d94c-4f63-9be9-8c3164eb3018"
PARCEL = OutgoingBatch("site-1", LOG_ID, (BatchLine(41, "41\ta\tb"), BatchLine(43, "43\tc\td")))


# --- outbox.tsv

texts = st.text(st.characters(codec="utf-8", exclude_characters="\n", exclude_categories=["Cs"]), max_size=40)


@settings(deadline=None)  # a disk takes as long as it takes
@given(st.lists(texts, min_size=1, max_size=5), st.integers(0, 10**12))
def test_a_frozen_batch_comes_back_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, rest: list[str], first: int
) -> None:
    data = tmp_path_factory.mktemp("data")
    parcel = OutgoingBatch(
        "site-1", LOG_ID, tuple(BatchLine(first + n, f"{first + n}\t{text}") for n, text in enumerate(rest))
    )
    outbox.store(data, Frozen(parcel, first))
    assert outbox.load(data) == Frozen(parcel, first)
    assert (data / "outbox.tsv").read_bytes().partition(b"\n")[2] == parcel.body
    outbox.remove(data)
    assert outbox.load(data) is None


def test_a_frozen_batch_that_was_damaged_anywhere_is_not_sent(tmp_path: Path) -> None:
    outbox.store(tmp_path, Frozen(PARCEL, 40))
    good = (tmp_path / "outbox.tsv").read_bytes()
    for place in range(len(good)):
        assert outbox.parse(good[:place]) is None
        assert outbox.parse(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]) is None
    (tmp_path / "outbox.tsv").write_bytes(good[:-3])
    assert outbox.load(tmp_path) is None
    assert not (tmp_path / "outbox.tsv").exists()
    assert (tmp_path / "outbox.tsv.bad").read_bytes() == good[:-3]


def test_the_log_never_gives_an_offset_again_that_stands_in_the_outbox(tmp_path: Path) -> None:
    outbox.store(tmp_path, Frozen(PARCEL, 40))
    log = open_log("file", tmp_path, ["server"])
    assert log.append(["row"]) == 44
    log.close()


# --- rejected/


def test_a_refused_row_lies_with_the_answer_and_can_be_read_back(tmp_path: Path) -> None:
    row = PARCEL.head(1)
    rejected.Rejected(tmp_path).put(row, HttpAnswer(400, body=b'{"error": "\x1b[31m no\tsuch\nsensor"}'), NOW)
    (path,) = (tmp_path / "rejected").glob("*.tsv")
    header, line, end = path.read_text().split("\n")
    assert "status=400" in header
    assert "\\x1b[31m no\\tsuch\\nsensor" in header
    assert (line, end) == ("41\ta\tb", "")
    assert [refused.parcel for refused in rejected.load_all(tmp_path)] == [row]


def test_refused_rows_are_counted_across_restarts_and_each_once(tmp_path: Path) -> None:
    first, second = PARCEL.head(1), OutgoingBatch("site-1", LOG_ID, PARCEL.lines[1:])
    rejected.Rejected(tmp_path).put(first, HttpAnswer(400), NOW)
    rejected.Rejected(tmp_path).put(first, HttpAnswer(400), NOW)  # killed before the commit: the same row again
    again = rejected.Rejected(tmp_path)
    assert (again.in_a_row, again.kept) == (1, 1)
    again.put(second, HttpAnswer(400), NOW)
    again.put(second, HttpAnswer(400), NOW)
    assert (again.in_a_row, again.kept) == (2, 2)
    assert rejected.Rejected(tmp_path).in_a_row == 2
    again.clear()
    assert rejected.Rejected(tmp_path).in_a_row == 0
    assert len(list(rejected.load_all(tmp_path))) == 2


def test_a_damaged_count_or_a_strange_file_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "rejected").mkdir()
    (tmp_path / "rejected" / "in_a_row.json").write_text("{")
    (tmp_path / "rejected" / "notes.tsv").write_text("mine\n")
    assert rejected.Rejected(tmp_path).in_a_row == 0
    assert list(rejected.load_all(tmp_path)) == []


# --- sensor_data.csv

HEADER = "sensor,made_at,hour,flow,pressure,flow_low,flow_high,pressure_low,pressure_high,model\n"
HOUR = minute_of(NOW)


def test_only_the_hours_own_forecast_is_joined(tmp_path: Path) -> None:
    (tmp_path / "sensor_data.csv").write_text(
        HEADER
        + "001,2024-08-26T16:00:00+09:00,2024-08-26T17:00:00+09:00,1,1,0,0,0,0,lstm\n"  # stale: an hour before
        + "002,2024-08-26T17:00:00+09:00,2024-08-26T17:00:00+09:00,8.1234,4.05,7,9,4,5,lstm\n"
        + "002,2024-08-26T17:00:00+09:00,2024-08-26T18:00:00+09:00,3,3,0,0,0,0,lstm\n"
        + "003,2024-08-26T08:00:00+00:00,2024-08-26T17:00:00+09:00,nan,4.2,0,0,0,0,lstm\n"
        + "004,2024-08-26T17:00:00+09:00,2024-08-26T17:00:00+09:00\n"
        + "=cmd,2024-08-26T17:00:00+09:00,2024-08-26T17:00:00+09:00,1,1,0,0,0,0,lstm\n"
        + "005,2024-08-26T17:00:00,2024-08-26T17:00:00,1,1,0,0,0,0,lstm\n"  # no offset: which hour is it?
    )
    forecasts = ForecastFile(tmp_path)
    forecasts.refresh()
    found = {sensor: forecasts(sensor, HOUR) for sensor in ("001", "002", "003", "004", "=cmd", "005")}
    assert found == {
        "001": None,
        "002": ("8.1234", "4.05"),
        "003": ("0", "4.2"),
        "004": ("0", "0"),
        "=cmd": None,
        "005": None,
    }
    assert forecasts("002", HOUR + 60) is None


def test_the_forecasts_are_read_again_when_the_file_is_replaced(tmp_path: Path) -> None:
    forecasts = ForecastFile(tmp_path)
    forecasts.refresh()
    assert forecasts("001", HOUR) is None
    path = tmp_path / "sensor_data.csv"
    path.write_text(HEADER + "001,2024-08-26T17:00:00+09:00,2024-08-26T17:00:00+09:00,8,4,,,,,naive\n")
    forecasts.refresh()
    assert forecasts("001", HOUR) == ("8", "4")
    path.write_bytes(b"\xff\xfe\x00")
    forecasts.refresh()
    assert forecasts("001", HOUR) is None


# --- unparsed.tsv


def test_what_is_no_row_is_kept_once(tmp_path: Path) -> None:
    record = Record(7, "hello\x1b\tworld")
    assert not_rows.set_aside(tmp_path, LOG_ID, record, "columns")
    assert not not_rows.set_aside(tmp_path, LOG_ID, record, "columns")
    assert (tmp_path / "unparsed.tsv").read_text() == f"log={LOG_ID}\toffset=7\treason=columns\thello\\x1b\\tworld\n"


def test_many_that_are_no_rows_are_kept_with_one_write_and_the_file_stays_small(tmp_path: Path) -> None:
    def strange(*offsets: int, payload: str = "x") -> list[NotRow]:
        return [NotRow(LOG_ID, Record(offset, payload), "columns") for offset in offsets]

    assert not_rows.set_all_aside(tmp_path, strange(1, 2, 2)) == strange(1, 2)
    assert not_rows.set_all_aside(tmp_path, strange(2, 3, 11)) == strange(3, 11)
    kept = tmp_path / "unparsed.tsv"
    assert [line.split("\t")[1] for line in kept.read_text().splitlines()] == [f"offset={at}" for at in (1, 2, 3, 11)]
    not_rows.set_all_aside(tmp_path, strange(*range(20, 600), payload="x" * 4096))
    assert 900_000 < kept.stat().st_size < not_rows.LARGEST_FILE
    assert kept.read_text().endswith("x\n")


# --- reasons of outliers


def test_a_flag_carries_the_findings_reason_or_else_its_meaning(tmp_path: Path) -> None:
    def raised(minute: int, method: str, severity: str, reason: str) -> Finding:
        return Finding("001", minute, minute, "flow", method, "X", "leak", severity, "raise", text=reason)

    known = [raised(100, "VALUE", "leak", "3 m3/h above usual"), raised(150, "NIGHT", "watch", "minimum jumped")]
    findings.store(tmp_path / "findings.json", known)
    rows = [
        Row(120, "001", 8.0, 4.0, 60, "0L0J", "000"),
        Row(120, "002", 8.0, None, 60, "0L00", "M0Z"),
        Row(120, "003", 8.0, 4.0, 60),
    ]
    found = list(outliers(rows, FindingsFile(tmp_path).now()))
    assert [(o.sensor, o.channel, o.method, o.code, o.severity, o.value) for o in found] == [
        ("001", "flow", "VALUE", "L", "LEAK", 8.0),
        ("001", "flow", "NIGHT", "J", "WATCH", 8.0),
        ("002", "flow", "VALUE", "L", "LEAK", 8.0),
        ("002", "pressure", "SYSTEM", "M", "FAULT", None),
        ("002", "pressure", "PREDICT", "Z", "WATCH", None),
    ]
    assert found[0].reason == "3 m3/h above usual"
    assert found[1].reason == "last night's minimum jumped above its reference"  # its finding came later
    assert found[4].reason == "flag Z"
