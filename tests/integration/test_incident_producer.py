"""The producer's part of the incidents, killed with -9 around a raise and an end: there is exactly one incident.

A process judges the minutes as the producer does: findings and incidents, then the rows, then the detectors' state.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from common import state_file
from common.folder import INCIDENTS_FILE
from common.settings import SiteSettings
from incidents import book
from incidents.incident import Incident
from incidents.reading import IncidentsFile
from outliers.watch import memory
from producer import verdicts
from producer.minute_mean import MinuteMean
from producer.verdicts import Verdicts

T = 28_744_290  # 2024-08-26T07:30Z
BAD = range(T + 5, T + 10)  # minutes with a flow below zero
LAST = T + 60  # good for so long that the fault is over, and looked at for signs that no detector knows
PLACES = ("findings", "incidents", "rows", "detectors", "saved")


def judge(data: Path, rows: Path, first: int, kill_at: int, place: str) -> None:
    """From minute `first` on; killed in the minute `kill_at`, before the file of this place is written."""
    now = first

    def die_before(owner: object, name: str, here: str) -> None:
        write = getattr(owner, name)

        def writes(*arguments: object, **more: object) -> None:
            if now == kill_at and place == here:
                os.kill(os.getpid(), signal.SIGKILL)
            write(*arguments, **more)

        setattr(owner, name, writes)

    die_before(verdicts, "store", "findings")
    die_before(book, "store", "incidents")
    die_before(memory, "store", "detectors")
    judged = Verdicts(data, SiteSettings())
    for now in range(first, LAST + 1):
        flow = -5.0 if now in BAD else 8.0 + now % 7 / 10
        judged.rows([MinuteMean(now, "001", flow, 4.0 + now % 5 / 100, 60)])
        if now == kill_at and place == "rows":
            os.kill(os.getpid(), signal.SIGKILL)
        with rows.open("a", encoding="ascii") as file:
            file.write(f"{now}\n")
        judged.save(now)
        if now == kill_at and place == "saved":
            os.kill(os.getpid(), signal.SIGKILL)


def run(folder: Path, first: int, kill_at: int = 0, place: str = "") -> int:
    """The exit status of a process that judges."""
    arguments = [str(folder / "data"), str(folder / "rows"), str(first), str(kill_at), place]
    return subprocess.run([sys.executable, "-P", __file__, *arguments], check=False, timeout=120).returncode


def incidents(folder: Path) -> list[Incident]:
    found = state_file.read(folder / "data" / INCIDENTS_FILE, IncidentsFile)
    return found.incidents if found is not None else []


def written(folder: Path) -> int:
    """The last minute in the log."""
    return int((folder / "rows").read_text().split()[-1])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("place", "lost"), [*((place, False) for place in PLACES), ("incidents", True), ("detectors", True)]
)
def test_killed_around_a_raise_there_is_one_incident_and_it_ends(folder: Path, place: str, lost: bool) -> None:
    """`lost`: the minute itself is not judged again."""
    assert run(folder, T, BAD[0], place) == -signal.SIGKILL
    assert run(folder, BAD[0] + 1 if lost else written(folder) + 1) == 0
    (one,) = incidents(folder)
    assert [sign.code for sign in one.signs] == ["SYS-RANGE"]
    assert (one.kind, one.returned) == ("fault", 0)
    assert BAD[0] <= one.began <= BAD[0] + 1
    assert one.ended is not None
    assert one.leading.end == "good"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Incident:
    """What a process that is never killed makes of it."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "data").mkdir()
    assert run(folder, T) == 0
    (one,) = incidents(folder)
    return one


@pytest.mark.parametrize("place", PLACES)
def test_killed_around_its_end_it_ends_once(folder: Path, whole: Incident, place: str) -> None:
    assert whole.ended is not None
    assert run(folder, T, whole.ended, place) == -signal.SIGKILL
    assert run(folder, written(folder) + 1) == 0
    (one,) = incidents(folder)
    assert (one.id, one.began, one.ended, one.returned) == (whole.id, whole.began, whole.ended, 0)


def test_a_trouble_that_is_over_while_the_producer_is_away_ends_although_no_detector_knows_it(folder: Path) -> None:
    assert run(folder, T, BAD[0], "detectors") == -signal.SIGKILL  # the incident is on disk, the detector's state not
    assert run(folder, BAD[-1] + 1) == 0
    (one,) = incidents(folder)
    assert (one.leading.end, one.returned) == ("gone", 0)
    assert one.ended is not None
    assert one.ended > BAD[-1]


@pytest.mark.parametrize(
    "content",
    [
        b'{"version":1,"incid',
        b"[]",
        b'"incidents"',
        b"\0\xff" * 2000,
        b'{"incidents":[{"id":7}]}',
        b"",
        b"[" * 9_000,
        None,
    ],
)
def test_a_file_that_is_damaged_while_it_runs_is_whole_again_within_a_minute(
    folder: Path, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    judged, path = Verdicts(folder / "data", SiteSettings()), folder / "data" / INCIDENTS_FILE

    def judge_minute(minute: int) -> None:
        judged.rows([MinuteMean(minute, "001", -5.0 if minute in BAD else 8.0 + minute % 7 / 10, 4.0, 60)])
        judged.save(minute)

    for minute in range(T, BAD[-1]):
        judge_minute(minute)
    before = incidents(folder)
    assert [one.kind for one in before] == ["fault"]
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    judge_minute(BAD[-1])
    assert incidents(folder) == before
    aside = path.with_name(path.name + ".bad")
    assert (aside.read_bytes() if aside.exists() else None) == content
    assert caplog.text.count("incidents_unreadable") == (content is not None)


if __name__ == "__main__":
    judge(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
