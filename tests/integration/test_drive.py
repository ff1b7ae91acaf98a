"""The drive of the power cuts: what was synced stays, and all that was not may be lost in each of its ways."""

import os
import random
import subprocess
import sys
from pathlib import Path

from drive import Drive

PROGRAM = """
import os, sys
from pathlib import Path
from common.files import replace, sync_folder

data = Path(sys.argv[1])
replace(data / "synced", b"1" * 50)
replace(data / "synced", b"2" * 50)
replace(data / "loose", b"1" * 50)
log = os.open(data / "log", os.O_RDWR | os.O_CREAT | os.O_APPEND)
os.write(log, b"row\\n" * 10)
os.fdatasync(log)
sync_folder(data)
replace(data / "loose", b"2" * 50, durable=False)
os.write(log, b"new\\n" * 10)
os.close(os.open(data / "made", os.O_WRONLY | os.O_CREAT))
(data / "gone").unlink()
"""


def test_what_was_synced_stays_and_the_rest_may_be_lost(tmp_path: Path) -> None:
    loose, tails, names = set(), set(), set()
    for seed in range(40):
        data = tmp_path / str(seed) / "data"
        data.mkdir(parents=True)
        (data / "gone").write_bytes(b"here")
        drive = Drive(data, data.parent / "drive")
        program = [sys.executable, "-P", "-c", PROGRAM, str(data)]
        subprocess.run(program, env=os.environ | drive.environment, check=True)
        cache = drive.cache()
        assert cache.durable_bytes(data / "log") == b"row\n" * 10
        assert [path.read_bytes() for path in cache.earlier[data / "synced"]] == [b"1" * 50]
        drive.lose(cache, random.Random(seed))
        assert (data / "synced").read_bytes() == b"2" * 50
        log = (data / "log").read_bytes()
        assert log.startswith(b"row\n" * 10)
        tails.add(log[40:].count(b"\0") * 100 + len(log))
        loose.add((data / "loose").read_bytes()[:1])
        names.add(tuple(name for name in ("made", "gone") if (data / name).exists()))
    assert loose == {b"1", b"2", b"\0", b""}  # the old one, the new one, or nothing of it
    assert {80, 40, 4080} < tails  # all of it, nothing, NULs, and torn ones
    assert names == {("made",), ("made", "gone"), ("gone",)}
