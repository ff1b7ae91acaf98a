"""`hydrolog forecast report`, as a user calls it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from html_page import fetched_by

from cli.__main__ import main

HOUR = timedelta(hours=1)


def test_the_report_sets_the_model_beside_the_naive(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HYDROLOG_DATABASE__URL", database_url)
    monkeypatch.setenv("HYDROLOG_PATHS__DATA", str(tmp_path))
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with psycopg.connect(database_url, autocommit=True) as connection:
        for day in range(0, 60, 15):
            connection.execute("SELECT real_val_partition(%s)", (now - timedelta(days=day),))
        connection.execute(
            "INSERT INTO REAL_VAL_TB (sensor, time, flow, pressure, samples, log_id, log_offset) "
            "SELECT '001', t, extract(epoch FROM t)::bigint / 604800, 5, 60, 'l', 1 "
            "FROM generate_series(%s::timestamptz, %s::timestamptz, interval '1 minute') t",
            (now - timedelta(days=30), now - timedelta(minutes=1)),
        )
        connection.execute(
            "INSERT INTO PRED_VAL_TB (sensor, made_at, hour, flow, flow_low, flow_high, model) "
            "SELECT '001', t, t, extract(epoch FROM t)::bigint / 604800 + 0.25, "
            "extract(epoch FROM t)::bigint / 604800 - 1, extract(epoch FROM t)::bigint / 604800 + 1, 'lstm-1' "
            "FROM generate_series(%s::timestamptz, %s::timestamptz, interval '1 hour') t",
            (now - timedelta(days=20), now - HOUR),
        )
    page = tmp_path / "page.html"
    assert main(["forecast", "report", "--out", str(page)]) == 0
    said = capsys.readouterr().out
    assert "001" in said and "lstm-1" in said
    assert "0.25" in said, "the error of the forecasts: 0.25 m3/h, always"
    assert "0.250" in said and "100.0 %" in said, "the naive is off by 1: a week before was one less"
    text = page.read_text(encoding="utf-8")
    assert "week before" in text
    assert fetched_by(text) == [], "a page that needs no network"


def test_no_forecasts_yet_is_not_an_error(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HYDROLOG_DATABASE__URL", database_url)
    assert main(["forecast", "report"]) == 0
    assert "no rows for the forecasts" in capsys.readouterr().out
