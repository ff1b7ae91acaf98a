"""A database that is there and takes nothing: what the boxes are told, and what the people."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
import pytest
from receiver_process import ReceiverProcess, kept
from waiting import wait_for

READ_ONLY = "25006"
REFUSE = (
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'no more' USING ERRCODE = '{}'; END $$;"
    "CREATE TRIGGER refuse BEFORE INSERT ON REAL_VAL_TB FOR EACH ROW EXECUTE FUNCTION refuse()"
)


@contextmanager
def refusing(postgres_url: str, database_url: str, state: str) -> Iterator[None]:
    name = urlsplit(database_url).path[1:]
    if state == READ_ONLY:  # as a standby is that nobody has promoted
        turns = [f"ALTER DATABASE {name} SET default_transaction_read_only = {each}" for each in ("on", "off")]
        url = postgres_url
    else:
        turns, url = [REFUSE.format(state), "DROP FUNCTION refuse CASCADE"], database_url
    with psycopg.connect(url, autocommit=True) as connection:
        for turn in turns:
            connection.execute(turn.encode())
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
                (name,),
            )
            if turn == turns[0]:
                yield


@pytest.mark.parametrize(
    ("state", "reason"),
    [(READ_ONLY, "it is read-only now"), ("53100", "its disk is full"), ("42501", "its user lacks a right")],
)
def test_a_server_whose_database_takes_no_rows_says_why_until_it_does(
    receiver: ReceiverProcess, postgres_url: str, database_url: str, state: str, reason: str
) -> None:
    def said() -> str:
        return receiver.get("/healthz").body.decode()

    assert receiver.post_rows(0, 3).status == 200
    with refusing(postgres_url, database_url, state):
        answers = [receiver.post_rows(4, 6) for _ in range(3)]
        assert {answer.status for answer in answers} == {503}
        assert all(answer.headers["Retry-After"] for answer in answers)
        wait_for(lambda: f"the database refuses: {reason}" in said(), "the reason")
    wait_for(lambda: receiver.post_rows(4, 6).status == 200, "rows to be taken again")
    wait_for(lambda: "the database refuses" not in said(), "all to be well")
    assert kept(database_url) == [(offset, 1) for offset in range(7)]
    assert "Traceback" not in receiver.output.read_text()
