"""The reference receiver as a real process over HTTP, with a real Postgres: who may send, what is kept and said."""

import gzip
import http.client
import signal
import threading
import time
from pathlib import Path

import psutil
import psycopg
import pytest
from receiver_process import (
    DEADLINE_S,
    FORM,
    LOG_ID,
    SITE,
    TOKEN,
    ReceiverProcess,
    body_of,
    kept,
    key_of,
    line_of,
)
from waiting import wait_for

from common.batch_mark import HEADER
from log import identity

MIB = 1024 * 1024


def test_rows_are_kept_once_and_exactly(receiver: ReceiverProcess, database_url: str) -> None:
    batch = body_of(7, 9, flow="", pred_flow="8.5", flow_flags="M0W0")
    first = receiver.post(batch, key_of(7, 9))
    assert (first.status, first.json) == (200, {"stored": 3, "repeated": 0})
    marked = {HEADER: "2024-08-25T15:09:00+00:00 7"}
    assert receiver.post(batch, key_of(7, 9), **marked).json == {"stored": 0, "repeated": 3}
    # What is no mark, or one that begins behind its batch, is left out; the rows count.
    for text in ("2199", "2024-08-25T15:12:00+00:00 8"):
        assert receiver.post(batch, key_of(7, 9), **{HEADER: text}).status == 200
    # Another cut of the same log: the row is the unit, not the key.
    assert receiver.post_rows(8, 8).json == {"stored": 0, "repeated": 1}
    assert receiver.post(batch + f"{line_of(10)}\n".encode(), key_of(7, 10)).json == {"stored": 1, "repeated": 3}
    # Another log has offsets of its own, but a minute has one row: the same one again says nothing new.
    assert receiver.post(batch, key_of(7, 9).replace(LOG_ID, "other")).json == {"stored": 0, "repeated": 3}
    # And another site's log may have the same id, with other rows: a card that was copied.
    assert receiver.post(body_of(7, 9), key_of(7, 9).replace(SITE, "site-2")).json == {"stored": 3, "repeated": 0}
    assert receiver.post(batch, key_of(7, 9)).json == {"stored": 0, "repeated": 3}
    with psycopg.connect(database_url) as connection:
        connection.execute("SET timezone TO 'Asia/Seoul'")
        row = connection.execute(
            "SELECT r.site, log_id, r.time::text, r.sensor, r.flow, r.pressure, samples, flow_flags, pressure_flags,"
            " minutes, p.flow, p.pressure FROM REAL_VAL_TB r JOIN SITE_PRED_VAL_TB p USING (site, sensor, time)"
            " WHERE site = %s AND log_offset = 9",
            (SITE,),
        ).fetchone()
        sensors = connection.execute("SELECT site, sensor FROM SENSOR_TB ORDER BY 1").fetchall()
        counts = connection.execute(
            "SELECT sum(rows), sum(repeated), sum(times_seen) FROM RECEIVED_BATCH_TB"
        ).fetchone()
        sites = connection.execute("SELECT site, next_offset, closed_through::text FROM SITE_TB ORDER BY 1").fetchall()
    assert row == ("site-1", LOG_ID, "2024-08-26 00:09:00+09", "001", None, 4.11, 60, "M0W0", "000", 1, 8.5, 0.0)
    assert sensors == [(SITE, "001"), ("site-2", "001")]
    assert counts == (14, 7, 9)
    assert sites == [(SITE, 10, "2024-08-26 00:09:00+09"), ("site-2", None, None)]
    received = receiver.get("/api/state").json["received"]
    assert (received["rows"], received["repeated"], received["batches"]) == (7, 19, 5)


@pytest.mark.parametrize(
    "header", [None, "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer ü"]
)
def test_without_the_token_nothing_is_taken(receiver: ReceiverProcess, database_url: str, header: str | None) -> None:
    headers = FORM | {"Idempotency-Key": key_of(1, 1), "Authorization": header or ""}
    if header is None:
        del headers["Authorization"]
    answer = receiver.request("POST", "/v1/batches", body_of(1, 1), headers)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert TOKEN.encode() not in answer.body
    assert kept(database_url) == []


def test_bad_rows_are_named_and_nothing_of_the_batch_is_kept(receiver: ReceiverProcess, database_url: str) -> None:
    answer = receiver.post_rows(1, 5, pressure="<script>alert(1)</script>")
    assert (answer.status, answer.json["row"], answer.json["column"]) == (422, 5, "pressure")
    assert "row 5, pressure" in answer.json["error"]
    assert b"script" not in answer.body
    for key in ("", "../../etc/passwd", "a/b/1-x", key_of(5, 1)):
        assert receiver.post(body_of(1, 5), key).status == 400
    assert receiver.post(body_of(1, 5), key_of(1, 6)).status == 422
    assert receiver.post(b"", key_of(1, 1)).status == 422
    assert kept(database_url) == []


