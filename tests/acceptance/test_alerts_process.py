"""The alerts as a real process: killed between the message and the state, killed at random, stopped in a message."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from alerts_box import FIRST, Site, told, twice, webhook
from http_server import HttpServer, Request, answer, hang, send
from ports import free_port
from waiting import wait_for

from common.clock import minute_start
from common.settings import Settings
from consumer.alerts import state as alerts_state
from consumer.alerts.pending import Queue
from consumer.alerts.state import AlertState
from log import commits
from messengers.addresses import names

PROGRAM = (sys.executable, "-P", "-m", "consumer")
DEADLINE_S = 180.0  # never reached: a test that waits this long has failed
MOST_BYTES = 60_000_000  # resident, as every consumer
LEAKS = 12


class Group:
    """The consumer of the group alerts, as a process of its own."""

    def __init__(self, site: Site, *, urls: str) -> None:
        self.site, self.data = site, site.settings.paths.data
        self.output = self.data.parent / "output.txt"
        self.environ = {
            **os.environ,
            "HYDROLOG_PATHS__DATA": str(self.data),
            "HYDROLOG_LOG__GROUPS": "alerts",
            "HYDROLOG_ALERTS__URLS": urls,
            "HYDROLOG_ALERTS__MESSAGES_PER_HOUR": "1000",
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **environ: str) -> "subprocess.Popen[bytes]":
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [*PROGRAM, "--group", "alerts"],
                env=self.environ | environ,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return self.process

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(DEADLINE_S)

    @property
    def committed(self) -> int:
        return commits.read(self.data, "alerts") or 0


MakeGroup = Callable[..., Group]


@pytest.fixture
def group(settings_for: Callable[..., Settings]) -> Iterator[MakeGroup]:
    made: list[Group] = []

    def make(server: HttpServer) -> Group:
        made.append(Group(Site(settings_for(log__groups="alerts")), urls=webhook(server)))
        return made[-1]

    yield make
    for one in made:
        one.kill()


def name(place: int) -> str:
    return f"001-{minute_start(FIRST + 2 * place):%Y%m%dT%H%MZ}-leak"


def test_killed_between_the_message_and_its_state_it_tells_it_again_under_the_same_name(group: MakeGroup) -> None:
    here: list[Group] = []

    def kill_then_take(server: HttpServer, _request: Request, connection: socket.socket) -> None:
        if len(server.requests) == 1:
            here[0].kill()
        send(connection, 200)

    with HttpServer(kill_then_take) as server:
        here.append(group(server))
        here[0].site.leak()
        assert here[0].start().wait(DEADLINE_S) == -signal.SIGKILL
        assert here[0].committed == 0
        here[0].start()
        wait_for(lambda: here[0].committed == 1, "commit")
        here[0].site.rows("00L0", count=3)
        wait_for(lambda: here[0].committed == 4, "commit")
        assert told(server) == [f"+{name(0)}"] * 2


def test_killed_while_the_next_messenger_hangs_it_tells_the_first_nothing_again(
    group: MakeGroup,
) -> None:
    with HttpServer(answer(200)) as server, HttpServer(hang) as other:
        here = group(server)
        here.environ["HYDROLOG_ALERTS__URLS"] += f",{webhook(other, 'other')}&rto=60"
        here.site.leak()
        here.start()
        wait_for(lambda: other.requests, "a message to the second is under way")
        here.kill()
        other.behave = answer(200)
        here.start()
        wait_for(lambda: here.committed == 1, "commit")
        assert told(server) == [f"+{name(0)}"]
        assert told(other) == [f"+{name(0)}"] * 2  # the first was never answered


class Mailbox:
    """A handler of aiosmtpd that keeps every mail."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.mails.append(envelope.content)
        return "250 OK"


