"""The alerts on a real log, with a real webhook and a real mail server."""

import email
import json
import logging
import socket
from collections.abc import Callable, Iterator
from email.message import Message as Mail
from email.policy import default
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from alerts_box import FIRST, Site, bodies, told, twice, webhook
from http_server import HttpServer, answer, drop, hang, in_turn, send

from common import health, mark
from common.cli import alerts as command
from common.errors import LogError, SettingsError
from common.mark import Mark
from common.settings import Settings, load
from consumer.alerts import state as alerts_state
from consumer.alerts.addresses import recipients

LEAK = "001/flow/LEAK/20240826T0300Z"


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with HttpServer(answer(200)) as made:
        yield made


@pytest.fixture
def site(settings_for: Callable[..., Settings], server: HttpServer) -> Callable[..., Site]:
    def make(*more: str, **keys: str) -> Site:
        urls = ",".join([webhook(server), *more])
        return Site(settings_for(**({"log__groups": "alerts", "alerts__urls": urls} | keys)))

    return make


def test_a_leak_is_told_once_and_its_end_once(site: Callable[..., Site], server: HttpServer) -> None:
    here = site()
    alerts = here.alerts()
    here.rows()
    assert alerts.step(here.clock.now())["messages_sent"] == 0
    here.minute = FIRST
    here.leak()
    counters = alerts.step(here.clock.now())
    assert (counters["events_up"], counters["lag"], counters["problem"]) == (1, 0, "")
    (body,) = bodies(server)
    assert body["title"] == "hydrolog site-1: LEAK at sensor 001 (flow)"
    assert body["type"] == "failure"
    assert "LEAK at sensor 001 (flow) since 2024-08-26 12:00: flow is 2.1 m3/h over forecast" in body["message"]
    here.rows("00L0", count=30)
    alerts.step(here.clock.now())
    here.leak_over()
    alerts.step(here.clock.now())
    assert told(server) == [f"+{LEAK}", f"-{LEAK}"]
    alerts.close()


def test_all_events_of_one_step_are_one_message(site: Callable[..., Site], server: HttpServer) -> None:
    here = site()
    here.finds("raise", "fault", "SYS-STUCK", "stuck")
    here.leak()
    alerts = here.alerts()
    alerts.step(here.clock.now())
    alerts.close()
    (body,) = bodies(server)
    assert body["title"] == "hydrolog site-1: 1 LEAK, 1 FAULT"


def test_after_an_outage_of_the_messenger_everything_is_told_and_nothing_twice(
    site: Callable[..., Site], server: HttpServer
) -> None:
    server.behave = in_turn(answer(503), drop, answer(200))
    here = site()
    alerts = here.alerts()
    here.finds("raise", "fault", "SYS-STUCK", "stuck")
    here.rows("S000")
    counters = alerts.step(here.clock.now())
    assert counters["lag"] == 0  # the rows do not wait for the messenger
    assert "alerts.urls 1 (json) does not take messages" in counters["problem"]
    alerts.step(here.clock.now())
    assert len(server.requests) == 1  # not again at once
    here.finds("clear", "fault", "SYS-STUCK", "good again")
    here.leak()
    here.clock.pass_(minutes=11)
    alerts.step(here.clock.now())
    alerts.close()
    alerts = here.alerts()  # it is kept on disk
    here.clock.pass_(minutes=11)
    counters = alerts.step(here.clock.now())
    alerts.close()
    assert counters["problem"] == "" and counters["waiting"] == 0
    *_, last = bodies(server)
    assert "was up from 2024-08-26 12:00 to 2024-08-26 12:01: stuck; good again" in last["message"]
    assert "LEAK at sensor 001" in last["message"]
    assert len(server.requests) == 3


def test_one_messenger_that_is_away_holds_back_no_other(site: Callable[..., Site], server: HttpServer) -> None:
    with HttpServer(answer(500)) as broken:
        here = site(webhook(broken, "other"))
        alerts = here.alerts()
        here.leak()
        alerts.step(here.clock.now())
        assert told(server) == [f"+{LEAK}"]
        broken.behave = answer(200)
        here.clock.pass_(minutes=11)
        alerts.step(here.clock.now())
        alerts.close()
        assert told(server) == [f"+{LEAK}"]
        assert told(broken) == [f"+{LEAK}", f"+{LEAK}"]  # once refused, once taken


