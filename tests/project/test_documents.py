"""The documents agree with the files: links and paths lead somewhere; and Korean pages with the English ones."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEFT_OUT = re.compile(r"\.(?!ci/|github/)|(var|build|dist|.*\.egg-info)/")  # of the working folder, not of the project
FILES = [
    str(path.relative_to(ROOT))
    for path in sorted(ROOT.rglob("*"))
    if path.is_file() and not LEFT_OUT.match(str(path.relative_to(ROOT))) and "__pycache__" not in path.parts
]
NAMES = {Path(name).name for name in FILES}
FOLDERS = tuple({name.split("/")[0] for name in FILES if "/" in name})
PAGES = [name for name in FILES if name.endswith(".md")]
SPEAKING = [name for name in FILES if name.endswith((".md", ".py", ".toml", ".conf", ".sh", ".yml", ".service"))]
HISTORY = {"CHANGELOG.md"}  # names files as they were
KOREAN = [name for name in PAGES if name.endswith(".ko.md")]
OF_OPERATORS = [name for name in PAGES if re.match(r"docs/operators/|deploy/README", name) and name not in KOREAN]

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_PATH = re.compile(r"(?<![\w./~-])([a-z_.]+/[\w./-]*\w\.(?:py|md|sql|toml|conf|sh|svg|png|js|css|yml|rules|service))\b")
_FILE = re.compile(r"`(\w+\.(?:py|sql|js|css|sh))`")


def anchors(page: Path) -> set[str]:
    """The names that links may give to the headings of a page, made as GitHub makes them."""
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str) -> None:
    page = ROOT / name
    for target in _LINK.findall(page.read_text("utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        aim = (page.parent / path).resolve() if path else page
        assert aim.exists(), target
        if anchor:
            assert anchor in anchors(aim), target


def test_every_path_that_is_named_is_there() -> None:
    missing = []
    for name in sorted(set(SPEAKING) - HISTORY):
        text = (ROOT / name).read_text("utf-8")
        named = [
            path for path in _PATH.findall(text) if path.split("/")[0] in ("docs", *FOLDERS * name.endswith(".md"))
        ]
        missing += [(name, path) for path in named if not (ROOT / path).exists()]
        if name.endswith(".md"):
            missing += [(name, file) for file in _FILE.findall(text) if file not in NAMES]
    assert missing == []


def shape(text: str) -> tuple[list[int], list[int]]:
    """The level of each heading, and the number of lines of each block of code."""
    fenced = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
    code = [*fenced.findall(text), *re.findall(r"(?:^ {4}.*\n)+", fenced.sub("", text), re.MULTILINE)]
    headings = re.findall(r"^#+(?= )", fenced.sub("", text), re.MULTILINE)
    return [len(marks) for marks in headings], [block.count("\n") for block in code]


@pytest.mark.parametrize("name", OF_OPERATORS)
def test_operators_read_the_same_in_korean(name: str) -> None:
    page = ROOT / name
    other = page.with_suffix(".ko.md")
    english, korean = page.read_text("utf-8"), other.read_text("utf-8")
    assert english.splitlines()[2] == f"[한국어]({other.name})"
    assert korean.splitlines()[2] == f"[English]({page.name})"
    assert shape(korean) == shape(english)


@pytest.mark.parametrize("name", KOREAN)
def test_korean_pages_lead_to_korean_pages(name: str) -> None:
    page = ROOT / name
    own = page.name.replace(".ko.md", ".md")
    links = {target.partition("#")[0] for target in _LINK.findall(page.read_text("utf-8"))} - {own}
    english = [path for path in links if path.endswith(".md") and (page.parent / path).with_suffix(".ko.md").exists()]
    assert english == []
