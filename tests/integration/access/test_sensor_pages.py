"""Sensors on the page: a real server with a real Postgres, real HTTP."""

import html
import re
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from access_site import Browser, after, logged_in, make_user, told
from receiver_process import Answer, ReceiverProcess

from common import audit
from server.access.roles import Role

NOW = datetime(2024, 9, 17, 10, 30, tzinfo=ZoneInfo("Asia/Seoul"))
A_ROW = "INSERT INTO UNREGISTERED_VAL_TB VALUES ('X-77', %s, 3, 4, 60, '0000', '000', 'log', 1)"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def server(data: Path, database_url: str) -> Iterator[ReceiverProcess]:
    for name, role in (("Kim", Role.ADMIN), ("Choi", Role.ADMIN), ("이영희", Role.OPERATOR)):
        make_user(data, name, role)
    running = ReceiverProcess(data, database_url, HYDROLOG_CLOCK=f"1 {time.time()!r} {NOW.timestamp()!r}")
    running.start()
    yield running
    running.kill()


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_url, autocommit=True) as made:
        made.execute("INSERT INTO SENSOR_TB (sensor, name, flow_max) VALUES ('001', 'Gate', 120)")
        made.execute(A_ROW, (NOW,))
        yield made


@pytest.fixture
def kim(server: ReceiverProcess, connection: psycopg.Connection[Any]) -> Browser:
    return logged_in(server, "Kim")


def form_of(browser: Browser, sensor: str = "001") -> dict[str, str]:
    """The fields of the form as they stand there."""
    return form_of_answer(browser.get(f"/sensor_values?id={sensor}")) | {"do": "change"}


def form_of_answer(answer: Answer) -> dict[str, str]:
    page = answer.body.decode()
    form = page[page.index('<form id="values"') :].partition("</form>")[0]
    found = re.findall(r'name="(\w+)" value="([^"]*)"', form)
    return {name: html.unescape(value) for name, value in found if name not in ("csrf", "do")}


def send(browser: Browser, path: str = "/sensor_values", **fields: Any) -> Answer:
    return browser.send(path, browser.token("/password"), **fields)


def known(connection: psycopg.Connection[Any], columns: str = "name", sensor: str = "001") -> Any:
    return connection.execute(f"SELECT {columns} FROM SENSOR_TB WHERE sensor = %s".encode(), (sensor,)).fetchone()


def done(data: Path) -> list[tuple[str, str]]:
    return [(entry.by, entry.what) for entry in audit.load(data)[0] if entry.what.startswith("sensor")]


def test_an_admin_registers_an_unknown_sensor_with_its_rows(
    kim: Browser, connection: psycopg.Connection[Any], data: Path
) -> None:
    assert "X-77" in kim.get("/sensors").body.decode()
    assert after(send(kim, "/sensors", sensor="X-77", name="  South   gate ")) == "sensor_values?id=X-77&done=register"
    assert known(connection, "name", "X-77") == ("South gate",)
    moved = connection.execute("SELECT count(*) FROM REAL_VAL_TB WHERE sensor = 'X-77'").fetchone()
    assert moved == (1,)
    again = send(kim, "/sensors", sensor="X-77", name="Other")
    assert (again.status, told(again, "wrong-sensor")) == (409, "It is registered already.")
    assert known(connection, "name", "X-77") == ("South gate",)
    assert done(data)[0] == ("Kim", "sensor-registered")


def test_an_id_that_is_none_is_refused_and_the_form_stays_as_typed(
    kim: Browser, connection: psycopg.Connection[Any]
) -> None:
    for sensor in ("", "a b", "x" * 33, "<script>", "a\nb", "a\0b", "센서"):
        answer = send(kim, "/sensors", sensor=sensor, name="Gate")
        assert (answer.status, "letters" in told(answer, "wrong-sensor")) == (422, True), sensor
        assert b'value="Gate"' in answer.body and b'value="<' not in answer.body
    assert connection.execute("SELECT count(*) FROM SENSOR_TB").fetchone() == (1,)


def test_a_name_limits_and_night_values_are_changed(
    kim: Browser, connection: psycopg.Connection[Any], data: Path
) -> None:
    form = form_of(kim)
    assert (form["name"], form["flow_max"], form["pressure_max"]) == ("Gate", "120", "")
    hostile = '<script>x</script> & "so" {{ 7 * 7 }}'
    changed = form | {"name": hostile, "flow_max": "", "night_users": "2400", "n1": "1.15"}
    assert after(send(kim, **changed)) == "sensor_values?id=001&done=change"
    assert known(connection, "name, flow_max, night_users, n1, changed_at") == (hostile, None, 2400.0, 1.15, ANY_TIME)
    page = kim.get("/sensor_values?id=001").body
    assert b"<script>x" not in page and b"{{ 7 * 7 }}" in page
    values = {entry.values["value"] for entry in audit.load(data)[0] if entry.what == "sensor-changed"}
    assert values == {"name", "flow_max", "night_users", "n1"}


