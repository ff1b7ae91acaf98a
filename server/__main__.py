"""hydrolog-server: the reference receiver of batches and the operator's page, in one process."""

from collections.abc import Sequence

from common.signals import leave_on_signals


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM."""
    leave_on_signals()
    from common import runner
    from server.worker import worker

    options = runner.parser(
        "hydrolog-server", "Receive batches at POST /v1/batches and serve the operator's page at /."
    )
    return runner.run("server", worker, options.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
