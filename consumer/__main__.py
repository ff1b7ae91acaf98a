"""`hydrolog-consumer --group NAME`: one process that reads the log for one group."""

from collections.abc import Sequence

from common import runner
from common.runner import Context, Worker
from consumer.alerts.worker import Alerts
from consumer.archive import Archive
from consumer.delivery import Delivery

GROUPS = ("archive", "server", "alerts")


def main(argv: Sequence[str] | None = None) -> int:
    parser = runner.parser("hydrolog-consumer", "Reads the log for one group: for the database, the server or people.")
    parser.add_argument("--group", required=True, choices=GROUPS, help="the group to read for")
    options = parser.parse_args(argv)

    def build(context: Context) -> Worker:
        if options.group == "alerts":
            return Alerts(context, once=options.once, config=options.config)
        worker = Delivery if options.group == "server" else Archive
        return worker(context, once=options.once)

    return runner.run(f"consumer-{options.group}", build, options)


if __name__ == "__main__":
    raise SystemExit(main())