def test_an_address_that_is_added_hears_of_what_is_up_and_the_others_hear_nothing_again(
    site: Callable[..., Site], server: HttpServer
) -> None:
    here = site()
    alerts = here.alerts()
    here.leak()
    alerts.step(here.clock.now())
    here.finds("raise", "fault", "SYS-STUCK", "stuck")
    here.rows("S0L0")
    here.finds("clear", "fault", "SYS-STUCK", "good again")
    here.rows("00L0")
    alerts.step(here.clock.now())
    alerts.close()
    before = len(server.requests)
    with HttpServer(answer(503)) as added:
        more = {"alerts__urls": ",".join([webhook(added, "added"), webhook(server)])}
        here.settings = site(**more).settings
        for _ in range(2):  # it is away at first, and the process is started again meanwhile
            alerts = here.alerts()
            alerts.step(here.clock.now())
            alerts.close()
        added.requests.clear()
        added.behave = answer(200)
        alerts = here.alerts()
        here.clock.pass_(minutes=11)
        alerts.step(here.clock.now())
        assert told(added) == [f"+{LEAK}"]
        assert len(server.requests) == before
        here.leak_over()
        alerts.step(here.clock.now())
        alerts.close()
        assert told(added) == [f"+{LEAK}", f"-{LEAK}"]
        assert told(server)[-1] == f"-{LEAK}"


def test_a_redirect_is_not_a_delivery(site: Callable[..., Site], server: HttpServer) -> None:
    server.behave = lambda one, _, connection: send(connection, 302, Location=f"http://127.0.0.1:{one.port}/")
    here = site()
    alerts = here.alerts()
    here.leak()
    counters = alerts.step(here.clock.now())
    alerts.close()
    assert counters["waiting"] == 1


