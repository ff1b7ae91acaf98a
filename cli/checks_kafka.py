"""`hydrolog check` of a Kafka cluster: it answers, has the topic, and this user may write or read there."""

from collections.abc import Iterator
from typing import Any

from cli.check_result import CheckResult
from cli.shell import printable
from common.errors import SettingsError
from common.kafka_client import NO_CLIENT, client, servers_and_topic
from common.settings import Settings

ANSWER_S = 10.0
DAY_MS = 86_400_000
LEAST_DAYS = 7  # a center that stands still over a long weekend must find the rows


def cluster(chosen: Settings, url: str, key: str, right: str = "Write") -> Iterator[CheckResult]:
    """The brokers, the topic, the user's `right`, and how long rows are kept; `key`: the setting that holds `url`."""
    try:
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient
    except ImportError:
        yield CheckResult(False, "server", NO_CLIENT)
        return
    topic = servers_and_topic(url)[1]
    said: list[str] = []
    try:
        settings = client(url, chosen.kafka) | {"error_cb": lambda error: said.append(error.str())}
    except SettingsError as error:
        yield CheckResult(False, "server", printable(error))
        return
    admin = AdminClient(settings)
    try:
        found = admin.list_topics(topic, timeout=ANSWER_S).topics.get(topic)
    except KafkaException as error:
        admin.poll(1.0)  # what the client said beside it: a wrong password, a certificate
        why = printable(said[0] if said else error.args[0].str())
        advice = f"look at {key}, the network, and the keys of [kafka]"
        yield CheckResult(False, "server", f"{printable(url)} does not answer ({why}); {advice}")
        return
    if found is None or found.error is not None:
        advice = f"make it, or give this user the rights Describe and {right}, or correct {key}"
        yield CheckResult(False, "server", f"{printable(url)}: there is no such topic for us; {advice}")
        return
    yield _rights(admin, topic, right, f"{printable(url)} answers, {len(found.partitions)} partitions")
    yield from _kept(admin, topic)


def _rights(admin: Any, topic: str, right: str, text: str) -> CheckResult:
    """Whether the cluster says that this user has a right."""
    from confluent_kafka import KafkaException, TopicCollection
    from confluent_kafka.admin import AclOperation  # type: ignore[attr-defined]

    try:
        asked = admin.describe_topics(
            TopicCollection([topic]), include_authorized_operations=True, request_timeout=ANSWER_S
        )
        rights = asked[topic].result(ANSWER_S).authorized_operations
    except KafkaException as error:
        return CheckResult(True, "server", f"{text}; it does not say what this user may do ({error.args[0].str()})")
    except TimeoutError:
        return CheckResult(False, "server", f"{text}, but it has not said in {ANSWER_S:.0f} s what this user may do")
    verb = right.lower()
    if rights and AclOperation[right.upper()] not in rights and AclOperation.ALL not in rights:
        return CheckResult(
            False, "server", f"{text}, but this user may not {verb}; give it the right {right} on the topic"
        )
    return CheckResult(True, "server", text + (f", this user may {verb}" if rights else ""))


def _kept(admin: Any, topic: str) -> Iterator[CheckResult]:
    """How long the topic keeps rows, and on how many brokers a row must be. Nothing, if this user may not know."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import ConfigResource  # type: ignore[attr-defined]

    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    try:
        found = admin.describe_configs([resource], request_timeout=ANSWER_S)[resource].result(ANSWER_S)
    except KafkaException:
        yield CheckResult(True, "topic", "this user may not see how long rows are kept (right DescribeConfigs)")
        return
    except TimeoutError:
        yield CheckResult(False, "topic", f"the cluster has not said in {ANSWER_S:.0f} s how long rows are kept")
        return
    kept_ms, replicas = int(found["retention.ms"].value), int(found["min.insync.replicas"].value)
    kept = f"rows are kept {kept_ms / DAY_MS:.3g} days" if kept_ms >= 0 else "rows are kept for ever"
    text = f"{kept}; a row counts when {replicas} brokers have it"
    if 0 <= kept_ms < LEAST_DAYS * DAY_MS:
        advice = f"rows that no consumer has read by then are gone; set retention.ms to {LEAST_DAYS * DAY_MS} or more"
        yield CheckResult(False, "topic", f"{text}; {advice}")
    elif found["message.timestamp.type"].value != "LogAppendTime":
        advice = (
            "a box with a wrong clock can make its rows too old to be kept; set message.timestamp.type=LogAppendTime"
        )
        yield CheckResult(False, "topic", f"{text}; {advice}")
    else:
        yield CheckResult(True, "topic", text)
