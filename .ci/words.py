"""`make words`: brings the Korean catalogue in step with the sentences in the code, and compiles it.

Translations that there are stay; a new sentence is empty in the .po until somebody translates it.
"""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from server.script_words import sentences as of_scripts

ROOT = Path(__file__).resolve().parents[1]
KOREAN = ROOT / "common/messages/ko/LC_MESSAGES/hydrolog.po"
KEYWORDS = {"message": None, "say": None, "many": (1, 2)}
OF_TEMPLATES = {"t": None, "tn": (1, 2)}
SAME = datetime(2026, 1, 1, tzinfo=UTC)  # the same sentences make the same files


def sentences() -> Iterator[str | tuple[str, ...]]:
    """Those of each file, template and script of the product that speaks by the catalogues."""
    for path in sorted(ROOT.glob("[a-z]*/**/*.py")):
        speaks = path.parent.name == "messages" or "common.messages" in path.read_text("utf-8")
        if speaks and path.relative_to(ROOT).parts[0] != "tests":
            for _, english, _, _ in extract_from_file("python", path, keywords=KEYWORDS):
                yield english
    for path in sorted(ROOT.glob("server/templates/**/*.html")):
        for _, english, _, _ in extract_from_file("jinja2", path, keywords=OF_TEMPLATES):
            yield english
    for each in of_scripts():
        yield each if len(each) > 1 else each[0]


def main() -> None:
    with KOREAN.open("rb") as file:
        known = read_po(file, locale="ko")
    whole = Catalog(
        "ko",
        project="hydrolog",
        version="1",
        header_comment="# Korean, for a waterworks' situation room. `make words` keeps it in step with the code.",
        copyright_holder="hydrolog",
        fuzzy=False,
        msgid_bugs_address="-",
        last_translator="hydrolog",
        language_team="hydrolog",
        creation_date=SAME,
        revision_date=SAME,
    )
    for english in sentences():
        found = known.get(english if isinstance(english, str) else english[0])
        if found is None or not found.string or not all(found.string):
            print(f"not translated: {english}")
        whole.add(english, found.string if found else None)
    text = io.BytesIO()
    write_po(text, whole, width=1000, sort_output=True)
    KOREAN.write_bytes(text.getvalue())
    with KOREAN.with_suffix(".mo").open("wb") as file:
        write_mo(file, whole)


if __name__ == "__main__":
    main()
