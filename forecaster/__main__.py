"""`hydrolog-forecaster run`: hourly forecasts. `hydrolog-forecaster train`: new weights now, with progress."""

from __future__ import annotations

import argparse
import os
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
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the box has other work; read when numpy is loaded
    if chosen.action == "train":
        chosen.once = True
        return runner.run("forecaster-train", _training, chosen)
    return runner.run("forecaster", lambda context: _forecaster(chosen, context), chosen)


# What takes seconds to load is loaded late: usage and settings errors are said before, signals are obeyed meanwhile.


def _training(context: Context) -> Worker:
    from forecaster import train_shell  # noqa: PLC0415 - PyTorch

    return train_shell.build_training(context)


def _forecaster(chosen: argparse.Namespace, context: Context) -> Worker:
    from forecaster import shell  # noqa: PLC0415 - numpy and pandas

    return shell.build_forecaster(chosen)(context)


if __name__ == "__main__":
    sys.exit(main())
