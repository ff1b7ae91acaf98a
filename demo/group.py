"""The supervisord group of a demo: start, control, stop, and cleanup after a killed demo."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import Any, cast
from xmlrpc.client import Fault, ServerProxy

from common import processes, short_folder
from common.clock import VARIABLE, ScaledClock
from common.errors import HydrologError, Stopped
from common.settings import CONFIG, PREFIX
from demo.folder import DemoFolder

HOME = "HYDROLOG_HOME"  # the folder variable in deploy/supervisord.conf
MARK = "DEMO_OF_HYDROLOG"  # the demo's folder: identifies the processes of an earlier demo
START_S = 20.0  # real seconds until supervisord answers
GROUP_STOP_S = 4.0  # after that the rest is killed: any instant is safe
SOCKET = "supervisor.sock"
SWEEP_S = 8.0  # every process exits within 5 s of SIGTERM


_SPAWNED = re.compile(r"spawned: '([^']+)' with pid")


class GroupFailed(HydrologError):
    """The group of processes did not start or ended by itself."""


def environment(folder: DemoFolder, clock: ScaledClock) -> dict[str, str]:
    """The environment of the group's processes, without the user's HYDROLOG_ settings."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return own | {
        MARK: str(folder.home),
        CONFIG: str(folder.config),
        VARIABLE: clock.to_environment(),
        f"{PREFIX}LINE__URL": str(folder.link),  # a settings file must be UTF-8, but a path may be any bytes
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{own.get('PATH', '')}",
        "PYTHONUNBUFFERED": "1",
    }


class ProcessGroup:
    """supervisord with the shipped configuration, in its own session: Ctrl-C reaches only the demo, which stops it."""

    def __init__(self, folder: DemoFolder, clock: ScaledClock) -> None:
        self._folder = folder
        # supervisord splits paths at spaces and expands characters in them, and its socket needs a short path.
        self._short = short_folder.make()
        self._home = self._short / "home"
        self._home.symlink_to(folder.home)
        self._starts_log = folder.home / "logs" / "supervisord.log"
        self._starts_from = self._starts_log.stat().st_size if self._starts_log.exists() else 0
        conf = Path(str(resources.files("deploy"))) / "supervisord.conf"
        leash = [sys.executable, "-P", "-m", "demo.parent_watch", str(os.getpid())]
        self._log = (folder.home / "logs" / "start.log").open("ab")
        self._process = subprocess.Popen(
            [*leash, "-n", "-c", str(conf)],
            env=environment(folder, clock) | {HOME: str(self._home)},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait_until_answering(self, stop: threading.Event) -> None:
        """Wait until supervisord has started.

        Raises:
            GroupFailed: it ended, or does not answer in time.
            Stopped: `stop` was set.
        """
        give_up_s = time.monotonic() + START_S
        while time.monotonic() < give_up_s and self.running:
            try:
                _supervisor(self._home / SOCKET).getState()
            except (OSError, Fault):
                if stop.wait(processes.LOOK_EVERY_S):
                    raise Stopped from None
            else:
                return
        raise GroupFailed(f"supervisord did not start; see {self._folder.home / 'logs'}")

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def down(self) -> dict[str, str]:
        """The programs that are not running, and their state in supervisord."""
        states = cast(list[dict[str, Any]], _supervisor(self._home / SOCKET).getAllProcessInfo())
        return {
            state["name"]: state["statename"] for state in states if state["statename"] not in ("RUNNING", "STARTING")
        }

    def stop_simulator(self) -> None:
        """Stop the simulator; everything sent before is on the line."""
        try:
            _supervisor(self._home / SOCKET).stopProcess("simulator", True)
        except (OSError, Fault) as error:
            raise GroupFailed(f"the simulator could not be stopped: {error}") from error

    def falls(self) -> Counter[str]:
        """The number of restarts of each program since the group's start, from supervisord's log."""
        try:
            said = self._starts_log.read_bytes()
        except OSError:
            return Counter()
        since = said[self._starts_from if self._starts_from <= len(said) else 0 :].decode("utf-8", "replace")
        starts = Counter(_SPAWNED.findall(since))
        return Counter({name: count - 1 for name, count in starts.items()})

    def stop(self) -> bool:
        """Stop all processes of the group, the simulator first; False if some had to be killed."""
        if self.running:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(GROUP_STOP_S)
        in_time = not self.running
        if not in_time:
            self._process.kill()
            self._process.wait()
            processes.end(processes.having(MARK, str(self._folder.home)), signal.SIGKILL, 1.0)
        self._log.close()
        shutil.rmtree(self._short, ignore_errors=True)
        return in_time


def _supervisor(socket: Path) -> Any:
    """A proxy for supervisord; a new one per request, because its transport does not recover from errors."""
    from supervisor.xmlrpc import SupervisorTransport  # noqa: PLC0415 - only if a group is started

    transport = SupervisorTransport(None, None, f"unix://{socket}")
    return ServerProxy("http://127.0.0.1", transport=transport).supervisor  # the address is in the transport


def sweep(folder: DemoFolder) -> int:
    """End the processes left by an earlier demo in this folder; returns their number."""
    found = processes.having(MARK, str(folder.home))
    keepers = [pid for pid in found if _is_supervisord(pid)]
    processes.end(keepers, signal.SIGTERM, SWEEP_S)  # it stops the others, and would restart them otherwise
    processes.end([pid for pid in found if pid not in keepers], signal.SIGTERM, SWEEP_S)
    for short in short_folder.left():
        if (link := short / "home").is_symlink() and link.readlink() == folder.home:
            shutil.rmtree(short, ignore_errors=True)
    return len(found)


def _is_supervisord(pid: int) -> bool:
    try:
        return b"supervisor.supervisord" in (processes.PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return False
