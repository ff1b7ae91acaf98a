"""A night in Seoul, and one in Rome, where the clock is changed."""

import contextlib
from collections.abc import Iterable

import pytest
from night_site import MakeSettings, Site


@pytest.fixture
def site(database_url: str, settings_for: MakeSettings) -> Iterable[Site]:
    with contextlib.closing(Site(settings_for(database__url=database_url), database_url)) as made:
        yield made


@pytest.fixture
def roman_site(database_url: str, settings_for: MakeSettings) -> Iterable[Site]:
    settings = settings_for(database__url=database_url, site__timezone="Europe/Rome")
    with contextlib.closing(Site(settings, database_url)) as made:
        yield made
