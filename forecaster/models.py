"""The weights in use: the newest good ones of the folder, read again when its versions have changed."""

from __future__ import annotations

import logging
from pathlib import Path

from forecaster import artifact
from forecaster.predict import Model

_log = logging.getLogger(__name__)


class Models:
    """Of one process."""

    def __init__(self, data: Path, site: str) -> None:
        """`site`: of weights that were learnt before a series had one."""
        self._data = data
        self._site = site
        self._model: Model | None = None
        self._tried: list[str] | None = None

    def newest(self) -> Model | None:
        """The weights to forecast with; None without any."""
        found = artifact.versions(self._data)
        if found != self._tried:
            self._tried = found
            model = artifact.newest(self._data)
            if model and (self._model is None or model.version != self._model.version):
                _log.info("model version=%s series=%d", model.version, len(model.series))
                self._model = model.at_home(self._site)
        return self._model