class _AnyTime:
    def __eq__(self, other: object) -> bool:
        return isinstance(other, datetime) and abs((other - NOW).total_seconds()) < 3600

    __hash__ = None  # type: ignore[assignment]


ANY_TIME = _AnyTime()


def test_limits_are_typed_in_the_readers_units_whatever_is_chosen_meanwhile(
    kim: Browser, connection: psycopg.Connection[Any], data: Path, server: ReceiverProcess
) -> None:
    kim.get("/prefer?flow_unit=L/s&pressure_unit=kPa")
    form = form_of(kim)
    assert (form["flow_max"], form["flow_unit"], form["pressure_unit"]) == ("33.33333", "L/s", "kPa")
    page = html.unescape(kim.get("/sensor_values?id=001").body.decode())
    assert "can show, L/s <input" in page and "can show, kPa <input" in page
    kim.get("/prefer?flow_unit=m3/h&pressure_unit=bar")  # in another tab, while the form is open
    wrong = send(kim, **form | {"pressure_max": "0.2", "night_use": "0.7"})
    assert told(wrong, "wrong-pressure_max") == "It must be between 1 and 1,000,000."
    assert form_of_answer(wrong) | {"do": "change"} == form | {"pressure_max": "0.2", "night_use": "0.7"}
    assert send(kim, **form | {"pressure_max": "1600", "night_use": "0.7"}).status == 303
    assert known(connection, "flow_max, pressure_max, night_use") == (120.0, 16.0, 2.52)
    assert {entry.values.get("value") for entry in audit.load(data)[0]} & {*form} == {"pressure_max", "night_use"}
    assert "after 2.52\u00a0m³/h" in re.sub(r": (?=[\d.]+\xa0)", " ", html.unescape(kim.get("/audit").body.decode()))
    # The choice is the user's, on every device.
    logged_in(server, "Kim").get("/prefer?flow_unit=L/s")
    assert (form_of(kim)["flow_unit"], form_of(logged_in(server, "Choi"))["flow_unit"]) == ("L/s", "m3/h")
    assert kim.get("/prefer?flow_unit=m3/h", Sec_Fetch_Site="cross-site").status == 303  # a link of another site
    assert form_of(kim)["flow_unit"] == "L/s"


def test_a_name_alone_makes_no_night_anew(kim: Browser, connection: psycopg.Connection[Any]) -> None:
    assert send(kim, **form_of(kim) | {"name": "Other"}).status == 303
    assert known(connection, "name, changed_at") == ("Other", None)


def test_what_is_wrong_is_named_at_its_field_and_nothing_is_stored(
    kim: Browser, connection: psycopg.Connection[Any]
) -> None:
    for column, typed, said in (
        ("name", "x" * 500, "60 characters"),
        ("name", "a\x1b[2J", "control"),
        ("name", "a\u202eb", "control"),
        ("flow_max", "nan", "between 0.01 and 1,000,000"),
        ("flow_max", "1e999", "between"),
        ("pressure_max", "high", "not a number"),
        ("n1", "2.6", "between 0.3 and 2.5"),
        ("night_users", "-1", "between 0 and"),
    ):
        answer = send(kim, **form_of(kim) | {"service_km": "3.25", column: typed})
        assert (answer.status, said in told(answer, f"wrong-{column}")) == (422, True), typed
        page = answer.body.decode()
        assert 'name="service_km" value="3.25"' in page
        assert html.escape(typed)[:20] in page
    assert known(connection, "name, flow_max, service_km") == ("Gate", 120.0, None)


def test_a_place_has_both_its_numbers_or_none(kim: Browser, connection: psycopg.Connection[Any]) -> None:
    half = send(kim, **form_of(kim) | {"latitude": "37.5665"})
    assert (half.status, told(half, "wrong-longitude")) == (422, "A place has a latitude and a longitude.")
    assert known(connection, "latitude, longitude") == (None, None)
    assert send(kim, **form_of(kim) | {"latitude": "37.5665", "longitude": "126.978"}).status == 303
    assert known(connection, "latitude, longitude, changed_at") == (37.5665, 126.978, None)
    late = send(kim, **form_of(kim) | {"longitude": ""})
    assert (late.status, told(late, "wrong-longitude")) == (422, "A place has a latitude and a longitude.")
    assert send(kim, **form_of(kim) | {"latitude": "", "longitude": ""}).status == 303
    assert known(connection, "latitude, longitude") == (None, None)


def test_a_line_break_in_a_name_is_a_space(kim: Browser, connection: psycopg.Connection[Any]) -> None:
    send(kim, **form_of(kim) | {"name": "North\r\nGate"})
    assert known(connection) == ("North Gate",)


