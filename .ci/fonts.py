"""Write the two fonts of the reports, reports/fonts/*.ttf: parts of NanumGothic without what a PDF does not need.

    apt-get install fonts-nanum; pip install fonttools; python .ci/fonts.py /usr/share/fonts/truetype/nanum

The text font has every syllable of Hangul, because people type names and notes. The bold one, for headings, has those
of KS X 1001. The licence reserves the name Nanum for the whole fonts, so the parts are called otherwise.
"""

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

TARGET = Path(__file__).resolve().parents[1] / "reports" / "fonts"
FAMILY = "Hydrolog Gothic"
LATIN = {*range(0x20, 0x7F), *range(0xA0, 0x180), *range(0x391, 0x3CA), *range(0x2010, 0x2027)}
SIGNS = {ord(sign) for sign in "‰′″₩€℃ℓ←↑→↓−≈≠≤≥■□▲▼○●、。「」"}
JAMO = {*range(0x3131, 0x3164)}
SYLLABLES = {*range(0xAC00, 0xD7A4)}
COMMON = {ord(bytes([row, cell]).decode("euc-kr")) for row in range(0xB0, 0xC9) for cell in range(0xA1, 0xFF)}
NOT_NEEDED = ["GSUB", "GPOS", "GDEF", "kern", "vhea", "vmtx", "VORG", "DSIG", "gasp", "BASE"]
NAMED = {
    1: "{family}",
    2: "{style}",
    3: "{family} {style}",
    4: "{family} {style}",
    6: "{short}-{style}",
    13: "SIL Open Font License 1.1: OFL.txt",
}


def write(source: Path, style: str, characters: set[int]) -> None:
    """One font with these characters, as far as the source has them."""
    font = TTFont(source)
    options = subset.Options(hinting=False, layout_features=[], notdef_outline=True, name_IDs=[0, 5])
    options.drop_tables += NOT_NEEDED
    chosen = subset.Subsetter(options)
    chosen.populate(unicodes=characters)
    chosen.subset(font)
    for number, text in NAMED.items():
        name = text.format(family=FAMILY, style=style, short=FAMILY.replace(" ", ""))
        font["name"].setName(name, number, 3, 1, 0x409)
    font.save(TARGET / f"{style.lower()}.ttf")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    write(folder / "NanumGothic.ttf", "Regular", LATIN | SIGNS | JAMO | SYLLABLES)
    write(folder / "NanumGothicBold.ttf", "Bold", LATIN | SIGNS | JAMO | COMMON)
