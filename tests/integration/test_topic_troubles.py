"""What a real cluster does to a topic: each trouble has a name, is counted once, and stops no partition."""

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from broker import NODE, Broker, make_topic, running_broker
from center_site import DEADLINE_S, Center, marks, produce, row_of, stored
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from common.certificates import Pair, make_authority, sign
from common.errors import LogError
from common.settings import KAFKA_PASSWORD, Settings

MakeSettings = Callable[..., Settings]
pytestmark = pytest.mark.skipif(not NODE, reason="needs a real broker: KAFKA_NODE names the program")


@pytest.fixture(scope="module")
def authority() -> Pair:
    return make_authority("cluster", ["127.0.0.1"], datetime.now(UTC))


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, authority: Pair) -> Iterator[str]:
    """Its plain port lets everybody do all; two above it speaks TLS, to users who may do what they have rights for."""
    folder = tmp_path_factory.mktemp("broker")
    own = sign(authority, ["127.0.0.1"], datetime.now(UTC))
    (folder / "broker.pem").write_bytes(own.key + own.certificate + authority.certificate)
    options = ("--pem", str(folder / "broker.pem"), "--user", "center=right")
    with running_broker(folder / "data", node=NODE, options=options) as address:
        yield address


@pytest.fixture
def old_broker(tmp_path: Path) -> Iterator[str]:
    options = ("--set", "group.coordinator.rebalance.protocols=classic")
    with running_broker(tmp_path / "old", node=NODE, options=options) as address:
        yield address


@pytest.fixture
def center(
    settings_for: MakeSettings, broker: str, database_url: str, tmp_path: Path
) -> Iterator[Callable[..., Center]]:
    make_topic(broker, tmp_path.name)
    made: list[Center] = []

    def start(more: str = "") -> Center:
        url, client = f"kafka://{broker}/{tmp_path.name}", f"group.id={tmp_path.name}{more}"
        made.append(Center(settings_for(log__url=url, database__url=database_url, kafka__client=client)))
        return made[-1]

    yield start
    for each in made:
        each.worker.close()


def troubles(url: str) -> dict[str, int]:
    with psycopg.connect(url) as connection:
        return dict(
            connection.execute("SELECT code, sum(messages)::int FROM KAFKA_TROUBLE_TB GROUP BY code").fetchall()
        )


def ship(broker: str, topic: str, first: int, end: int) -> None:
    produce(broker, topic, [row_of("a", offset) for offset in range(first, end)])


def test_rows_that_retention_took_are_counted_and_the_rest_is_read(
    center: Callable[..., Center], broker: str, database_url: str, tmp_path: Path
) -> None:
    topic = tmp_path.name
    ship(broker, topic, 0, 10)
    first = center()
    first.step_until(lambda: marks(database_url).get(0) == 10)
    first.worker.close()
    ship(broker, topic, 10, 60)
    admin = AdminClient({"bootstrap.servers": broker})
    place = TopicPartition(topic, 0, 50)
    admin.delete_records([place])[place].result(30)
    counters = center().step_until(lambda: marks(database_url).get(0) == 60)
    assert stored(database_url) == [("a", offset) for offset in (*range(10), *range(50, 60))]
    assert (troubles(database_url), counters["topic_expired"]) == ({"topic-expired": 40}, 40)


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_retention_that_overtakes_a_running_process_passes_over_nothing_in_silence(
    protocol: str, center: Callable[..., Center], broker: str, database_url: str, tmp_path: Path
) -> None:
    topic, few = tmp_path.name, ",queued.min.messages=1,fetch.message.max.bytes=1000"  # read ahead
    here = center(f",group.protocol={protocol}{few}")
    ship(broker, topic, 0, 10)
    here.step_until(lambda: marks(database_url).get(0) == 10)
    for first in range(10, 100, 10):
        ship(broker, topic, first, first + 10)
    admin, place = AdminClient({"bootstrap.servers": broker}), TopicPartition(topic, 0, 95)
    admin.delete_records([place])[place].result(30)
    here.step_until(lambda: marks(database_url).get(0) == 100)
    rows = stored(database_url)
    assert rows[-5:] == [("a", offset) for offset in range(95, 100)]
    assert troubles(database_url) == {"topic-expired": 100 - len(rows)}


@pytest.mark.parametrize("case", [(True, 30), (True, 3), (False, 30), (False, 3)])
def test_a_topic_made_anew_is_read_from_its_beginning(
    case: tuple[bool, int], center: Callable[..., Center], broker: str, database_url: str, tmp_path: Path
) -> None:
    (runs, rows), topic = case, tmp_path.name
    ship(broker, topic, 0, 10)
    here = center()
    here.step_until(lambda: marks(database_url).get(0) == 10)
    if not runs:
        here.worker.close()
    admin = AdminClient({"bootstrap.servers": broker})
    admin.delete_topics([topic])[topic].result(30)
    make_topic(broker, topic)
    ship(broker, topic, 100, 100 + rows)  # of 30, the old offset lies inside, and no error is reported
    after = here if runs else center()
    after.step_until(lambda: len(stored(database_url)) == 10 + rows)
    assert troubles(database_url) == {"topic-anew": 1}


