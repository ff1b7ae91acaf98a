"""A center on one machine without a cluster: boxes deliver over HTTP, and the nights and forecasts of all are made."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from receiver_process import LOG_ID, MIDNIGHT, ReceiverProcess, body_of
from waiting import wait_for

from common.batch_mark import HEADER, BatchMark, to_header
from common.clock import ScaledClock, minute_of
from common.settings_checks import NO_LOG

SITES = ("north", "south")
HOURS = 31  # to seven in the morning after the night
PROGRAMS = (("nightflow",), ("forecaster", "run"))


@contextmanager
def running(environ: dict[str, str]) -> Iterator[None]:
    """Both programs that work for the sites, in the data folder of the server."""
    started = [subprocess.Popen([sys.executable, "-P", "-m", *program], env=environ) for program in PROGRAMS]
    try:
        yield
    finally:
        for each in started:
            each.kill()
            each.wait()


def delivered(server: ReceiverProcess, site: str) -> None:
    """A box's rows of the first hours, in batches of ten hours, each with its mark."""
    for first in range(0, HOURS * 60, 600):
        last = min(first + 600, HOURS * 60) - 1
        closed = minute_of(MIDNIGHT + timedelta(minutes=last))
        answer = server.post(
            body_of(first, last),
            f"{site}/{LOG_ID}-{site}/{first}-{last}",
            **{HEADER: to_header(BatchMark(first, closed))},
        )
        assert answer.status == 200, answer.body


def test_what_boxes_deliver_over_http_is_worked_on_for_each_of_them(database_url: str, tmp_path: Path) -> None:
    morning = MIDNIGHT + timedelta(hours=HOURS, seconds=30)
    environ = {
        "HYDROLOG_LOG__URL": NO_LOG,
        "HYDROLOG_SITE__ID": "center",
        "HYDROLOG_CLOCK": ScaledClock(1.0, time.time(), morning.timestamp()).to_environment(),
    }
    server = ReceiverProcess(tmp_path / "data", database_url, **environ)
    server.start()
    own = {"HYDROLOG_PATHS__DATA": str(server.data), "HYDROLOG_DATABASE__URL": database_url}
    try:
        for site in SITES:
            delivered(server, site)
        missing = server.get("/healthz")
        assert (missing.status, b"nightflow" in missing.body, b"forecaster" in missing.body) == (503, True, True)
        assert b'id="not-told"' not in server.get("/alerts").body, "the server tells of silent boxes"
        with running({**os.environ, **environ, **own}), psycopg.connect(database_url, autocommit=True) as connection:

            def sites(table: str, where: str) -> list[str]:
                query = f"SELECT DISTINCT site FROM {table} WHERE {where} ORDER BY site"
                return [site for (site,) in connection.execute(query.encode())]

            wait_for(lambda: sites("NIGHT_REPORT_TB", "good_minutes > 0") == sorted(SITES), "a night of each site")
            wait_for(lambda: sites("PRED_VAL_TB", "flow > 0") == sorted(SITES), "a forecast of each site")
            wait_for(lambda: server.get("/healthz").status == 200, "all to be well")
            said = subprocess.run(
                [sys.executable, "-P", "-m", "cli", "status", "--language", "en"],
                env={**os.environ, **environ, **own},
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        assert (said.returncode, said.stderr) == (0, "")
        assert "log: none" in said.stdout and "producer" not in said.stdout
    finally:
        server.kill()


@pytest.mark.parametrize(
    "program", ["producer", "consumer --group archive", "consumer --group server", "consumer --group alerts"]
)
def test_what_works_on_the_log_of_a_box_says_in_a_line_that_there_is_none(program: str, tmp_path: Path) -> None:
    refused = subprocess.run(
        [sys.executable, "-P", "-m", *program.split()],
        env={**os.environ, "HYDROLOG_PATHS__DATA": str(tmp_path), "HYDROLOG_LOG__URL": NO_LOG},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert refused.stderr.startswith('log.url: is "none": a center without a log, in which this program has no work')
