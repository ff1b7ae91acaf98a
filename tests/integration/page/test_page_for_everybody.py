"""Every page, in both languages and colour schemes and at three widths, judged by axe: the rules of WCAG 2.2 AA."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from access_site import PASSWORD, make_user
from page_site import LEAK_ID, NOW, PATIENCE_MS
from receiver_process import ReceiverProcess

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="the development extras are not installed")

PAGES = [
    "",
    "?sort=name",
    "sensor?id=001",
    "sensor?id=001&span=month&at=2024-08-25&compare=week",
    "sensor?id=nothing",
    "incidents",
    f"incident?id={LEAK_ID}",
    "users",
    "password",
    "calendar",
    "sensors",
    "sensor_values?id=001",
    "upkeep",
    "alerts",
    "audit",
    "report",
    "sites",
    "site?id=busan-1",
]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
PHONE, TABLET, DESK = (360, 740), (768, 1024), (1400, 900)
# Each pair of language, colours and width occurs; strong contrast is for sunlight.
READERS = [
    ("ko", "light", PHONE, "no-preference"),
    ("en", "dark", PHONE, "no-preference"),
    ("ko", "dark", TABLET, "no-preference"),
    ("en", "light", TABLET, "no-preference"),
    ("ko", "dark", DESK, "no-preference"),
    ("en", "light", DESK, "no-preference"),
    ("ko", "light", PHONE, "more"),
    ("en", "dark", DESK, "more"),
]
NARROWEST = 320  # CSS pixels: a page of 1280 at 400 %, WCAG 1.4.10
TOUCHED = "a:not(.skip, p a):not(td a), button, summary, input:not([type=hidden]), select"


@pytest.fixture
def admin(browser: Any, server: ReceiverProcess, database_url: str, tmp_path: Path) -> Iterator[Any]:
    """Opens pages as a logged-in admin with settings of his own; two sensors are on the map."""
    make_user(tmp_path / "data", "Kim")
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE SENSOR_TB SET latitude = 37.5, longitude = 127 WHERE sensor = '001'")
        connection.execute("INSERT INTO SITE_TB (site, heard_at) VALUES ('busan-1', %s), ('busan-2', %s)", (NOW, NOW))
        connection.execute("UPDATE SENSOR_TB SET latitude = 37.51, longitude = 127.01 WHERE sensor = '002'")
    contexts = []

    def context(language: str, colours: str, size: tuple[int, int], contrast: str = "no-preference") -> Any:
        made = browser.new_context(
            base_url=f"http://127.0.0.1:{server.port}/",
            locale=language,
            color_scheme=colours,
            contrast=contrast,
            viewport={"width": size[0], "height": size[1]},
        )
        contexts.append(made)
        page = made.new_page()
        page.set_default_timeout(PATIENCE_MS)
        return page

    yield context
    for made in contexts:
        made.close()


def _log_in(page: Any) -> None:
    page.goto("login")
    page.fill("[name=name]", "Kim")
    page.fill("[name=password]", PASSWORD)
    page.click("main form button")
    page.wait_for_selector("#hero")


def _found(page: Any, where: str) -> list[str]:
    """What axe complains about."""
    violations = axe.Axe().run(page, options=RULES).response["violations"]
    return [
        f"{where}: {each['id']}: {each['help']}: {node['html'][:200]}" for each in violations for node in each["nodes"]
    ]


@pytest.mark.parametrize(("language", "colours", "size", "contrast"), READERS)
def test_nobody_is_left_out(admin: Any, language: str, colours: str, size: tuple[int, int], contrast: str) -> None:
    page = admin(language, colours, size, contrast)
    page.goto("login")
    found = _found(page, "login")
    _log_in(page)
    for address in PAGES:
        page.goto(f"./{address}")
        page.wait_for_load_state("load")
        found += _found(page, address or "overview")
    assert not found, "\n".join(found)


def test_a_narrow_page_is_read_without_scrolling_sideways(admin: Any) -> None:
    page = admin("ko", "light", (NARROWEST, 640))
    _log_in(page)
    wide = {}
    for address in PAGES:
        page.goto(f"./{address}")
        wide[address] = page.evaluate("document.documentElement.scrollWidth")
    assert {address: width for address, width in wide.items() if width > NARROWEST} == {}


def test_a_thumb_hits_what_it_means(admin: Any) -> None:
    """Controls of at least 44 px, for a phone in the rain; links within a sentence are not meant."""
    page = admin("ko", "light", PHONE)
    _log_in(page)
    small = []
    for address in PAGES:
        page.goto(f"./{address}")
        for control in page.locator(TOUCHED).all():
            box = control.bounding_box()
            if box and control.is_visible() and box["height"] < 43.5:
                small.append(f"{address}: {box['height']:.0f} px: {control.evaluate('node => node.outerHTML')[:150]}")
    assert not small, "\n".join(small)
