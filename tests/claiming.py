"""A process that works for the sites of a database, one after the other, and tells which; run as a program.

    python claiming.py URL NAME IDLE_S

It prints each site that it holds, works for it when a line comes, and prints `done` or `lost`. Its work is a row in the
table `worked`.
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from common.database import Database
from common.errors import DatabaseDown, SiteWorkFailed
from common.settings import load
from common.site_claims import Done, SiteClaims

NOW = datetime(2024, 8, 26, 20, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
SEOUL = ZoneInfo("Asia/Seoul")
WORK = "test"


@contextlib.contextmanager
def claiming(url: str, idle_s: float = 60.0) -> Iterator[SiteClaims]:
    with contextlib.closing(Database(load(None, {"HYDROLOG_DATABASE__URL": url}), "test")) as database:
        yield SiteClaims(database, WORK, SEOUL, LATER - NOW, idle_s=idle_s)


class Claimer:
    """The program, seen by a test."""

    def __init__(self, url: str, name: str = "other", idle_s: float = 60.0) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", Path(__file__), url, name, str(idle_s)],
            env={"PYTHONPATH": str(Path(__file__).parents[1])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def says(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def go_on(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def close(self) -> None:
        self.process.kill()
        self.process.wait(60)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            pipe.close()


def _work(claims: SiteClaims, name: str) -> None:
    while True:
        try:
            with claims.taken(NOW) as held:
                if not held.claims:
                    return
                print(held.claims[0].site, flush=True)
                if not sys.stdin.readline():
                    return
                held.cursor.execute("INSERT INTO worked VALUES (%s, %s)", (held.claims[0].site, name))
                held.done(held.claims[0], Done(LATER))
        except (DatabaseDown, SiteWorkFailed):
            print("lost", flush=True)
        else:
            print("done", flush=True)


if __name__ == "__main__":
    with claiming(sys.argv[1], float(sys.argv[3])) as found:
        _work(found, sys.argv[2])
