"""What each answer of the server does to the rows."""

from pathlib import Path

import pytest
from delivery_site import FIRST, MakeSite
from http_server import accept, answer, at_most, cut_answer, drop, drop_after_keeping, in_turn, refuse_offsets

from common import weather
from common.errors import NotDelivered
from common.settings import SERVER_TOKEN
from consumer.rejected import load_all


def test_an_outage_of_half_an_hour_loses_nothing(site: MakeSite) -> None:
    here = site(drop)
    for minute in range(43):
        here.append(1, first=FIRST + minute)
        here.watch.later(minutes=1)
        if minute >= 10:  # from a minute after the first window on
            with pytest.raises(NotDelivered, match="no answer"):
                here.step()
    here.server.behave = accept
    here.watch.later(minutes=10)
    here.step()
    assert here.delivered_once(43)
    assert here.server.arrivals == list(range(43))


def test_weather_in_the_answer_to_a_batch_is_kept_and_its_numbers_count_no_rows(site: MakeSite) -> None:
    hours = b'[{"hour": "2024-08-26T07:00:00Z", "temperature_c": 30.5}]'
    here = site(
        answer(200, b'{"stored": 10, "weather": {"made_at": "2024-08-26T07:00:00Z", "count": 1, "hours": %s}}' % hours)
    )
    here.append(10)
    here.watch.later(minutes=12)
    here.step()
    assert here.log.group("server").lag == 0
    assert [line.temperature_c for line in weather.read(here.data)] == [30.5]


@pytest.mark.parametrize("status", [302, 404, 405, 408, 409, 415, 421, 425, 429, 500, 502, 503, 418])
def test_rows_are_kept_and_sent_later_with_the_same_bytes(site: MakeSite, status: int) -> None:
    here = site(in_turn(answer(status, Location="http://127.0.0.1:1/elsewhere"), accept))
    here.append(10)
    here.watch.later(minutes=12)
    with pytest.raises(NotDelivered) as raised:
        here.step()
    assert raised.value.counters["lag"] == 10
    assert raised.value.counters["last_status"] == status
    assert raised.value.counters["waiting_since"] == here.watch.now().isoformat()
    here.append(3, first=FIRST + 10)  # more rows come in between: the batch stays as it is
    here.restart()
    here.watch.later(minutes=1)
    here.step()
    first, second = here.server.requests
    assert (first.key, first.body) == (second.key, second.body)
    assert here.delivered_once(10)
    assert not list((here.data / "rejected").glob("*.tsv"))


@pytest.mark.parametrize(
    "body", [b"<!DOCTYPE html><html>Please log in</html>", b'{"success": false}', b'{"stored": 0}', b'{"stored": 11}']
)
def test_a_yes_that_contradicts_itself_empties_no_log(site: MakeSite, body: bytes) -> None:
    here = site(in_turn(answer(200, body), accept))
    here.append(10)
    here.watch.later(minutes=12)
    with pytest.raises(NotDelivered, match="the answer 200 is no receipt, so the rows are kept"):
        here.step()
    assert here.log.group("server").lag == 10
    here.watch.later(minutes=1)
    here.step()
    assert here.delivered_once(10)


@pytest.mark.parametrize(("header", "at_least", "at_most_s"), [("50", 50, 60), ("-3", 0.5, 2), ("soon", 0.5, 2)])
def test_retry_after_is_honoured(site: MakeSite, header: str, at_least: float, at_most_s: float) -> None:
    here = site(in_turn(answer(429, Retry_After=header), accept))
    here.append(10)
    here.watch.later(minutes=12)
    waited = 0.0
    while not here.server.rows:
        try:
            here.step()
        except NotDelivered:
            here.watch.later(seconds=0.5)
            waited += 0.5
    assert at_least <= waited <= at_most_s


def test_an_answer_that_is_lost_after_the_server_kept_the_rows(site: MakeSite) -> None:
    here = site(in_turn(drop_after_keeping, cut_answer, accept))
    here.append(10)
    here.watch.later(minutes=12)
    here.try_for(hours=0.1)
    assert here.delivered_once(10)
    assert here.server.repeats == 20
    assert here.committed == 10


def test_too_large_a_batch_is_split_in_order(site: MakeSite) -> None:
    here = site(at_most(5))
    here.append(10, sensors=("001", "002", "003"))
    here.watch.later(minutes=12)
    here.step()
    assert here.delivered_once(30)
    assert here.server.arrivals == list(range(30))
    assert max(len(request.lines) for request in here.server.requests[3:]) <= 5


@pytest.mark.parametrize("status", [400, 413, 422])
def test_one_row_that_is_refused_is_set_aside_alone(site: MakeSite, status: int) -> None:
    here = site(refuse_offsets(17, status=status))
    here.append(30)
    here.watch.later(minutes=32)
    counters = here.step()
    assert sorted(offset for _, offset in here.server.rows) == [*range(17), *range(18, 30)]
    (refused,) = load_all(here.data)
    assert refused.parcel.lines[0].offset == 17
    assert f"status={status}" in refused.path.read_text()
    assert "bad row" in refused.path.read_text()
    assert (counters["rows_rejected"], counters["refused_in_a_row"], counters["lag"]) == (1, 0, 0)


def test_a_server_that_refuses_everything_gets_five_rows_and_the_rest_waits(site: MakeSite) -> None:
    here = site(answer(400))
    here.append(40)
    here.watch.later(minutes=42)
    problem = here.try_for(hours=3)
    assert "5 rows in a row were refused" in problem
    here.restart()  # the count is on disk
    here.try_for(hours=3)
    assert [refused.parcel.first for refused in load_all(here.data)] == [0, 1, 2, 3, 4]
    asked = len(here.server.requests)
    here.try_for(hours=1)
    assert len(here.server.requests) - asked <= 14  # slowly
    here.server.behave = accept
    here.try_for(hours=1)
    assert sorted(offset for _, offset in here.server.rows) == list(range(5, 40))
    assert here.step()["refused_in_a_row"] == 0


def test_rejected_rows_are_bounded_and_the_rest_waits_for_a_person(
    site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumer.rejected.MOST_FILES", 2)
    here = site(refuse_offsets(3, 6, 9))
    here.append(20)
    here.watch.later(minutes=22)
    problem = here.try_for(hours=1)
    assert "rejected/ holds 2 rows; `hydrolog resend`" in problem
    assert here.committed == 9
    next(iter((here.data / "rejected").glob("*.tsv"))).unlink()  # a person has looked
    here.try_for(hours=1)
    assert here.committed == 20
    assert here.step()["rejected_kept"] == 2
    assert sorted(offset for _, offset in here.server.rows) == [n for n in range(20) if n not in (3, 6, 9)]


def test_a_refused_token_waits_for_a_person_and_takes_a_new_one_from_the_file(
    site: MakeSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SERVER_TOKEN)
    token_file = tmp_path / "token"
    token_file.write_text("old\n")
    token_file.chmod(0o600)
    here = site(answer(401), server__token_file=token_file)
    here.append(10)
    here.watch.later(minutes=12)
    problem = here.try_for(hours=1)
    assert "server.token_file" in problem
    assert 3 <= len(here.server.requests) <= 14
    token_file.write_text("new\n")
    here.server.behave = accept
    here.try_for(hours=0.3)
    assert here.server.requests[-1].headers["authorization"] == "Bearer new"
    assert here.delivered_once(10)
    assert not list((here.data / "rejected").glob("*"))
