"""The demo's folder: settings, secret, the simulator's program, and where the site's time has come to."""

import json
import secrets
import socket
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from common import state_file
from common.errors import HydrologError
from common.files import replace
from common.settings import Settings, load
from common.state_file import StateUnusable
from demo.recordings import REPLAY
from log import mark

WANTED_PORT = 8080
PATIENCE_S = 10  # real seconds that night flow and batches wait for rows that are late, whatever the speed
SAVE_EVERY_S = 2.0  # real seconds between two notes of the site's time

_SETTINGS = """\
# Written by `hydrolog demo` at each start.
[site]
id = "demo"
timezone = "{zone}"

[paths]
data = "data"

[line]
url = {link}

[server]
url = "http://127.0.0.1:{port}/v1/batches"
token_file = "server.token"

# Site time runs {speed:g} times as fast as life, waiting for late rows does not: {patience} real seconds.
[night]
grace_seconds = {wait_s}

[forecast]
wait_seconds = {wait_s}

[receiver]
port = {port}
token_file = "server.token"
"""
_SIMULATOR = """\
[program:simulator]
command=python -P -m cli simulate {replays} --link %(ENV_HYDROLOG_HOME)s/line --truth %(ENV_HYDROLOG_HOME)s/truth.tsv
; After the group at start, before it at the end: what was sent has a reader.
priority=2000
autorestart=unexpected
exitcodes=0,2,3
startsecs=0
stopwaitsecs=10
redirect_stderr=true
stdout_logfile=%(ENV_HYDROLOG_HOME)s/logs/simulator.log
stdout_logfile_maxbytes=5MB
stdout_logfile_backups=1
"""


class FolderUnusable(HydrologError):
    """The demo's folder cannot be used."""

    exit_code = 2


@dataclass
class DemoState:
    """What the next start needs to know."""

    prepared: bool = False  # history is loaded, the model is trained
    first_s: float = 0.0  # the site's time at the first start, epoch seconds; 0 before it
    site_s: float = 0.0  # the site's time that has been reached
    running: bool = False  # still set at a start: the last demo was killed
    speed: float = 1.0
    gaps: list[list[int]] | None = None  # UTC minutes (first, last) around a kill, whose truth was lost with it


class DemoFolder:
    """Everything that a demo writes lies here."""

    def __init__(self, home: Path) -> None:
        self.home = home.absolute()
        self.config = self.home / "hydrolog.toml"
        self.data = self.home / "data"
        self.link = self.home / "line"
        self.truth = self.home / "truth.tsv"
        self._recordings = self.home / "recordings"
        self._token = self.home / "server.token"
        self._state = self.home / "demo.json"

    def make(self) -> None:
        """Make the folder.

        Raises:
            FolderUnusable: it cannot be written.
        """
        try:
            for folder in (self.data, self.home / "logs", self.home / "programs"):
                folder.mkdir(parents=True, exist_ok=True)
            if not self._token.exists():
                replace(self._token, secrets.token_urlsafe(32).encode() + b"\n", mode=0o600)
        except OSError as error:
            raise FolderUnusable(f"--data: cannot write to {self.home}: {error.strerror}") from error

    def write_settings(self, *, zone: str, speed: float, wanted_port: int | None) -> int:
        """Write the settings for a run; the port of the page."""
        port = _free_port(wanted_port)
        wait_s = min(PATIENCE_S * speed, 3600.0)
        link = json.dumps(str(self.link), ensure_ascii=False)  # a string of JSON is one of TOML
        text = _SETTINGS.format(
            zone=zone, link=link, port=port, speed=speed, patience=PATIENCE_S, wait_s=max(wait_s, 60.0)
        )
        replace(self.config, text.encode("utf-8", "replace"))
        return port

    def write_simulator(self, recordings: Path, sensors: Iterable[str]) -> None:
        """Write the simulator's program for the group; it reads the recordings through a link in this folder."""
        self._recordings.unlink(missing_ok=True)
        self._recordings.symlink_to(recordings.absolute())
        place = f"%(ENV_HYDROLOG_HOME)s/{self._recordings.name}"
        wishes = " ".join(f"--replay {sensor}={place}/{sensor}{REPLAY}" for sensor in sensors)
        replace(self.home / "programs" / "simulator.conf", _SIMULATOR.format(replays=wishes).encode())

    def settings(self) -> Settings:
        """The settings as the group reads them."""
        return load(self.config, {})

    def load_state(self) -> DemoState:
        """What the last demo noted; a fresh state if there is none.

        Raises:
            FolderUnusable: it is damaged.
        """
        try:
            return state_file.read(self._state, DemoState) or DemoState()
        except StateUnusable as error:
            raise FolderUnusable(
                f"{self._state} cannot be read ({error}); remove {self.home} and start anew"
            ) from error

    def store_state(self, state: DemoState) -> None:
        replace(self._state, json.dumps(asdict(state)).encode() + b"\n")

    def resume_s(self, state: DemoState) -> float:
        """The site's time to go on from: never earlier than anything that was seen before.

        After a kill the last note may be some seconds old, and the truth of the minutes that were open is lost.
        """
        noted = mark.load(self.data)
        closed_s = (noted.closed_through + 1) * 60.0 if noted else 0.0
        if not state.running:
            return max(state.site_s, closed_s)
        site_s = max(state.site_s + 2 * SAVE_EVERY_S * state.speed, closed_s)
        behind_s = 2 * SAVE_EVERY_S * state.speed + 180  # truth is written up to two minutes after a minute's end
        state.gaps = [*(state.gaps or []), [int((state.site_s - behind_s) // 60), int(site_s // 60)]]
        return site_s


def _free_port(wanted: int | None) -> int:
    """The wanted port, or any free one if the usual port is taken."""
    for port in (WANTED_PORT if wanted is None else wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server itself does
            try:
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
            except (OSError, OverflowError) as error:
                if wanted:
                    raise FolderUnusable(f"--port: {wanted} cannot be used: {error}") from error
    raise FolderUnusable("no free port on 127.0.0.1")
