"""What people change on the page, in a real browser: without a script, by the keyboard, and as axe judges refusals."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from access_site import PASSWORD, make_user
from page_site import PATIENCE_MS
from receiver_process import ReceiverProcess

from outliers import calendar

PHONE = {"width": 360, "height": 740}


@pytest.fixture
def open_page(browser: Any, server: ReceiverProcess, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens the page as an admin."""
    make_user(tmp_path / "data", "Kim")
    contexts = []

    def opened(**options: Any) -> Any:
        context = browser.new_context(base_url=f"http://127.0.0.1:{server.port}/", viewport=PHONE, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto("login?next=calendar")
        page.fill("[name=name]", "Kim")
        page.fill("[name=password]", PASSWORD)
        page.locator("[name=password]").press("Enter")
        page.wait_for_selector("#plan")
        return page

    yield opened
    for context in contexts:
        context.close()


def test_a_day_of_an_admin_without_any_script(open_page: Callable[..., Any], tmp_path: Path) -> None:
    page = open_page(java_script_enabled=False, locale="en", timezone_id="America/New_York")
    # Work is planned, refused first, and ended.
    page.select_option("#plan [name=sensor]", "001")
    page.fill("#plan [name=end]", "2024-08-26T09:00")
    page.fill("#plan [name=note]", "Mill <b>Lane</b>")
    assert page.input_value("#plan [name=first]") == "2024-08-26T10:26"  # the site's clock, not the browser's
    page.locator("#plan button").press("Enter")
    assert page.locator("#wrong-end").inner_text() == "The end is not after the beginning."
    assert page.input_value("#plan [name=note]") == "Mill <b>Lane</b>"
    assert page.input_value("#plan [name=sensor]") == "001"
    assert page.locator("[name=end]").evaluate("node => node === document.activeElement")
    page.fill("#plan [name=first]", "2024-08-26T10:00")
    page.fill("#plan [name=end]", "2024-08-26T11:00")
    page.locator("#plan button").press("Enter")
    page.wait_for_selector("#said")
    entry = page.locator("#works li", has_text="Mill <b>Lane</b>")
    assert "now" in entry.inner_text()
    entry.get_by_role("button", name="End it now").press("Enter")
    assert "over" in page.locator("#works li", has_text="Mill <b>Lane</b>").inner_text()
    page.locator("#works li", has_text="Mill <b>Lane</b>").locator("summary").press("Enter")
    page.locator("#works li", has_text="Mill <b>Lane</b>").get_by_role("button", name="Remove").press("Enter")
    page.wait_for_selector("#said")
    assert "Lane" not in (tmp_path / "data" / "criteria" / calendar.PLANNED).read_text()
    # An unknown sensor is registered, and gets its values.
    page.locator(".menu").get_by_text("Sensors").click()
    page.get_by_label("Name: X-77").fill("South gate")
    page.get_by_label("Register: X-77").press("Enter")
    page.wait_for_selector("#values")
    page.fill("[name=flow_max]", "many")
    page.fill("[name=night_users]", "2400")
    page.locator("#values button").press("Enter")
    assert page.locator("#wrong-flow_max").inner_text() == "This is not a number."
    assert page.input_value("[name=night_users]") == "2400"
    page.fill("[name=flow_max]", "120")
    page.locator("#values button").press("Enter")
    assert page.locator("#said").inner_text() == "It is stored."
    page.get_by_text("Remove the sensor").press("Enter")
    page.get_by_role("button", name="Remove: X-77").press("Enter")
    page.wait_for_selector("#unregistered")
    # A colleague gets a login.
    page.locator(".menu").get_by_text("Users").click()
    page.fill("form.fields [name=name]", "Park")
    page.select_option("form.fields [name=role]", "operator")
    page.fill("form.fields [name=password]", PASSWORD)
    page.locator("form.fields button").press("Enter")
    page.wait_for_selector("#said")
    assert page.locator(".people h2").all_inner_texts() == ["Kim", "Park"]


def test_what_is_wrong_and_what_is_done_is_for_everybody(open_page: Callable[..., Any]) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="the development extras are not installed"
    )
    page = open_page(locale="ko", color_scheme="dark")

    def judged() -> None:
        found = axe.Axe().run(page).response["violations"]
        assert not found, [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    page.fill("#plan [name=end]", "2024-08-26T09:00")
    page.click("#plan button")
    page.wait_for_selector("#wrong-end")
    judged()
    page.goto("calendar?done=plan")
    judged()
    page.goto("sensor_values?id=001")
    page.fill("[name=n1]", "9")
    page.click("#values button")
    page.wait_for_selector("#wrong-n1")
    judged()
    page.goto("users")
    page.fill("form.fields [name=name]", "kim")
    page.fill("form.fields [name=password]", PASSWORD)
    page.click("form.fields button")
    page.wait_for_selector("#wrong-name")
    judged()
