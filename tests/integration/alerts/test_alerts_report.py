"""The monthly report comes by mail on its day, once, whatever is killed meanwhile."""

import email
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import psycopg
import pytest
import report_site
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from alerts_box import Site, webhook
from http_server import HttpServer
from ports import free_port
from report_site import MonthSite, read
from waiting import wait_for

from common.clock import minute_of
from common.folder import REPORTS_SENT_FOLDER
from common.settings import Settings, load
from common.settings_alerts import Person
from consumer.alerts.reports import is_due
from consumer.alerts.worker import Alerts
from log import mark
from log.mark import Mark

EIGHT = datetime.fromisoformat("2024-09-01T08:00:00+09:00")


class Postman:
    """A handler of aiosmtpd that keeps every mail; while it is `held`, it says nothing to what it has got."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.got = threading.Event()
        self.released = threading.Event()
        self.released.set()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        import asyncio

        assert isinstance(envelope.content, bytes)
        self.got.set()
        await asyncio.to_thread(self.released.wait)
        message = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        return "250 OK"

    def files(self) -> list[dict[str | None, bytes]]:
        """The files of each mail."""
        return [
            {part.get_filename(): part.get_payload(decode=True) for part in mail.iter_attachments()}  # type: ignore[misc]
            for mail in self.mails
        ]


@pytest.fixture
def postman() -> Iterator[tuple[Postman, str]]:
    port, handler = free_port(), Postman()
    controller = Controller(handler, hostname="127.0.0.1", port=port, data_size_limit=None)
    controller.start()
    yield handler, f"mailto://127.0.0.1:{port}?from=box@example.org&to=kim@example.org"
    controller.stop()


@pytest.fixture
def month_site(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MonthSite:
    with psycopg.connect(database_url, autocommit=True) as connection:
        report_site.fill(connection)
    site = MonthSite(tmp_path, database_url)
    monkeypatch.setenv("HYDROLOG_CLOCK", site.clock())
    monkeypatch.setenv("HYDROLOG_CONFIG", str(site.config))
    return site


@pytest.fixture
def box(month_site: MonthSite, database_url: str) -> Callable[..., Site]:
    """A box whose people want the report on the first."""

    def make(*urls: str, more: str = "") -> Site:
        people = "".join(
            f'[[alerts.people]]\naddresses = ["{url}"]\nreport = 1\nlanguage = "ko"\nkinds = ["trouble"]\n{more}'
            for url in urls
        )
        month_site.write_settings(database_url, f'[log]\ngroups = ["alerts"]\n{people}')
        site = Site(load(month_site.config, os.environ))
        site.clock.time = EIGHT
        return site

    return make


def sends(site: Site, alerts: Alerts, until: Callable[[], Any]) -> None:
    """Step until it is so."""

    def stepped() -> bool:
        site.step(alerts, seconds=1)
        return bool(until())

    wait_for(stepped, "the report")


def test_it_comes_on_its_day_in_the_readers_language_once(
    box: Callable[..., Site], postman: tuple[Postman, str]
) -> None:
    handler, url = postman
    site = box(url)
    site.clock.time = EIGHT - timedelta(minutes=5)
    alerts = site.alerts()
    site.step(alerts)
    assert not (site.settings.paths.data / REPORTS_SENT_FOLDER).exists()
    site.clock.time = EIGHT
    sends(site, alerts, lambda: handler.mails)
    sends(site, alerts, lambda: site.step(alerts)["reports_sent"] == 1)
    alerts.close()
    again = site.alerts()
    site.step(again, days=20)
    again.close()
    (mail,), (files,) = handler.mails, handler.files()
    assert mail["Subject"] == "2024년 8월 누수 월간 보고서 (demo)" and mail["To"] == "kim@example.org"
    assert set(files) == {"demo-2024-08.pdf", "demo-2024-08.xlsx"}
    assert "2024년 8월 누수 월간 보고서" in read(files["demo-2024-08.pdf"])
    assert files["demo-2024-08.xlsx"].startswith(b"PK")


def test_a_service_without_files_is_told_where_it_is(box: Callable[..., Site], server: HttpServer) -> None:
    site = box(webhook(server))
    site.settings = replace(site.settings, alerts=replace(site.settings.alerts, page_url="https://water.example/"))
    alerts = site.alerts()
    sends(site, alerts, lambda: server.requests)
    alerts.close()
    assert "https://water.example/report?month=2024-08" in server.requests[0].body.decode("unicode-escape")


def test_a_wrong_clock_sends_no_report_of_another_month(box: Callable[..., Site], server: HttpServer) -> None:
    site = box(webhook(server))
    data, alerts = site.settings.paths.data, site.alerts()

    def step(now: datetime, closed: datetime) -> None:
        mark.store(data, Mark(minute_of(closed), 0, "log"))
        site.clock.time = now
        site.step(alerts, seconds=1)

    step(EIGHT, EIGHT)
    sends(site, alerts, lambda: site.step(alerts)["reports_sent"] == 1)
    for wrong in (EIGHT.replace(year=2038), EIGHT.replace(year=1980), EIGHT.replace(month=8)):
        step(wrong, EIGHT)
    step(EIGHT.replace(day=2), EIGHT)
    step(EIGHT.replace(month=10), EIGHT.replace(month=10))
    sends(site, alerts, lambda: site.step(alerts)["reports_sent"] == 2)
    alerts.close()
    assert [request.body.decode("unicode-escape").count("2024년") for request in server.requests] == [1, 1]


def test_what_fails_is_said_and_tried_again(
    box: Callable[..., Site], postman: tuple[Postman, str], month_site: MonthSite, database_url: str
) -> None:
    handler, url = postman
    site = box(url)
    alerts = site.alerts()
    month_site.write_settings(
        "postgresql://nobody@127.0.0.1:9/none", month_site.config.read_text().partition('KRW"\n')[2]
    )
    sends(site, alerts, lambda: "monthly report: " in site.step(alerts)["problem"])
    assert not handler.mails
    month_site.write_settings(database_url, month_site.config.read_text().partition('KRW"\n')[2])
    site.clock.pass_(hours=1)
    sends(site, alerts, lambda: handler.mails)
    sends(site, alerts, lambda: not site.step(alerts)["problem"])
    alerts.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_an_end_while_it_is_accepted_does_not_send_it_twice(
    number: signal.Signals, box: Callable[..., Site], postman: tuple[Postman, str], tmp_path: Path
) -> None:
    handler, url = postman
    site = box(url)
    handler.released.clear()
    command = [sys.executable, "-P", "-m", "consumer", "--group", "alerts"]
    first = subprocess.Popen(command)
    assert handler.got.wait(180)
    first.send_signal(number)
    first.wait()
    handler.got.clear()
    output = tmp_path / "second.txt"
    with output.open("wb") as file:
        second = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
    try:
        wait_for(lambda: b"a report is still being sent" in output.read_bytes(), "the second to find the lock")
        assert not handler.got.is_set()
        handler.released.set()
        sent = site.settings.paths.data / REPORTS_SENT_FOLDER
        wait_for(lambda: any(path.name.endswith("2024-08") for path in sent.iterdir()), "the receipt")
    finally:
        second.terminate()
        second.wait()
    third = site.alerts()
    site.step(third, days=1)
    third.close()
    assert len(handler.mails) == 1


@pytest.mark.parametrize(
    ("person", "local", "due"),
    [
        (Person(report=0), "2024-09-30T23:59", False),
        (Person(report=5), "2024-09-05T07:59", False),
        (Person(report=5), "2024-09-05T08:00", True),
        (Person(report=5), "2024-09-06T00:00", True),
        (Person(report=5, quiet_hours="22:00-10:00"), "2024-09-05T09:00", False),
    ],
)
def test_when_it_is_due(person: Person, local: str, due: bool) -> None:
    assert is_due(person, datetime.fromisoformat(local)) is due


def test_a_day_that_not_every_month_has_is_refused(settings_for: Callable[..., Settings], tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text('[[alerts.people]]\naddresses = ["json://host"]\nreport = 31\n')
    with pytest.raises(Exception, match=r"alerts\.people\[1\]\.report"):
        load(path, {})
