"""Whether the processes of the running group are well: `python -P -m deploy.group_check`.

Prints each process that is not, with the reason, and exits with 1 if there is one. `--within S` waits that long for all
to be well; `--allow a,b` names those that were not well before, which say nothing about a new version.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any
from xmlrpc.client import Error, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from common import health
from common.settings import load

STEADY_S = 15  # a process that ends at once has been started anew by then
LOOK_EVERY_S = 1

State = Mapping[str, Any]


def programs(home: Path) -> list[State]:
    """What supervisord says of each program.

    Raises:
        OSError, xmlrpc.client.Error: supervisord does not run, or does not answer.
    """
    transport = SupervisorTransport(None, None, f"unix://{home / 'supervisor.sock'}")
    found: Any = ServerProxy("http://supervisor", transport=transport).supervisor.getAllProcessInfo()
    return list(found)


def not_well(programs: Collection[State], published: Mapping[str, State]) -> dict[str, str]:
    """The reason for each program or role that is not well."""
    found: dict[str, str] = {}
    running = {program["pid"] for program in programs if program["statename"] == "RUNNING"}
    for role, state in published.items():
        if state.get("pid") not in running:
            found[role] = "has not published its state"
        elif state.get("problem"):
            found[role] = str(state["problem"])
    for program in programs:
        if program["statename"] == "RUNNING":
            if program["now"] - program["start"] < STEADY_S:
                found[program["name"]] = "has just been started"
        elif program["statename"] != "EXITED" or program["exitstatus"] != 0:  # 0: nothing to do here
            found[program["name"]] = f"{program['statename'].lower()}, exit status {program['exitstatus']}"
    return found


def watch(look: Callable[[], dict[str, str]], within_s: float, allowed: Collection[str]) -> dict[str, str]:
    """What is still not well when all else is, or when the time is over."""
    give_up_s = time.monotonic() + within_s
    while True:
        try:
            found = {name: why for name, why in look().items() if name not in allowed}
        except (OSError, Error) as error:
            found = {"supervisord": f"does not answer: {error}"}
        if not found or time.monotonic() >= give_up_s:
            return found
        time.sleep(LOOK_EVERY_S)


def main(arguments: list[str]) -> int:
    """0: all are well."""
    parser = argparse.ArgumentParser(prog="deploy.group_check")
    parser.add_argument("--within", type=float, default=0.0)
    parser.add_argument("--allow", default="")
    options = parser.parse_args(arguments)
    data, home = load(None).paths.data, Path(os.environ["HYDROLOG_HOME"])
    found = watch(lambda: not_well(programs(home), health.load_all(data)), options.within, options.allow.split(","))
    sys.stdout.writelines(f"{name}\t{why}\n" for name, why in sorted(found.items()))
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
