"""The table of answers, row by row: no answer is a reason to lose a row."""

from datetime import UTC, datetime

import pytest

from consumer.answers import RETRY, RETRY_AFTER_CAP_S, SLOW, HttpAnswer, Kind, judge, retry_after_s

NOW = datetime(2024, 8, 26, 7, 33, tzinfo=UTC)


@pytest.mark.parametrize(
    ("statuses", "kind"),
    [
        ((200, 201, 202, 204, 299), Kind.DELIVERED),
        ((408, 425, 429), Kind.RETRY),
        ((500, 501, 502, 503, 504, 507, 599), Kind.RETRY),
        ((404, 405, 409, 415, 421), Kind.RETRY),
        ((301, 302, 303, 304, 307, 308), Kind.RETRY),  # a redirect is not the server's yes
        ((100, 101, 103, 402, 406, 410, 411, 418, 431, 451, 600, 999), Kind.RETRY),
        ((401, 403), Kind.SLOW),
        ((400, 413, 422), Kind.HALVE),
    ],
)
def test_each_status(statuses: tuple[int, ...], kind: Kind) -> None:
    for status in statuses:
        assert judge(HttpAnswer(status), NOW).kind is kind, status


def test_no_answer_is_tried_again() -> None:
    verdict = judge(HttpAnswer(None, "connection refused"), NOW)
    assert verdict.kind is Kind.RETRY
    assert "connection refused" in verdict.problem


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, 0),
        ("7", 7),
        ("0", 0),
        ("-5", 0),
        ("soon", 0),
        ("", 0),
        ("nan", 0),
        ("inf", 0),
        ("99999999", RETRY_AFTER_CAP_S),
        ("Mon, 26 Aug 2024 07:34:30 GMT", 90),
        ("Mon, 26 Aug 2024 07:34:30 -0000", 90),
        ("Mon, 26 Aug 2024 07:00:00 GMT", 0),
        ("Tue, 26 Aug 2098 07:00:00 GMT", RETRY_AFTER_CAP_S),
        ("Mon, 99 Aug 2024 99:99:99 GMT", 0),
    ],
)
def test_retry_after_is_honoured_within_a_cap(text: str | None, seconds: float) -> None:
    assert retry_after_s(text, NOW) == seconds


def test_waits_grow_and_a_refused_token_waits_for_a_person() -> None:
    retry, slow = judge(HttpAnswer(503), NOW), judge(HttpAnswer(401), NOW)
    assert retry.wait_s(1) <= RETRY.first_s < retry.wait_s(9) <= RETRY.cap_s
    assert retry.wait_s(1) < SLOW.first_s / 2 <= slow.wait_s(1)
    assert judge(HttpAnswer(503, retry_after="120"), NOW).wait_s(1) >= 120


def test_what_the_server_says_cannot_reach_a_terminal() -> None:
    verdict = judge(HttpAnswer(400, body=b"\x1b[2J" + b"x" * 5000), NOW)
    assert "\x1b" not in verdict.problem
    assert len(verdict.problem) < 300
