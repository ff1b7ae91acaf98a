"""The login attacked: forged and old cookies, forms of other sites, hostile fields, floods."""

import gzip
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from access_site import PASSWORD, Browser, after, logged_in, make_user
from receiver_process import ReceiverProcess

from common import audit
from common.folder import SESSION_KEY_FILE
from server.access import sessions
from server.access.sessions import Signature
from server.access.users import load, same

Start = Callable[..., ReceiverProcess]
FORM = {"Content_Type": "application/x-www-form-urlencoded"}


def test_forged_cookies_are_nobodys(server: ReceiverProcess) -> None:
    browser = logged_in(server)
    ((name, good),) = browser.cookies.items()
    account = load(server.data)[same("Kim")]
    other = Signature(b"x" * 32)
    payload, _, signature = good.rpartition(".")
    forged = [
        other.written(sessions.new("Kim", account.generation), datetime.now(UTC)),
        f"{payload}.",
        payload,
        f"{payload[:-1]}{'A' if payload[-1] != 'A' else 'B'}.{signature}",
        f"{payload}.{signature[::-1]}",
        "",
        "." * 500,
        "x" * 8000,
        good + good,
        "\udcff".encode("utf-8", "surrogateescape").decode("latin-1"),
    ]
    for value in forged:
        browser.cookies = {name: value}
        assert after(browser.get("/")) == "login", value
    browser.cookies = {"a": "b", name: good, "c": ""}
    assert browser.get("/").status == 200


@pytest.mark.parametrize(("age", "status"), [(29, 200), (31, 303), (-1, 303)])
def test_a_cookie_that_is_old_or_of_the_future_is_nobodys(server: ReceiverProcess, age: int, status: int) -> None:
    browser = logged_in(server)
    (name,) = browser.cookies
    signature = Signature((server.data / SESSION_KEY_FILE).read_bytes())
    session = sessions.new("Kim", load(server.data)[same("Kim")].generation)
    browser.cookies = {name: signature.written(session, datetime.now(UTC) - timedelta(days=age))}
    before = dict(browser.cookies)
    assert browser.get("/").status == status
    assert (browser.cookies != before) is (age > 0)  # one of a clock that was ahead is good again later


def test_a_session_that_somebody_else_has_begun_is_worth_nothing_after_the_login(server: ReceiverProcess) -> None:
    attacker, victim = Browser(server), Browser(server)
    token = attacker.token()
    victim.cookies = dict(attacker.cookies)
    assert after(victim.log_in("Kim")) == "."
    assert after(attacker.get("/")) == "login"
    assert victim.send("/users", csrf=token, do="role", name="guest", role="operator").status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": ""},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://[::bad"},
        {"Origin": "https://evil.example", "Referer": "http://127.0.0.1/"},
    ],
)
def test_a_form_of_another_site_is_refused_even_with_the_right_token(
    server: ReceiverProcess, headers: dict[str, str]
) -> None:
    browser = logged_in(server)
    token = browser.token("/users")
    answer = browser.send("/users", token, headers, do="role", name="guest", role="operator")
    assert answer.status == 403
    assert load(server.data)["guest"].role == "viewer"
    stranger = Browser(server)
    assert stranger.send("/login", stranger.token(), headers, name="Kim", password=PASSWORD).status == 403


@pytest.mark.parametrize("headers", [{"Sec_Fetch_Site": "same-origin", "Origin": "null"}, {"Origin": "here"}, {}])
def test_a_form_of_the_page_itself_is_taken(server: ReceiverProcess, headers: dict[str, Any]) -> None:
    browser = logged_in(server)
    here = {name: value.replace("here", f"http://127.0.0.1:{server.port}") for name, value in headers.items()}
    assert browser.send("/users", browser.token("/users"), here, do="role", name="guest", role="viewer").status == 303


def test_without_the_token_of_this_session_nothing_is_done(server: ReceiverProcess) -> None:
    browser, another = logged_in(server), logged_in(server)
    fields: dict[str, Any] = {"do": "role", "name": "guest", "role": "operator"}
    for token in ("", "0" * 64, another.token("/users"), "é" * 64):
        assert browser.send("/users", token, **fields).status == 403
    whole = f"do=role&name=guest&role=operator&csrf={browser.token('/users')}".encode()
    assert browser.request("POST", "/users", whole, Content_Type="text/plain").status == 415
    assert browser.request("POST", "/users", whole, Content_Type="multipart/form-data; boundary=x").status == 415
    assert browser.request("POST", "/users?" + whole.decode(), b"", **FORM).status == 403
    for method in ("PUT", "DELETE", "PATCH"):
        assert browser.request(method, "/users", whole, **FORM).status == 405
    assert load(server.data)["guest"].role == "viewer"
    assert browser.get("/logout").status == 405


@pytest.mark.parametrize(
    "next_",
    [
        "//evil.example",
        "https://evil.example/",
        "https:evil",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "%2f%2fevil.example",
        "a/../../b",
        "sensor\r\nSet-Cookie: a=b",
        "sensor?id=1\r\nX: y",
        "sensor?é",
        "x" * 5000,
        ".",
        "",
    ],
)
def test_a_login_leads_only_to_places_of_the_page(server: ReceiverProcess, next_: str) -> None:
    answer = Browser(server).log_in("Kim", next=next_)
    assert after(answer) in (".", "x" * 500)
    assert len(answer.headers.get_all("Set-Cookie") or ()) == 1
    assert "X" not in answer.headers


