"""Fixtures of the pure tests."""

from dataclasses import replace

import pytest
from outlier_site import LEARN_DAYS, RESTLESS_M3H, UTC, history

from outliers.criteria import Criteria, initial
from outliers.learn.build import build


@pytest.fixture(scope="session")
def restless() -> Criteria:
    """What ten weeks teach where the minutes flicker with the use."""
    return replace(build(history(LEARN_DAYS, restless=RESTLESS_M3H), UTC, initial("001")), version=1)


@pytest.fixture(scope="session")
def learnt() -> Criteria:
    """What ten weeks of the made-up district teach."""
    return replace(build(history(LEARN_DAYS), UTC, initial("001")), version=1)
