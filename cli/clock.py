"""``hydrolog clock confirm``: a person says that the box's clock is right."""

import argparse
import sys
from datetime import datetime
from pathlib import Path

from cli import acting, shell
from common.audit import Actor
from common.clock import local_text
from common.options import Parser
from common.settings import Settings, load

SET_IT = "sudo timedatectl set-time '2026-05-04 12:30'"


def run(args: list[str]) -> int:
    """Write the confirmation for the producer; returns the exit code."""
    from situation.clock_confirmation import confirm, standing

    options = _parser().parse_args(args)
    chosen, by = load(options.config), Actor(acting.person())
    acting.become_owner(chosen.paths.data)
    found = standing(chosen, shell.site_clock(chosen.paths.data).now())
    shown = _local(found.now, chosen)
    if not found.is_set:
        return _refuse(f"the clock says {shown}: it was never set; nothing is confirmed. Set it: {SET_IT}")
    if found.is_ahead and not options.go_on:
        return _refuse(
            f"the clock says {shown}, but there are rows up to {_local(found.newest, chosen)}; nothing is confirmed.\n"
            f"If the clock is right, a wrong one made those rows: hydrolog clock confirm --go-on\n"
            f"If it is wrong, set it: {SET_IT}"
        )
    done = confirm(chosen, by, found, go_on=options.go_on)
    for path, rows in done.moved:
        shell.say(f"set aside: {rows} rows in {path}")
    shell.say(f"confirmed: it is {shown}; the producer takes this clock within a second")
    if down := done.down or found.down:
        advice = "when it is back, type hydrolog clock confirm --go-on, in case it has rows of the future"
        sys.stderr.write(f"{down}\n{advice}\n")
    return 0


def _refuse(text: str) -> int:
    sys.stderr.write(text + "\n")
    return 1


def _local(time: datetime, chosen: Settings) -> str:
    return f"{local_text(time, chosen.site.zone)} ({chosen.site.timezone})"


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="hydrolog clock",
        description="Readings wait while nothing speaks for the box's clock: on a new box, after months without power, "
        "after a jump of more than two minutes. A time service or a meter's own clock ends that; so does this command.",
    )
    parser.add_argument("action", choices=["confirm"], help="say that the clock is right")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file")
    parser.add_argument(
        "--go-on",
        action="store_true",
        help="also where there are rows of the future, which a wrong clock made: they are moved to files in the "
        "data folder (set_aside/), and their minutes are open again",
    )
    return parser
