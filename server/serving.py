"""Where hydrolog-server listens: there again if it has ended, and by TLS if the settings name a certificate."""

from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp

from common.settings import ReceiverSettings
from server import tls
from server.door import own_names
from server.listener import MAX_CONNECTIONS, Listener


class Serving:
    """For one worker. `most`: connections, if the system allows."""

    def __init__(self, settings: ReceiverSettings, most: int = MAX_CONNECTIONS) -> None:
        """Read the certificate; nothing listens yet.

        Raises:
            SettingsError: see `tls.of_settings`.
        """
        self._settings, self._most = settings, most
        self._names = own_names(settings.host, settings.hosts)
        self._tls = tls.of_settings(settings)
        self._http: Listener | None = None

    def step(self, app: ASGIApp) -> Mapping[str, Any]:
        """Listen for the application; the address, and what is counted.

        Raises:
            HydrologError: the address cannot be used.
        """
        if self._http is None or not self._http.serving:
            context = self._tls.context if self._tls else None
            self._http = Listener(app, self._settings.host, self._settings.port, context, self._most, names=self._names)
        certificate = self._tls.step() if self._tls else {}
        return {"url": self._http.url, **self._http.counters, **certificate}

    def close(self) -> None:
        """Finish current requests and stop."""
        if self._http is not None:
            self._http.close()
