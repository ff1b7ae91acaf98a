"""What operators do about an incident on its page: a real server, real HTTP, and no database."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from access_site import Browser, after, logged_in, make_user, told
from incident_site import ID, RAISED, file, leak
from receiver_process import Answer, ReceiverProcess

from common import audit
from common.clock import minute_start
from common.folder import INCIDENT_ACTS_FILE
from incidents import acts
from server.access.roles import Role

Start = Callable[..., ReceiverProcess]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def server(empty: Start, data: Path) -> ReceiverProcess:
    make_user(data, "Kim")
    make_user(data, "이영희", Role.OPERATOR)
    file(data, leak())
    return empty(HYDROLOG_CLOCK=f"1 {time.time()!r} {minute_start(RAISED + 30).timestamp()!r}")


def seen(browser: Browser) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', browser.get(f"/incident?id={ID}").body.decode())
    assert found
    return found[1]


def send(browser: Browser, **fields: Any) -> Answer:
    return browser.send("/incident", browser.token("/password"), id=ID, **fields)


def test_an_operator_acknowledges_shelves_notes_and_closes(server: ReceiverProcess, data: Path) -> None:
    browser = logged_in(server, "이영희")
    for do, fields in (
        ("acknowledge", {"text": "on my way"}),
        ("shelve", {"shelf": "hour"}),
        ("note", {"text": "<b>valve 7</b>"}),
        ("close", {"cause": "repaired"}),
    ):
        whole: dict[str, Any] = {"do": do, "seen": seen(browser), **fields}
        assert after(send(browser, **whole)) == f"incident?id={ID}&done={do}"
        assert send(browser, **whole).status == 303, "the same form sent twice is one act"
    assert [(act.by, str(act.do)) for act in acts.load(data).known] == [
        ("이영희", do) for do in ("acknowledge", "shelve", "note", "close")
    ]
    assert [entry.what for entry in audit.load(data)[0] if entry.values.get("incident") == ID] == [
        f"incident-{do}" for do in ("acknowledge", "shelve", "note", "close")
    ]
    page = browser.get(f"/incident?id={ID}").body.decode()
    assert "&lt;b&gt;valve 7" in page and "<b>valve" not in page


def test_what_is_wrong_is_named_at_its_field_and_what_was_typed_stays(server: ReceiverProcess, data: Path) -> None:
    browser = logged_in(server, "이영희")
    for fields, field, said in (
        ({"do": "close", "text": "done?"}, "cause", "Say why"),
        ({"do": "shelve", "shelf": "date", "until": "soon", "text": "done?"}, "until", "until when"),
        ({"do": "shelve", "shelf": "date", "until": "2020-01-01T00:00", "text": "done?"}, "until", "over"),
        ({"do": "note", "text": " "}, "text", "Write the note"),
        ({"do": "note", "text": "done?" * 200}, "text", "500 characters"),
    ):
        answer = send(browser, seen="", **fields)
        assert (answer.status, said in told(answer, f"wrong-{field}")) == (422, True), fields
        assert fields["text"].strip()[:5] in answer.body.decode()
    assert not (data / INCIDENT_ACTS_FILE).exists()
    assert send(browser, do="nonsense").status == 200


def test_whoever_comes_second_is_told_who_was_first(server: ReceiverProcess, data: Path) -> None:
    kim, lee = logged_in(server, "Kim"), logged_in(server, "이영희")
    before = seen(lee)
    assert send(kim, do="acknowledge", seen=before).status == 303
    late = send(lee, do="shelve", shelf="hour", seen=before, text="mine")
    assert (late.status, "Kim has changed it" in told(late, "problem")) == (409, True)
    assert ">mine</textarea>" in late.body.decode()
    assert len(acts.load(data).known) == 1


def test_what_cannot_be_written_is_said_and_not_done(server: ReceiverProcess, data: Path) -> None:
    lee = logged_in(server, "이영희")
    (data / INCIDENT_ACTS_FILE).mkdir()
    answer = send(lee, do="acknowledge", seen="")
    assert (answer.status, "nothing has changed" in told(answer, "problem")) == (503, True)
