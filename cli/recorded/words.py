"""What loggers, control rooms and spreadsheets call their columns, in the languages that we met."""

import re

from common.measures import unit

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
_IN_NAME = re.compile(r"[(\[]\s*([^()\[\]]+?)\s*[)\]]?\s*[)\]]\s*$")


def channel_of(name: str) -> str | None:
    """What a column's name says that it holds."""
    words = _IN_NAME.sub("", name).strip()
    return next((channel for channel, pattern in CHANNELS.items() if pattern.search(words)), None)


def unit_in(name: str, channel: str) -> str:
    """The text in brackets at the end of a column's name, or a unit behind its last blank or underscore."""
    if match := _IN_NAME.search(name):
        return match[1]
    last = re.split(r"[\s_,:]+", name.strip())[-1]
    return last if last != name.strip() and unit(channel, last) else ""