def test_a_key_that_comes_again_is_judged_by_its_rows(receiver: ReceiverProcess, database_url: str) -> None:
    assert receiver.post_rows(1, 3).status == 200
    # Frozen anew after its outbox was lost, with the forecast that had come meanwhile.
    again = receiver.post_rows(1, 3, pred_flow="7.5")
    assert (again.status, again.json) == (200, {"stored": 0, "repeated": 3})
    assert kept(database_url) == [(1, 1), (2, 1), (3, 1)]


def test_a_minute_has_one_row_and_no_other_one_is_lost(receiver: ReceiverProcess, database_url: str) -> None:
    assert receiver.post_rows(1, 30).status == 200
    answer = receiver.post(body_of(28, 35), key_of(28, 35))
    assert answer.json == {"stored": 5, "repeated": 3}
    # A box that was restored from an old copy gives its offsets once more, to other minutes.
    assert receiver.post_rows(20, 25, sensor="002").json == {"stored": 1, "repeated": 5}
    for _ in range(2):  # another value for a minute that is there: the first one counts, this one is kept beside it
        other = receiver.post(body_of(34, 36, flow="1.5"), key_of(34, 36).replace(LOG_ID, "other"))
        assert receiver.post_rows(33, 35, flow="99").json["stored"] == 1
    assert other.status == 200
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT sensor, log_offset, flow FROM REAL_VAL_TB ORDER BY 1, 2").fetchall()
        second = connection.execute("SELECT sensor, log_id, log_offset, flow FROM SECOND_VAL_TB").fetchall()
    usual = [("001", offset, 8 + offset % 10 / 100) for offset in range(1, 36)]
    assert rows == [*usual, ("001", 36, 1.5), ("002", 25, 8.05)]
    assert second == [("001", LOG_ID, 35, 99.0)]
    # The forecast is the sender's addition to the row: without it the row is still the same.
    assert receiver.post_rows(60, 61, pred_flow="7.5").json["stored"] == 2
    assert receiver.post(body_of(61, 61), key_of(61, 61)).json == {"stored": 0, "repeated": 1}


def test_a_box_that_delivers_to_itself_keeps_what_people_have_not_registered_apart(
    tmp_path: Path, database_url: str
) -> None:
    """Its own archive stores the same rows, before or after. Rows of another box of the same name are not its own."""
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO SENSOR_TB (site, sensor) VALUES (%s, '001')", (SITE,))
    process = ReceiverProcess(tmp_path / "data", database_url)
    process.data.mkdir()
    identity.store(process.data, identity.Identity(LOG_ID, "machine"))
    process.start()
    try:
        assert process.post_rows(1, 3, sensor="x").json == {"stored": 3, "repeated": 0}
        assert process.post_rows(2, 3, sensor="x").json == {"stored": 2, "repeated": 0}  # of which batch, who knows
        assert process.post_rows(1, 3, sensor="x").json == {"stored": 0, "repeated": 3}
        strange = process.post(body_of(3, 5), key_of(3, 5).replace(LOG_ID, "another"))
        assert strange.json == {"stored": 3, "repeated": 0}
        others = process.post(body_of(1, 3, sensor="x"), key_of(1, 3).replace(SITE, "site-2"))
        assert others.json == {"stored": 3, "repeated": 0}
    finally:
        process.kill()
    with psycopg.connect(database_url) as connection:
        counted = "SELECT site, sensor, count(*) FROM REAL_VAL_TB GROUP BY 1, 2 ORDER BY 1, 2"
        rows = connection.execute(counted).fetchall()
        apart = connection.execute("SELECT site, sensor, count(*) FROM UNREGISTERED_VAL_TB GROUP BY 1, 2").fetchall()
        second = connection.execute("SELECT log_id, log_offset FROM SECOND_VAL_TB ORDER BY 2").fetchall()
    assert rows == [(SITE, "001", 2), ("site-2", "001", 2), ("site-2", "x", 1)]
    assert apart == [(SITE, "x", 1)]
    assert second == [("another", 3), ("another", 4), ("another", 5)]


def test_large_bodies_and_bombs_are_refused_with_memory_flat(receiver: ReceiverProcess, database_url: str) -> None:
    assert receiver.process is not None
    assert receiver.post_rows(1, 1).status == 200
    before = psutil.Process(receiver.process.pid).memory_info().rss

    announced = receiver.post(bytes(64 * MIB), key_of(2, 2))
    assert announced.status == 413
    assert announced.json["max_bytes"] == MIB
    chunks = (bytes(64 * 1024) for _ in range(64))
    streamed = receiver.request("POST", "/v1/batches", chunks, FORM | {"Idempotency-Key": key_of(2, 2)})
    assert streamed.status == 413
    bomb = receiver.post(gzip.compress(bytes(400 * MIB), 1), key_of(2, 2), **{"Content-Encoding": "gzip"})
    assert bomb.status == 415
    plain = receiver.post(body_of(2, 2), key_of(2, 2), **{"Content-Type": "application/x-www-form-urlencoded"})
    assert plain.status == 415
    last = 16_000
    largest = body_of(2, last)
    assert 0.9 * MIB < len(largest) <= MIB
    assert receiver.post(largest, key_of(2, last)).json["stored"] == last - 1
    assert psutil.Process(receiver.process.pid).memory_info().rss - before < 48 * MIB
    assert len(kept(database_url)) == last