def test_a_messenger_that_hangs_is_given_up(
    site: Callable[..., Site], server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = site()
    alerts = here.alerts()
    server.behave = hang
    monkeypatch.setattr(alerts._desk._messengers, "_deadline_s", 2.0)
    here.leak()
    assert "no answer in 2 s" in alerts.step(here.clock.now())["problem"]
    alerts.close()


def test_faults_are_limited_to_so_many_messages_an_hour_then_one_summary(
    site: Callable[..., Site], server: HttpServer
) -> None:
    here = site(alerts__messages_per_hour="2")
    alerts = here.alerts()
    for _ in range(5):
        for state, flags in (("raise", "S000"), ("clear", "0000")):
            here.finds(state, "fault", "SYS-STUCK", "stuck")
            here.rows(flags)
            here.clock.pass_(minutes=1)
            alerts.step(here.clock.now())
    assert len(server.requests) == 2
    here.leak()
    alerts.step(here.clock.now())
    assert len(server.requests) == 3  # a leak has an allowance of its own, and takes with it what waits
    assert "A summary of what came since" in bodies(server)[-1]["message"]
    here.leak_over()
    alerts.step(here.clock.now())
    assert len(server.requests) == 3
    here.clock.pass_(hours=1)
    alerts.step(here.clock.now())
    alerts.close()
    assert len(server.requests) == 4
    assert len(told(server)) == 2 + 4 + 1 + 1  # the first fault twice (up, over), four that were up, the leak, its end
    assert not twice(told(server))


def test_a_watch_is_told_in_the_digest_only(site: Callable[..., Site], server: HttpServer) -> None:
    here = site(alerts__digest="13:00")  # of Seoul: 04:00 UTC
    alerts = here.alerts()
    alerts.step(here.clock.now())
    here.finds("raise", "watch", "PRE-STEP", "a step")
    here.rows("00W0", "00P")
    alerts.step(here.clock.now())
    assert not server.requests
    alerts.close()
    alerts = here.alerts()
    here.clock.pass_(hours=1)
    alerts.step(here.clock.now())
    alerts.step(here.clock.now())
    alerts.close()
    assert [body["title"] for body in bodies(server)] == ["hydrolog site-1: WATCH at sensor 001 (flow)"]


def test_a_lost_commit_or_a_lost_reset_tells_nothing_again(site: Callable[..., Site], server: HttpServer) -> None:
    here = site(log__groups="alerts,archive")
    alerts = here.alerts()
    here.leak()
    here.leak_over()
    here.rows(count=5)
    alerts.step(here.clock.now())
    alerts.close()
    (here.settings.paths.data / "groups" / "alerts").unlink()
    alerts = here.alerts()
    here.rows()
    assert alerts.step(here.clock.now())["lag"] == 0
    alerts.close()
    assert len(server.requests) == 1


def test_a_state_that_cannot_be_written_holds_the_commit_and_tells_nothing_twice(
    site: Callable[..., Site], server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = site()
    alerts = here.alerts()
    here.leak()

    def full(_data: Path, _state: alerts_state.State) -> None:
        raise LogError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(alerts_state, "store", full)
        for _ in range(3):
            with pytest.raises(LogError):
                alerts.step(here.clock.now())
    assert alerts.step(here.clock.now())["lag"] == 0
    alerts.close()
    assert told(server) == [f"+{LEAK}"]


def test_the_box_tells_of_its_own_trouble(site: Callable[..., Site], server: HttpServer) -> None:
    here = site()
    data = here.settings.paths.data
    mark.store(data, Mark(FIRST, 0, "log", {"001": FIRST}))
    alerts = here.alerts()
    alerts.step(here.clock.now())
    refused = health.Health(data, "consumer-server", here.clock.now())
    refused.problem(here.clock.now(), 0.0, "refused", last_status=401, waiting_since=here.clock.now().isoformat())
    here.clock.pass_(minutes=16)
    alerts.step(here.clock.now())
    (body,) = bodies(server)
    assert "FAULT of the box (line) since 2024-08-26 12:00: no row from any sensor" in body["message"]
    assert "the server refuses the token (401)" in body["message"]
    mark.store(data, Mark(FIRST + 17, 0, "log", {"001": FIRST + 17}))
    for _ in range(7):
        here.clock.pass_(minutes=1)
        alerts.step(here.clock.now())
    alerts.close()
    assert told(server)[2:] == ["-box/line/BOX-LINE/20240826T0316Z"]


def test_planned_work_is_told_to_nobody_and_what_outlasts_it_is(site: Callable[..., Site], server: HttpServer) -> None:
    here = site(alerts__digest="00:00")
    data = here.settings.paths.data
    (data / "criteria").mkdir()
    (data / "criteria" / "planned.txt").write_text("001 2024-08-26 11:00 2024-08-26 13:00 repair\n")  # from 02:00 UTC
    mark.store(data, Mark(FIRST, 0, "log", {"001": FIRST, "002": FIRST}))
    alerts = here.alerts()
    here.finds("raise", "planned", reason="planned work (repair), no alarm: flow is up")
    here.rows("00l0", count=20)
    here.clock.pass_(minutes=40)
    mark.store(data, Mark(FIRST + 40, 0, "log", {"001": FIRST + 10, "002": FIRST + 40}))  # the meter is taken out
    alerts.step(here.clock.now())
    assert not server.requests
    here.finds("clear", "planned")
    here.finds("raise", reason="flow is up; it has outlasted the planned work")
    here.rows("00L0")
    alerts.step(here.clock.now())
    assert [body["title"] for body in bodies(server)] == ["hydrolog site-1: LEAK at sensor 001 (flow)"]
    here.clock.pass_(hours=2)
    mark.store(data, Mark(FIRST + 160, 0, "log", {"001": FIRST + 10, "002": FIRST + 160}))
    alerts.step(here.clock.now())
    alerts.close()
    assert "no row of this sensor" in bodies(server)[-1]["message"]


@pytest.mark.parametrize("content", [b"[]", b"7", b"{", b"\xff", b'{"counters": [], "last_success": 7}'])
def test_a_damaged_health_file_costs_no_alarm(content: bytes, site: Callable[..., Site], server: HttpServer) -> None:
    here = site()
    (here.settings.paths.data / "health").mkdir()
    for role in ("consumer-server", "producer"):
        (here.settings.paths.data / "health" / f"{role}.json").write_bytes(content)
    alerts = here.alerts()
    here.leak()
    alerts.step(here.clock.now())
    alerts.close()
    assert told(server) == [f"+{LEAK}"]


# --- settings and secrets


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"log__groups": "archive"}, "log.groups: "),
        ({"alerts__urls": ""}, "alerts.urls: is empty"),
        ({"alerts__urls": "nonsense-s3cret"}, "alerts.urls: number 1 (unknown)"),
        ({"alerts__urls": "json://127.0.0.1/x,slack://s3cret"}, "alerts.urls: number 2 (slack)"),
        ({"alerts__urls": "mailto://jo:s3cret@127.0.0.1?from=s3cret"}, "alerts.urls: number 1 (mailto)"),
    ],
)
def test_wrong_settings_are_one_line_without_secrets(
    keys: dict[str, str], said: str, settings_for: Callable[..., Settings]
) -> None:
    here = Site(settings_for(**({"log__groups": "alerts", "alerts__urls": "json://127.0.0.1"} | keys)))
    with pytest.raises(SettingsError) as wrong:
        here.alerts()
    assert str(wrong.value).startswith(said)
    assert "s3cret" not in str(wrong.value) and "\n" not in str(wrong.value)


