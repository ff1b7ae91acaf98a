"""The machines of a center: the cluster, Postgres, readers, servers in front, and the boxes that deliver."""

import socket
import time
from pathlib import Path

from center_parts.boxes import Box
from center_parts.brokers import TOPIC, Brokers
from center_parts.programs import PYTHON, Program, Supervisor

from common.clock import VARIABLE, ScaledClock, minute_of
from common.folder import POSTGRES_URL_FILE
from common.settings import PREFIX, RECEIVER_TOKEN, SERVER_TOKEN

SPEED = 30.0  # a minute of the boxes in two seconds, and a batch in each
SITE_START_S = 1_724_630_400.0  # 2024-08-26T09:00:00+09:00
PARTITIONS, ARCHIVES, FRONTS, BOXES = 4, 2, 2, 6
START_S = 90.0
_TOKEN = "soak-of-a-center"


class Center:
    """All of them; even boxes ship to the cluster, odd ones post to a server in front."""

    def __init__(self, node: str, folder: Path, brokers: int) -> None:
        self._folder = folder
        self.postgres_data = folder / "postgres"
        self.programs = Supervisor()
        self.brokers = Brokers(node, folder, brokers, _free_ports(10 * brokers))
        self._clock = ScaledClock(SPEED, time.time(), SITE_START_S)
        self.boxes: list[Box] = []
        self.database_url = ""

    def start(self) -> None:
        self.postgres_data.mkdir()
        postgres = {f"{PREFIX}PATHS__DATA": str(self.postgres_data)}
        self.programs.run(Program("postgres", [*PYTHON, "postgres"], postgres, self._folder))
        self.brokers.start(PARTITIONS)
        self.database_url = self._wait_for_postgres()
        for number in range(1, ARCHIVES + 1):
            self.programs.run(self.archive(number))
        fronts = [_free_ports(1) for _ in range(FRONTS)]
        for number, port in enumerate(fronts, 1):
            self.programs.run(self._front(number, port))
        clocks = {VARIABLE: self._clock.to_environment(), SERVER_TOKEN: _TOKEN}
        for number in range(BOXES):
            url = f"http://127.0.0.1:{fronts[number // 2 % FRONTS]}/v1/batches" if number % 2 else self._topic
            box = Box(f"site-{number}", url, self._folder, minute_of(self._clock.now()), clocks)
            self.boxes.append(box)
            self.programs.run(box.sender)

    def append(self) -> None:
        """The rows of the minutes that are over."""
        for box in self.boxes:
            box.append_until(minute_of(self._clock.now()))

    def archive(self, number: int) -> Program:
        """One more reader of the topic."""
        keys = {"DATABASE__URL": self.database_url}
        if not self.brokers.can_die:
            keys["KAFKA__CLIENT"] = "group.protocol=classic"  # the broker in memory knows no other
        return self._program(f"archive-{number}", ["consumer", "--group", "archive"], **keys)

    def end(self) -> None:
        self.programs.end()
        self.brokers.end()
        for box in self.boxes:
            box.log.close()

    @property
    def _topic(self) -> str:
        return f"kafka://{self.brokers.address}/{TOPIC}"

    def _front(self, number: int, port: int) -> Program:
        keys = {"RECEIVER__INTO": "log", "RECEIVER__PORT": str(port), RECEIVER_TOKEN.removeprefix(PREFIX): _TOKEN}
        return self._program(f"front-{number}", ["server"], **keys)

    def _program(self, name: str, command: list[str], **keys: str) -> Program:
        own = {"PATHS__DATA": str(self._folder / name), "LOG__URL": self._topic, **keys}
        environ = {f"{PREFIX}{key}": value for key, value in own.items()}
        return Program(name, [*PYTHON, *command], environ, self._folder)

    def _wait_for_postgres(self) -> str:
        give_up_s = time.monotonic() + START_S
        while time.monotonic() < give_up_s:
            if (self.postgres_data / POSTGRES_URL_FILE).exists():
                return (self.postgres_data / POSTGRES_URL_FILE).read_text("utf-8").strip()
            time.sleep(0.1)
        raise SystemExit(f"Postgres did not start within {START_S:g} s")


def _free_ports(number: int) -> int:
    """The first of so many ports side by side that nobody listens on."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as found:
            first: int = found.getsockname()[1]
        if first + number < 2**16 and all(_is_free(first + each) for each in range(number)):
            return first


def _is_free(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) != 0
