"""hydrolog-server in front of a cluster, without a database: what it has acknowledged lies in the topic, come what may.

With the broker in memory, and with a real one if there is one (`broker.NODE`).
"""

import contextlib
import http.client
import json
import os
import resource
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from broker import NODE, Broker, lying_in, make_topic
from command_site import hydrolog
from ports import free_port
from receiver_process import (
    DEADLINE_S,
    LOG_ID,
    PROGRAM,
    SITE,
    TOKEN,
    Answer,
    ReceiverProcess,
    body_of,
    key_of,
)
from waiting import wait_for

from common.batch_mark import HEADER

NO_DATABASE = "postgresql://127.0.0.1:1/none"
REAL = pytest.param(NODE, marks=pytest.mark.skipif(not NODE, reason="KAFKA_NODE names no real broker"))


@pytest.fixture(scope="module", params=["", REAL], ids=["memory", "real"])
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    broker = Broker(tmp_path_factory.mktemp("broker"), node=request.param)
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
def topic(cluster: Broker, tmp_path: Path) -> str:
    make_topic(cluster.address, tmp_path.name)
    return tmp_path.name


@pytest.fixture
def front(cluster: Broker, topic: str, tmp_path: Path) -> Iterator[ReceiverProcess]:
    process = before(f"kafka://{cluster.address}/{topic}", tmp_path)
    process.start()
    yield process
    process.kill()


def before(url: str, folder: Path, **environ: str) -> ReceiverProcess:
    """A server in front of a cluster; not started."""
    keys = {"HYDROLOG_RECEIVER__INTO": "log", "HYDROLOG_LOG__URL": url, **environ}
    return ReceiverProcess(folder / "data", NO_DATABASE, **keys)


def offsets(cluster: Broker, topic: str) -> list[int]:
    return [int(value.split("\t")[2]) for _, value in lying_in(cluster.address, topic)]


def test_a_batch_is_a_message_for_each_row(cluster: Broker, topic: str, front: ReceiverProcess) -> None:
    batch = body_of(7, 9, flow="", pred_flow="8.5", flow_flags="M0W0")
    answer = front.post(batch, key_of(7, 9), **{HEADER: "2024-08-25T15:09:00+00:00 7"})
    assert (answer.status, answer.json) == (200, {"stored": 3, "repeated": 0})
    assert lying_in(cluster.address, topic) == [
        (SITE, f"{SITE}\t{LOG_ID}\t{line}")
        for line in [*batch.decode().splitlines(), "10\tclosed\t2024-08-25T15:09:00+00:00\t7"]
    ]
    assert front.post(batch, key_of(7, 9)).status == 200  # nothing is remembered: a repeat lies there twice
    assert offsets(cluster, topic) == [7, 8, 9, 10, 7, 8, 9]


def test_ten_thousand_connections_have_a_place_beside_those_that_deliver(
    cluster: Broker, topic: str, front: ReceiverProcess
) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    number = 10_000 if hard < 0 or hard >= 20_000 else hard // 3
    with contextlib.ExitStack() as held:
        for place in range(number):
            held.enter_context(socket.create_connection(("127.0.0.1", front.port), DEADLINE_S))
            if place % 1000 == 999:
                assert front.post_rows(place, place).status == 200
        assert front.post_rows(number, number).status == 200
    assert published(front)["counters"]["crowded_out"] == 0
    assert len(offsets(cluster, topic)) == number // 1000 + 1


def test_what_is_wrong_never_reaches_the_topic(cluster: Broker, topic: str, front: ReceiverProcess) -> None:
    front.post_rows(0, 0)
    named = front.post(body_of(1, 5, pressure="<script>"), key_of(1, 5))
    assert (named.status, named.json["row"], named.json["column"]) == (422, 5, "pressure")
    assert front.post(body_of(1, 1), key_of(1, 2)).status == 422
    assert front.post(body_of(1, 1), "no key").status == 400
    assert front.post(body_of(1, 1), key_of(1, 1), Authorization="Bearer wrong").status == 401
    data = {"HYDROLOG_PATHS__DATA": str(front.data)}
    token = hydrolog("sites", "add", "site-2", **data).stdout.splitlines()[-1]
    assert front.post(body_of(1, 1), key_of(1, 1), Authorization=f"Bearer {token}").status == 403
    assert front.post(body_of(1, 1), key_of(1, 1).replace(SITE, "site-2")).status == 403
    assert (
        front.post(body_of(1, 1), key_of(1, 1).replace(SITE, "site-2"), Authorization=f"Bearer {token}").status == 200
    )
    assert [key for key, _ in lying_in(cluster.address, topic)] == [SITE, "site-2"]


def test_there_is_no_page_and_the_health_is_that_of_the_cluster(front: ReceiverProcess) -> None:
    wait_for(lambda: front.get("/healthz").status == 200, "the cluster to be seen")
    assert front.get("/healthz").body.startswith(b"ok\nhydrolog ")
    for path in ("/", "/api/state", "/metrics", "/static/draw.js", "/login", "/incidents"):
        assert front.get(path).status == 404