def test_a_cluster_that_lost_messages_is_read_again(
    center: Callable[..., Center], broker: str, database_url: str, tmp_path: Path
) -> None:
    topic = tmp_path.name
    ship(broker, topic, 0, 10)
    first = center()
    first.step_until(lambda: marks(database_url).get(0) == 10)
    first.worker.close()
    with psycopg.connect(database_url, autocommit=True) as connection:  # as if ten more had been there
        connection.execute("UPDATE KAFKA_MARK_TB SET next = 20")
    ship(broker, topic, 50, 55)
    counters = center().step_until(lambda: marks(database_url).get(0) == 15)
    assert stored(database_url) == [("a", offset) for offset in (*range(10), *range(50, 55))]
    assert (troubles(database_url), counters["repeated"]) == ({"topic-cut": 5}, 10)


def test_an_older_cluster_is_read_by_the_older_protocol(
    settings_for: MakeSettings, old_broker: str, database_url: str
) -> None:
    make_topic(old_broker, "rows", 2)
    ship(old_broker, "rows", 0, 10)
    here = Center(settings_for(log__url=f"kafka://{old_broker}/rows", database__url=database_url))
    here.step_until(lambda: len(stored(database_url)) == 10)
    here.worker.close()


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_two_of_one_name_are_told_and_store_each_row_once(
    protocol: str, center: Callable[..., Center], broker: str, database_url: str, tmp_path: Path
) -> None:
    first = center(f",group.protocol={protocol}")
    first.step_until(lambda: marks(database_url).get(0) == 0)
    second = center(f",group.protocol={protocol}")
    ship(broker, tmp_path.name, 0, 10)
    said: list[str] = []
    give_up_s = time.monotonic() + DEADLINE_S
    while not (said and len(stored(database_url)) == 10) and time.monotonic() < give_up_s:
        for each in (first, second):
            try:
                each.step()
            except LogError as error:
                said.append(str(error))
    assert len(stored(database_url)) == 10
    assert "-archive-" in said[0]


def test_a_cluster_that_goes_away_is_named_and_read_on_when_it_is_back(
    settings_for: MakeSettings, database_url: str, tmp_path: Path
) -> None:
    broker = Broker(tmp_path / "broker", node=NODE)
    broker.start()
    try:
        make_topic(broker.address, "rows")
        ship(broker.address, "rows", 0, 10)
        here = Center(settings_for(log__url=f"kafka://{broker.address}/rows", database__url=database_url))
        here.step_until(lambda: len(stored(database_url)) == 10)
        broker.kill()
        counters: dict[str, object] = {}

        def is_named() -> bool:
            counters.update(here.step())
            return "the Kafka cluster" in str(counters.get("problem"))

        here.step_until(is_named)
        broker.start()
        ship(broker.address, "rows", 10, 20)
        give_up_s = time.monotonic() + DEADLINE_S
        while len(stored(database_url)) < 20 and time.monotonic() < give_up_s:
            with contextlib.suppress(LogError):
                here.step()
        assert stored(database_url) == [("a", offset) for offset in range(20)]
        assert troubles(database_url) == {}
        here.worker.close()
    finally:
        broker.kill()


@pytest.fixture
def ca_file(authority: Pair, tmp_path: Path) -> Path:
    (tmp_path / "ca.pem").write_bytes(authority.certificate)
    return tmp_path / "ca.pem"


@pytest.fixture
def secure(
    settings_for: MakeSettings, monkeypatch: pytest.MonkeyPatch, broker: str, database_url: str, tmp_path: Path
) -> Callable[..., Center]:
    """A center that reads by TLS, as the user "center"."""
    make_topic(broker, tmp_path.name)
    host, _, port = broker.partition(":")

    def start(password: str, **keys: object) -> Center:
        monkeypatch.setenv(KAFKA_PASSWORD, password)
        own = {"kafka__tls": "true", "kafka__user": "center", "kafka__client": f"group.id={tmp_path.name}", **keys}
        url = f"kafka://{host}:{int(port) + 2}/{tmp_path.name}"
        return Center(settings_for(log__url=url, database__url=database_url, **own))

    return start


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
def test_by_tls_rows_are_read_and_what_a_person_must_mend_is_said(
    mechanism: str, secure: Callable[..., Center], ca_file: Path, broker: str, tmp_path: Path
) -> None:
    def says(center: Center, what: str) -> None:
        with pytest.raises(LogError, match=what):
            center.step_until(lambda: False)
        center.worker.close()

    topic = tmp_path.name
    ship(broker, topic, 0, 10)
    known = {"kafka__mechanism": mechanism, "kafka__ca_file": ca_file}
    says(secure("right", kafka__mechanism=mechanism), "TLS fails: look at kafka.tls and kafka.ca_file")
    says(secure("wrong", **known), "it refuses the user: look at kafka.user")
    says(secure("right", **known), "the user may not read the topic")
    allow(broker, ResourceType.TOPIC, topic)
    says(secure("right", **known), "the user may not join the group")
    allow(broker, ResourceType.GROUP, topic)
    here = secure("right", **known)
    counters = here.step_until(lambda: here.worker._counts["archived"] == 10)
    assert counters["not_rows"] == 0
    here.worker.close()


def allow(broker: str, kind: ResourceType, name: str) -> None:
    """Let the user read."""
    whose = (ResourcePatternType.LITERAL, "User:center", "*", AclOperation.READ, AclPermissionType.ALLOW)
    admin = AdminClient({"bootstrap.servers": broker})
    for done in admin.create_acls([AclBinding(kind, name, *whose)]).values():
        done.result(30)
