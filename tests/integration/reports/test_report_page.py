"""The monthly report on the page: chosen by a month, made once at a time, for whoever may read."""

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from access_site import Browser, make_user
from chromium import ARGUMENTS
from receiver_process import Answer, ReceiverProcess
from report_site import MonthSite, read
from waiting import wait_for

from common import processes
from server.access.roles import Role

PDF = "/report.pdf?month=2024-08"


@pytest.fixture
def server(month_site: MonthSite, database_url: str) -> Iterator[ReceiverProcess]:
    site = {"HYDROLOG_SITE__ID": "demo", "HYDROLOG_SITE__TIMEZONE": "Asia/Seoul"}
    process = ReceiverProcess(month_site.data, database_url, **site)
    process.start()
    yield process
    process.kill()


def making(server: ReceiverProcess) -> int:
    """The process that makes a report, as soon as it is there."""
    assert server.process is not None
    children = Path(f"/proc/{server.process.pid}/task")

    def found() -> int:
        pids = [int(pid) for file in children.glob("*/children") for pid in file.read_text().split()]
        return next((pid for pid in pids if " cli report 2024-08 " in processes.command(pid)), 0)

    return int(wait_for(found, "the process that makes the report"))


def test_the_files_are_those_of_the_command(server: ReceiverProcess) -> None:
    pdf = server.get(f"{PDF}&sensor=001&language=ko")
    assert (pdf.status, pdf.headers["Content-Type"]) == (200, "application/pdf")
    assert pdf.headers["Content-Disposition"] == 'attachment; filename="demo-2024-08.pdf"'
    assert pdf.headers["Cache-Control"] == "no-store"
    text = read(pdf.body)
    assert "2024년 8월 누수 월간 보고서" in text and "연산3 소블록" in text and "Riverside" not in text
    xlsx = server.get("/report.xlsx?month=2024-08")
    assert xlsx.status == 200 and xlsx.body.startswith(b"PK")


def test_what_is_no_month_is_said_on_the_page(server: ReceiverProcess) -> None:
    for wrong in ("", "?month=2024-13", "?month=2999-01", "?month=2024-08&sensor=--pdf", "?month=2024-08%0a"):
        answer = server.get(f"/report.pdf{wrong}")
        assert (answer.status, b"Choose a month that has begun." in answer.body) == (422, True), wrong
    unknown = server.get(f"{PDF}&sensor=777")
    assert unknown.status == 503 and b"could not be made" in unknown.body
    assert "777 is not registered" in server.output.read_text()


def test_one_report_is_made_at_a_time(server: ReceiverProcess) -> None:
    answers: list[Answer] = []
    first = threading.Thread(target=lambda: answers.append(server.get(PDF)))
    first.start()
    child = making(server)
    os.kill(child, signal.SIGSTOP)
    second = server.get("/report.xlsx?month=2024-08")
    assert (second.status, second.headers["Retry-After"]) == (503, "15")
    assert b"Another report is being made" in second.body
    assert server.get("/").status == 200
    os.kill(child, signal.SIGCONT)
    first.join()
    assert answers[0].status == 200
    assert server.get("/report.xlsx?month=2024-08").status == 200


def test_a_server_that_stops_leaves_no_report_behind(server: ReceiverProcess) -> None:
    threading.Thread(target=lambda: server.get(PDF), daemon=True).start()
    child = making(server)
    os.kill(child, signal.SIGSTOP)
    assert server.end(signal.SIGTERM) == 0
    assert not processes.alive(child)


def test_with_users_only_they_get_it(server: ReceiverProcess, month_site: MonthSite) -> None:
    make_user(month_site.data, "admin")
    make_user(month_site.data, "kim", Role.VIEWER)
    browser = Browser(server)
    asked = browser.get(PDF)
    assert asked.status != 200 and b"%PDF" not in asked.body
    browser.log_in("kim")
    assert b'href="report"' in browser.get("/").body
    assert browser.get(PDF).status == 200


def test_from_the_overview_to_the_file(server: ReceiverProcess) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="the development extras are not installed")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no Chromium on PATH; apt-get install chromium")
    with playwright.sync_playwright() as engine:
        chromium = engine.chromium.launch(executable_path=program, args=ARGUMENTS)
        page = chromium.new_page(locale="ko-KR")
        page.goto(f"http://127.0.0.1:{server.port}/")
        page.get_by_role("link", name="월간 보고서").click()
        assert page.get_by_label("월", exact=True).input_value() == "2024-08"
        page.get_by_label("센서").select_option("001")
        with page.expect_download() as waiting:
            page.get_by_role("button", name="PDF 내려받기").click()
        assert waiting.value.suggested_filename == "demo-2024-08.pdf"
        assert "누수 월간 보고서" in read(Path(waiting.value.path()).read_bytes())
        chromium.close()
