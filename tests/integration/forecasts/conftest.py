"""The forecaster's tests share one kind of site."""

from collections.abc import Callable, Iterator

import pytest
from forecast_site import Site

from common.settings import Settings

MakeSettings = Callable[..., Settings]


@pytest.fixture
def site(settings_for: MakeSettings, database_url: str) -> Iterator[Site]:
    site = Site(settings_for(database__url=database_url), database_url)
    yield site
    site.close()
