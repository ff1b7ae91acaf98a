"""``hydrolog-producer``: reads the serial line and appends one row per sensor and minute to the log."""

from collections.abc import Sequence

from common.signals import leave_on_signals


def main(argv: Sequence[str] | None = None) -> int:
    """Run the producer; returns the exit code."""
    leave_on_signals()
    from common import runner
    from producer.step import Producer

    options = runner.parser(
        "hydrolog-producer", "Reads the serial line and appends one row per sensor and minute to the log."
    )
    return runner.run("producer", Producer, options.parse_args(argv), tick_s=lambda _: 0)  # the step waits at the port


if __name__ == "__main__":
    raise SystemExit(main())