def test_batches_at_the_same_time_store_each_row_once(receiver: ReceiverProcess, database_url: str) -> None:
    statuses: list[int] = []
    for first in range(0, 400, 100):  # cuts of one log that overlap, and the same one twice
        spans = [(first + start, first + start + 49) for start in (0, 10, 20, 30, 40, 50, 50)]
        posts = [threading.Thread(target=lambda s=s: statuses.append(receiver.post_rows(*s).status)) for s in spans]
        for post in posts:
            post.start()
        for post in posts:
            post.join()
    assert statuses == [200] * 28
    assert kept(database_url) == [(offset, 1) for offset in range(400)]


def test_a_kill_loses_no_row_that_was_acknowledged(receiver: ReceiverProcess, database_url: str) -> None:
    acknowledged: set[int] = set()
    done = threading.Event()

    def send() -> None:
        first = 0
        while not done.is_set():
            try:
                answer = receiver.post_rows(first, first + 9)
            except (OSError, http.client.HTTPException):  # killed, perhaps in mid-answer: the same rows again
                time.sleep(0.01)
                continue
            if answer.status == 200:
                acknowledged.update(range(first, first + 10))
                first += 10

    sender = threading.Thread(target=send)
    sender.start()
    try:
        for kills in range(1, 6):
            reached = len(acknowledged)
            wanted = reached + 50
            wait_for(lambda: len(acknowledged) >= wanted, f"rows before kill {kills}")  # noqa: B023 - waited for at once
            assert receiver.end(signal.SIGKILL) == -signal.SIGKILL
            receiver.start()
        reached = len(acknowledged)
        wait_for(lambda: len(acknowledged) > reached, "rows after the last kill")
    finally:
        done.set()
        sender.join(DEADLINE_S)
    rows = dict(kept(database_url))
    assert acknowledged <= rows.keys()
    assert set(rows.values()) == {1}
    assert len(rows) <= len(acknowledged) + 10  # at most the batch in hand is here without its answer


def test_what_a_browser_is_told(receiver: ReceiverProcess) -> None:
    page = receiver.get("/")
    assert page.status == 200
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "unsafe" not in policy and "data:" not in policy
    for path in ("/", "/api/state", "/static/draw.js", "/nowhere", "/static/..%2fingest.py"):
        answer = receiver.get(path)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == policy
    assert receiver.get("/api/state").headers["Cache-Control"] == "no-store"
    assert receiver.get("/static/..%2fingest.py").status == 404
    assert receiver.get("/static/__init__.py").status == 404
    assert receiver.get("/v1/batches").status == 405
    script = receiver.request("GET", "/static/draw.js", headers={"Accept-Encoding": "gzip"})
    assert script.headers["Content-Encoding"] == "gzip"
    assert b"export function draw" in gzip.decompress(script.body)
    again = receiver.request("GET", "/static/draw.js", headers={"If-None-Match": script.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    for query in ("sensor=001&span=age", "sensor=%3Cb%3E", "sensor=", "sensor=001&at=" + "9" * 5000):
        assert receiver.get(f"/api/sensor?{query}").status == 400


def test_rows_of_more_than_a_year_ago_are_forgotten_and_a_clock_ahead_costs_none(
    tmp_path: Path, database_url: str
) -> None:
    with psycopg.connect(database_url) as connection:
        days = "SELECT timestamptz '2024-01-01Z' + n * interval '1 day' AS time, n FROM generate_series(0, 399) n"
        connection.execute(f"SELECT real_val_partitions(array_agg(time)) FROM ({days})".encode())
        for table in ("REAL_VAL_TB", "UNREGISTERED_VAL_TB", "SECOND_VAL_TB"):
            flags = "flow_flags, pressure_flags"
            columns = f"site, sensor, time, samples, {flags}, log_id, log_offset"
            rows = f"SELECT 'site-2', '001', time, 60, '0000', '000', 'log', n FROM ({days})"
            connection.execute(f"INSERT INTO {table} ({columns}) {rows}".encode())
    process = ReceiverProcess(tmp_path / "data", database_url)
    process.start()
    try:
        # Now is years later: what counts is the month of the newest row, day 399.
        wait_for(lambda: kept(database_url)[0] == (60, 1), "old months to go")
        assert [offset for offset, _ in kept(database_url)] == list(range(60, 400))
        with psycopg.connect(database_url) as connection:
            for table in ("UNREGISTERED_VAL_TB", "SECOND_VAL_TB"):
                first = f"SELECT min(log_offset), count(*) FROM {table}".encode()
                assert connection.execute(first).fetchone() == (60, 340)
    finally:
        process.end(signal.SIGKILL)
