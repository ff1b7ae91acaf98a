"""The archive of a center reads the topic of all sites as a group: each row once, and how far it is with the rows."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from broker import make_topic
from center_site import FIRST, Center, marks, produce, row_of, sites_of, stored
from ports import free_port

from cli import checks, checks_kafka, checks_log, status
from common.batch_mark import BatchMark
from common.clock import minute_of
from common.errors import DatabaseDown, LogError
from common.health import Health
from common.kafka_rows import mark_message
from common.settings import Settings
from consumer.topic_client import TopicClient

MakeSettings = Callable[..., Settings]


@pytest.fixture
def topic(broker: str, tmp_path: Path) -> str:
    make_topic(broker, tmp_path.name, 3)
    return tmp_path.name


@pytest.fixture
def center(settings_for: MakeSettings, broker: str, topic: str, database_url: str) -> Iterator[Callable[..., Center]]:
    made: list[Center] = []

    def start(**keys: object) -> Center:
        client = f"group.protocol=classic,group.id={topic}"  # the double knows no other protocol
        chosen = {"log__url": f"kafka://{broker}/{topic}", "database__url": database_url, "kafka__client": client}
        made.append(Center(settings_for(**chosen | keys)))
        return made[-1]

    yield start
    for each in made:
        each.worker.close()


def test_rows_of_all_sites_are_stored_once_with_the_mark(
    center: Callable[..., Center], broker: str, topic: str, database_url: str
) -> None:
    sites = [f"site-{number}" for number in range(5)]
    rows = [row_of(site, offset) for offset in range(20) for site in sites]
    closed = BatchMark(0, FIRST + 19)
    produce(broker, topic, [*rows, *(mark_message(site, "log", 20, closed) for site in sites), *rows[:30]])
    here = center()
    counters = here.step_until(lambda: sum(marks(database_url).values()) == 135)
    assert stored(database_url) == [(site, offset) for site in sites for offset in range(20)]
    assert (counters["archived"], counters["repeated"], counters["not_rows"], counters["lag"]) == (100, 30, 0, 0)
    assert {site: reached for site, _, *reached in sites_of(database_url)} == {site: [20, FIRST + 19] for site in sites}
    here.worker._look_s = 0.0  # it is time again to say how far behind it is
    here.step()
    with psycopg.connect(database_url) as connection:
        seen = connection.execute(
            "SELECT count(*) FROM KAFKA_MARK_TB WHERE lag = 0 AND least(seen_at, read_through) > now() - interval '1 m'"
        ).fetchone()
    assert seen == (3,)


def test_a_mark_that_overtakes_a_batch_waits_for_it_and_a_minute_of_the_future_is_not_believed(
    center: Callable[..., Center], broker: str, topic: str, database_url: str
) -> None:
    here, sent = center(), 0

    def reached_after(partition: int, first: int, offset: int, closed: int) -> list[object]:
        nonlocal sent
        produce(broker, topic, [mark_message("a", "log", offset, BatchMark(first, closed))], partition)
        sent += 1
        here.step_until(lambda: sum(marks(database_url).values()) == sent)
        ((_, _, *reached),) = sites_of(database_url)
        return reached

    assert reached_after(0, 0, 5, FIRST) == [5, FIRST]
    assert reached_after(1, 9, 12, FIRST + 2) == [5, FIRST]  # partitions were added, and the site has moved
    assert reached_after(0, 5, 9, FIRST + 1) == [12, FIRST + 2]
    assert reached_after(0, 12, 15, minute_of(datetime.now(UTC)) + 99) == [15, FIRST + 2]
    assert reached_after(0, 20, 25, FIRST + 5) == [15, FIRST + 2]
    with psycopg.connect(database_url) as connection:
        waits = connection.execute("SELECT first_offset FROM SITE_MARK_TB").fetchall()
        connection.execute("UPDATE SITE_MARK_TB SET waits_since = now() - interval '25 hours'")
    assert waits == [(20,)]
    assert reached_after(0, 25, 30, FIRST + 6) == [30, FIRST + 6]  # what was between is given up


def test_the_marks_of_a_log_made_anew_wait_for_what_is_missing_before_it(
    center: Callable[..., Center], broker: str, topic: str, database_url: str
) -> None:
    here = center()
    batches = (
        (0, "log", BatchMark(0, FIRST), 5, [5, FIRST]),
        (1, "new", BatchMark(12, FIRST + 3), 15, [5, FIRST]),  # it went on after 12
        (1, "new", BatchMark(15, FIRST + 4), 18, [5, FIRST]),
        (0, "log", BatchMark(5, FIRST + 2), 12, [18, FIRST + 4]),
    )
    for sent, (partition, log_id, mark, offset, reached) in enumerate(batches, 1):
        produce(broker, topic, [mark_message("a", log_id, offset, mark)], partition)
        here.step_until(lambda sent=sent: sum(marks(database_url).values()) == sent)  # type: ignore[misc]
        assert sites_of(database_url)[0][2:] == tuple(reached)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM SITE_MARK_TB").fetchone() == (0,)


def test_the_check_of_a_center_looks_at_its_topic_and_at_nothing_of_a_box(
    settings_for: MakeSettings, broker: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, away = (settings_for(log__url=f"kafka://{at}/{topic}") for at in (broker, f"127.0.0.1:{free_port()}"))
    found = [*checks_log.log(there, datetime.now(UTC)), *checks.port(there, datetime.now(UTC))]
    assert found[0].text.startswith(f"kafka://{broker}/{topic} answers, 3 partitions")
    assert {each.subject for each in found} == {"server", "topic"}
    monkeypatch.setattr(checks_kafka, "ANSWER_S", 0.5)
    (said,) = checks_log.log(away, datetime.now(UTC))
    assert not said.ok
    assert "look at log.url" in said.text


def test_status_of_a_center_shows_how_far_its_process_is_behind(
    settings_for: MakeSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, now = settings_for().paths.data, datetime.now(UTC)
    Health(data, "consumer-archive", now).success(now, 0.0, lag=4711, archived=3)
    for name, value in (("LOG__URL", "kafka://127.0.0.1:1/rows"), ("PATHS__DATA", data), ("DATABASE__URL", "port=1")):
        monkeypatch.setenv(f"HYDROLOG_{name}", str(value))
    status.run([])
    shown = next(line for line in capsys.readouterr().out.splitlines() if "consumer-archive" in line)
    assert "running" in shown
    assert "4711" in shown


def test_the_next_one_goes_on_where_the_database_says(
    center: Callable[..., Center], broker: str, topic: str, database_url: str
) -> None:
    produce(broker, topic, [row_of("a", offset) for offset in range(10)], 0)
    first = center()
    first.step_until(lambda: marks(database_url).get(0) == 10)
    first.worker.close()
    with psycopg.connect(database_url) as connection:  # as if the last transaction had never been
        connection.execute("DELETE FROM REAL_VAL_TB WHERE log_offset >= 7")
        connection.execute("UPDATE KAFKA_MARK_TB SET next = 7 WHERE partition = 0")
    produce(broker, topic, [row_of("a", offset) for offset in range(10, 12)], 0)
    counters = center().step_until(lambda: marks(database_url).get(0) == 12)
    assert stored(database_url) == [("a", offset) for offset in range(12)]
    assert (counters["archived"], counters["repeated"]) == (5, 0)


def test_what_is_no_row_is_set_aside_and_stops_nothing(
    center: Callable[..., Center], broker: str, topic: str, database_url: str, tmp_path: Path
) -> None:
    key, value = row_of("a", 3)
    wrong = [(b"a", b"\xff\0"), (b"b", value), (key, value.replace(b"001", b"\0")), (key, value + b"\t1"), (key, b"")]
    other = row_of("a", 1, flow=99.0)  # another row of a minute that has one
    here = center()
    produce(broker, topic, [row_of("a", 1), *wrong, other], 1)
    here.step_until(lambda: marks(database_url).get(1) == 7)
    produce(broker, topic, [row_of("a", 2), other], 1)
    counters = here.step_until(lambda: marks(database_url).get(1) == 9)
    assert stored(database_url) == [("a", 1), ("a", 2)]
    assert (counters["archived"], counters["second"], counters["not_rows"], counters["topic_strange"]) == (2, 2, 5, 7)
    assert len((tmp_path / "data" / "unparsed.tsv").read_text().splitlines()) == 5
    with psycopg.connect(database_url) as connection:
        second = connection.execute("SELECT site, sensor, log_offset, flow FROM SECOND_VAL_TB").fetchall()
    assert second == [("a", "001", 1, 99.0)]


def test_one_that_believes_it_owns_a_partition_stores_nothing(
    center: Callable[..., Center], broker: str, topic: str, database_url: str
) -> None:
    here = center()
    here.step_until(lambda: len(marks(database_url)) == 3)
    with psycopg.connect(database_url) as connection:  # somebody else has stored the first two meanwhile
        connection.execute("UPDATE KAFKA_MARK_TB SET next = 2 WHERE partition = 2")
    produce(broker, topic, [row_of("a", offset) for offset in range(4)], 2)
    here.step_until(lambda: marks(database_url)[2] == 4)
    assert stored(database_url) == [("a", 2), ("a", 3)]


def test_while_the_database_is_away_what_was_read_waits(
    center: Callable[..., Center], broker: str, topic: str, database_url: str
) -> None:
    here = center()
    here.step_until(lambda: len(marks(database_url)) == 3)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE REAL_VAL_TB RENAME TO elsewhere")
        produce(broker, topic, [row_of("a", offset) for offset in range(9)])
        with pytest.raises(DatabaseDown):
            here.step_until(lambda: False)
        for _ in range(3):
            with pytest.raises(DatabaseDown):
                here.step()
        produce(broker, topic, [row_of("a", offset) for offset in range(9, 12)])
        connection.execute("ALTER TABLE elsewhere RENAME TO REAL_VAL_TB")
    counters = here.step_until(lambda: len(stored(database_url)) == 12)
    assert (counters["archived"], counters["repeated"]) == (12, 0)


def test_what_the_cluster_does_not_say_stops_no_reading(
    center: Callable[..., Center], broker: str, topic: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dead(*_: object) -> str:
        raise LogError("the broker that knows has died")

    here = center()
    here.step_until(lambda: len(marks(database_url)) == 3)
    with monkeypatch.context() as away:
        away.setattr(TopicClient, "topic_id", dead)
        here.worker._member._look_s = 0.0
        produce(broker, topic, [row_of("a", offset) for offset in range(9)])
        counters = here.step_until(lambda: len(stored(database_url)) == 9)
        assert counters["problem"] == "the broker that knows has died"
        with pytest.raises(LogError, match="has died"):
            center(kafka__client=f"group.protocol=classic,group.id=another-{topic}").step()
    here.worker._member._look_s = 0.0
    assert "problem" not in here.step()


def test_a_row_that_the_database_cannot_hold_is_set_aside_alone(
    center: Callable[..., Center], broker: str, topic: str, database_url: str, tmp_path: Path
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("ALTER TABLE REAL_VAL_TB ADD CHECK (flow < 50)")
    produce(broker, topic, [row_of("a", offset, flow=99.0 if offset in {3, 7} else 8.5) for offset in range(10)], 0)
    counters = center().step_until(lambda: marks(database_url).get(0) == 10)
    assert stored(database_url) == [("a", offset) for offset in range(10) if offset not in {3, 7}]
    assert (counters["archived"], counters["repeated"], counters["not_rows"]) == (8, 0, 2)
    assert (tmp_path / "data" / "unparsed.tsv").read_text().count("reason=CheckViolation") == 2
