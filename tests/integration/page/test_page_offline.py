"""The page on a phone's home screen, and what it shows where there is no network: a real worker in a real browser."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from access_site import PASSWORD, make_user
from page_site import PATIENCE_MS
from receiver_process import ReceiverProcess
from waiting import wait_for

from server.access.roles import Role

playwright = pytest.importorskip("playwright.sync_api", reason="the development extras are not installed")

IS_KEPT = """async (addresses) => {
  const store = await caches.open("hydrolog seen /");
  const found = await Promise.all(addresses.map((address) => store.match(new URL(address, location.origin + "/"))));
  return found.every(Boolean);
}"""
CHART = """() => {
  const { query } = document.querySelector('[data-charts="001"]').dataset;
  return `api/sensor?sensor=001&language=${document.documentElement.lang}&${query}`;
}"""
OVERVIEW = [".", "static/page.css", "static/page.js", "static/draw.js"]


@pytest.fixture
def phone(browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A page in a browser of its own; the parameter is its language."""
    context = browser.new_context(locale=getattr(request, "param", "en-GB"), viewport={"width": 1400, "height": 1400})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    yield page
    context.close()


def see(phone: Any, server: ReceiverProcess, place: str, wanted: list[str], *, chart: bool = False) -> None:
    """Open a page, and wait until all that it needs is kept. `chart`: also that of the sensor 001."""
    phone.goto(f"http://127.0.0.1:{server.port}/{place}")
    if chart:
        phone.wait_for_selector('[data-charts="001"] [data-chart="night"] .column')
        wanted = [*wanted, phone.evaluate(CHART)]
    wait_for(lambda: phone.evaluate(IS_KEPT, wanted), "all of it to be kept")


def kept(phone: Any) -> list[str]:
    """The addresses of all that is kept."""
    script = "caches.open('hydrolog seen /').then((store) => store.keys()).then((all) => all.map(({ url }) => url))"
    return list(phone.evaluate(script))


def is_shown(phone: Any, server: ReceiverProcess, place: str) -> bool:
    """Whether a page opens, in whatever state."""
    try:
        return bool(phone.goto(f"http://127.0.0.1:{server.port}/{place}"))
    except playwright.Error as error:
        assert "ERR_" in error.message
        return False


@pytest.mark.parametrize(
    ("phone", "said", "old"),
    [
        ("en-GB", "No answer from the server", r"What is shown below is 25\sminutes old\."),
        ("ko-KR", "서버 응답 없음", r".*25.*"),
    ],
    indirect=["phone"],
)
def test_without_a_network_it_shows_what_was_last_seen_and_how_old_that_is(
    phone: Any, server: ReceiverProcess, said: str, old: str
) -> None:
    see(phone, server, "sensor?id=001", ["sensor?id=001"])
    see(phone, server, "", OVERVIEW, chart=True)
    server.kill()
    phone.clock.install(time=datetime.now(UTC) + timedelta(minutes=25, seconds=5))
    assert is_shown(phone, server, "")
    phone.wait_for_function("said => document.getElementById('hero-word').textContent === said", arg=said)
    assert re.fullmatch(old, phone.locator("#hero-detail").inner_text())
    assert phone.locator("#hero").get_attribute("data-state") == "bad"
    assert "Mill Lane" in phone.locator('tr[data-sensor="001"]').inner_text()
    phone.wait_for_selector('[data-charts="001"] [data-chart="flow"] .measured')
    # A page without the verdict says it at its top.
    assert is_shown(phone, server, "sensor?id=001")
    assert said in phone.locator("#stale").inner_text() and "25" in phone.locator("#stale").inner_text()
    assert not is_shown(phone, server, "incidents")  # nobody acts on what is not so any more


def test_it_is_live_again_when_the_network_is_back(phone: Any, server: ReceiverProcess) -> None:
    see(phone, server, "", OVERVIEW, chart=True)
    phone.route("**/*", lambda route: route.abort())
    phone.context.set_offline(True)
    assert is_shown(phone, server, "")
    phone.wait_for_selector("body.stale")
    phone.unroute("**/*")
    phone.context.set_offline(False)
    phone.wait_for_selector("body:not(.stale)")
    assert "002" in phone.locator("#hero-word").inner_text() or "leak" in phone.locator("#hero-word").inner_text()


def log_in(phone: Any, server: ReceiverProcess, name: str) -> None:
    phone.goto(f"http://127.0.0.1:{server.port}/login")
    phone.fill("[name=name]", name)
    phone.fill("[name=password]", PASSWORD)
    phone.click("main form button")
    phone.wait_for_selector("#hero")


def test_nothing_is_kept_for_who_logs_in_next(phone: Any, server: ReceiverProcess) -> None:
    make_user(server.data, "Kim")
    make_user(server.data, "Lee", Role.VIEWER)
    log_in(phone, server, "Kim")
    see(phone, server, "", OVERVIEW)
    for place in ("users", "password", "incidents"):
        assert is_shown(phone, server, place)
    assert [url for url in kept(phone) if re.search("users|password|incident|login|events", url)] == []
    phone.click("header form button")
    phone.wait_for_selector("[name=password]")
    wait_for(lambda: all("/static/" in url for url in kept(phone)), "the worker to forget")
    log_in(phone, server, "Lee")
    see(phone, server, "", OVERVIEW)
    # The session ends elsewhere: at the next answer that says so it is over here, too.
    (server.data / "session.key").write_bytes(b"x" * 32)
    is_shown(phone, server, "")  # or the open page was faster, and is on its way to the login
    phone.wait_for_selector("[name=password]")
    server.kill()
    assert not is_shown(phone, server, "")


def test_a_phone_can_put_it_on_its_home_screen(phone: Any, server: ReceiverProcess) -> None:
    see(phone, server, "", OVERVIEW, chart=True)
    devtools = phone.context.new_cdp_session(phone)
    found = devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [error["errorId"] for error in found] == ["in-incognito"]  # as every browser of a test is
    told = devtools.send("Page.getAppManifest")
    assert told["errors"] == []
    assert "site-1: flow and pressure" in told["data"]
    korean = server.get("/manifest.webmanifest?language=ko").json
    assert (korean["name"], korean["lang"]) == ("site-1 유량·수압", "ko")
    for icon in korean["icons"]:
        answer = server.get(f"/{icon['src']}")
        width = int.from_bytes(answer.body[16:20], "big")
        assert (answer.status, answer.headers["Content-Type"]) == (200, "image/png")
        assert icon["sizes"] == f"{width}x{width}"