def test_whoever_comes_second_is_told_who_was_first_and_what_is_stored_now(
    server: ReceiverProcess, kim: Browser, connection: psycopg.Connection[Any]
) -> None:
    choi = logged_in(server, "Choi")
    mine, other = form_of(kim), form_of(choi)
    assert send(choi, **other | {"flow_max": "90"}).status == 303
    late = send(kim, **mine | {"flow_max": "80"})
    assert late.status == 409
    assert "Choi has changed it" in told(late, "problem")
    page = late.body.decode()
    assert 'name="flow_max" value="80"' in page
    assert re.search(r'data-now="flow_max">stored: 90<', page)
    assert known(connection, "flow_max") == (90.0,)
    seen = re.search(r'name="seen" value="(\w+)"', page)
    assert seen and send(kim, **mine | {"flow_max": "80", "seen": seen[1]}).status == 303
    assert known(connection, "flow_max") == (80.0,)


def test_a_replaced_instrument_is_recorded(kim: Browser, connection: psycopg.Connection[Any]) -> None:
    late = send(kim, id="001", do="replaced", since="2024-09-18T09:00")
    assert (late.status, told(late, "wrong-since")) == (422, "This time is not over yet.")
    assert b'name="flow_max" value="120"' in late.body
    assert send(kim, id="001", do="replaced", since="soon").status == 422
    assert after(send(kim, id="001", do="replaced", since="2024-09-17T09:00")) == "sensor_values?id=001&done=replaced"
    assert known(connection, "replaced_at") == (datetime(2024, 9, 17, 9, 0, tzinfo=NOW.tzinfo),)


def test_a_removed_sensor_is_gone_and_comes_back(kim: Browser, connection: psycopg.Connection[Any], data: Path) -> None:
    assert after(send(kim, id="001", do="remove")) == "sensors?done=remove"
    assert known(connection) is None
    for do in ("remove", "change", "replaced"):
        assert send(kim, id="001", do=do, since="2024-09-17T09:00").status == 404
    assert kim.get("/sensor_values?id=001").status == 404
    assert kim.get("/sensor_values?id=%00").status == send(kim, id="\0", do="change").status == 404
    assert send(kim, "/sensors", sensor="001").status == 303
    assert [what for _, what in done(data)] == ["sensor-removed", "sensor-registered"]


def test_an_operator_sees_the_values_and_changes_none(
    server: ReceiverProcess, connection: psycopg.Connection[Any]
) -> None:
    operator = logged_in(server, "이영희")
    page = operator.get("/sensor_values?id=001").body.decode()
    assert 'data-value="flow_max">120\u00a0m³/h<' in page
    assert "<form id=" not in page and "data-may-not" in page
    assert send(operator, id="001", do="remove").status == 403
    assert send(operator, "/sensors", sensor="X-77").status == 403
    assert known(connection) == ("Gate",)


def test_without_an_audit_nothing_is_changed(kim: Browser, connection: psycopg.Connection[Any], data: Path) -> None:
    form = form_of(kim)
    (data / "audit.jsonl").unlink()
    (data / "audit.jsonl").mkdir()
    for fields in (form | {"name": "Other"}, {"id": "001", "do": "remove"}):
        answer = send(kim, **fields)
        assert (answer.status, "nothing has changed" in told(answer, "problem")) == (503, True)
    assert send(kim, "/sensors", sensor="X-77").status == 503
    assert known(connection) == ("Gate",)


def test_without_a_database_the_page_says_so(server: ReceiverProcess, kim: Browser, database_url: str) -> None:
    form = form_of(kim)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP TABLE SENSOR_TB")
    answer = kim.get("/sensors")
    assert (answer.status, "database does not answer" in answer.body.decode()) == (503, True)
    assert send(kim, **form).status == 503


def test_a_long_list_is_searched_by_id_or_name_and_paged(kim: Browser, connection: psycopg.Connection[Any]) -> None:
    assert 'role="search"' not in kim.get("/sensors").body.decode()
    connection.execute(
        "INSERT INTO SENSOR_TB (sensor, name) SELECT 'B-' || n, 'Pump & <b>' || n FROM generate_series(1, 60) n"
    )

    def listed(query: str) -> list[str]:
        return re.findall(r'href="sensor_values\?id=([^"]+)"', kim.get(f"/sensors?{query}").body.decode())

    assert (len(listed("")), listed("q=gAtE"), listed("q=nowhere")) == (50, ["001"], [])
    assert listed("q=%20b-7%20") == ["B-7"] and listed(f"q={'x' * 9000}") == []
    page = kim.get("/sensors?q=pump+%26+%3Cb%3E").body.decode()
    assert 'value="Pump' not in page and 'value="pump &amp; &lt;b&gt;"' in page and ">60 of 61<" in page
    (after_,) = re.findall(r'href="sensors\?([^"]+)">next', page)
    assert len(listed(html.unescape(after_))) == 10
