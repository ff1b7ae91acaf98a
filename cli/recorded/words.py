"""What loggers, control rooms and spreadsheets call their columns and units, in the languages that we met."""

import re

from common.meters import MEASURES

# Looked for in this order: a counter's name often holds that of a flow.
CHANNELS = {
    "total": re.compile(r"적산|누적|지침|total|cumul|volum|counter|zähler", re.IGNORECASE),
    "flow": re.compile(r"유량|flow|d[ée]bit|caudal|durchfluss|portata|^q$", re.IGNORECASE),
    "pressure": re.compile(r"압력|수압|press|druck|presi[oó]n|^p$", re.IGNORECASE),
    "quality": re.compile(r"품질|상태|quality|status|^qc?$|valid", re.IGNORECASE),
}
TIME = re.compile(
    r"일시|시간|시각|날짜|일자|time|date|zeit|datum|fecha|hora|heure|horodat|^data$|^ora$|^ts$", re.IGNORECASE
)
GOOD = frozenset({"192", "good", "ok", "valid", "g", "true", "정상", "양호"})
_SPELLINGS = {
    "flow": {
        "m3/h": ("m3/hr", "m3h", "cmh", "m3/시간", "cbm/h", "cum/h"),
        "m3/min": ("m3/분", "cmm"),
        "m3/s": ("m3/sec", "m3/초", "cms", "cumecs"),
        "m3/d": ("m3/day", "m3/일", "cmd", "m3d"),
        "L/h": ("lph", "l/hr"),
        "L/min": ("lpm", "l/분"),
        "L/s": ("lps", "l/sec", "ls"),
        "gpm": ("usgpm", "gal/min"),
    },
    "pressure": {
        "bar": ("barg", "bar(g)"),
        "mbar": (),
        "m": ("mh2o", "mwc", "maq", "mca", "mws", "mce", "mh"),
        "kgf/cm2": ("kg/cm2", "kgf/cm", "kgcm2", "kgfcm2", "kgf", "at"),
        "ft": ("fth2o",),
        "psi": ("psig",),
    },
    "total": {"m3": ("cbm", "cum", "ton", "톤"), "L": ("liter", "litre", "리터"), "gal": ("gallon", "gallons")},
}
_UNITS = {
    channel: {
        re.sub(r"[^a-z0-9가-힣]", "", spelling.casefold()): name
        for name in names
        for spelling in (name, *more.get(name, ()))
    }
    for channel, more in _SPELLINGS.items()
    for names in (MEASURES[channel],)
}
_SIGNS = str.maketrans({"³": "3", "²": "2", "㎥": "m3", "㎠": "cm2", "ℓ": "l", "㎪": "kPa", "㎫": "MPa", "㎩": "Pa"})
_IN_NAME = re.compile(r"[(\[]\s*([^()\[\]]+?)\s*[)\]]?\s*[)\]]\s*$")


def channel_of(name: str) -> str | None:
    """What a column's name says that it holds."""
    words = _IN_NAME.sub("", name).strip()
    return next((channel for channel, pattern in CHANNELS.items() if pattern.search(words)), None)


def unit(channel: str, text: str) -> str | None:
    """Our name of a unit; None if it is not known."""
    plain = re.sub(r"[^a-z0-9가-힣]", "", text.translate(_SIGNS).casefold())
    return _UNITS[channel].get(plain)


def unit_in(name: str) -> str:
    """The text in brackets at the end of a column's name, or what follows its last underscore or blank."""
    if match := _IN_NAME.search(name):
        return match[1]
    return ""