def test_hostile_fields_cost_little_and_are_shown_as_text(server: ReceiverProcess) -> None:
    browser = Browser(server)
    for name in (
        "<script>x</script>",
        "a\r\nSet-Cookie: x=y",
        "\0",
        "\u202e",
        "{{ 7 * 7 }}",
        "' OR 1=1 --",
        "k" * 9000,
    ):
        answer = browser.log_in(name, "no password")
        assert answer.status in (403, 429)
        assert b"<script>x" not in answer.body
        assert answer.headers.get_all("Set-Cookie") is None
    token = browser.token()
    for body, status in (
        (b"csrf=" + token.encode() + b"&name=" + b"a" * 200_000, 413),
        (b"a=&" * 300, 400),
        (b"\xff=\xff", 400),
        (b"", 403),
        (b"csrf&csrf=%", 403),
    ):
        assert browser.request("POST", "/login", body, **FORM).status == status


def test_a_password_that_is_enormous_is_only_wrong(empty: Start, tmp_path: Path) -> None:
    make_user(tmp_path / "data", "Kim")
    assert Browser(empty()).log_in("Kim", "p" * 50_000).status == 403


def test_the_cookie_is_out_of_reach_of_scripts_and_of_plain_http(server: ReceiverProcess) -> None:
    browser = Browser(server)
    plain = browser.get("/login").headers["Set-Cookie"]
    assert "; HttpOnly; SameSite=Lax" in plain
    assert "Secure" not in plain
    assert "Secure" in Browser(server, **{"X-Forwarded-Proto": "https"}).get("/login").headers["Set-Cookie"]
    browser.cookies.clear()
    assert browser.get("/api/state").headers.get("Set-Cookie") is None


def test_tries_are_limited_by_address_and_the_user_still_gets_in(empty: Start, tmp_path: Path) -> None:
    make_user(tmp_path / "data", "Kim")
    server = empty()
    owner = Browser(server, **{"X-Forwarded-For": "10.0.0.9, 192.0.2.1"})
    assert after(owner.log_in("Kim")) == "."
    owner.send("/logout", csrf=owner.token("/password"))
    attacker = Browser(server, **{"X-Forwarded-For": "198.51.100.1, 192.0.2.1"})  # the last one is the proxy's word
    said = [attacker.log_in("Kim", f"wrong {n}").status for n in range(12)]
    assert said == [403] * 10 + [429] * 2
    refused = attacker.log_in("Kim")
    assert (refused.status, refused.headers["Retry-After"].isdecimal()) == (429, True)
    assert after(owner.log_in("Kim")) == "."  # the same address, but a browser that has been here before
    assert after(Browser(server, **{"X-Forwarded-For": "192.0.2.2"}).log_in("Kim")) == "."
    entries = audit.load(tmp_path / "data")[0]
    failed = [(entry.by, entry.address) for entry in entries if entry.what == "login-failed"]
    assert failed == [("Kim", "192.0.2.1")] * 10


def test_a_flood_of_logins_leaves_the_page_to_others(empty: Start, tmp_path: Path) -> None:
    make_user(tmp_path / "data", "Kim")
    server = empty()
    kim = logged_in(server)
    said: list[int] = []
    over = threading.Event()

    def flood(number: int) -> None:
        tries = 0
        while not over.is_set():
            address = f"192.0.{number}.{tries % 250}"
            said.append(Browser(server, **{"X-Forwarded-For": address}).log_in("Kim", f"wrong {tries}").status)
            tries += 1

    threads = [threading.Thread(target=flood, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    try:
        while len(said) < 24:
            over.wait(0.01)
        slowest = 0.0
        for _ in range(20):
            began = time.monotonic()
            assert kim.get("/incidents").status == 200
            slowest = max(slowest, time.monotonic() - began)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert slowest < 5.0, "the event loop does not wait for a password"
    assert {403, 503} & set(said)
    assert set(said) <= {403, 429, 503}
    assert sum(entry.what == "login-failed" for entry in audit.load(tmp_path / "data")[0]) <= 10


def test_answers_are_compressed_once_and_their_length_tells_no_token(server: ReceiverProcess) -> None:
    kim = Browser(server)
    kim.log_in("Kim")
    plain = [kim.get("/password").body for _ in range(2)]
    assert len({*re.findall(rb'name="csrf" value="(\w+)"', plain[0] + plain[1])}) == 2  # one a page, of many forms
    for path, media in (
        ("/password", "text/html"),
        ("/api/state", "application/json"),
        ("/static/page.css", "text/css"),
    ):
        answer = kim.get(path, Accept_Encoding="gzip, br")
        assert answer.headers["Content-Encoding"] == "gzip" and answer.headers["Content-Type"].startswith(media)
        assert "Accept-Encoding" in ", ".join(answer.headers.get_all("Vary", []))
        whole = gzip.decompress(answer.body)
        assert len(whole) > 2 * len(answer.body) and whole[:2] != b"\x1f\x8b"
    with kim.stream("/events") as events:  # which has one layer, too
        assert next(events).startswith(b"retry: ")
