"""The table of answers, row by row: no answer is a reason to lose a row."""

from datetime import UTC, datetime

import pytest

from common.http_answer import RETRY_AFTER_CAP_S, HttpAnswer, retry_after_s
from consumer.answers import RETRY, SLOW, Kind, judge

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
        assert judge(HttpAnswer(status), NOW, 10).kind is kind, status


def test_no_answer_is_tried_again() -> None:
    verdict = judge(HttpAnswer(None, "connection refused"), NOW, 10)
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
    retry, slow = judge(HttpAnswer(503), NOW, 10), judge(HttpAnswer(401), NOW, 10)
    assert retry.wait_s(1) <= RETRY.first_s < retry.wait_s(9) <= RETRY.cap_s
    assert retry.wait_s(1) < SLOW.first_s / 2 <= slow.wait_s(1)
    assert judge(HttpAnswer(503, retry_after="120"), NOW, 10).wait_s(1) >= 120


def test_what_the_server_says_cannot_reach_a_terminal() -> None:
    verdict = judge(HttpAnswer(400, body=b"\x1b[2J" + b"x" * 5000), NOW, 10)
    assert "\x1b" not in verdict.problem
    assert len(verdict.problem) < 300


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"OK",
        b"stored\n",
        b"{}",
        b"[]",
        b"null",
        b"true",
        b'"thanks"',
        b'\xef\xbb\xbf{"ok": true}',
        b'{"stored": 10, "repeated": 0}',
        b'{"stored": 4, "repeated": 6}',
        b'{"success": true, "count": 10, "total_count": 5000}',
        b'{"status": "ok", "rows": 10, "error": null, "errors": []}',
        b'{"Success": "true", "error": "none", "rejected": 0}',
        b'{"data": {"inserted": 3, "duplicates": 7}}',
        b'{"message": "10 rows"}',
        b'{"code": 200, "status": 200, "rows": "10", "errors": "0", "error": false, "failed": "none"}',
        b'{"code": 0, "error": ""}',
        b'[{"offset": 1, "ok": true, "rows": 1}, {"offset": 2, "ok": true, "rows": 1}]',
        b'{"rows": 10.0}',
        b"success=true error=none",
        b"errors: 0",
        b"Error: 0",
        b"<r><error>0</error><error></error><errors>none</errors><success>1</success></r>",
        b"{ok}",
        b"[OK] 10 rows",
        b"<?xml version='1.0'?><answer>stored</answer>",
        b'{"rows": [' + b"1," * 40_000,  # cut off: nobody can judge it
    ],
)
def test_a_body_that_says_nothing_else_is_a_delivery(body: bytes) -> None:
    assert judge(HttpAnswer(200, body=body), NOW, 10).kind is Kind.DELIVERED


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<!DOCTYPE html><html><body>Please log in</body></html>", "captive portal"),
        (b"\r\n\r\n  <HTML ><HEAD>", "captive portal"),
        (b"\xef\xbb\xbf<html>", "captive portal"),
        (b"<script>location='http://login.example/'</script>", "captive portal"),
        (b'<meta http-equiv="refresh" content="0; url=/login">', "captive portal"),
        (b"<br />\n<b>Warning</b>: mysqli_connect()", "web page"),
        (b"<?xml version='1.0'?><html xmlns='x'>", "web page"),
        (b"PHP Fatal error:  Uncaught PDOException in /var/www/x.php", "program failed"),
        (b"Traceback (most recent call last):\n", "program failed"),
        (b"false", "false"),
        (b'{"success": false}', "success: False"),
        (b'{"SUCCESS": "false"}', "SUCCESS"),
        (b'{"ok": 0}', "ok: 0"),
        (b'{"status": "error", "message": "no space"}', "status: error"),
        (b'{"error": "no such site"}', "no such site"),
        (b'{"error": {"code": 7}}', "error"),
        (b'{"errors": ["row 3"]}', "row 3"),
        (b'{"stored": 0}', "0 rows, 10 were sent"),
        (b'{"stored": 9}', "9 rows, 10 were sent"),
        (b'{"stored": 9, "repeated": 0}', "10 were sent"),
        (b'{"stored": 10, "rejected": 1}', "rejected: 1"),
        (b'{"accepted": 11}', "11 rows"),
        (b'{"result": {"data": {"rows": 3}}}', "3 rows"),
        (b'{"rows": "9"}', "9 rows"),
        (b'{"rows": 9.0}', "9 rows"),
        (b'"error"', "error"),
        (b'"FAILED"', "failed"),
        (b'{"success": "N"}', "success"),
        (b'{"status": 500, "message": "full"}', "status: 500"),
        (b'{"code": "401"}', "code: 401"),
        (b'[{"offset": 1, "ok": true}, {"offset": 2, "ok": false}]', "ok: False"),
        (b'{"results": [{"offset": 1}, {"offset": 2, "error": "late"}]}', "error: late"),
        (b"ERROR: disk full", "disk full"),
        (b"FAIL", "fail"),
        (b"Unauthorized", "unauthorized"),
        (b"success=false&reason=full", "success=false"),
        (b"{'success': False}", "success"),
        (b"{success:false}", "success"),
        (b')]}\',\n{"success": false}', "success"),
        (b'Notice: Undefined index\n{"ok": false}', "ok"),
        (b'{"error": "too many", "rows": [' + b"1," * 40_000, "too many"),
        (b"<?xml version='1.0'?><error>no space</error>", "no space"),
        (b"<soap:Envelope><soap:Body><soap:Fault><faultcode/></soap:Fault>", "fault"),
        (b"<response><status>FAILED</status></response>", "failed"),
        (b"<response><success>false</success></response>", "false"),
    ],
)
def test_a_2xx_that_contradicts_itself_is_no_delivery(body: bytes, why: str) -> None:
    verdict = judge(HttpAnswer(200, body=body), NOW, 10)
    assert verdict.kind is Kind.RETRY
    assert "the rows are kept" in verdict.problem
    assert why.lower() in verdict.problem.lower()


def test_a_body_nested_without_end_contradicts_nothing() -> None:
    assert judge(HttpAnswer(200, body=b"[" * 60_000), NOW, 10).kind is Kind.DELIVERED
    assert judge(HttpAnswer(200, body=b'{"a":' * 4_000 + b"1" + b"}" * 4_000), NOW, 10).kind is Kind.DELIVERED


@pytest.mark.parametrize(
    ("body", "delivered"), [(b"stored 10 rows", True), (b"stored 1 rows", False), (b"", False), (b"{}", False)]
)
def test_where_a_receipt_is_promised_it_must_be_there(body: bytes, delivered: bool) -> None:
    verdict = judge(HttpAnswer(200, body=body), NOW, 10, "stored {rows} rows")
    assert (verdict.kind is Kind.DELIVERED) is delivered
    assert delivered or "server.receipt" in verdict.problem
