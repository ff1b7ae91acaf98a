"""hydrolog-nightflow: the means of every ten minutes of the night, and what each night says about leakage."""

from collections.abc import Sequence

from common import runner
from nightflow.step import build

ROLE = "nightflow"


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM, or for one step; the exit code."""
    options = runner.parser("hydrolog-nightflow", "Store the mean of every ten minutes of the night.").parse_args(argv)
    return runner.run(ROLE, build, options)


if __name__ == "__main__":
    raise SystemExit(main())
