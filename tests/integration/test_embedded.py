"""The embedded Postgres as a program: killed with -9, it is back with the first new start."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from common import embedded

PROGRAM = str(Path(sys.executable).with_name("hydrolog-database"))


def test_a_killed_postgres_is_back_with_the_next_start() -> None:
    # Not pytest's own folder: the server runs as another user when we are root, and its socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="hydrolog-pg-", ignore_cleanup_errors=True) as name:
        data = Path(name)
        data.chmod(0o755)
        for life in range(4):
            process = subprocess.Popen(
                [PROGRAM],
                env={**os.environ, "HYDROLOG_PATHS__DATA": name},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            assert process.stdout is not None
            assert "start embedded=yes" in process.stdout.readline()
            server = embedded.postmaster(data)
            assert server is not None
            if life < 3:
                os.kill(server, signal.SIGKILL)
            else:
                process.terminate()
            process.stdout.read()
            assert process.wait(60) == (1 if life < 3 else 0)
            process.stdout.close()
        assert embedded.postmaster(data) is None
