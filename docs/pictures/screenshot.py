"""Renew the README's pictures of the page: ``python docs/pictures/screenshot.py URL OUT.png``.

Needs the development extras, a Chromium (``apt-get install chromium``) and Korean letters (``fonts-nanum``); takes the
page of a running server. Before it, see `picture_recordings.py`.
"""

import argparse
import io
import shutil
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from chromium import ARGUMENTS

# The script runs, and the charts on the screen are drawn: others are drawn when they come on it.
DRAWN = """() => {
    const onScreen = (node) => node.getBoundingClientRect().top < innerHeight;
    const charts = [...document.querySelectorAll(".chart")].filter(onScreen);
    return document.getElementById("clock").textContent && charts.every((node) => node.querySelector("svg > svg"));
}"""
TIMEOUT_MS = 60_000
COLOURS = 256  # of the file: the page has few, so nothing is seen of it, and the file is less than half
PHONE_WIDTH = 680  # CSS pixels; up to here the picture is as sharp as a phone's


def main() -> None:
    """Open the page, wait for its charts, write the picture."""
    options = argparse.ArgumentParser(description="Picture of the operator's page.")
    options.add_argument("url")
    options.add_argument("out", type=Path)
    options.add_argument("--language", default="en", choices=["en", "ko"])
    options.add_argument("--width", type=int, default=1440)
    options.add_argument("--height", type=int, default=0, help="0: the whole page")
    options.add_argument("--dark", action="store_true")
    chosen = options.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        page = browser.new_page(
            viewport={"width": chosen.width, "height": chosen.height or 1000},
            color_scheme="dark" if chosen.dark else "light",
            device_scale_factor=2 if chosen.width <= PHONE_WIDTH else 1,
            locale=chosen.language,
        )
        page.on("console", lambda message: print(f"console {message.type}: {message.text}"))
        page.on("pageerror", lambda error: print(f"error: {error}"))
        page.goto(chosen.url)
        if not chosen.height:
            page.set_viewport_size({"width": chosen.width, "height": page.evaluate("document.body.scrollHeight")})
        page.wait_for_function(DRAWN, timeout=TIMEOUT_MS)
        taken = page.screenshot(full_page=not chosen.height)
        browser.close()
    in_few_colours(Image.open(io.BytesIO(taken)).convert("RGB")).save(chosen.out, optimize=True)


def in_few_colours(picture: Image.Image) -> Image.Image:
    """The picture in its most frequent colours, so that its large areas and its marks keep theirs."""
    pixels = np.asarray(picture, dtype=np.int64).reshape(-1, 3)
    colours, colour_of, times = np.unique(pixels, axis=0, return_inverse=True, return_counts=True)
    kept = colours[np.argsort(-times)[:COLOURS]]
    nearest = ((colours[:, None] - kept) ** 2).sum(axis=2).argmin(axis=1)
    few = Image.frombytes("P", picture.size, nearest[colour_of].astype(np.uint8).tobytes())
    few.putpalette(kept.ravel().tolist())
    return few


if __name__ == "__main__":
    main()
