"""The supervisord group of a demo: started, spoken to, ended, and swept up after a demo that was killed."""

import os
import signal
import subprocess
import sys
import time
from importlib import resources
from pathlib import Path
from typing import Any, cast
from xmlrpc.client import Fault, ServerProxy

from common import embedded, processes
from common.clock import VARIABLE, ScaledClock
from common.errors import HydrologError
from common.settings import CONFIG, PREFIX
from demo.folder import DemoFolder

HOME = "HYDROLOG_HOME"
START_S = 20.0  # real seconds until supervisord answers
SIMULATOR_STOP_S = 15.0  # it drains its line first
GROUP_STOP_S = 75.0  # Postgres may take a minute for its last checkpoint
SWEEP_S = 8.0  # every process leaves within 5 s of SIGTERM
POSTGRES_STOP_S = 30.0


class GroupFailed(HydrologError):
    """The group of processes did not start or ended by itself."""


def environment(folder: DemoFolder, clock: ScaledClock) -> dict[str, str]:
    """What the group's processes are started with; nobody's own HYDROLOG_ settings leak in."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return own | {
        HOME: str(folder.home),
        CONFIG: str(folder.config),
        VARIABLE: clock.to_environment(),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{own.get('PATH', '')}",
        "PYTHONUNBUFFERED": "1",
    }


class Group:
    """supervisord with the shipped configuration, in a session of its own: Ctrl-C reaches only us, and we end it."""

    def __init__(self, folder: DemoFolder, clock: ScaledClock) -> None:
        self._folder = folder
        conf = Path(str(resources.files("deploy"))) / "supervisord.conf"
        leash = [sys.executable, "-m", "demo.leash", str(os.getpid())]
        self._log = (folder.home / "logs" / "start.log").open("ab")
        self._process = subprocess.Popen(
            [*leash, "-n", "-c", str(conf)],
            env=environment(folder, clock),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait_until_answering(self) -> None:
        """Wait until supervisord has started.

        Raises:
            GroupFailed: it ended, or does not answer in time.
        """
        give_up_s = time.monotonic() + START_S
        while time.monotonic() < give_up_s and self.running:
            try:
                _supervisor(self._folder.socket).getState()
            except (OSError, Fault):
                time.sleep(processes.LOOK_EVERY_S)
            else:
                return
        raise GroupFailed(f"supervisord did not start; see {self._folder.home / 'logs'}")

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def down(self) -> dict[str, str]:
        """The programs that are not running, and how supervisord calls their state."""
        states = cast(list[dict[str, Any]], _supervisor(self._folder.socket).getAllProcessInfo())
        return {
            state["name"]: state["statename"] for state in states if state["statename"] not in ("RUNNING", "STARTING")
        }

    def stop_simulator(self) -> None:
        """End the readings; what was sent before is on the line."""
        try:
            _supervisor(self._folder.socket).stopProcess("simulator", True)
        except (OSError, Fault) as error:
            raise GroupFailed(f"the simulator could not be stopped: {error}") from error

    def stop(self) -> None:
        """End every process of the group, the simulator first."""
        if self.running:
            self._process.terminate()
            try:
                self._process.wait(GROUP_STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()


def _supervisor(socket: Path) -> Any:
    """What supervisord can be asked; made anew for each question, since its transport never recovers from an error."""
    from supervisor.xmlrpc import SupervisorTransport  # noqa: PLC0415 - only where a group is started

    transport = SupervisorTransport(None, None, f"unix://{socket}")
    return ServerProxy("http://127.0.0.1", transport=transport).supervisor  # only the transport knows the address


def sweep(folder: DemoFolder) -> int:
    """End what an earlier demo on this folder has left behind, but not its Postgres; how many processes."""
    found = [pid for pid in processes.having(HOME, str(folder.home)) if processes.name(pid) != "postgres"]
    keepers = [pid for pid in found if _is_supervisord(pid)]
    processes.end(keepers, signal.SIGTERM, GROUP_STOP_S)  # it ends the others, and would start them again otherwise
    processes.end([pid for pid in found if pid not in keepers], signal.SIGTERM, SWEEP_S)
    return len(found)


def _is_supervisord(pid: int) -> bool:
    try:
        return b"supervisor.supervisord" in (processes.PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return False


def stop_postgres(folder: DemoFolder) -> None:
    """End the embedded Postgres if it still runs; after the group it does only if something was killed."""
    if (pid := embedded.postmaster(folder.data)) is not None:
        processes.end([pid], signal.SIGINT, POSTGRES_STOP_S)
