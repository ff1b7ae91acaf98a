"""The claim: on a phone, verdict within 1.5 s, within 0.7 s the second time, and the first chart within 3 s.

A real Chromium whose network (1.6 Mbit/s, 150 ms) and processor (4 times slower) are those of a phone, a
hydrolog-server of its own on an embedded Postgres, with one sensor and with a thousand. The verdict is read when its
words are painted. An open page moves less than 200 kB an hour: counted over two minutes in which nothing happens.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, sync_playwright
from rich.console import Console
from rich.table import Table

from common import database
from common.folder import POSTGRES_URL_FILE
from postgres import server

NETWORK = {
    "offline": False,
    "latency": 150,  # ms
    "downloadThroughput": 1.6e6 / 8,  # bytes a second
    "uploadThroughput": 1.6e6 / 8,
}
SLOWER = 4
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "locale": "ko", "bypass_csp": True}
SENSORS = (1, 1000)
RUNS = 3
IDLE_S = 120
PATIENCE_MS = 120_000
NOW = datetime.fromisoformat("2024-08-26T10:26:20+09:00")
_FILL = """
INSERT INTO REAL_VAL_TB (site, sensor, time, flow, pressure, samples, log_id, log_offset)
SELECT 'site-1', to_char(sensor, 'FM0000'), %(now)s - make_interval(mins => i),
       20 + i %% 977 / 100.0, 3.5 + i %% 31 / 100.0,
       60, 'bench', i
FROM generate_series(1, %(minutes)s) AS i CROSS JOIN generate_series(1, %(sensors)s) AS sensor
"""
_NAMES = """
INSERT INTO SENSOR_TB (site, sensor, name)
SELECT 'site-1', to_char(sensor, 'FM0000'), 'Mill Lane ' || sensor FROM generate_series(1, %s) AS sensor
"""
# When the verdict's words, the list and a chart's line are there; ms since the page was asked for.
_WATCH = """
window.seen = {};
const look = () => {
  if ("verdict" in window.seen && !("chart" in window.seen)) document.querySelector(".chart")?.scrollIntoView();
  for (const [name, selector] of [["verdict", "#hero-word"], ["list", "tr[data-sensor]"], ["chart", ".chart svg path"]])
    if (!(name in window.seen) && document.querySelector(selector)) window.seen[name] = performance.now();
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""


@contextmanager
def site(folder: Path, sensors: int) -> Iterator[str]:
    """A server with this many sensors, a day of rows each; its address."""
    data = folder / "data"
    with server.running(data, "site-1"):
        url = (data / POSTGRES_URL_FILE).read_text("utf-8").strip()
        with database.connect(url, "bench") as connection:
            connection.autocommit = True
            fill(connection, sensors)
        environ = {
            **os.environ,
            "HYDROLOG_PATHS__DATA": str(data),
            "HYDROLOG_RECEIVER__PORT": "0",
            "HYDROLOG_RECEIVER__TOKEN": "of-the-bench",
            "HYDROLOG_CLOCK": f"1 {time.time()!r} {NOW.timestamp()!r}",
        }
        process = subprocess.Popen([sys.executable, "-P", "-m", "server"], env=environ, stdout=subprocess.PIPE)
        try:
            yield listening(process)
        finally:
            process.terminate()
            process.wait()


def fill(connection: psycopg.Connection[Any], sensors: int) -> None:
    connection.execute(_NAMES, [sensors])
    for day in (0, 1):
        connection.execute("SELECT real_val_partition(%s)", [NOW - timedelta(days=day)])
    minute = NOW.replace(second=0)
    connection.execute(_FILL, {"now": minute, "minutes": 1440, "sensors": sensors})
    connection.execute("ANALYZE REAL_VAL_TB")


def listening(process: "subprocess.Popen[bytes]") -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(rb"listening url=(http://\S+)", line):
            return found[1].decode()
    raise SystemExit("the server did not start")


def phone(context: BrowserContext) -> tuple[Page, CDPSession]:
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", NETWORK)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.add_init_script(_WATCH)
    return page, session


def visit(context: BrowserContext, address: str, last: str) -> dict[str, float]:
    """Seconds until what a reader waits for is there. `last`: what is waited for."""
    page, _ = phone(context)
    page.goto(address)
    page.wait_for_function(f"{json.dumps(last)} in window.seen")
    seen: dict[str, float] = page.evaluate("window.seen")
    page.close()
    return {name: ms / 1000 for name, ms in seen.items()}


def idle_bytes(context: BrowserContext, address: str) -> float:
    """What an open page is sent in an hour in which nothing happens."""
    page, session = phone(context)
    page.goto(address)
    page.wait_for_function('"verdict" in window.seen')
    page.wait_for_timeout(10_000)  # what belongs to the opening has come
    received: list[int] = []
    session.on("Network.dataReceived", lambda event: received.append(event["encodedDataLength"]))
    page.wait_for_timeout(IDLE_S * 1000)
    page.close()
    return sum(received) * 3600 / IDLE_S


def measure(browser: Browser, address: str, sensors: int) -> dict[str, float]:
    last = "chart" if sensors == 1 else "list"
    colds, warms = [], []
    for _ in range(RUNS):
        context = browser.new_context(**PHONE)
        colds.append(visit(context, address, last))
        warms.append(visit(context, address, last))
        context.close()
    context = browser.new_context(**PHONE)
    found = {f"{name}, cold": statistics.median(run[name] for run in colds) for name in colds[0]}
    found |= {f"{name}, again": statistics.median(run[name] for run in warms) for name in warms[0]}
    found["kB an hour"] = idle_bytes(context, address) / 1000
    context.close()
    return found


def main() -> None:
    program = shutil.which("chromium")
    if program is None:
        raise SystemExit("no Chromium on PATH; apt-get install chromium")
    table = Table(
        "", *(f"{sensors} sensors" for sensors in SENSORS), title="The page on a phone, s", title_justify="left"
    )
    figures = []
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        for sensors in SENSORS:
            with (
                tempfile.TemporaryDirectory(prefix="hydrolog-bench-", ignore_cleanup_errors=True) as folder,
                site(Path(folder), sensors) as address,
            ):
                figures.append(measure(browser, address, sensors))
        browser.close()
    for name in figures[0]:
        table.add_row(name, *(f"{found[name]:.2f}" if name in found else "" for found in figures))
    Console().print(table)


if __name__ == "__main__":
    main()
