"""Renew the README's picture of the operator's page: ``python docs/pictures/screenshot.py URL OUT.png``.

Needs the development extras and a Chromium (``apt-get install chromium``); takes the page of a running server.
"""

import argparse
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from chromium import ARGUMENTS

DRAWN = "() => document.querySelectorAll('.chart > svg > svg').length >= 3"
ALL_DRAWN = """() => {
    const onScreen = (node) => node.getBoundingClientRect().top < innerHeight;
    return [...document.querySelectorAll('.chart')].filter(onScreen).every((node) => node.querySelector('svg > svg'));
}"""
TIMEOUT_MS = 60_000


def main() -> None:
    """Open the page, wait for its charts, write the picture."""
    options = argparse.ArgumentParser(description="Picture of the operator's page.")
    options.add_argument("url")
    options.add_argument("out", type=Path)
    options.add_argument("--width", type=int, default=1440)
    options.add_argument("--height", type=int, default=0, help="0: the whole page")
    options.add_argument("--dark", action="store_true")
    chosen = options.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        page = browser.new_page(
            viewport={"width": chosen.width, "height": chosen.height or 1000},
            color_scheme="dark" if chosen.dark else "light",
            device_scale_factor=1.5 if chosen.width < 700 else 1,
        )
        page.on("console", lambda message: print(f"console {message.type}: {message.text}"))
        page.on("pageerror", lambda error: print(f"error: {error}"))
        page.goto(chosen.url)
        page.wait_for_function(DRAWN, timeout=TIMEOUT_MS)
        if not chosen.height:  # cards are drawn when they come on the screen: show all of them
            page.set_viewport_size({"width": chosen.width, "height": page.evaluate("document.body.scrollHeight")})
        page.wait_for_function(ALL_DRAWN, timeout=TIMEOUT_MS)
        page.screenshot(path=chosen.out)
        browser.close()


if __name__ == "__main__":
    main()
