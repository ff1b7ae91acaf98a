"""hydrolog-server in front of a Kafka cluster: any number of them, each without a memory and without a database.

There is no page here: who keeps the rows shows them.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from common.errors import SettingsError
from common.kafka_client import KAFKA, NO_CLIENT
from common.runner import Context
from common.version import NAME, version
from server.credentials import credentials_for
from server.door import Door, own_names
from server.ingest import Ingest
from server.log_limit import limit_log
from server.quotas import Quotas
from server.serving import Serving
from server.web import application

MOST_BOXES = 12_000  # connections: ten thousand boxes in the same second, and some that say nothing


class Front:
    """The worker."""

    def __init__(self, context: Context) -> None:
        settings = context.settings
        if not settings.log.url.startswith(KAFKA):
            raise SettingsError("receiver.into", '"log" needs a cluster: log.url = "kafka://host:9092/topic"')
        try:
            from server.cluster import InCluster  # noqa: PLC0415 - only a site with a cluster has its client
        except ImportError as error:
            raise SettingsError("receiver.into", NO_CLIENT) from error
        limit_log()
        self._serving = Serving(settings.receiver, MOST_BOXES)
        self._credentials = credentials_for(settings)
        self._cluster = InCluster(settings)
        quotas = Quotas(settings.receiver.rows_per_minute)
        self._ingest = Ingest(self._cluster, self._credentials, quotas, context.clock)
        routes = [Route("/v1/batches", self._ingest.__call__, methods=["POST"]), Route("/healthz", self._healthz)]
        self._app = Door(application(routes), own_names(settings.receiver.host, settings.receiver.hosts))

    def step(self, _now: datetime) -> Mapping[str, Any]:
        """Serve, and see whether the cluster is there.

        Raises:
            HydrologError: the address cannot be used.
        """
        self._cluster.step()
        served = self._serving.step(self._app)
        self._credentials.tokens.look()
        problem = self._cluster.problem or self._credentials.tokens.problem
        return {"problem": problem, **served, **self._ingest.counters}

    def close(self) -> None:
        """Finish current requests and stop."""
        self._serving.close()
        self._cluster.close()

    async def _healthz(self, _request: Request) -> Response:
        """Whether batches are taken now, for people and for the balancer."""
        problems = ["the cluster does not take rows; the log of this process says why"] * (not self._cluster.taking)
        problems += ["the tokens of sites cannot be read"] * (not self._credentials.tokens.usable)
        lines = [*(problems or ["ok"]), f"{NAME} {version()}"]
        return PlainTextResponse("".join(f"{line}\n" for line in lines), 503 if problems else 200)