def test_a_mail_server_that_was_away_gets_each_event_once_also_over_a_kill(
    settings_for: Callable[..., Settings],
) -> None:
    port = free_port()
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    to = "a@example.org%2Cb@example.org"
    url = f"mailto://127.0.0.1:{port}?from=box@example.org&to={to}&format=text"
    here = Group(Site(settings_for(log__groups="alerts")), urls=url)
    try:
        here.site.leak()
        here.start()
        wait_for(lambda: here.output.exists() and here.output.read_text().count("not_told") >= 2, "both are refused")
        wait_for(lambda: here.committed == 1, "the rows do not wait for the mail")
        here.kill()
        controller.start()
        here.start()
        wait_for(lambda: len(box.mails) == 2, "the mail server is back")
        here.site.rows("00L0", count=3)
        wait_for(lambda: here.committed == 4, "commit")
        here.kill()
        here.start()
        here.site.leak_over()
        wait_for(lambda: len(box.mails) == 4, "the end of it")
    finally:
        here.kill()
        controller.stop()
    subjects = [mail.decode().split("Subject: ")[1].split("\r\n")[0] for mail in box.mails]
    assert [": over]" in subject for subject in subjects] == [False, False, True, True]
    assert "example.org" not in here.output.read_text()


def test_a_storm_of_kills_loses_no_event_and_repeats_only_what_was_under_way(group: MakeGroup) -> None:
    chance = random.Random(7)
    with HttpServer(answer(200)) as server:
        here, kills = group(server), 0
        known = {name: Queue(began=1) for name in names([webhook(server)])}  # not a new address, which hears no ends
        alerts_state.store(here.data, AlertState(queues=known))
        for _ in range(LEAKS):
            here.site.leak()
            here.site.leak_over()
            before = len(server.requests)
            here.start()
            if chance.random() < 0.5:
                time.sleep(chance.uniform(0, 1.5))
            else:
                wait_for(lambda before=before: len(server.requests) > before, "a message")  # type: ignore[misc]
                time.sleep(chance.uniform(0, 0.05))
            here.kill()
            kills += 1
        here.start()
        wait_for(lambda: here.committed == 2 * LEAKS, "everything is committed")
        said = told(server)
        assert set(said) >= {f"-{name(place)}" for place in range(LEAKS)}
        assert len(twice(said)) <= kills
        assert "Traceback" not in here.output.read_text()


def test_sigterm_in_mid_message_ends_it_in_good_order_and_leaves_no_child(group: MakeGroup) -> None:
    with HttpServer(hang) as server:
        here = group(server)
        here.environ["HYDROLOG_ALERTS__URLS"] += "&rto=60"  # the library itself would wait for a minute
        here.site.leak()
        process = here.start()
        wait_for(lambda: server.requests, "a message is under way")
        children = psutil.Process(process.pid).children()
        process.terminate()
        assert process.wait(30) == 0
        assert here.output.read_text().rstrip().endswith(" stop")  # in good order, not left in the step
        assert children
        assert not psutil.wait_procs(children, timeout=30)[1]
        server.behave = answer(200)
        here.start()
        wait_for(lambda: len(server.requests) == 2, "it is sent again")
        assert told(server) == [f"+{name(0)}"] * 2  # the first was never answered


def test_it_stays_small_and_its_log_holds_no_address(group: MakeGroup) -> None:
    with HttpServer(answer(500)) as server:
        here = group(server)
        here.site.rows(count=5000)
        here.site.leak()
        process = here.start()
        wait_for(lambda: here.committed == 5001, "commit")
        assert psutil.Process(process.pid).memory_info().rss < MOST_BYTES
        assert "not_told" in here.output.read_text()
        assert "/hook" not in here.output.read_text()


def test_wrong_settings_end_it_with_code_2_and_one_line(group: MakeGroup) -> None:
    with HttpServer(answer(200)) as server:
        here = group(server)
        for environ, key in (
            ({"HYDROLOG_ALERTS__URLS": "nonsense://s3cret"}, "alerts.urls"),
            ({"HYDROLOG_LOG__GROUPS": "server"}, "log.groups"),
        ):
            here.output.unlink(missing_ok=True)
            assert here.start(**environ).wait(DEADLINE_S) == 2
            (line,) = here.output.read_text().splitlines()
            assert line.startswith(f"{key}: ") and "s3cret" not in line


def test_a_second_one_leaves_with_code_3(group: MakeGroup) -> None:
    with HttpServer(answer(200)) as server:
        here = group(server)
        first = here.start()
        wait_for((here.data / "health" / "consumer-alerts.json").exists, "the first runs")
        second = here.start()
        here.process = first
        assert second.wait(DEADLINE_S) == 3
