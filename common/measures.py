"""What meters, loggers, control rooms and spreadsheets call the units, in the languages that we met."""

import re
import unicodedata

from common.units import MEASURES

_SPELLINGS = {
    "flow": {
        "m3/h": ("m3/hr", "m3/hour", "m3h", "cmh", "m3/시간", "cbm/h", "cum/h"),
        "m3/min": ("m3/m", "m3/minute", "m3/분", "cmm"),
        "m3/s": ("m3/sec", "m3/second", "m3/초", "cms", "cumecs"),
        "m3/d": ("m3/day", "m3/일", "cmd", "m3d"),
        "L/h": ("lph", "l/hr", "l/hour"),
        "L/min": ("lpm", "l/m", "l/minute", "l/분"),
        "L/s": ("lps", "l/sec", "l/second", "ls"),
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


def unit(channel: str, text: str) -> str | None:
    """Our name of a unit; None if it is not known."""
    written_out = unicodedata.normalize("NFKC", text)  # ㎥ ³ ㎏ ㎠ ℓ ㎪
    plain = re.sub(r"[^a-z0-9가-힣]", "", written_out.casefold())
    return _UNITS[channel].get(plain)
