"""`hydrolog-consumer --group NAME`: one process that reads the log for one group."""

from collections.abc import Sequence

from common.signals import leave_on_signals

GROUPS = ("archive", "server", "alerts")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the consumer of one group; returns the exit code."""
    leave_on_signals()
    from common import runner
    from common.errors import SettingsError
    from common.kafka_client import KAFKA, NO_CLIENT
    from common.runner import Context, Worker
    from common.settings import Settings

    parser = runner.parser("hydrolog-consumer", "Reads the log for one group: for the database, the server or people.")
    parser.add_argument("--group", required=True, choices=GROUPS, help="the group to read for")
    options = parser.parse_args(argv)

    def build(context: Context) -> Worker:
        """The group's worker; the code of other groups is not loaded."""
        if options.group == "alerts":
            from consumer.alerts.worker import Alerts

            return Alerts(context, once=options.once, config=options.config)
        if options.group == "server":
            from consumer.delivery import Delivery

            return Delivery(context, once=options.once)
        if context.settings.log.url.startswith(KAFKA):
            try:
                from consumer.topic_archive import TopicArchive
            except ImportError as error:
                raise SettingsError("log.url", NO_CLIENT) from error
            return TopicArchive(context)
        from consumer.archive import Archive

        return Archive(context, once=options.once)

    def tick_s(settings: Settings) -> int:
        """In a center the step waits for the cluster's messages: what they and a handover wait for is nothing else."""
        is_topic = options.group == "archive" and settings.log.url.startswith(KAFKA)
        return 0 if is_topic else runner.every_second(settings)

    return runner.run(f"consumer-{options.group}", build, options, tick_s=tick_s)


if __name__ == "__main__":
    raise SystemExit(main())
