"""Part of `hydrolog check`: the log that the processes read."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from cli.check_result import CheckResult
from cli.checks_kafka import cluster
from cli.shell import printable
from common.folder import LOG_FILE
from common.settings import Settings
from log import mark
from log.format import LONGEST_LINE, parse_header
from log.roles import Position, positions

_ADVICE = "run as the user of the processes, and check log.url"


def log(chosen: Settings, _now: datetime) -> Iterator[CheckResult]:
    """The log: its header, its size, the position of each group."""
    if not chosen.is_center:
        yield _log_file(chosen)
    elif chosen.is_http_center:
        yield _no_log(chosen.paths.data / LOG_FILE)
    elif chosen.receiver.into != "log":  # else it is looked at for writing
        yield from cluster(chosen, chosen.log.url, "log.url", "Read")
    known = mark.load(chosen.paths.data)
    for group, position in positions(chosen, chosen.log.groups).items():
        yield _group(group, position, known.end_offset if known else None)


def _no_log(of_a_box: Path) -> CheckResult:
    if of_a_box.exists():
        advice = "rows of a box that nobody reads; give the center an empty data folder"
        return CheckResult(False, "log", f"{of_a_box} has {advice}")
    return CheckResult(True, "log", "none; hydrolog-server stores what boxes deliver")


def _log_file(chosen: Settings) -> CheckResult:
    path = chosen.paths.data / LOG_FILE
    try:
        with path.open("rb") as file:
            header = parse_header(file.readline(LONGEST_LINE).removesuffix(b"\n"))
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        return CheckResult(True, "log", "none yet; the producer creates it")
    except OSError as error:
        return CheckResult(False, "log", f"cannot read {path} ({error.strerror}); run as the user of the processes")
    if header is None:
        return CheckResult(False, "log", f"the header of {path} is damaged; restart the processes to repair it")
    if size > chosen.log.warn_bytes:
        return CheckResult(False, "log", f"{size / 1e6:.0f} MB: a group is behind; hydrolog status shows which")
    return CheckResult(True, "log", f"{size} bytes from offset {header.base} on")


def _group(group: str, position: Position, end: int | None) -> CheckResult:
    subject = f"group {group}"
    if position.problem:
        return CheckResult(False, subject, f"{printable(position.problem)}; {_ADVICE}")
    if position.offset is None:
        return CheckResult(False, subject, f"has never committed; start: hydrolog-consumer --group {group}")
    behind = f", {max(0, end - position.offset)} rows behind" if end is not None else ""
    return CheckResult(True, subject, f"at offset {position.offset}{behind}")
