"""The holidays of the site's country: in the calendar by themselves, without a word of the operator."""

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from common.folder import CRITERIA_FOLDER
from nightflow import country_days
from nightflow.country_days import NoSuchCountry
from outliers import calendar

SEOUL = ZoneInfo("Asia/Seoul")


def test_korean_holidays_join_those_that_people_typed(tmp_path: Path) -> None:
    (tmp_path / CRITERIA_FOLDER).mkdir()
    (tmp_path / CRITERIA_FOLDER / calendar.HOLIDAYS).write_text("2024-08-16  bridge day\n")
    assert country_days.refresh(tmp_path, "KR")
    known = calendar.load(tmp_path, SEOUL)
    assert {date(2024, 9, 17), date(2024, 8, 15), date(2024, 8, 16), date(2026, 2, 17)} <= known.holidays
    assert date(2024, 9, 19) not in known.holidays
    assert not known.problems


def test_the_file_is_written_once_and_anew_for_another_country(tmp_path: Path) -> None:
    assert country_days.refresh(tmp_path, "KR")
    assert not country_days.refresh(tmp_path, "KR")
    seen = calendar.stamp(tmp_path)
    assert country_days.refresh(tmp_path, "DE")
    assert calendar.stamp(tmp_path) != seen
    assert date(2024, 10, 3) in calendar.load(tmp_path, SEOUL).holidays
    assert date(2024, 9, 17) not in calendar.load(tmp_path, SEOUL).holidays
    assert country_days.refresh(tmp_path, "")
    assert not calendar.load(tmp_path, SEOUL).holidays
    assert not country_days.refresh(tmp_path, "")


def test_a_country_that_is_not_known_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoSuchCountry, match=r"no holidays are known of ZZ; put them into holidays\.txt"):
        country_days.refresh(tmp_path, "ZZ")
