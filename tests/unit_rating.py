"""systemd's own judgement of how much a unit may do."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def must_be_rated(unit: Path, tenths: int) -> None:
    """Fail if a unit is more open than this; 100 is wide open. Skips where no systemd can tell."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here")
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={tenths}", "--no-pager", unit],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    if "unrecognized option" in rated.stderr:
        pytest.skip("this systemd-analyze rates no file")
    assert rated.returncode == 0, rated.stdout + rated.stderr
    assert "Unknown" not in rated.stderr and "Failed to parse" not in rated.stderr
