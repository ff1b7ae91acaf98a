"""`hydrolog-forecaster run`: hourly forecasts. `hydrolog-forecaster train`: new weights now, with progress."""

from __future__ import annotations

import argparse
import sys

from common import runner


def options(argv: list[str] | None) -> argparse.Namespace:
    """`run` and `train` take the options that every process has."""
    common = runner.parser("hydrolog-forecaster", __doc__ or "")
    common.add_argument("action", choices=("run", "train"), nargs="?", default="run", help="default: run")
    return common.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Exit code of the process."""
    chosen = options(argv)
    from forecaster import shell  # noqa: PLC0415 - usage errors are said before torch is loaded

    if chosen.action == "train":
        chosen.once = True
        return runner.run("forecaster-train", shell.build_training, chosen)
    return runner.run("forecaster", shell.build_forecaster(chosen), chosen)


if __name__ == "__main__":
    sys.exit(main())
