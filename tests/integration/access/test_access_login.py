"""Who may see the page: a real server, real HTTP, and no database."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from access_site import PASSWORD, Browser, after, make_user
from receiver_process import ReceiverProcess

from common import audit
from common.audit import Actor
from common.folder import SESSION_KEY_FILE, USERS_FILE
from server.access import changes
from server.access.roles import Role

Start = Callable[..., ReceiverProcess]
INSTALLER = Actor("installer")


def test_a_user_logs_in_and_gets_to_where_he_wanted(server: ReceiverProcess) -> None:
    browser = Browser(server)
    assert after(browser.get("/sensor?id=001")) == "login?next=sensor%3Fid%3D001"
    page = browser.get("/login?next=sensor%3Fid%3D001")
    assert b'value="sensor?id=001"' in page.body
    assert after(browser.log_in("이영희", next="sensor?id=001")) == "sensor?id=001"
    assert "이영희" in browser.get("/").body.decode()
    assert browser.get("/api/state").status == 200
    assert [(entry.by, entry.address) for entry in audit.load(server.data)[0] if entry.what == "login"] == [
        ("이영희", "127.0.0.1")
    ]


@pytest.mark.parametrize("path", ["/", "/sensor", "/incidents", "/events", "/users", "/password", "/nothing"])
def test_nothing_is_shown_to_others(server: ReceiverProcess, path: str) -> None:
    stranger = Browser(server)
    assert after(stranger.get(path)).startswith("login")
    assert stranger.get(path, Accept="text/event-stream").status == 401


@pytest.mark.parametrize("path", ["/api/state", "/api/sensor?sensor=001", "/api/nothing", "/a/b/c"])
def test_a_program_is_told_so_in_json(server: ReceiverProcess, path: str) -> None:
    answer = Browser(server).get(path)
    assert (answer.status, answer.json) == (401, {"error": "Log in first."})


def test_what_needs_no_login_stays_open(server: ReceiverProcess) -> None:
    stranger = Browser(server)
    assert stranger.get("/healthz").status == 503  # there is no database
    assert stranger.get("/static/page.css").status == 200
    assert b"hydrolog_" in stranger.get("/metrics").body
    assert server.post_rows(1, 2).status == 503
    assert server.request("POST", "/v1/batches").status == 401


@pytest.mark.parametrize(
    ("name", "role", "status"), [("guest", Role.VIEWER, 403), ("이영희", Role.OPERATOR, 403), ("Kim", Role.ADMIN, 200)]
)
def test_each_role_sees_what_it_may(server: ReceiverProcess, name: str, role: Role, status: int) -> None:
    browser = Browser(server)
    browser.log_in(name)
    assert browser.get("/users").status == status, role
    assert browser.send("/users", do="role", name="guest", role="viewer").status == (303 if status == 200 else 403)
    assert browser.get("/users", Accept="*/*").status == status


def test_while_there_is_no_user_everybody_reads_and_nobody_changes_anything(empty: Start, tmp_path: Path) -> None:
    server = empty()
    browser = Browser(server)
    assert browser.get("/").status == 200
    assert b"hydrolog users add NAME --role admin" in browser.get("/login").body
    assert browser.get("/users").status == 403
    assert browser.get("/password").status == 403
    make_user(tmp_path / "data", "Kim")
    assert after(browser.get("/")) == "login"
    assert after(browser.log_in("kim")) == "."
    assert browser.get("/").status == 200


@pytest.mark.parametrize("damage", [b"", b'{"users": [', b'{"users": [], "version": 1}', b"\xff\0", None])
def test_a_damaged_or_lost_file_of_users_opens_nothing(empty: Start, tmp_path: Path, damage: bytes | None) -> None:
    data = tmp_path / "data"
    make_user(data, "Kim")
    whole = (data / USERS_FILE).read_bytes()
    server = empty()
    browser = Browser(server)
    browser.log_in("Kim")
    if damage is None:
        (data / USERS_FILE).unlink()
    else:
        (data / USERS_FILE).write_bytes(damage)
    assert [browser.get(path).status for path in ("/", "/login", "/users", "/api/state")] == [503] * 4
    assert b"hydrolog users" in browser.get("/").body
    assert browser.send("/login", csrf="0", name="Kim", password=PASSWORD).status == 503
    assert (browser.get("/healthz").status, browser.get("/static/page.css").status) == (503, 200)
    (data / USERS_FILE).write_bytes(whole)
    assert browser.get("/").status == 200


def test_a_role_that_is_not_known_makes_nobody_an_admin(empty: Start, tmp_path: Path) -> None:
    data = tmp_path / "data"
    make_user(data, "Kim")
    server = empty()
    (data / USERS_FILE).write_text((data / USERS_FILE).read_text().replace('"admin"', '"root"'))
    assert Browser(server).get("/").status == 503


def test_a_session_ends_with_the_user_the_password_and_the_key(empty: Start, tmp_path: Path) -> None:
    data = tmp_path / "data"
    make_user(data, "Kim")
    make_user(data, "Lee", Role.OPERATOR)
    server = empty()
    lee, kim = Browser(server), Browser(server)
    lee.log_in("Lee")
    kim.log_in("Kim")
    changes.set_role(data, INSTALLER, "Lee", Role.ADMIN)
    assert lee.get("/users").status == 200
    changes.set_role(data, INSTALLER, "Lee", Role.VIEWER)
    assert lee.get("/users").status == 403
    changes.remove(data, INSTALLER, "lee")
    assert after(lee.get("/")) == "login"
    make_user(data, "Lee", Role.OPERATOR)
    assert after(lee.get("/")) == "login"  # another user of that name
    assert kim.get("/").status == 200
    (data / SESSION_KEY_FILE).unlink()
    assert after(kim.get("/")) == "login"
    assert after(kim.log_in("Kim")) == "."


def test_after_a_logout_a_copy_of_the_cookie_is_worth_nothing(empty: Start, tmp_path: Path) -> None:
    make_user(tmp_path / "data", "Kim")
    server = empty()
    here, there, copy = Browser(server), Browser(server), Browser(server)
    here.log_in("Kim")
    there.log_in("Kim")
    copy.cookies = dict(here.cookies)
    assert copy.get("/").status == 200
    assert after(here.send("/logout", csrf=here.token("/password"))) == "login"
    assert [after(browser.get("/")) for browser in (here, copy)] == ["login", "login"]
    assert there.get("/").status == 200
    here.log_in("Kim")
    here.send("/logout", csrf=here.token("/password"), everywhere="1")
    assert after(there.get("/")) == "login"
    server.kill()
    server.start()
    copy.cookies = dict(there.cookies)
    assert after(copy.get("/")) == "login"
    assert after(here.log_in("Kim")) == "."


def test_one_changes_ones_own_password_and_stays_logged_in_here_alone(empty: Start, tmp_path: Path) -> None:
    make_user(tmp_path / "data", "Kim")
    server = empty()
    here, there = Browser(server), Browser(server)
    here.log_in("Kim")
    there.log_in("Kim")
    new = "seven wet valves"

    def change(**fields: Any) -> int:
        whole: dict[str, Any] = {"now": PASSWORD, "new": new, "again": new} | fields
        return here.send("/password", csrf=here.token("/password"), **whole).status

    assert change(now="wrong wrong wrong") == 400
    assert change(again="something else") == 400
    assert change(new="1234567890", again="1234567890") == 400
    assert there.get("/").status == 200
    assert change() == 303
    assert here.get("/").status == 200
    assert after(there.get("/")) == "login"
    assert there.log_in("Kim").status == 403
    assert after(there.log_in("Kim", new)) == "."


def test_an_admin_makes_changes_and_removes_users(empty: Start, tmp_path: Path) -> None:
    data = tmp_path / "data"
    make_user(data, "Kim")
    server = empty()
    kim = Browser(server)
    kim.log_in("Kim")

    def act(**fields: Any) -> int:
        return kim.send("/users", csrf=kim.token("/users"), **fields).status

    assert act(do="add", name="박", role="operator", password=PASSWORD) == 303
    assert act(do="add", name="박", role="admin", password=PASSWORD) == 422
    assert act(do="add", name="Choi", role="root", password=PASSWORD) == 422
    assert act(do="add", name="Choi", role="viewer", password="short") == 422
    assert act(do="add", name="a\r\nSet-Cookie: x=1", role="viewer", password=PASSWORD) == 422
    assert act(do="role", name="Kim", role="viewer") == 422  # the last admin
    assert act(do="remove", name="Kim") == 422
    assert act(do="remove", name="nobody") == 422
    assert act(do="password", name="박", password="seven wet valves") == 303
    assert act(do="role", name="박", role="admin", seen="viewer") == 409  # somebody else has changed it meanwhile
    assert act(do="role", name="박", role="admin", seen="operator") == 303
    assert act(do="remove", name="Kim") == 303
    assert after(kim.get("/users")).startswith("login")
    done = [(entry.by, entry.what, entry.values) for entry in audit.load(data)[0] if entry.by == "Kim"]
    assert done[1:] == [
        ("Kim", "user-added", {"user": "박", "role": "operator"}),
        ("Kim", "user-password", {"user": "박"}),
        ("Kim", "user-role", {"user": "박", "before": "operator", "after": "admin"}),
        ("Kim", "user-removed", {"user": "Kim", "role": "admin"}),
    ]


def test_what_is_wrong_with_a_new_user_is_named_at_its_field_and_the_form_stays(empty: Start, tmp_path: Path) -> None:
    make_user(tmp_path / "data", "Kim")
    kim = Browser(empty())
    kim.log_in("Kim")
    fields: dict[str, Any] = {"do": "add", "name": "Park", "role": "operator", "password": PASSWORD}
    for changed, field in (({"name": "kim"}, "name"), ({"name": "<i>"}, "name"), ({"password": "short"}, "password")):
        page = kim.send("/users", **fields | changed).body.decode()
        assert f'id="wrong-{field}"' in page and f'aria-describedby="wrong-{field}"' in page
        assert 'value="operator" selected' in page and PASSWORD not in page and "<i>" not in page
    assert after(kim.send("/users", **fields)) == "users?done=add"
    assert 'role="status"' in kim.get("/users?done=add").body.decode()
    late = kim.send("/users", do="password", name="Park", password="short").body.decode()
    assert 'id="problem"' in late and "<details open>" in late


def test_an_open_page_ends_with_the_login(empty: Start, tmp_path: Path) -> None:
    """Whoever has logged out, or lost his role, is sent nothing more by a stream that was open before."""
    data = tmp_path / "data"
    make_user(data, "Kim")
    make_user(data, "Lee", Role.OPERATOR)
    server = empty()
    kim, lee = Browser(server), Browser(server)
    for browser, name in ((kim, "Kim"), (lee, "Lee")):
        browser.log_in(name)
    with kim.stream("/events?screen=overview") as of_kim, lee.stream("/events?screen=overview") as of_lee:
        assert any(b"parts" in event for event in of_kim)
        assert any(b"parts" in event for event in of_lee)
        kim.send("/logout", csrf=kim.token("/password"))
        changes.set_role(data, INSTALLER, "Lee", Role.VIEWER)
        assert b"event: again" in b"".join(of_kim)
        assert b"event: again" in b"".join(of_lee)
