"""The alerts and a real mail server."""

import email
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.message import Message as Mail
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from alerts_box import FIRST, LEAK, Site, bodies
from http_server import HttpServer
from ports import free_port

from common import sensor_names
from common.settings import Settings
from common.settings_alerts import Person
from incidents.incident import Size


class Mailbox:
    """A handler of aiosmtpd that keeps every mail."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.mails.append(email.message_from_bytes(envelope.content, policy=default))
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    port = free_port()
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


def mail_url(port: int, **more: str) -> str:
    options = "".join(f"&{name}={value}" for name, value in more.items())
    return f"mailto://127.0.0.1:{port}?from=box@example.org&to=operator@example.org{options}"


@pytest.mark.parametrize(
    ("kind", "shown"), [("plain", "flow <b onload=alert(1)> & 'x'"), ("html", "flow &lt;b&nbsp;on")]
)
def test_a_mail_is_plain_and_escaped_where_it_is_html(
    kind: str, shown: str, site: Callable[..., Site], mailbox: tuple[Mailbox, int]
) -> None:
    box, port = mailbox
    here = site(mail_url(port, format=kind.replace("plain", "text")))
    hostile = "flow <b onload=alert(1)> & 'x' \x1b[31m\r\nBcc: all@example.org"
    sensor_names.keep(here.settings.paths.data, {"001": hostile})
    alerts = here.alerts()
    here.leak().signs[0].code = hostile  # what a sentence may hold
    here.store()
    assert alerts.step(here.clock.now())["problem"] == ""
    alerts.close()
    (mail,) = box.mails
    assert "Bcc: all@example.org" in mail["Subject"] and mail["Subject"].endswith("(site-1)")
    assert mail["To"] == "operator@example.org" and mail["Bcc"] is None
    parts = {part.get_content_type(): str(part.get_content()) for part in mail.walk() if not part.is_multipart()}  # type: ignore[attr-defined]
    assert shown.replace("&nbsp;", " ") in parts[f"text/{kind}"].replace("&nbsp;", " ")
    for text in parts.values():
        assert "\x1b" not in text and "\nBcc:" not in text and LEAK in text


def test_growth_and_end_answer_the_first_mail_and_another_incident_does_not(
    site: Callable[..., Site], mailbox: tuple[Mailbox, int]
) -> None:
    box, port = mailbox
    here = site(mail_url(port))
    alerts = here.alerts()
    leak = here.raises(size=Size(FIRST, 4.0, 0.5))
    here.step(alerts)
    leak.size = Size(FIRST + 60, 9.3, 0.5)
    here.raises("fault", sensor="002")
    here.step(alerts, minutes=60)
    here.minute = FIRST + 90
    here.ends(leak)
    here.step(alerts, minutes=30)
    alerts.close()
    assert len(box.mails) == 4
    assert [mail["In-Reply-To"] == f"<{LEAK}.site-1@hydrolog>" for mail in box.mails] == [True, True, False, True]
    assert all(mail["References"] == mail["In-Reply-To"] for mail in box.mails)
    assert len({mail["Message-ID"] for mail in box.mails}) == 4


def test_a_mail_has_a_small_chart_of_the_last_day_if_there_is_one(
    site: Callable[..., Site], server: HttpServer, mailbox: tuple[Mailbox, int]
) -> None:
    box, port = mailbox
    here = site(mail_url(port))
    alerts = here.alerts()
    here.leak()
    here.step(alerts)
    here.rows("00L0", count=119)
    here.minute = FIRST + 110
    here.raises("fault")
    here.step(alerts, minutes=120)
    alerts.close()
    pictures: list[list[bytes]] = [[part.get_content() for part in mail.iter_attachments()] for mail in box.mails]  # type: ignore[attr-defined]
    assert not pictures[0] and len(pictures[1]) == 1  # a single row is no chart
    assert pictures[1][0].startswith(b"\x89PNG") and len(pictures[1][0]) < 5000
    assert not any(body["attachments"] for body in bodies(server))  # a webhook's receiver knows no pictures


def test_each_person_reads_his_language_and_sleeps_at_his_hours(
    settings_for: Callable[..., Settings], mailbox: tuple[Mailbox, int]
) -> None:
    box, port = mailbox
    settings = settings_for(log__groups="alerts")
    url = mail_url(port).replace("operator", "{}")
    people = (
        Person("Kim", (url.format("kim"),), "ko", quiet_hours="12:00-13:00"),  # it is noon in Seoul
        Person("Lee", (url.format("lee"),), "en", kinds=("fault",)),
    )
    here = Site(replace(settings, alerts=replace(settings.alerts, people=people)))
    alerts = here.alerts()
    here.leak()
    here.raises("fault", sensor="002")
    here.step(alerts, minutes=1)
    assert [mail["To"] for mail in box.mails] == ["kim@example.org", "lee@example.org"]
    here.step(alerts, hours=1)
    alerts.close()
    kim = [str(mail.get_body(("plain",)).get_content()) for mail in box.mails if mail["To"] == "kim@example.org"]  # type: ignore[attr-defined]
    assert len(kim) == 2 and "-leak)" in kim[0] and "-fault)" in kim[1]
    assert "조치:" in kim[0]
    assert len(box.mails) == 3


class Choosy(Mailbox):
    """Takes mail for some and refuses others, as a server does with a mistyped name."""

    def __init__(self, refused: str) -> None:
        super().__init__()
        self.refused = refused

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address == self.refused:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"


def test_a_recipient_that_is_refused_does_not_send_the_mail_to_the_others_again(
    settings_for: Callable[..., Settings],
) -> None:
    port = free_port()
    box = Choosy("typo@example.org")
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    to = "a@example.org%2Ctypo@example.org%2Cb@example.org"
    here = Site(
        settings_for(log__groups="alerts", alerts__urls=f"mailto://127.0.0.1:{port}?from=box@example.org&to={to}")
    )
    alerts = here.alerts()
    here.leak()
    for _ in range(3):
        counters = alerts.step(here.clock.now())
        here.clock.pass_(minutes=11)
    alerts.close()
    assert [mail["To"] for mail in box.mails] == ["a@example.org", "b@example.org"]
    assert counters["waiting"] == 1
    assert counters["problem"].startswith("alerts.urls 1 (mailto) recipient 2 does not take messages: ")
    assert "example.org" not in counters["problem"]
    box.refused = ""
    alerts = here.alerts()
    here.clock.pass_(minutes=11)
    assert alerts.step(here.clock.now())["problem"] == ""
    alerts.close()
    controller.stop()
    assert [mail["To"] for mail in box.mails] == ["a@example.org", "b@example.org", "typo@example.org"]
