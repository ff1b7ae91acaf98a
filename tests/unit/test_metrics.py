"""What /metrics says, in Prometheus's text: names, labels, and nothing that is not known."""

from datetime import UTC, datetime
from typing import Any

from common.clock import minute_of
from common.verdict import KINDS
from incidents.incident import Incident, Sign, Size
from incidents.life import Life, Stage
from incidents.reading import Incidents, Known
from server import metrics
from server.facts import Facts, LastNight, incident_counts, leak_sizes
from situation.site_work import WorkState
from situation.topic import PartitionState

NOW = datetime(2024, 8, 26, 7, 33, tzinfo=UTC)
MINUTE = minute_of(NOW)
EVIL = 'odd"} 1\n# hydrolog_verdict{verdict="good"} 1\\'
ESCAPED = r"odd\"} 1\n# hydrolog_verdict{verdict=\"good\"} 1\\"
NO_FACTS = Facts(Incidents(), (), 0.0, None, None)


def sensor(ident: str, age_s: float | None, **values: Any) -> dict[str, Any]:
    return {"sensor": ident, "name": "", "age_s": age_s, "flow": None, "pressure": None, **values}


def state_of(**changes: Any) -> dict[str, Any]:
    """The least that the state of a box says."""
    return {
        "version": "1.2.3",
        "now": NOW.timestamp(),
        "speed": 1.0,
        "database": "",
        "disk_free": None,
        "log": {"bytes": None},
        "clock_offsets_s": {},
        "sensors": [],
        "processes": [],
        "groups": [],
        "received": None,
        "topic": [],
        "work": [],
        "sites": None,
        "unregistered": [],
        "verdict": {"kind": "trouble"},
        "future": None,
    } | changes


def process(role: str, state: str = "ok", **counters: Any) -> dict[str, Any]:
    return {"role": role, "state": state, "success": int(NOW.timestamp()) - 3, "counters": counters}


def samples(state: dict[str, Any], facts: Facts = NO_FACTS) -> dict[str, str]:
    lines = metrics.render(state, facts).splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


def leak(name: str, size_m3h: float | None, *, severity: str = "leak", ended: int | None = None) -> Incident:
    size = Size(MINUTE, size_m3h, 0.4) if size_m3h is not None else None
    sign = Sign("LEAK", "PREDICT", "flow", severity, MINUTE - 60, MINUTE - 30, ended)
    return Incident(f"{name}-{size_m3h}", "demo", name, "leak", MINUTE - 60, MINUTE - 30, ended, size, signs=[sign])


def test_a_box_that_knows_nothing_says_no_number_that_is_not_known() -> None:
    assert samples(state_of()) == {
        'hydrolog_build_info{version="1.2.3"}': "1",
        **{f'hydrolog_verdict{{verdict="{kind}"}}': str(int(kind == "trouble")) for kind in KINDS},
        "hydrolog_unregistered_sensors": "0",
        "hydrolog_incidents_readable": "1",
        "hydrolog_database_up": "1",
    }


def test_a_value_is_told_while_it_is_that_of_now() -> None:
    fresh, late = sensor("001", 12.5, name="Mill Lane", flow=8.02, pressure=4.1), sensor("002", 93_600.0, flow=7.0)
    found = samples(state_of(sensors=[fresh, late, sensor("003", None)]))
    assert found['hydrolog_flow_cubic_meters_per_hour{sensor="001"}'] == "8.02"
    assert found['hydrolog_pressure_bar{sensor="001"}'] == "4.1"
    assert found['hydrolog_newest_row_age_seconds{sensor="002"}'] == "93600"
    assert found['hydrolog_sensor_info{sensor="001",name="Mill Lane"}'] == "1"
    assert [key for key in found if "flow_cubic" in key] == ['hydrolog_flow_cubic_meters_per_hour{sensor="001"}']
    assert not any('age_seconds{sensor="003"' in key for key in found)
    quiet = NO_FACTS._replace(quiet_s=172_800.0)  # a meter that sends every other day
    assert 'hydrolog_flow_cubic_meters_per_hour{sensor="002"}' in samples(state_of(sensors=[late]), quiet)


def test_a_hostile_name_stays_one_label() -> None:
    found = samples(state_of(sensors=[sensor("001", 1.0, name=EVIL)], processes=[process(EVIL)]))
    assert f'hydrolog_sensor_info{{sensor="001",name="{ESCAPED}"}}' in found
    assert f'hydrolog_process_ok{{role="{ESCAPED}"}}' in found
    assert found['hydrolog_verdict{verdict="good"}'] == "0"


def test_processes_and_what_they_count() -> None:
    found = samples(state_of(processes=[process("producer", "warn", rows=7, url="http://x/", bad=float("nan"))]))
    told = {key: value for key, value in found.items() if key.startswith("hydrolog_process")}
    assert told == {
        'hydrolog_process_ok{role="producer"}': "0",
        'hydrolog_process_state{role="producer",state="ok"}': "0",
        'hydrolog_process_state{role="producer",state="warn"}': "1",
        'hydrolog_process_state{role="producer",state="bad"}': "0",
        'hydrolog_process_idle_seconds{role="producer"}': "3",
        'hydrolog_process_counted{role="producer",counter="rows"}': "7",
    }