def test_addresses_of_a_wrong_type_are_not_shown(tmp_path: Path) -> None:
    config = tmp_path / "hydrolog.toml"
    config.write_text('[alerts]\nurls = "mailto://jo:s3cret@host"\n')
    with pytest.raises(SettingsError, match=r"alerts\.urls: must be a list of texts") as wrong:
        load(config, {})
    assert "s3cret" not in str(wrong.value)


def test_a_missing_library_says_how_to_get_it(
    settings_for: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shadow").mkdir()
    (tmp_path / "shadow" / "apprise.py").write_text("raise ModuleNotFoundError('no', name='apprise')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "shadow"))
    here = Site(settings_for(log__groups="alerts", alerts__urls="json://127.0.0.1"))
    with pytest.raises(SettingsError, match=r"hydrolog\[alerts\]"):
        here.alerts()


def test_no_secret_in_the_log_and_the_problem(
    settings_for: Callable[..., Settings], caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    urls = f"mailto://jo:s3cret@127.0.0.1:{port}?from=a@example.org&to=b@example.org,json://127.0.0.1:{port}/s3cret"
    here = Site(settings_for(log__groups="alerts", alerts__urls=urls))
    alerts = here.alerts()
    here.leak()
    with caplog.at_level(logging.DEBUG):
        counters = alerts.step(here.clock.now())
    alerts.close()
    assert "(mailto)" in counters["problem"] and "(json)" in counters["problem"]
    written = caplog.text + json.dumps(counters) + (here.settings.paths.data / alerts_state.FILE_NAME).read_text()
    assert "not_told" in caplog.text
    assert "s3cret" not in written and "b@example.org" not in written


# --- mail


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
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


@pytest.mark.parametrize(
    ("kind", "shown"), [("plain", "flow <b onload=alert(1)> & 'x'"), ("html", "flow &lt;b&nbsp;on")]
)
def test_a_mail_is_plain_and_escaped_where_it_is_html(
    kind: str, shown: str, site: Callable[..., Site], mailbox: tuple[Mailbox, int]
) -> None:
    box, port = mailbox
    here = site(
        f"mailto://127.0.0.1:{port}?from=box@example.org&to=operator@example.org&format={kind.replace('plain', 'text')}"
    )
    alerts = here.alerts()
    here.leak("flow <b onload=alert(1)> & 'x' \x1b[31m\r\nBcc: all@example.org")
    assert alerts.step(here.clock.now())["problem"] == ""
    alerts.close()
    (mail,) = box.mails
    assert mail["Subject"] == "hydrolog site-1: LEAK at sensor 001 (flow)"
    assert mail["To"] == "operator@example.org" and mail["Bcc"] is None
    parts = {part.get_content_type(): str(part.get_content()) for part in mail.walk() if not part.is_multipart()}  # type: ignore[attr-defined]
    assert shown.replace("&nbsp;", " ") in parts[f"text/{kind}"].replace("&nbsp;", " ")
    for text in parts.values():
        assert "\x1b" not in text and "\nBcc:" not in text and LEAK in text


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
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
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


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("json://host/a@x.org/b@x.org", 1),
        ("mailto://host?from=a@x.org", 1),
        ("mailto://host?from=a@x.org&to=b@x.org", 1),
        ("mailtos://u:p%2Fw@host:465/b@x.org/c@x.org?from=a@x.org&cc=d@x.org&+X-Key=v%26w", 2),
        ("mailto://u:p@host?TO=b+1@x.org,%20c@x.org;b+1@x.org&format=text", 2),
        ("mailto://[::1?to=a,b", 2),
        ("nonsense", 1),
    ],
)
def test_addresses_of_mail_are_taken_apart_by_recipient(url: str, parts: int) -> None:
    found = recipients([url])
    assert len(found) == parts
    if parts == 1:
        assert found[0][:3] == (url, 1, 0)
    else:
        assert [address.part for address in found] == [1, 2]
        assert all(address.url.count("to=") == 1 for address in found)


def test_a_recipient_is_the_same_whoever_else_an_address_names() -> None:
    alone = recipients(["mailto://u:p@host?to=a+1@x.org&from=box@x.org"])
    among = recipients(["mailto://u:p@host/b@x.org?to=a%2B1@x.org&from=box@x.org&cc=c@x.org"])
    assert [address.owner for address in alone] == [among[1].owner]
    assert among[0].owner != among[1].owner
    assert "cc=" in among[0].url and "cc=" not in among[0].owner  # a copy is no recipient of its own


def test_parts_of_an_address_keep_its_secrets_and_options() -> None:
    url = "mailtos://u:p%2Fw@host:465/b@x.org/c+1@x.org?from=a@x.org&cc=d@x.org&+X-Key=v%26w"
    assert [address.url for address in recipients([url])] == [
        "mailtos://u:p%2Fw@host:465?from=a@x.org&cc=d@x.org&+X-Key=v%26w&to=b@x.org",
        "mailtos://u:p%2Fw@host:465?from=a@x.org&+X-Key=v%26w&to=c%2B1@x.org",
    ]


def test_two_addresses_never_share_a_name_and_the_same_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    class Same:
        def hexdigest(self) -> str:
            return "abcd" * 16

    monkeypatch.setattr(alerts_state.hashlib, "sha256", lambda _: Same())
    assert alerts_state.names(["json://a", "json://b", "json://a", "json://c"]) == [
        "json-abcd",
        "json-abcd-2",
        "json-abcd",
        "json-abcd-3",
    ]


# --- the command


def test_the_test_command_says_ok_or_what_is_wrong(
    server: HttpServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "hydrolog.toml"
    config.write_text(f'[alerts]\nurls = ["{webhook(server)}", "{webhook(server, "s3cret")}"]\n')
    config.chmod(0o644)
    server.behave = in_turn(answer(200), answer(403))
    assert command.run(["test", "--config", str(config)]) == 1
    out = capsys.readouterr().out
    assert "alerts.urls 1 (json): ok\n" in out
    assert "alerts.urls 2 (json): " in out and "403" in out and "s3cret" not in out
    assert 'does not name "alerts"' in out and "chmod o-rwx" in out
    assert [body["title"] for body in bodies(server)] == ["hydrolog site-1: test"] * 2


def test_the_dry_run_shows_the_messages_of_the_last_day_and_sends_none(
    site: Callable[..., Site], server: HttpServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = site()
    here.leak("flow \x1b[31m up")
    here.rows(count=10)
    here.leak_over()
    here.clock.pass_(hours=2)
    monkeypatch.setattr(command.shell, "site_clock", lambda _data: here.clock)
    monkeypatch.setenv("HYDROLOG_PATHS__DATA", str(here.settings.paths.data))
    assert command.run(["test", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "--- 2024-08-26 12:00 hydrolog site-1: LEAK at sensor 001 (flow)" in out
    assert "--- 2024-08-26 12:11 hydrolog site-1: over: LEAK" in out
    assert "2 messages" in out and "\x1b" not in out
    assert not server.requests
