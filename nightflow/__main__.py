"""hydrolog-nightflow: ten-minute means of the night, and each night's leakage."""

from collections.abc import Sequence

from common.signals import leave_on_signals


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM, or for one step; returns the exit code."""
    leave_on_signals()
    from common import runner
    from nightflow.worker import build

    options = runner.parser("hydrolog-nightflow", "Store the mean of every ten minutes of the night.").parse_args(argv)
    return runner.run("nightflow", build, options)


if __name__ == "__main__":
    raise SystemExit(main())
