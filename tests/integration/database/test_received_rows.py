"""What versions before kept of other sites' rows in a table of its own is in the archive, whenever it came there."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from common import database, received_rows, schema

COLUMNS = (
    "site, log_id, log_offset, time, sensor, flow, pressure, samples, flow_flags, pressure_flags, pred_flow,"
    " pred_pressure, received_at"
)
# Two sites with a sensor of the same name, over the end of a month; a minute that came twice, and one with two values.
ROWS = f"""
INSERT INTO RECEIVED_TB ({COLUMNS})
SELECT site, 'log-of-' || site, n, timestamptz '2024-08-31 12:00Z' + n * interval '1 minute', sensor, n, 4.1, 60,
       '0L00', '000', CASE WHEN n %% 60 = 0 THEN 7.5 ELSE 0 END, 0, '2024-09-02Z'
FROM generate_series(1, 2000) n, (VALUES ('north', '001'), ('south', '001')) AS point (site, sensor);
INSERT INTO RECEIVED_TB ({COLUMNS}) VALUES
    ('south', 'another', 7, '2024-08-31 12:05Z', '001', 5, 4.1, 60, '0L00', '000', 0, 0, '2024-09-03Z'),
    ('south', 'another', 8, '2024-08-31 12:06Z', '001', 99, NULL, 60, '0000', '000', 0, 0, '2024-09-03Z'),
    ('north', 'log-of-north', 9000, '2024-09-01Z', 'apart', 1, 1, 60, '0000', '000', 0, 0, '2024-09-03Z');
INSERT INTO UNREGISTERED_VAL_TB (site, sensor, time, samples, log_id, log_offset)
    VALUES ('north', 'apart', '2024-09-01Z', 60, 'log-of-north', 9000);
"""
MINUTES = "SELECT site, sensor, count(*), min(log_id), sum(flow) FROM REAL_VAL_TB GROUP BY 1, 2 ORDER BY 1, 2"
IN_THE_ARCHIVE = [(site, "001", 2000, f"log-of-{site}", 2_001_000.0) for site in ("north", "south")]

Connection = psycopg.Connection[Any]


@pytest.fixture
def before(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """A center of the version before, with its rows."""
    with monkeypatch.context() as earlier:
        earlier.setattr(schema, "CHANGES", schema.CHANGES[:3])
        database.update_schema(empty_url, "north")
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute(ROWS.replace("%%", "%").encode())
        yield connection


def is_whole(connection: Connection) -> bool:
    second = "SELECT site, sensor, time::text, flow, log_id, log_offset FROM SECOND_VAL_TB"
    forecasts = "SELECT site, count(*), min(flow), max(pressure) FROM SITE_PRED_VAL_TB GROUP BY 1 ORDER BY 1"
    connection.execute("SET timezone TO 'UTC'")
    return (
        connection.execute(MINUTES.encode()).fetchall() == IN_THE_ARCHIVE
        and connection.execute(second.encode()).fetchall()
        == [("south", "001", "2024-08-31 12:06:00+00", 99.0, "another", 8)]
        and connection.execute(forecasts.encode()).fetchall() == [(site, 33, 7.5, 0.0) for site in ("north", "south")]
        and connection.execute("SELECT site, sensor FROM SENSOR_TB ORDER BY 1, 2").fetchall()
        == [("north", "001"), ("south", "001")]
        and connection.execute("SELECT count(*) FROM UNREGISTERED_VAL_TB").fetchone() == (1,)
    )


def test_every_row_is_in_the_archive_and_then_the_table_goes(before: Connection) -> None:
    made = [change.name for change in schema.CHANGES[3:] if change.due is None]
    assert database.update_schema(before.info.dsn, "north") == made
    assert is_whole(before)
    assert database.update_schema(before.info.dsn, "north") == []
    before.execute("UPDATE SCHEMA_TB SET made_at = made_at - interval '8 days'")
    assert database.update_schema(before.info.dsn, "north") == ["0007_received_tb"]
    assert is_whole(before)
    assert before.execute("SELECT to_regclass('received_tb')").fetchone() == (None,)


def test_cut_short_it_goes_on(before: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    class PowerCut(BaseException):
        """Nothing after this happens."""

    class Cut:
        """A connection that ends in the second day."""

        def __init__(self, connection: Connection) -> None:
            self._connection, self._days = connection, 0

        def execute(self, query: bytes, values: Any = None) -> Any:
            self._days += query.startswith(b"INSERT")
            if self._days == 2:
                raise PowerCut
            return self._connection.execute(query, values)

    whole = received_rows.copy
    with monkeypatch.context() as short:
        cut = schema.CHANGES[5]._replace(prepare=lambda connection, site: whole(Cut(connection), site))  # type: ignore[arg-type]
        short.setattr(schema, "CHANGES", (*schema.CHANGES[:5], cut, *schema.CHANGES[6:]))
        with pytest.raises(PowerCut):
            database.update_schema(before.info.dsn, "north")
    assert not is_whole(before)
    assert database.update_schema(before.info.dsn, "north")[0] == "0006_received_rows"
    assert is_whole(before)


def test_what_the_version_before_still_stores_is_in_the_archive_at_once(before: Connection) -> None:
    """A machine that is not updated yet, or one that went back."""
    database.update_schema(before.info.dsn, "north")
    before.execute(
        f"INSERT INTO RECEIVED_TB ({COLUMNS})"
        " SELECT 'west', 'log', n, timestamptz '2024-12-31Z' + n * interval '1 day', '7', n, NULL, 60, '0000', '000',"
        " 0, 0, now() FROM generate_series(1, 3) n ON CONFLICT DO NOTHING".encode()
    )
    assert ("west", "7", 3, "log", 6.0) in before.execute(MINUTES.encode()).fetchall()
    assert before.execute("SELECT count(*) FROM SENSOR_TB WHERE site = 'west'").fetchone() == (1,)
