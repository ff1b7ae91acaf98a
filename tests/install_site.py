"""A box for deploy/install.sh: this computer's folders, but for those that an installation changes. Needs root.

In a mount namespace of their own the commands see /etc, /opt, /run, /usr/local/sbin and /var/lib of the test. What is
installed is a product of a few files; its checks say what the test wants. `systemctl` writes down what it is told.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from small_index import clean_environment, locked, wheel

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
PROJECT = """\
[build-system]
requires = []
build-backend = "builder"
backend-path = ["."]

[project]
name = "hydrolog"
version = "7.1"
dependencies = ["torch==9.9"]
"""
BUILDER = """\
import shutil

def build_wheel(folder, config_settings=None, metadata_directory=None):
    return shutil.copy("hydrolog-7.1-py3-none-any.whl", folder).rpartition("/")[2]
"""
# Each prints, and fails, as long as there is such a file: /var/lib/<its name>, with the text.
CHECK = """\
import pathlib, sys
said = pathlib.Path("/var/lib", __name__ if __name__ != "__main__" else pathlib.Path(__file__).stem)
if said.exists():
    print(said.read_text())
    sys.exit(1)
"""
SYSTEMCTL = """\
#!/bin/bash
echo "$*" >>/var/lib/told
case "$1 ${!#}" in
    "is-active "*) [ -e "/var/lib/active-${!#}" ] ;;
    "cat "*) [ -e "/var/lib/has-${!#}" ] ;;
    "start hydrolog-trial") cp /run/systemd/system/hydrolog-trial.service /var/lib/tried
        [ ! -e /var/lib/power-cut ] || kill -9 $PPID ;;
esac
"""
FOLDERS = ("etc", "opt", "run", "usr/local/sbin", "usr/local/bin", "var/lib")
ENTER = """
for folder in etc opt run usr/local/sbin usr/local/bin var/lib; do mount --bind "$0/$folder" "/$folder"; done
exec "$@"
"""


class InstallSite:
    """`run` runs a command on the box; `root` is the folder that has its folders, `source` the program's."""

    def __init__(self, folder: Path) -> None:
        self.root, self.source = folder / "box", folder / "hydrolog"
        for name in FOLDERS[1:]:
            (self.root / name).mkdir(parents=True)
        subprocess.run(["cp", "-a", "/etc", self.root / "etc"], check=True)
        (self.root / "run" / "systemd" / "system").mkdir(parents=True)
        self._commands()
        shutil.copytree(DEPLOY, self.source / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
        (self.source / "docs").mkdir()
        (self.source / "pyproject.toml").write_text(PROJECT)
        (self.source / "builder.py").write_text(BUILDER)
        self._wheels()

    def _commands(self) -> None:
        # The user hydrolog may not be able to reach this test's Python.
        as_root = '#!/bin/sh\nwhile [ "$1" != env ]; do shift; done\nexec "$@"\n'
        for name, text in {"systemctl": SYSTEMCTL, "udevadm": "#!/bin/sh\n", "setpriv": as_root}.items():
            path = self.root / "usr/local/sbin" / name
            path.write_text(text)
            path.chmod(0o755)

    def _wheels(self) -> None:
        wheels = self.source / "wheels"
        apart = wheel(wheels, "apart", "1.0")
        torch = wheel(wheels, "torch", "9.9+cpu")
        modules = {"deploy/__init__.py": "", "deploy/self_check.py": CHECK, "deploy/group_check.py": CHECK}
        wheel(self.source, "hydrolog", "7.1", modules=modules)
        (self.source / "deploy" / "requirements.lock").write_text(locked(apart))
        (self.source / "deploy" / "torch.lock").write_text(locked(torch))

    def run(self, *command: str | Path, umask: int = 0o022) -> subprocess.CompletedProcess[str]:
        path = f"/usr/local/sbin:/usr/local/bin:{Path(sys.executable).resolve().parent}:/usr/sbin:/usr/bin:/sbin:/bin"
        return subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "bash", "-euc", ENTER, self.root, *command],
            env=clean_environment(PATH=path, PIP_NO_INDEX="1", WELL_WITHIN_S="0"),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            umask=umask,
            stdin=subprocess.DEVNULL,
        )

    def copy(self, folder: Path) -> "InstallSite":
        """The same box once more."""
        subprocess.run(["cp", "-a", self.root.parent, folder], check=True)
        made = InstallSite.__new__(InstallSite)
        made.root, made.source = folder / self.root.name, folder / self.source.name
        return made

    def add_version(self, name: str) -> None:
        """Another one beside the current one, as if it had been installed."""
        versions = self.root / "opt/hydrolog/versions"
        subprocess.run(["cp", "-a", versions / self.version(), versions / name], check=True)

    def install(self, umask: int = 0o022) -> subprocess.CompletedProcess[str]:
        return self.run("bash", self.source / "deploy" / "install.sh", umask=umask)

    def admin(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("/usr/local/sbin/hydrolog-admin", *arguments)

    def say(self, name: str, text: str = "") -> None:
        """Create a file in /var/lib, which a check or `systemctl` looks for."""
        (self.root / "var/lib" / name).write_text(text)

    def unsay(self, name: str) -> None:
        (self.root / "var/lib" / name).unlink()

    def told(self) -> list[str]:
        """What systemctl was told, without the questions, since the last call."""
        path = self.root / "var/lib" / "told"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [line for line in lines if not line.startswith(("is-active", "cat", "daemon-reload"))]

    def version(self, link: str = "current") -> str:
        path = self.root / "opt/hydrolog" / link
        return path.readlink().name if path.is_symlink() else ""

    def versions(self) -> list[str]:
        return sorted(path.name for path in (self.root / "opt/hydrolog/versions").iterdir())


def is_possible() -> bool:
    """Whether this computer lets a test have mounts of its own."""
    if os.geteuid() != 0:
        return False
    tried = subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"], check=False)
    return tried.returncode == 0