def test_while_the_cluster_is_away_one_batch_tries_and_the_others_are_put_off_at_once(
    cluster: Broker, topic: str, front: ReceiverProcess
) -> None:
    assert front.post_rows(0, 9).status == 200
    cluster.leave()
    try:
        late = front.post_rows(10, 19)
        assert (late.status, "not confirmed all rows" in late.json["error"]) == (503, True)
        assert 5 <= int(late.headers["Retry-After"]) < 30
        health = front.get("/healthz")
        assert (health.status, health.body.splitlines()[0]) == (503, CLOSED)
        wait_for(lambda: "does not take rows" in published(front)["problem"], "the trouble to be told")
        answers: list[Answer] = []
        boxes = [threading.Thread(target=lambda: answers.append(front.post_rows(10, 19))) for _ in range(8)]
        for box in boxes:
            box.start()
        wait_for(lambda: len(answers) == 7, "all but one to be put off")
        assert {answer.status for answer in answers} == {503}
        assert all("nothing of this batch is sent" in answer.json["error"] for answer in answers)
    finally:
        cluster.come_back()
    for box in boxes:
        box.join()
    wait_for(lambda: front.post_rows(10, 19).status == 200, "the rows to be taken again")
    assert front.get("/healthz").status == 200
    found = offsets(cluster, topic)
    assert set(found) == set(range(20))
    assert list(dict.fromkeys(found)) == [*range(20)]


CLOSED = b"the cluster does not take rows; the log of this process says why"


def published(front: ReceiverProcess) -> Any:
    path = front.data / "health" / "server.json"
    return json.loads(path.read_bytes()) if path.exists() else {"problem": ""}


def test_kills_lose_no_row_that_was_acknowledged(cluster: Broker, topic: str, front: ReceiverProcess) -> None:
    acknowledged: list[set[int]] = [set() for _ in range(4)]
    done = threading.Event()

    def send(box: int) -> None:
        first = 0
        while not done.is_set():
            key = key_of(first, first + 199).replace(SITE, f"box-{box}")
            try:
                answer = front.post(body_of(first, first + 199), key)
            except (OSError, http.client.HTTPException):  # killed, perhaps in mid-answer: the same rows again
                continue
            assert answer.status in (200, 503), answer.body
            if answer.status == 200:
                acknowledged[box].update(range(first, first + 200))
                first += 200

    boxes = [threading.Thread(target=send, args=(box,)) for box in range(4)]
    for each in boxes:
        each.start()
    for least in range(400, 2001, 400):
        wait_for(partial(all_have, acknowledged, least), "rows")
        front.kill()
        front.start()
    done.set()
    for each in boxes:
        each.join()
    lying: dict[str, list[int]] = {}
    for key, value in lying_in(cluster.address, topic):
        lying.setdefault(key, []).append(int(value.split("\t")[2]))
    for box, rows in enumerate(acknowledged):
        first_copies = list(dict.fromkeys(lying[f"box-{box}"]))
        assert rows <= set(first_copies)
        assert first_copies == sorted(first_copies)


def all_have(acknowledged: list[set[int]], least: int) -> bool:
    return all(len(rows) >= least for rows in acknowledged)


@pytest.mark.parametrize("cluster", [REAL], indirect=True, ids=["real"])  # the other one makes topics by itself
def test_what_a_person_has_to_mend_is_said(cluster: Broker, tmp_path: Path) -> None:
    front = before(f"kafka://{cluster.address}/no-such-topic", tmp_path)
    front.start()
    try:
        wait_for(lambda: "there is no such topic: make it" in published(front)["problem"], "the trouble to be told")
        assert front.get("/healthz").status == 503
        make_topic(cluster.address, "no-such-topic")
        wait_for(lambda: front.get("/healthz").status == 200, "the topic to be seen")
        assert front.post_rows(1, 1).status == 200
    finally:
        front.kill()


def test_it_ends_cleanly_while_a_batch_waits_for_the_cluster(tmp_path: Path) -> None:
    front = before(f"kafka://127.0.0.1:{free_port()}/rows", tmp_path)
    front.start()
    ended: list[Answer | None] = []
    boxes = [threading.Thread(target=lambda: ended.append(asked(front.post_rows, 1, 1))) for _ in range(2)]
    for box in boxes:
        box.start()
    wait_for(lambda: ended, "one to be put off while the other waits")
    began_s = time.monotonic()
    assert front.end(signal.SIGTERM) == 0
    assert time.monotonic() - began_s < 5.5
    for box in boxes:
        box.join()


def asked(post: Callable[[int, int], Answer], first: int, last: int) -> Answer | None:
    try:
        return post(first, last)
    except (OSError, http.client.HTTPException):
        return None


def test_without_a_cluster_it_does_not_start(tmp_path: Path) -> None:
    environ = os.environ | {
        "HYDROLOG_PATHS__DATA": str(tmp_path),
        "HYDROLOG_RECEIVER__INTO": "log",
        "HYDROLOG_RECEIVER__TOKEN": TOKEN,
    }
    ended = subprocess.run(PROGRAM, env=environ, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith('receiver.into: "log" needs a cluster: log.url = ')
