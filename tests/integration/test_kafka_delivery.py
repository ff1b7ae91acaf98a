"""A box ships its rows to a Kafka cluster: each row with its name, in order, then what is complete; none is lost."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from broker import make_topic, running_broker
from confluent_kafka import Consumer
from delivery_site import FIRST, START, Watch
from ports import free_port

from cli import checks_kafka, checks_server
from cli.check_result import CheckResult
from common.errors import NotDelivered, SettingsError
from common.row import Row, format_payload
from common.runner import Context
from common.settings import Settings
from consumer.closed import closed_before
from consumer.delivery import Delivery
from log import mark
from log.mark import Mark
from log.roles import Log, open_for

MakeSettings = Callable[..., Settings]


@pytest.fixture
def topic(broker: str, tmp_path: Path) -> str:
    make_topic(broker, tmp_path.name)
    return tmp_path.name


class Box:
    """A log with rows, and the worker that ships them."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.watch = settings, Watch()
        self.log: Log = open_for(settings)
        self.worker = self.started()

    def started(self) -> Delivery:
        return Delivery(Context(self.settings, self.watch, threading.Event(), "consumer-server"))

    def append(self, *rows: tuple[int, str]) -> None:
        zone = self.settings.site.zone
        self.log.append([format_payload(Row(FIRST + minute, name, 8.5, 4.1, 60), zone) for minute, name in rows])

    def mark(self, minute: int) -> None:
        mark.store(self.settings.paths.data, Mark(FIRST + minute, self.log.end_offset, self.log.log_id))

    def step(self) -> dict[str, object]:
        return dict(self.worker.step(self.watch.now()))

    def step_until_delivered(self) -> dict[str, object]:
        deadline_s = time.monotonic() + 60
        while True:
            try:
                return self.step()
            except NotDelivered:
                assert time.monotonic() < deadline_s
                self.watch.later(seconds=5)


@pytest.fixture
def box(settings_for: MakeSettings) -> Iterator[Callable[..., Box]]:
    made: list[Box] = []

    def start(url: str, **keys: object) -> Box:
        keys = {"log__groups": "server", "server__timeout_seconds": 5, **keys}
        made.append(Box(settings_for(server__url=url, **keys)))
        return made[-1]

    yield start
    for each in made:
        each.worker.close()
        each.log.close()


