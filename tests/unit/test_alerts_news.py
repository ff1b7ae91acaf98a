"""What is new of an incident for somebody: each change once, and nothing of what people have taken note of."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from common.clock import minute_start
from consumer.alerts.news import News, Said, news, said_now
from incidents import acts
from incidents.acts import Act, Do
from incidents.incident import Incident, Sign, Size
from incidents.life import life
from incidents.reading import Known

T0 = 28_000_000


def sign(severity: str = "leak", raised: int = T0, ended: int | None = None) -> Sign:
    return Sign("LEAK", "PREDICT", "flow", severity, raised - 9, raised, ended)


def leak(*signs: Sign, flow: float | None = None, error: float = 0.5, **more: Any) -> Incident:
    size = None if flow is None else Size(T0, flow, error)
    keys: dict[str, Any] = {
        "kind": "leak",
        "began": T0 - 9,
        "raised": T0,
        "signs": list(signs or [sign()]),
        "size": size,
    } | more
    return Incident("001-x-leak", "site-1", "001", **keys)


def at(minute: int) -> datetime:
    return minute_start(minute)


def act(do: Do, minute: int, **more: Any) -> Act:
    return acts.new("001-x-leak", "Kim", at(minute), do, **more)


def what(incident: Incident, said: Said | None, *done: Act, minute: int = T0 + 100) -> News | None:
    return news(Known(incident, life(incident, done, minute)), said, minute)


TOLD = Said("leak", "leak", T0 + 1, 8.0)


@pytest.mark.parametrize(
    ("incident", "said", "expected"),
    [
        (leak(), None, News.RAISED),
        (leak(ended=T0 + 50), None, News.OVER),
        (leak(), TOLD, None),
        (leak(ended=T0 + 50), TOLD, News.OVER),
        (leak(ended=T0 + 50), Said("leak", "leak", T0 + 51, 8.0, True), None),
        (leak(sign(ended=T0 + 50), sign(raised=T0 + 90)), Said("leak", "leak", T0 + 51, 8.0, True), News.RETURNED),
        (leak(flow=11.9), TOLD, None),
        (leak(flow=12.0), TOLD, News.GREW),
        (leak(flow=12.0, error=3.0), TOLD, None),
        (leak(flow=50.0), Said("leak", "leak", T0), None),
        (leak(kind="fault"), TOLD, News.CHANGED),
        (leak(), Said("leak", "watch", T0), News.WORSE),
        (leak(sign("watch")), TOLD, None),
        (leak(sign("planned")), None, None),
        (leak(raised=T0 + 200), None, None),
    ],
)
def test_the_news_of_an_incident(incident: Incident, said: Said | None, expected: News | None) -> None:
    assert what(incident, said) == expected


def test_who_was_told_is_told_once_that_somebody_takes_care() -> None:
    noted = act(Do.ACKNOWLEDGE, T0 + 5)
    assert what(leak(), TOLD, noted) is News.TAKEN
    again = said_now(leak(), TOLD, T0 + 6, life(leak(), [noted], T0 + 6))
    assert what(leak(), again, noted) is None
    assert said_now(leak(), again, T0 + 9).taken == again.taken  # whatever is told later
    assert what(leak(), again, act(Do.ACKNOWLEDGE, T0 + 20)) is News.TAKEN  # somebody else
    assert what(leak(), None, noted) is None


def test_after_an_acknowledgement_only_the_end_and_what_is_worse_are_news() -> None:
    noted = act(Do.ACKNOWLEDGE, T0 + 5)
    knows = replace(TOLD, taken=T0 + 5)
    assert what(leak(flow=50.0), knows, noted) is None
    assert what(leak(kind="fault"), knows, noted) is None
    assert what(leak(), None, noted) is None
    assert what(leak(ended=T0 + 50), TOLD, noted) is News.OVER
    assert what(leak(ended=T0 + 50), None, noted) is None
    became = leak(sign("watch"), sign("leak", raised=T0 + 9))
    assert what(became, Said("leak", "watch", T0), noted) is News.WORSE
    assert what(became, None, noted) is News.RAISED
    back = leak(sign(ended=T0 + 20), sign(raised=T0 + 90))
    assert what(back, Said("leak", "leak", T0 + 20, None, True), noted) is News.RETURNED


def test_what_is_shelved_or_closed_is_no_news_until_it_is_open_again() -> None:
    shelved = act(Do.SHELVE, T0 + 5, until=T0 + 60)
    for incident in (leak(), leak(ended=T0 + 50), leak(flow=50.0)):
        assert what(incident, TOLD, shelved, minute=T0 + 59) is None
        assert what(incident, None, act(Do.CLOSE, T0 + 5, cause="other")) is None
    assert what(leak(), TOLD, shelved, minute=T0 + 60) is News.AGAIN
    assert what(leak(), Said("leak", "leak", T0 + 60), shelved, minute=T0 + 61) is None
    assert what(leak(ended=T0 + 50), TOLD, shelved, minute=T0 + 60) is None
    closed = act(Do.CLOSE, T0 + 5, cause="repaired")
    back = leak(sign(ended=T0 + 4), sign(raised=T0 + 9))
    assert what(back, TOLD, closed) is News.RETURNED
    assert what(back, Said("leak", "leak", T0 + 10), closed) is None


def test_what_was_told_is_the_worst_of_its_kind() -> None:
    assert said_now(leak(sign("watch")), Said("leak", "leak", T0), T0 + 9).severity == "leak"
    assert said_now(leak(sign("fault"), kind="fault"), Said("leak", "leak", T0), T0 + 9).severity == "fault"
    assert said_now(leak(flow=3.0, ended=T0), None, T0 + 9) == Said("leak", "leak", T0 + 9, 3.0, True)
