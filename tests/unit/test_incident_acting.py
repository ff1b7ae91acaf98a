"""What people may do about an incident: the rules that the page and the commands share."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from common.refused import NotPossible, Refused
from incidents import acting, acts
from incidents.acting import Wish
from incidents.acts import Act, Cause, Do
from incidents.incident import Incident, Sign
from incidents.life import Stage

NOW = datetime(2024, 8, 27, 3, tzinfo=UTC)
MINUTE = int(NOW.timestamp()) // 60


def leak(ended: int | None = None) -> Incident:
    sign = Sign("LEAK", "PREDICT", "flow", "leak", MINUTE - 60, MINUTE - 30, ended)
    return Incident("a", "site", "001", "leak", MINUTE - 60, MINUTE - 30, ended, signs=[sign])


def close(by: str, seen: str | None = None) -> Wish:
    return Wish(Do.CLOSE, by, cause=Cause.REPAIRED, seen=seen)


def stored(data: Path) -> list[Act]:
    return [*acts.load(data).known]


def test_who_comes_second_is_told_and_overwrites_nothing(tmp_path: Path) -> None:
    acting.act(tmp_path, leak(), (), close("Kim", seen=""), NOW)
    with pytest.raises(NotPossible, match="closed already"):
        acting.act(tmp_path, leak(), (), Wish(Do.ACKNOWLEDGE, "Lee", seen=""), NOW)
    assert [(one.by, one.do) for one in stored(tmp_path)] == [("Kim", Do.CLOSE)]


@pytest.mark.parametrize("earlier_in_file", [True, False])
def test_what_was_not_seen_stands_against_an_act_but_not_against_a_note(tmp_path: Path, earlier_in_file: bool) -> None:
    seen = acts.new("a", "Kim", NOW - timedelta(minutes=9), Do.ACKNOWLEDGE)
    if earlier_in_file:
        acts.append(tmp_path, seen)
    earlier = () if earlier_in_file else (seen,)
    acting.act(tmp_path, leak(), earlier, Wish(Do.NOTE, "Park", "listening", seen=seen.id), NOW)
    acting.act(tmp_path, leak(), earlier, Wish(Do.SHELVE, "Kim", until=MINUTE + 60, seen=seen.id), NOW)
    with pytest.raises(NotPossible, match="Kim has changed it"):
        acting.act(tmp_path, leak(), earlier, Wish(Do.ACKNOWLEDGE, "Lee", seen=seen.id), NOW)
    assert acting.act(tmp_path, leak(), earlier, Wish(Do.NOTE, "Lee", "x", seen=seen.id), NOW).life.stage == "shelved"


def test_a_form_that_is_sent_twice_has_been_sent_once(tmp_path: Path) -> None:
    asked: list[int] = []
    for _ in range(2):
        after = acting.act(
            tmp_path, leak(), (), Wish(Do.NOTE, "Kim", "a joint", seen=""), NOW, first=lambda: asked.append(1)
        )
    assert (len(after.life.acts), len(stored(tmp_path)), asked) == (1, 1, [1])
    acting.act(tmp_path, leak(), (), Wish(Do.NOTE, "Kim", "a joint", seen=stored(tmp_path)[0].id), NOW)
    acting.act(tmp_path, leak(), (), Wish(Do.NOTE, "Lee", "a joint", seen=""), NOW)
    assert [one.by for one in stored(tmp_path)] == ["Kim", "Kim", "Lee"]


@pytest.mark.parametrize(
    ("wish", "field", "problem"),
    [
        (Wish(Do.NOTE, "Kim", " \n "), "text", "Write the note first."),
        (Wish(Do.NOTE, "Kim", "x" * 501), "text", "A note may have 500 characters."),
        (Wish(Do.CLOSE, "Kim"), "cause", "Say why it is done with."),
        (Wish(Do.SHELVE, "Kim"), "until", "Say until when."),
        (Wish(Do.SHELVE, "Kim", until=MINUTE), "until", "This time is over."),
        (Wish(Do.SHELVE, "Kim", until=MINUTE + 366 * 1440 + 1), "until", "An incident can rest for a year at most."),
    ],
)
def test_what_is_typed_wrong_is_said_at_its_field_and_nothing_is_stored(
    tmp_path: Path, wish: Wish, field: str, problem: str
) -> None:
    with pytest.raises(Refused) as refused:
        acting.act(tmp_path, leak(), (), wish, NOW, first=lambda: pytest.fail("nothing happens"))
    assert (refused.value.field, str(refused.value)) == (field, problem)
    assert stored(tmp_path) == []


def test_one_that_is_over_can_be_closed_and_noted(tmp_path: Path) -> None:
    over = leak(MINUTE - 5)
    with pytest.raises(NotPossible, match="over"):
        acting.act(tmp_path, over, (), Wish(Do.ACKNOWLEDGE, "Kim"), NOW)
    after = acting.act(tmp_path, over, (), close("Kim"), NOW)
    assert (after.life.stage, acting.possible(after)) == (Stage.CLOSED, (Do.NOTE,))


def test_what_cannot_be_written_has_not_happened(tmp_path: Path) -> None:
    with pytest.raises(acts.ActsUnwritable, match="cannot write in"):
        acting.act(tmp_path / "gone", leak(), (), close("Kim"), NOW)
