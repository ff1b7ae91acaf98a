"""The client's settings for a Kafka cluster: section `[kafka]` as librdkafka names them. Loads no Kafka library."""

from collections.abc import Mapping
from os import environ as os_environ
from typing import Any
from urllib.parse import urlsplit

from common.errors import SettingsError
from common.settings import KAFKA_PASSWORD, KafkaSettings
from common.settings_checks import is_loopback
from common.token_file import read_token

KAFKA = "kafka://"
CUT_OFF_MS = 10_000  # without an answer: the broker is cut off. The client's own minute would hold sites for a minute
NO_CLIENT = "a Kafka cluster needs its client: pip install 'hydrolog[kafka]'"


def servers_and_topic(url: str) -> tuple[str, str]:
    """The brokers ("a:9092,b:9092") and the topic of an address whose form has been checked."""
    parts = urlsplit(url)
    return parts.netloc, parts.path.lstrip("/")


def client(url: str, kafka: KafkaSettings, environ: Mapping[str, str] = os_environ) -> dict[str, Any]:
    """How to reach and enter the cluster; each client adds what it is for.

    Raises:
        SettingsError: a password is missing, or it would cross the network readable.
    """
    servers, _ = servers_and_topic(url)
    found: dict[str, Any] = {"bootstrap.servers": servers, "log_level": 2, "socket.timeout.ms": CUT_OFF_MS}
    if kafka.tls:
        found["ssl.ca.location"] = kafka.ca_file or "probe"  # probe: the system's certificates
    if kafka.user:
        local = all(is_loopback(server.rpartition(":")[0].strip("[]")) for server in servers.split(","))
        if kafka.mechanism == "PLAIN" and not kafka.tls and not local:
            raise SettingsError(
                "kafka.mechanism", "PLAIN shows the password to everyone on the way; set kafka.tls = true"
            )
        found["sasl.mechanism"], found["sasl.username"] = kafka.mechanism, kafka.user
        found["sasl.password"] = read_token(KAFKA_PASSWORD, kafka.password_file, "kafka.password_file", environ)
    found["security.protocol"] = ("sasl_" if kafka.user else "") + ("ssl" if kafka.tls else "plaintext")
    return found | dict(pair.split("=", 1) for pair in kafka.client)
