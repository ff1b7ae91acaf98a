"""hydrolog-nightflow on the real mark and commit."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from night_site import FIRST, Site

from common.settings import Settings
from log import mark
from log.mark import Mark
from log.roles import open_for


def environment(settings: Settings, url: str) -> dict[str, str]:
    return {**os.environ, "HYDROLOG_PATHS__DATA": str(settings.paths.data), "HYDROLOG_DATABASE__URL": url}


def test_the_executable_reads_the_real_mark_and_commit(site: Site) -> None:
    site.rows(range(FIRST - 9, FIRST + 1))
    log = open_for(site.settings)
    log.append([f"row {n}" for n in range(10)])
    group = log.group("archive")
    mark.store(site.settings.paths.data, Mark(FIRST, log.end_offset, log.log_id))
    at = ["--once", "--at", "2024-08-26T22:01:05+09:00"]

    def once() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "nightflow", *at],
            env=environment(site.settings, site.url),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert once().returncode == 0
    assert site.window(FIRST) is None
    group.poll(100)
    group.commit(log.end_offset)
    assert once().returncode == 0
    found = site.window(FIRST)
    assert found
    assert found["complete"]
    log.close()


def test_the_executable_ends_at_once_on_sigterm_and_with_2_on_wrong_times(site: Site, tmp_path: Path) -> None:
    wrong = subprocess.run(
        [sys.executable, "-m", "nightflow"],
        env={**environment(site.settings, site.url), "HYDROLOG_NIGHT__END": "22:00"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    assert wrong.stderr.startswith("night.end")
    with subprocess.Popen(
        [sys.executable, "-m", "nightflow"],
        env=environment(site.settings, site.url),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert "start" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
