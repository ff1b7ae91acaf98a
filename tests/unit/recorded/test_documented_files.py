"""The operators' page about old records: each of its snippets does what the page says."""

import re
from pathlib import Path

import pytest

from cli.recorded.description import Description, read_description, to_toml
from cli.recorded.guess import guess

DOCS = Path(__file__).parents[3] / "docs/operators"
PAGE, KOREAN = ((DOCS / name).read_text("utf-8") for name in ("history.md", "history.ko.md"))


def _blocks(page: str) -> list[str]:
    return [
        re.sub(r"^    ", "", block, flags=re.MULTILINE) for block in re.findall(r"(?:^    .*\n)+", page, re.MULTILINE)
    ]


BLOCKS = _blocks(PAGE)
DESCRIPTIONS = [block for block in BLOCKS if "time_column" in block and "$" not in block]


def test_the_korean_excel_is_guessed_as_shown(tmp_path: Path) -> None:
    table = next(block for block in BLOCKS if block.startswith("배수지"))
    shown = next(block for block in BLOCKS if block.startswith("$"))
    path = tmp_path / "보고서.csv"
    path.write_bytes(table.encode("cp949"))
    found = guess(path)
    assert (found.lacks, found.notes) == ([], [])
    assert [f"  {line}" for line in to_toml(found.description).splitlines()] == shown.splitlines()[2:11]


@pytest.mark.parametrize("text", DESCRIPTIONS)
def test_a_description_can_be_pasted(text: str, tmp_path: Path) -> None:
    path = tmp_path / "d.toml"
    path.write_text(text, "utf-8")
    assert read_description(path) != Description()


def test_every_key_has_its_row() -> None:
    assert len(DESCRIPTIONS) == 2
    keys = set(Description.__dataclass_fields__)
    table = PAGE.split("## The description")[1].split("Several meters")[0]
    assert keys <= set(re.findall(r"`(\w+)`", table))


def test_the_korean_page_says_the_same_of_files() -> None:
    """Its blocks are the same, words behind a command aside; its table has the same keys."""
    words = re.compile(r"^(hydrolog .*?)   +.*", re.MULTILINE)
    blocks = [[words.sub(r"\1", block) for block in _blocks(page)] for page in (PAGE, KOREAN)]
    assert blocks[1] == blocks[0]
    keys = [re.findall(r"^\| (`\w+`(?:, `\w+`)*)", page, re.MULTILINE) for page in (PAGE, KOREAN)]
    assert keys[0]
    assert keys[1] == keys[0]
