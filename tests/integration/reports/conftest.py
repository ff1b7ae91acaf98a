"""A box with a month behind it, filled once."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import report_site
from report_site import MonthSite


@pytest.fixture(scope="module")
def filled_url(postgres_url: str, filled_url: str) -> str:
    with psycopg.connect(filled_url, autocommit=True) as connection:
        report_site.fill(connection)
    return filled_url


@pytest.fixture
def month_site(
    filled_url: str, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MonthSite]:
    site = MonthSite(tmp_path, database_url)
    monkeypatch.setenv("HYDROLOG_CLOCK", site.clock())
    yield site
