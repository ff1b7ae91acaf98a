"""What a version must pass on this box before it is used: `python -P -m deploy.self_check`.

Every module is imported, so no library is missing or made for another processor; the settings are read; the embedded
Postgres and the plain arithmetic of torch run.
"""

import importlib
import pkgutil
import subprocess
import sys

from common.errors import HydrologError
from common.settings import load
from postgres import program

PACKAGES = ("common", "cli", "producer", "consumer", "nightflow", "forecaster", "server", "postgres", "log", "outliers")
FOR_SOME = {"plotly", "apprise", "confluent_kafka"}  # libraries of extras, which may be absent


def main() -> int:
    """0: usable. Anything else comes with one line that says what is wrong."""
    try:
        for name in modules():
            load_module(name)
        torch = importlib.import_module("torch")
        settings = load(None)
        start = program.command("postgres", settings.paths.data / "not-made", death="KILL")
        subprocess.run([*start, "--version"], check=True, capture_output=True, timeout=60)
        torch.nn.LSTM(2, 2)(torch.zeros(1, 1, 2))
    except HydrologError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except (ImportError, OSError, RuntimeError, subprocess.SubprocessError) as error:
        sys.stderr.write(f"this version does not run on this box: {error}\n")
        return 1
    return 0


def modules() -> list[str]:
    """Every module of the product."""
    found = list(PACKAGES)
    for package in map(importlib.import_module, PACKAGES):
        found += [module.name for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    return found


def load_module(name: str) -> None:
    """Import one module.

    Raises:
        ImportError: a library is missing that every installation has, or cannot be loaded.
    """
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] not in FOR_SOME:
            raise


if __name__ == "__main__":
    raise SystemExit(main())
