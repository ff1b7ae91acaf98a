"""One thing has one name in Korean: nothing says a word that docs/contributors/words.ko.md rejects."""

import re
from pathlib import Path

import pytest

from common import waits

ROOT = Path(__file__).resolve().parents[2]
REJECTED = re.compile(
    r"알람|예보|장치|해제|(?<!웹)사이트|소비 그룹|작업 이력|지난주|급수 ?전수|급수 인구|"
    r"계측값|소식|주야간 계수|압력|단추|직렬 포트|플래그|미조치|\} ~ \{"
)
CATALOGUE = (ROOT / "common/messages/ko/LC_MESSAGES/hydrolog.po").read_text("utf-8")
TEXTS = {
    "catalogue": "\n".join(line for line in CATALOGUE.splitlines() if line.startswith("msgstr")),
    "waits": repr([waits.KOREAN, waits.PARTS]),
    **{path.name: path.read_text("utf-8") for path in ROOT.glob("docs/operators/*.ko.md")},
    "weather.ko.md": (ROOT / "docs/operators/weather.ko.md").read_text("utf-8").replace("예보", ""),  # its word
    **{name: (ROOT / name).read_text("utf-8") for name in ("README.ko.md", "deploy/README.ko.md")},
}


@pytest.mark.parametrize("where", TEXTS)
def test_no_text_has_a_second_word_for_a_thing(where: str) -> None:
    assert re.search("[가-힣]", TEXTS[where])
    assert [
        TEXTS[where][max(0, found.start() - 20) : found.end() + 20] for found in REJECTED.finditer(TEXTS[where])
    ] == []
