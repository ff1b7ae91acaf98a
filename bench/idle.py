"""The claim: the whole group, reading one sensor once a second, costs less than 1 % of a core.

The real executables under supervisord, as deploy/ starts them, with an embedded Postgres and the receiver on the same
machine; the meter is `hydrolog simulate`, which is not counted. Argument: seconds to measure (60).
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from common import processes
from common.clock import SystemClock
from common.settings import CONFIG
from demo.folder import DemoFolder

BIN = Path(sys.executable).parent
DEPLOY = Path(__file__).parents[1] / "deploy"
HOME = "HYDROLOG_HOME"
SETTLE_S = 60.0  # the first model of a box without history, Postgres' first checkpoint
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(home: Path) -> dict[str, float]:
    """CPU seconds so far by program, of every process of the group."""
    used: defaultdict[str, float] = defaultdict(float)
    for pid in processes.having(HOME, str(home)):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        used[name_of(words)] += (int(fields[11]) + int(fields[12])) / TICKS
    return dict(used)


def name_of(words: list[bytes]) -> str:
    """`consumer archive` for `python -P -m consumer --group archive`."""
    text = [word.decode() for word in words if word]
    module = text.index("-m") + 1 if "-m" in text else 0
    return " ".join([Path(text[module]).name, *(word for word in text[module + 1 :] if word in ("archive", "server"))])


def main() -> None:
    from rich.console import Console  # noqa: PLC0415 - the measured processes do without
    from rich.table import Table  # noqa: PLC0415

    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    with tempfile.TemporaryDirectory(prefix="hydrolog-idle-") as name:
        home = Path(name)
        home.chmod(0o755)
        before, after = measure(home, seconds)
    table = Table(
        "process", "share of a core", title=f"An idle group, one sensor, {seconds:.0f} s", title_justify="left"
    )
    shares = {program: (after[program] - before.get(program, 0.0)) / seconds for program in sorted(after)}
    for program, share in shares.items():
        table.add_row(program, f"{share:.2%}")
    table.add_row("all (claim: below 1 %)", f"{sum(shares.values()):.2%}")
    Console().print(table)


def measure(home: Path, seconds: float) -> tuple[dict[str, float], dict[str, float]]:
    folder = DemoFolder(home)
    folder.make()
    folder.write_settings(zone="Asia/Seoul", speed=1.0, wanted_port=0)
    environ = {**os.environ, CONFIG: str(folder.config), "PATH": f"{BIN}:{os.environ['PATH']}"}
    meter = subprocess.Popen(
        [sys.executable, "-P", "-m", "cli", "simulate", "--district", "1", "--sensors", "1", "--link", folder.link],
        env=environ,
        stdout=subprocess.DEVNULL,
    )
    group = subprocess.Popen(
        [sys.executable, "-P", "-m", "supervisor.supervisord", "-c", DEPLOY / "supervisord.conf"],
        env={**environ, HOME: str(home)},
        stdout=subprocess.DEVNULL,
    )
    clock = SystemClock()
    try:
        time.sleep(SETTLE_S)
        before, before_s = cpu_s(home), clock.monotonic()
        time.sleep(seconds - (clock.monotonic() - before_s))
        return before, cpu_s(home)
    finally:
        for process in (meter, group):
            process.send_signal(signal.SIGTERM)
            process.wait(60)


if __name__ == "__main__":
    main()
