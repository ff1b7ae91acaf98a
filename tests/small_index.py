"""A package index on loopback with packages of a few bytes, and an environment for pip that knows no other."""

import base64
import functools
import hashlib
import os
import re
import threading
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

OURS = ("PIP_", "MAKE", "MFLAGS", "TORCH_INDEX", "PYTHON", "VENV", "VIRTUAL_ENV", "ARGS", "HYDROLOG_")


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment without what a developer, make or this computer say to pip."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(OURS)}
    fixed = {"PIP_CONFIG_FILE": "/dev/null", "PIP_NO_CACHE_DIR": "1", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    return kept | fixed | more


def wheel(
    folder: Path,
    name: str,
    version: str,
    requires: Sequence[str] = (),
    command: str = "",
    *,
    modules: Mapping[str, str] | None = None,
) -> Path:
    """A package with one module; `command` names another one that prints its name and arguments when it is run.

    `modules` are further files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {need}\n" for need in requires)
    needs += "".join(f"Provides-Extra: {extra}\n" for extra in set(re.findall(r"extra == '(\w+)'", needs)))
    files = {
        f"{name}/__init__.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        **(modules or {}),
    }
    if command:
        files[f"{command}/__main__.py"] = f"import sys\nprint({command!r}, *sys.argv[1:])\n"
    rows = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(text.encode())}")
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""])
    made = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return made


def locked(*wheels: Path) -> str:
    """A list of requirements with the hash of each of these."""
    lines = []
    for path in wheels:
        name, version = path.name.split("-")[:2]
        lines.append(f"{name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n")
    return "".join(lines)


class SmallIndex:
    """`add` puts a package into one of the site's indexes; `asked` is every path that was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self.url = ""

    def add(self, index: str, name: str, version: str, requires: Sequence[str] = (), command: str = "") -> Path:
        return wheel(self.folder / index / name.replace("_", "-"), name, version, requires, command)

    @contextmanager
    def served(self) -> Iterator[None]:
        """The site, until the end of the block."""
        asked = self.asked

        class Files(SimpleHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                super().do_GET()

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=str(self.folder)))
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield
        server.shutdown()
        thread.join()
        server.server_close()
