"""The catalogues hold what the code says, in whole: no sentence without its Korean, no placeholder lost or added."""

import ast
import gettext
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from jinja2.ext import babel_extract

from common.messages import LANGUAGES, fields, plain, words
from server.script_words import sentences

ROOT = Path(__file__).resolve().parents[2]
KOREAN = ROOT / "common/messages/ko/LC_MESSAGES/hydrolog.po"
SPOKEN = {"message": 1, "say": 1, "many": 2}  # how many of the first arguments are sentences
OF_TEMPLATES = {"t": 1, "tn": 2}
NAMES = re.compile(r"\{\w+(:[^}]*)?\}|m³(/h)?|L/h|\b(bar|ILI|PDF|UARL|N1)\b|HTTP|server_data\.txt|hydrolog( [a-z]+)+")
ASKS_FOR_A_LETTER = re.compile(r"\}(을|를|이|가|은|는|과|와|으로|로)(?![가-힣])")


def names(text: str) -> set[str]:
    """Its words of Latin letters, without those that are the same in each language."""
    return {*re.findall(r"[A-Za-z][\w./-]*", NAMES.sub("", text), re.ASCII)}


def in_code() -> Iterator[tuple[str, ...]]:
    for path in sorted(ROOT.glob("[a-z]*/**/*.py")):
        text = path.read_text("utf-8")
        if path.relative_to(ROOT).parts[0] == "tests" or (
            "common.messages" not in text and "messages" not in path.parts
        ):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                made = any(isinstance(each, ast.IfExp | ast.JoinedStr) for each in node.args[:1])
                assert name not in SPOKEN or not made, f"no catalogue knows it: {ast.unparse(node)}"
                first = node.args[: SPOKEN.get(name, 0)]
                if first and all(isinstance(each, ast.Constant) and isinstance(each.value, str) for each in first):
                    yield tuple(ast.literal_eval(each) for each in first)


def in_templates() -> Iterator[tuple[str, ...]]:
    for path in sorted((ROOT / "server/templates").rglob("*.html")):
        with path.open("rb") as file:
            for _, name, found, _ in babel_extract(file, list(OF_TEMPLATES), [], {}):
                said = (found,) if isinstance(found, str) else (found or ())[: OF_TEMPLATES[name]]
                first = tuple(each for each in said if each)
                assert len(first) == OF_TEMPLATES[name], f"{path.name}: no catalogue knows it: {found}"
                yield first


def in_scripts() -> Iterator[tuple[str, ...]]:
    yield from sentences()
    for path in sorted((ROOT / "server/page").glob("*.js")):
        made = re.search(r'(?<!function )\b(?:say|many)\((?!")', path.read_text("utf-8"))
        assert not made, f"{path.name}: no catalogue knows it: {made}"


EVERYWHERE = sorted({*in_code(), *in_templates(), *in_scripts()})


def in_source() -> dict[str, list[str]]:
    """The .po: the English of each sentence, and its translations."""
    found: dict[str, list[str]] = {}
    english = ""
    for line in KOREAN.read_text("utf-8").splitlines():
        key, _, text = line.partition(" ")
        if key == "msgid":
            english = ast.literal_eval(text)
        elif key.startswith("msgstr"):
            found.setdefault(english, []).append(ast.literal_eval(text))
    return {english: korean for english, korean in found.items() if english}


def compiled() -> dict[str, list[str]]:
    with KOREAN.with_suffix(".mo").open("rb") as file:
        whole: dict[str | tuple[str, int], str] = vars(gettext.GNUTranslations(file))["_catalog"]
    return {key if isinstance(key, str) else key[0]: [text] for key, text in whole.items() if key}


def test_the_code_and_both_catalogues_hold_the_same_sentences() -> None:
    assert {each[0] for each in EVERYWHERE} == in_source().keys(), "make words"
    assert in_source() == compiled(), "make words"


@pytest.mark.parametrize("english", [pytest.param(each, id=each[0]) for each in EVERYWHERE])
def test_each_sentence_has_its_korean_with_the_same_values(english: tuple[str, ...]) -> None:
    (korean,) = in_source()[english[0]]
    assert korean, "not translated"
    assert fields(korean) == fields(english[-1])
    assert re.search("[가-힣~]", NAMES.sub("", korean)) or not re.search("[A-Za-z]", NAMES.sub("", english[0]))
    assert names(korean) <= names(" ".join(english)), "a word that is neither Korean nor in the English"
    assert not ASKS_FOR_A_LETTER.search(korean), "its form would depend on the value's last sound"


def test_numbers_are_rounded_to_what_their_error_allows() -> None:
    english, korean = map(words, LANGUAGES)
    assert english.amount(9.3412, "m³/h", 1.13) == "9.3 ± 1.1 m³/h"
    assert korean.amount(9.3412, "m³/h", 1.13) == "9.3 m³/h(±1.1)"
    assert english.amount(1234.0, "m³/h", 370.0) == "1,200 ± 400 m³/h"
    assert english.amount(0.0512, "m³/h", 0.004) == "0.05 ± 0.00 m³/h"
    assert english.amount(9.3412, "m³/h", float("nan")) == english.amount(9.3412, "m³/h") == "9.3 m³/h"
    assert english.amount(-0.04, "m³/h", 0.8) == "0.0 ± 0.8 m³/h"
    assert (english.about(279, "m³"), english.about(12_345, "m³"), english.about(0, "m³")) == (
        "280 m³",
        "12,000 m³",
        "0 m³",
    )
    assert (english.share(0.314), english.share(0.082, 0.013)) == ("31 %", "8.2 ± 1.3 %")


@pytest.mark.parametrize(
    ("minutes", "english", "korean"),
    [
        (-5, "1 minute", "1분"),
        (60, "1 hour", "1시간"),
        (82, "1 hour 22 minutes", "1시간 22분"),
        (29 * 60 + 40, "29 hours", "29시간"),
        (66 * 60, "2 days 18 hours", "2일 18시간"),
        (9 * 1440 + 700, "9 days", "9일"),
    ],
)
def test_spans_in_both_languages(minutes: float, english: str, korean: str) -> None:
    assert (words("en").span(minutes), words("ko").span(minutes)) == (english, korean)


def test_a_time_names_the_year_only_if_it_is_another() -> None:
    at = datetime(2024, 8, 26, 17, 10, tzinfo=UTC).astimezone(ZoneInfo("Asia/Seoul"))
    same, later = datetime(2024, 12, 31, 14, 0, tzinfo=UTC), datetime(2024, 12, 31, 16, 0, tzinfo=UTC)
    assert (words("en").time(at, same), words("ko").time(at, same)) == ("27 Aug 02:10", "8월 27일 02:10")
    assert (words("en").time(at, later), words("ko").time(at, later)) == ("27 Aug 2024 02:10", "2024년 8월 27일 02:10")


def test_a_language_that_is_not_known_is_english_and_a_value_is_no_sentence() -> None:
    assert words("xx").language == "en"
    assert words("ko").say("{kind}: over", kind="{by} {0.__class__}") == "{by} {0.__class__} 해소"
    assert plain("a\nb\x1b[31m\u202ec\u2028") == "a?b?[31m?c?"