def test_delivery_and_the_box() -> None:
    waits: dict[str, Any] = {"rows_sent": 40, "rows_rejected": 2, "waiting_since": "2024-08-26T07:03:00+00:00"}
    found = samples(
        state_of(
            processes=[
                process("consumer-server", **waits),
                process("producer", clock="stepped"),
                process("server", certificate_ends=1_800_000_000),
            ],
            groups=[{"group": "server", "lag": 27}, {"group": "archive", "lag": None}],
            received={"rows": 10, "repeated": 0, "last_s": 44.0},
            disk_free=5,
            log={"bytes": 77},
            clock_offsets_s={"001": -32_400.0},
            future=int(NOW.timestamp()) + 3600,
        ),
        NO_FACTS._replace(disk_bytes=9, in_step=False),
    )
    told = {key: value for key, value in found.items() if "process" not in key and "verdict" not in key}
    assert told == {
        'hydrolog_build_info{version="1.2.3"}': "1",
        "hydrolog_newest_row_ahead_seconds": "3600",
        'hydrolog_meter_clock_offset_seconds{sensor="001"}': "-32400",
        "hydrolog_unregistered_sensors": "0",
        "hydrolog_incidents_readable": "1",
        'hydrolog_group_lag_rows{group="server"}': "27",
        "hydrolog_sent_rows_total": "40",
        "hydrolog_rejected_rows_total": "2",
        "hydrolog_delivery_waiting_seconds": "1800",
        "hydrolog_received_rows_total": "10",
        "hydrolog_repeated_rows_total": "0",
        "hydrolog_received_age_seconds": "44",
        "hydrolog_database_up": "1",
        "hydrolog_log_size_bytes": "77",
        "hydrolog_disk_free_bytes": "5",
        "hydrolog_disk_size_bytes": "9",
        "hydrolog_clock_trusted": "0",
        "hydrolog_clock_synchronized": "0",
        "hydrolog_certificate_expiry_timestamp_seconds": "1800000000",
    }


def test_a_batch_that_waits_since_no_time_or_since_the_future_makes_no_odd_age() -> None:
    def waiting(since: object) -> str | None:
        found = samples(state_of(processes=[process("consumer-server", waiting_since=since)]))
        return found.get("hydrolog_delivery_waiting_seconds")

    assert [waiting(since) for since in (None, "soon", 7, "2024-08-26T09:00:00+00:00")] == ["0", None, None, "0"]


def test_incidents_that_are_up_are_counted_by_what_they_are_and_who_has_them() -> None:
    opened, taken = Life(), Life(Stage.ACKNOWLEDGED, "Kim", NOW)
    known = (
        Known(leak("001", 9.3), opened),
        Known(leak("001", 2.0), opened),
        Known(leak("002", None, severity="watch"), taken),
        Known(leak("003", 4.0, ended=MINUTE - 5), opened),
    )
    found = Incidents(known)
    assert incident_counts(found) == {("001", "leak", "leak", "open"): 2, ("002", "leak", "watch", "acknowledged"): 1}
    assert leak_sizes(found) == {"001": 11.3}
    told = samples(state_of(), NO_FACTS._replace(incidents=found))
    assert told['hydrolog_incidents{sensor="001",kind="leak",severity="leak",stage="open"}'] == "2"
    assert told['hydrolog_leak_size_cubic_meters_per_hour{sensor="001"}'] == "11.3"
    damaged = NO_FACTS._replace(incidents=Incidents(problem="incidents.json cannot be read"))
    assert samples(state_of(), damaged)["hydrolog_incidents_readable"] == "0"


def test_leakage_is_told_only_where_it_is_no_guess() -> None:
    nights = (LastNight("001", 6.5, 5.3), LastNight("002", 9.0, None), LastNight("003", None, None))
    told = samples(state_of(), NO_FACTS._replace(nights=nights))
    assert {key: value for key, value in told.items() if "night" in key} == {
        'hydrolog_minimum_night_flow_cubic_meters_per_hour{sensor="001"}': "6.5",
        'hydrolog_minimum_night_flow_cubic_meters_per_hour{sensor="002"}': "9",
        'hydrolog_night_leakage_cubic_meters_per_hour{sensor="001"}': "5.3",
    }


def test_a_center_tells_of_each_partition_and_of_its_sites() -> None:
    read, away = (PartitionState("rows", 3, 40, 12.0, 75.5), PartitionState("rows", 4, 9, 4000.0, None))
    found = samples(state_of(topic=[read._asdict(), away._asdict()], sites={"known": 120, "silent": 3}))
    of = '{topic="rows",partition="%d"}'
    assert {key: value for key, value in found.items() if "topic" in key or "sites" in key} == {
        f"hydrolog_topic_lag_messages{of % 3}": "40",  # of the other one nobody knows it now
        f"hydrolog_topic_behind_seconds{of % 3}": "75.5",
        f"hydrolog_topic_unread_seconds{of % 3}": "12",
        f"hydrolog_topic_unread_seconds{of % 4}": "4000",
        "hydrolog_sites": "120",
        "hydrolog_sites_silent": "3",
    }


def test_a_center_tells_how_the_work_for_its_sites_goes() -> None:
    nights = WorkState("nights", sites=120, overdue=4, failed=1, late=7)
    found = samples(state_of(work=[nights._asdict()]))
    assert {key: value for key, value in found.items() if "site_work" in key} == {
        'hydrolog_site_work_overdue{work="nights"}': "4",
        'hydrolog_site_work_failed{work="nights"}': "1",
        'hydrolog_site_work_late{work="nights"}': "7",
    }


def test_a_zone_calls_nobody_for_what_its_meter_says() -> None:
    zone = sensor("zone_a", 5000.0, code="no-sum")
    found = samples(state_of(sensors=[sensor("001", 30.0), zone]))
    assert [name for name in found if name.startswith("hydrolog_newest_row_age")] == [
        'hydrolog_newest_row_age_seconds{sensor="001"}'
    ]
    first, second = leak("001", 9.0), leak("zone_a", 9.0)
    second.joined = first.id
    assert [*incident_counts(Incidents(tuple(Known(one, Life()) for one in (first, second))))] == [
        ("001", "leak", "leak", "open")
    ]