def values(broker: str, topic: str, wanted: int) -> list[str]:
    """The messages of a topic; each has the site as its key."""
    consumer = Consumer({"bootstrap.servers": broker, "group.id": "test", "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    found: list[str] = []
    deadline_s = time.monotonic() + 60
    while len(found) < wanted and time.monotonic() < deadline_s:
        for message in consumer.consume(wanted - len(found), 0.5):
            assert message.key() == b"site-1"
            found.append((message.value() or b"").decode())
    consumer.close()
    return found


def test_a_batch_is_rows_with_their_names_and_then_the_mark(box: Callable[..., Box], broker: str, topic: str) -> None:
    here = box(f"kafka://{broker}/{topic}")
    here.append(*[(minute, "001") for minute in range(10)])
    here.mark(9)
    here.watch.later(minutes=10, seconds=1)
    counters = here.step_until_delivered()
    assert (counters["batches_sent"], counters["rows_sent"], counters["lag"]) == (1, 10, 0)
    whose = f"site-1\t{here.log.id_of(0)}"
    *rows, closed = values(broker, topic, 11)
    assert rows[3] == f"{whose}\t3\t2024-08-26T16:33:00+09:00\t001\t8.5\t4.1\t60\t0000\t000\t0\t0"
    assert [row.split("\t")[2] for row in rows] == [str(offset) for offset in range(10)]
    assert closed == f"{whose}\t10\tclosed\t2024-08-26T07:39:00+00:00\t0"
    assert not (here.settings.paths.data / "outbox.tsv").exists()


def test_after_an_outage_all_rows_come_once_and_in_order(box: Callable[..., Box], tmp_path: Path) -> None:
    port = free_port()
    here = box(f"kafka://127.0.0.1:{port}/rows", server__timeout_seconds=1)
    here.append(*[(minute, "001") for minute in range(20)])
    here.watch.later(minutes=25)
    with pytest.raises(NotDelivered, match="the Kafka cluster does not take rows"):
        here.step()
    assert (here.settings.paths.data / "outbox.tsv").exists()
    assert here.worker._source.group.lag == 20
    here.worker.close()
    here.worker = here.started()  # as after a kill: the frozen batch goes first
    (tmp_path / "broker").mkdir()
    with running_broker(tmp_path / "broker", port) as broker:
        make_topic(broker, "rows")
        assert here.step_until_delivered()["rows_sent"] == 20
        offsets = [int(value.split("\t")[2]) for value in values(broker, "rows", 22) if "closed" not in value]
    assert offsets == list(range(20))


def test_what_is_complete_before_a_place_of_the_log(settings_for: MakeSettings) -> None:
    with_rows = Box(settings_for(log__groups="server", server__url=f"kafka://127.0.0.1:{free_port()}/rows"))
    with_rows.append((0, "001"), (1, "001"), (0, "slow"), (2, "001"), (1, "slow"))
    log = with_rows.log
    published = Mark(FIRST + 1, 5, log.log_id)
    told = {offset: closed_before(log, published, offset) for offset in range(6)}
    # Before offset 3 all of minute 0 is there; minute 1 of the slow meter is the last row.
    assert told == {0: FIRST - 1, 1: FIRST - 1, 2: FIRST - 1, 3: FIRST, 4: FIRST, 5: FIRST + 1}
    assert closed_before(log, None, 5) is None
    assert closed_before(log, Mark(FIRST + 1, 5, "another"), 5) is None
    with_rows.worker.close()
    log.close()


def test_the_check_sees_the_cluster_and_the_topic(
    settings_for: MakeSettings, broker: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(url: str, **keys: object) -> dict[str, CheckResult]:
        return {each.subject: each for each in checks_server.server(settings_for(server__url=url, **keys), START)}

    found = said(f"kafka://{broker}/{topic}")["server"]
    assert found.ok
    assert found.text.startswith(f"kafka://{broker}/{topic} answers, 1 partitions")
    keys = {"receiver__into": "log", "log__url": f"kafka://{broker}/{topic}"}
    assert next(checks_server.receiver(settings_for(**keys), START)).ok
    assert "log.url" in next(checks_server.receiver(settings_for(receiver__into="log"), START)).text
    assert "no token" in said(f"kafka://{broker}/{topic}", kafka__user="box")["server"].text
    monkeypatch.setattr(checks_kafka, "ANSWER_S", 0.5)
    away = said(f"kafka://127.0.0.1:{free_port()}/rows")["server"]
    assert not away.ok
    assert "does not answer" in away.text


def test_slips_in_the_settings_are_said_at_the_start(settings_for: MakeSettings, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("s3cret\n")
    secret.chmod(0o600)
    url = "kafka://a.example:9092,b.example:9092/server_data"
    wrong: dict[str, dict[str, object]] = {
        "server.url": {"server__url": "kafka://a.example:9092"},
        "kafka.mechanism": {"kafka__user": "box", "kafka__mechanism": "PLAIN", "kafka__password_file": secret},
        "kafka.password_file": {"kafka__user": "box"},
        "kafka.client": {"kafka__client": "acks=0"},
        "kafka": {"kafka__client": "no.such.thing=1"},
    }
    for key, keys in wrong.items():
        with pytest.raises(SettingsError, match=rf"^{key}: ") as said:
            Box(settings_for(**{"log__groups": "server", "server__url": url, **keys}))
        assert "s3cret" not in str(said.value)
    with pytest.raises(SettingsError, match=r"kafka.client: sasl.oauthbearer.config may be a secret"):
        settings_for(kafka__client="sasl.oauthbearer.config=s3cret")
