"""`hydrolog-forecaster run`: hourly forecasts. `hydrolog-forecaster train`: new weights now, with progress."""

from __future__ import annotations

import argparse
import sys

from common import runner
from common.runner import Context, Worker


def options(argv: list[str] | None) -> argparse.Namespace:
    """`run` and `train` take the options that every process has."""
    common = runner.parser("hydrolog-forecaster", __doc__ or "")
    common.add_argument("action", choices=("run", "train"), nargs="?", default="run", help="default: run")
    return common.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Exit code of the process."""
    chosen = options(argv)
    if chosen.action == "train":
        chosen.once = True
        return runner.run("forecaster-train", _training, chosen)
    return runner.run("forecaster", lambda context: _forecaster(chosen, context), chosen)


# torch takes seconds to load: usage and settings errors are said before, and signals are obeyed meanwhile.


def _training(context: Context) -> Worker:
    from forecaster import shell  # noqa: PLC0415

    return shell.build_training(context)


def _forecaster(chosen: argparse.Namespace, context: Context) -> Worker:
    from forecaster import shell  # noqa: PLC0415

    return shell.build_forecaster(chosen)(context)


if __name__ == "__main__":
    sys.exit(main())
