"""The fonts of the PDF, which have Korean; what they cannot draw is shown as its base letter, or as a question mark."""

import functools
import unicodedata
from importlib import resources

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

TEXT, BOLD = "HydrologGothic", "HydrologGothic-Bold"
_FILES = {TEXT: "regular.ttf", BOLD: "bold.ttf"}


@functools.cache
def register() -> None:
    """Make both known to the library; reads two megabytes, once a process."""
    for name, file in _FILES.items():
        with resources.as_file(resources.files("reports") / "fonts" / file) as path:
            pdfmetrics.registerFont(TTFont(name, str(path)))
    pdfmetrics.registerFontFamily(TEXT, normal=TEXT, bold=BOLD, italic=TEXT, boldItalic=BOLD)


def drawable(text: str, font: str = TEXT) -> str:
    """The text in signs that the font has."""
    register()
    known = pdfmetrics.getFont(font).face.charToGlyph
    return "".join(sign if ord(sign) in known or sign == "\n" else _like(sign, known) for sign in text)


def _like(sign: str, known: dict[int, int]) -> str:
    plain = "".join(part for part in unicodedata.normalize("NFKD", sign) if ord(part) in known)
    return plain or "?"
