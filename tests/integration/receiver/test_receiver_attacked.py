"""hydrolog-server under attack, with real sockets: batches are stored and the page answers, however many come."""

import contextlib
import json
import resource
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import receiver_process
from receiver_process import DEADLINE_S, FORM, ReceiverProcess, body_of, key_of
from waiting import wait_for

from server.listener import MAX_CONNECTIONS

CROWD = MAX_CONNECTIONS + 150
MOST_FILES = 4096
BATCH = body_of(1, 3)


@pytest.fixture(autouse=True)
def descriptors() -> None:
    """Enough for a crowd of our own."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, MOST_FILES) if hard > 0 else MOST_FILES, hard))


@contextlib.contextmanager
def crowd(port: int, number: int, said: bytes = b"") -> Iterator[None]:
    """So many connections that say this and no more."""
    with contextlib.ExitStack() as held:
        for _ in range(number):
            handle = held.enter_context(socket.create_connection(("127.0.0.1", port), DEADLINE_S))
            with contextlib.suppress(OSError):  # it had to leave already
                handle.sendall(said)
        yield


def head(path: str = "/v1/batches", **changes: str) -> bytes:
    headers = {"Host": "127.0.0.1", "Content-Length": str(len(BATCH)), **FORM, "Idempotency-Key": key_of(1, 3)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in (headers | changes).items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode()


@pytest.mark.parametrize(
    "said",
    [b"", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", head(Authorization="Bearer wrong") + b"1\t"],
    ids=["silent", "half a header", "a body without the token"],
)
def test_a_crowd_takes_nobodys_place(receiver: ReceiverProcess, said: bytes) -> None:
    assert receiver.process is not None
    with crowd(receiver.port, CROWD, said):
        for first in range(0, 100, 10):
            assert receiver.post_rows(first, first + 9).status == 200
            assert receiver.get("/healthz").body.endswith(b"\n")
            assert receiver.get("/").status == 200
        assert psutil.Process(receiver.process.pid).num_fds() < 2 * MAX_CONNECTIONS
        health = receiver.data / "health" / "server.json"
        wait_for(lambda: json.loads(health.read_bytes())["counters"]["crowded_out"], "the crowd to be counted")
    assert receiver.output.stat().st_size < 10_000


def test_thousands_of_silent_connections_keep_no_batch_waiting(receiver: ReceiverProcess) -> None:
    with crowd(receiver.port, min(3_000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200)):
        for first in range(0, 100, 10):
            assert receiver.post_rows(first, first + 9).status == 200
    assert receiver.output.stat().st_size < 10_000


def test_a_slow_batch_with_the_token_keeps_its_place(receiver: ReceiverProcess) -> None:
    with socket.create_connection(("127.0.0.1", receiver.port), DEADLINE_S) as slow:
        slow.sendall(head() + BATCH[:5])
        assert receiver.get("/healthz").body  # its head has been read before this one
        with crowd(receiver.port, CROWD):
            assert receiver.post_rows(10, 19).status == 200
            slow.sendall(BATCH[5:])
            assert slow.recv(4096).startswith(b"HTTP/1.1 200 OK")


def test_a_site_whose_batches_are_slow_takes_nobodys_place(receiver: ReceiverProcess) -> None:
    with crowd(receiver.port, 32, head() + b"1\t"):
        wait_for(lambda: receiver.post_rows(1, 3).status == 503, "the crowd to be there")
        assert receiver.post(body_of(1, 3), key_of(1, 3).replace(receiver_process.SITE, "site-2")).status == 200
    wait_for(lambda: receiver.post_rows(1, 3).status == 200, "its places to be free")


def test_few_descriptors_are_shared_out(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver_process, "PROGRAM", ("prlimit", "--nofile=160:160", *receiver_process.PROGRAM))
    receiver = ReceiverProcess(tmp_path / "data", database_url)
    receiver.start()
    assert receiver.process is not None
    try:
        with crowd(receiver.port, CROWD):
            for first in range(0, 100, 10):
                assert receiver.post_rows(first, first + 9).status == 200
        assert "socket.accept" not in receiver.output.read_text()
    finally:
        receiver.kill()


def test_charts_that_wait_keep_nothing_else_waiting(receiver: ReceiverProcess, database_url: str) -> None:
    assert receiver.post_rows(1, 1).status == 200
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO SENSOR_TB (sensor) SELECT n::text FROM generate_series(100, 130) n")
    answers: list[int] = []

    def ask(sensor: int) -> None:
        answers.append(receiver.get(f"/api/nights?sensor={sensor}").status)

    wait_for(lambda: len(receiver.get("/api/state").json["sensors"]) == 32, "the sensors, and that of the row")
    with psycopg.connect(database_url) as lock:
        lock.execute("LOCK TABLE NIGHT_REPORT_TB IN ACCESS EXCLUSIVE MODE")
        same = [threading.Thread(target=ask, args=(100,)) for _ in range(30)]
        for thread in same:
            thread.start()
        different = [threading.Thread(target=ask, args=(sensor,)) for sensor in range(101, 131)]
        for thread in different:
            thread.start()
        wait_for(lambda: answers.count(503) == 23, "the answers for lack of places")  # of 8 places one is sensor 100's
        assert receiver.post_rows(2, 9).status == 200
        before = receiver.get("/api/state").json
        assert before["database"] == ""
        wait_for(lambda: receiver.get("/api/state").json["now"] != before["now"], "the state to be read again")
        assert len(answers) == 23  # while the charts still wait
    for thread in same + different:
        thread.join(DEADLINE_S)
    assert (answers.count(200), answers.count(503)) == (30 + 7, 23)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("[::1]:8080", 200),
        ("192.168.0.9:80", 200),
        ("LOCALHOST.", 200),
        ("box.localhost", 200),
        (socket.gethostname(), 200),
        ("water.example", 200),
        ("evil.example", 421),
        ("evil.example:8080", 421),
        ("water.example.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("127.0.0.1@evil.example", 421),
        ("", 421),
        ("localhost:80:80", 421),
        ("2130706433", 421),
    ],
)
def test_only_our_own_names_are_answered(named: ReceiverProcess, host: str, status: int) -> None:
    for path in ("/", "/api/state"):
        answer = named.request("GET", path, headers={"Host": host})
        assert (answer.status, b"receiver.hosts" in answer.body) == (status, status == 421)


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory, filled_url: str) -> Iterator[ReceiverProcess]:
    folder = tmp_path_factory.mktemp("named")
    process = ReceiverProcess(folder / "data", filled_url, HYDROLOG_RECEIVER__HOSTS="water.example, Other.example")
    process.start()
    yield process
    process.kill()


@pytest.mark.parametrize("path", ["/v1/batches/", "//v1/batches", "/v1%2Fbatches", "/V1/batches", "/v1/batches;x"])
def test_another_path_is_no_redirect(named: ReceiverProcess, path: str) -> None:
    answer = named.request("POST", path, BATCH, FORM | {"Idempotency-Key": key_of(1, 3)})
    assert answer.status == 404
    assert b"POST /v1/batches" in answer.body
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/batches"), ("PUT", "/v1/batches"), ("POST", "/"), ("DELETE", "/api/state"), ("TRACE", "/healthz")],
)
def test_another_method_is_not_taken(named: ReceiverProcess, method: str, path: str) -> None:
    assert named.request(method, path).status == 405


def test_what_strangers_do_a_thousand_times_is_logged_a_few_times(named: ReceiverProcess) -> None:
    before = named.output.stat().st_size
    for said in (
        head(Authorization="Bearer wrong") + BATCH,
        b"no HTTP\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: e.example\r\n\r\n",
    ):
        for _ in range(300):
            with socket.create_connection(("127.0.0.1", named.port), DEADLINE_S) as handle:
                handle.sendall(said)
                assert handle.recv(12).startswith(b"HTTP/1.1 4")
    assert named.output.stat().st_size - before < 20_000
