"""Who may do what: every address of the server with every role, on a real server without a database."""

from collections.abc import Callable
from pathlib import Path

import pytest
from access_site import NO_DATABASE, Browser, after
from receiver_process import Answer, ReceiverProcess

from common.clock import SystemClock
from common.settings import DatabaseSettings, PathsSettings, Settings
from server.access.roles import Role
from server.api import Api
from server.app import places
from server.charts import Charts
from server.current import Current
from server.db_thread import DatabaseThread
from server.screens import Screens
from server.sensor_charts import SensorCharts

NOBODY = None
# The least role that each address is for; NOBODY: it needs no login.
FOR = {
    ("GET", "/"): Role.VIEWER,
    ("GET", "/sensor"): Role.VIEWER,
    ("GET", "/sensor.csv"): Role.VIEWER,
    ("GET", "/events"): Role.VIEWER,
    ("GET", "/incidents"): Role.VIEWER,
    ("GET", "/incident"): Role.VIEWER,
    ("POST", "/incident"): Role.OPERATOR,
    ("GET", "/calendar"): Role.VIEWER,
    ("POST", "/calendar"): Role.OPERATOR,
    ("GET", "/report"): Role.VIEWER,
    ("GET", "/report.pdf"): Role.VIEWER,
    ("GET", "/report.xlsx"): Role.VIEWER,
    ("GET", "/sites"): Role.VIEWER,
    ("GET", "/site"): Role.VIEWER,
    ("GET", "/sensors"): Role.OPERATOR,
    ("POST", "/sensors"): Role.ADMIN,
    ("GET", "/sensor_values"): Role.OPERATOR,
    ("POST", "/sensor_values"): Role.ADMIN,
    ("GET", "/upkeep"): Role.OPERATOR,
    ("POST", "/upkeep"): Role.OPERATOR,
    ("GET", "/alerts"): Role.ADMIN,
    ("POST", "/alerts"): Role.ADMIN,
    ("GET", "/users"): Role.ADMIN,
    ("POST", "/users"): Role.ADMIN,
    ("GET", "/audit"): Role.ADMIN,
    ("GET", "/password"): Role.VIEWER,
    ("POST", "/password"): Role.VIEWER,
    ("GET", "/api/state"): Role.VIEWER,
    ("GET", "/api/sensor"): Role.VIEWER,
    ("GET", "/api/incidents"): Role.VIEWER,
    ("GET", "/api/finding"): Role.VIEWER,
    ("GET", "/api/nights"): Role.VIEWER,
    ("GET", "/login"): NOBODY,
    ("POST", "/login"): NOBODY,
    ("POST", "/logout"): Role.VIEWER,
    ("GET", "/prefer"): NOBODY,
    ("GET", "/static/{name}"): NOBODY,
    ("GET", "/worker.js"): NOBODY,
    ("GET", "/manifest.webmanifest"): NOBODY,
    ("GET", "/healthz"): NOBODY,
    ("GET", "/metrics"): NOBODY,
    ("POST", "/v1/batches"): NOBODY,  # has a token of its own
}
# The answer of these to somebody who may is no answer to this question, or never ends.
OTHERWISE = {("POST", "/login"), ("POST", "/logout"), ("POST", "/v1/batches"), ("GET", "/events")}
PEOPLE = {"": NOBODY, "guest": Role.VIEWER, "이영희": Role.OPERATOR, "Kim": Role.ADMIN}


def test_every_address_has_a_line_in_the_table(tmp_path: Path) -> None:
    settings = Settings(paths=PathsSettings(tmp_path), database=DatabaseSettings(NO_DATABASE))
    desk = DatabaseThread(settings, "test")
    try:
        current = Current(desk, settings, SystemClock())
        charts = Charts(desk)
        sensor_charts = SensorCharts(charts, current)
        api, screens = Api(charts, sensor_charts, current), Screens(current, sensor_charts)
        there = places(lambda: None, api, screens, make_report=lambda _: b"", resending=None)  # type: ignore[arg-type]
    finally:
        desk.close()
    assert {(method, each.path) for each in there for method in each.methods or () if method != "HEAD"} == FOR.keys()


def ask(browser: Browser, method: str, path: str) -> Answer:
    address = path.format(name="page.css")
    if method == "GET":
        return browser.get(address)
    return browser.send(address, browser.token("/password" if browser.get("/password").status == 200 else "/login"))


def is_refused(answer: Answer) -> bool:
    to_login = answer.status == 303 and after(answer).startswith("login")
    return to_login or answer.status in (401, 403)


@pytest.mark.parametrize("name", PEOPLE)
def test_each_role_may_do_what_is_for_it_and_nothing_else(server: ReceiverProcess, name: str) -> None:
    browser, role = Browser(server), PEOPLE[name]
    if name:
        assert after(browser.log_in(name)) == "."
    for (method, path), least in FOR.items():
        may = least is NOBODY or (role is not NOBODY and role >= least)
        if may and (method, path) in OTHERWISE:
            continue
        answer = ask(browser, method, path)
        assert is_refused(answer) is not may, (method, path, answer.status)


def test_without_users_everybody_reads_and_nobody_changes(empty: Callable[..., ReceiverProcess]) -> None:
    browser = Browser(empty())
    for (method, path), least in FOR.items():
        if (method, path) in OTHERWISE or path == "/password":
            continue
        may = method == "GET" and least in (NOBODY, Role.VIEWER)
        answer = ask(browser, method, path)
        assert is_refused(answer) is not may, (method, path, answer.status)


@pytest.mark.parametrize(
    ("name", "there", "absent"),
    [
        ("guest", {"incidents", "calendar", "password"}, {"sensors", "upkeep", "alerts", "users", "audit"}),
        ("이영희", {"incidents", "calendar", "sensors", "upkeep", "password"}, {"alerts", "users", "audit"}),
        ("Kim", {"incidents", "calendar", "sensors", "upkeep", "alerts", "users", "audit", "password"}, set()),
    ],
)
def test_the_menu_leads_each_to_what_is_for_him(
    server: ReceiverProcess, name: str, there: set[str], absent: set[str]
) -> None:
    browser = Browser(server)
    browser.log_in(name)
    page = browser.get("/calendar").body.decode()
    assert {place for place in there | absent if f'href="{place}"' in page} == there
    assert ('id="plan"' in page) is (name != "guest")
    assert ("data-may-not" in page) is (name == "guest")
