"""What is told, and when, on a real log with a real webhook."""

from collections.abc import Callable

import pytest
from alerts_box import FIRST, LEAK, Site, bodies, told, twice
from http_server import HttpServer

from common import sensor_names
from common.folder import INCIDENTS_FILE
from incidents.acts import Do
from incidents.incident import Sign, Size
from log import mark
from log.mark import Mark

Make = Callable[..., Site]


def test_a_leak_is_told_once_and_its_end_once(site: Make, server: HttpServer) -> None:
    here = site(alerts__page_url="https://water.example/page/")
    sensor_names.keep(here.settings.paths.data, {"001": "Yeonsan 3"})
    alerts = here.alerts()
    here.rows()
    assert here.step(alerts)["messages_sent"] == 0
    here.minute = FIRST
    here.leak()
    counters = here.step(alerts)
    assert (counters["waiting"], counters["lag"], counters["problem"]) == (0, 0, "")
    (body,) = bodies(server)
    assert "Yeonsan 3" in body["title"] and "(site-1)" in body["title"]
    assert body["type"] == "failure"
    assert body["incident"] == f"{LEAK}.site-1"
    assert "12:00" in body["message"]
    assert f"https://water.example/page/incident?id={LEAK}" in body["message"]
    here.rows("00L0", count=30)
    here.step(alerts)
    here.leak_over()
    here.step(alerts, hours=1)
    assert told(server) == [f"+{LEAK}", f"-{LEAK}"]
    assert bodies(server)[1]["incident"] == body["incident"]  # one thread
    assert bodies(server)[1]["type"] == "success"
    alerts.close()


def test_each_of_a_few_has_a_message_the_worst_first_and_many_have_one(site: Make, server: HttpServer) -> None:
    here = site()
    for severity, sensor in (("fault", "002"), ("leak", "001")):
        here.raises(severity, sensor=sensor)
    alerts = here.alerts()
    here.step(alerts)
    assert [body["type"] for body in bodies(server)] == ["failure", "warning"]
    for number in range(10, 15):
        here.raises(sensor=f"0{number}")
    here.step(alerts, minutes=1)
    alerts.close()
    assert len(server.requests) == 3
    assert "5 messages" in bodies(server)[2]["title"]
    assert len(told(server)) == 7 and not twice(told(server))


def test_faults_are_limited_to_so_many_messages_an_hour_then_one_summary(site: Make, server: HttpServer) -> None:
    here = site(alerts__messages_per_hour="2")
    alerts = here.alerts()
    for _ in range(5):
        fault = here.raises("fault", "SYS-STUCK")
        here.rows("S000")
        here.step(alerts, minutes=1)
        here.ends(fault)
        here.rows()
        here.step(alerts, minutes=1)
    assert len(server.requests) == 2
    here.leak()
    here.step(alerts)
    assert len(server.requests) == 3  # a leak has an allowance of its own, and takes with it what waits
    assert "A summary of what came since" in bodies(server)[-1]["message"]
    here.leak_over()
    here.step(alerts)
    assert len(server.requests) == 3
    here.step(alerts, hours=1)
    alerts.close()
    assert len(server.requests) == 4
    assert len(told(server)) == 2 + 4 + 1 + 1  # the first fault twice (up, over), four that were up, the leak, its end
    assert not twice(told(server))


def test_a_watch_is_told_in_the_digest_only_and_at_once_when_it_becomes_a_leak(site: Make, server: HttpServer) -> None:
    here = site(alerts__digest="13:00")  # of Seoul: 04:00 UTC
    alerts = here.alerts()
    here.step(alerts)
    first, second = here.raises("watch", "PRE-STEP"), here.raises("watch", "PRE-STEP", sensor="002")
    here.step(alerts)
    assert not server.requests
    second.signs.append(Sign("LEAK", "PREDICT", "flow", "leak", FIRST, FIRST + 30))
    here.store()
    here.step(alerts, minutes=30)
    assert told(server) == [f"+{second.id}"]
    alerts.close()
    alerts = here.alerts()
    here.step(alerts, minutes=30)
    here.step(alerts)
    alerts.close()
    assert told(server) == [f"+{second.id}", f"+{first.id}"]


def test_growth_a_change_a_return_are_told_in_the_thread_and_small_changes_are_not(
    site: Make, server: HttpServer
) -> None:
    here = site()
    alerts = here.alerts()
    leak = here.raises()
    here.step(alerts)
    for minutes, flow in ((61, 6.0), (62, 8.0), (63, 9.5), (64, 10.0)):  # the first size is known after an hour
        leak.size = Size(FIRST + minutes, flow, 1.0)
        here.store()
        here.step(alerts, minutes=1)
    leak.kind = "fault"
    leak.signs.append(Sign("SYS-METER", "SYSTEM", "flow", "fault", FIRST + 70, FIRST + 70))
    leak.signs[0].ended = FIRST + 70
    here.store()
    here.step(alerts, minutes=10)
    here.minute = FIRST + 80
    here.ends(leak)
    here.step(alerts, minutes=1)
    leak.ended, leak.returned = None, 1
    leak.signs.append(Sign("SYS-METER", "SYSTEM", "flow", "fault", FIRST + 90, FIRST + 90))
    here.store()
    here.step(alerts, minutes=30)
    here.step(alerts, minutes=30)
    alerts.close()
    assert [body["title"].split(":")[0] for body in bodies(server) if "[" not in body["title"].split(":")[0]] == [
        *("Larger", "Changed", "Back again")
    ]
    assert [name[0] for name in told(server)] == ["+", "+", "+", "-", "+"]
    assert {body["incident"] for body in bodies(server)} == {f"{LEAK}.site-1"}


def test_what_people_took_note_of_is_not_told_again(site: Make, server: HttpServer) -> None:
    here = site()
    noted, shelved, closed = here.raises(sensor="001"), here.raises(sensor="002"), here.raises(sensor="003")
    here.acts(closed, Do.CLOSE, cause="flushing")
    alerts = here.alerts()
    here.step(alerts)
    here.acts(noted, Do.ACKNOWLEDGE)
    here.acts(shelved, Do.SHELVE, until=FIRST + 60)
    noted.size = Size(FIRST, 5.0, 0.1)
    here.store()
    here.step(alerts, minutes=1)
    noted.size = Size(FIRST, 50.0, 0.1)
    here.minute = FIRST + 30
    here.ends(closed)
    here.step(alerts, minutes=30)
    assert told(server) == [f"+{noted.id}", f"+{shelved.id}", f"+{noted.id}"]
    taken = bodies(server)[2]
    assert taken["title"].startswith("Acknowledged: [leak suspected] ") and "Acknowledged by Kim" in taken["message"]
    here.step(alerts, minutes=30)
    here.step(alerts, minutes=30)
    assert [body["title"].split(":")[0] for body in bodies(server)[3:]] == ["Still up"]
    here.ends(noted)
    here.step(alerts)
    alerts.close()
    assert told(server)[3:] == [f"+{shelved.id}", f"-{noted.id}"]


def test_an_incident_of_the_future_waits_and_one_that_nobody_can_read_is_trouble(
    site: Make, server: HttpServer
) -> None:
    here = site()
    here.minute = FIRST + 600
    here.raises()
    here.minute = FIRST
    here.raises(sensor="002").signs.clear()
    here.raises(severity="odd", sensor="003")
    alerts = here.alerts()
    here.step(alerts)
    assert told(server) == ["+box/incidents/BOX-INCIDENTS/20240826T0300Z"]
    here.step(alerts, minutes=600)
    alerts.close()
    assert told(server)[1:] == ["+001-20240826T1300Z-leak"]


def test_a_damaged_file_of_incidents_is_told_and_ends_nothing(site: Make, server: HttpServer) -> None:
    here = site()
    alerts = here.alerts()
    here.leak()
    here.step(alerts)
    (here.settings.paths.data / INCIDENTS_FILE).write_text('{"incidents": [{')
    here.step(alerts, minutes=1)
    here.step(alerts, minutes=1)
    assert told(server)[1:] == ["+box/incidents/BOX-INCIDENTS/20240826T0301Z"]
    here.leak_over()
    for _ in range(7):
        here.step(alerts, minutes=1)
    alerts.close()
    assert told(server)[2:] == [f"-{LEAK}", "-box/incidents/BOX-INCIDENTS/20240826T0301Z"]


def test_the_box_tells_of_its_own_trouble(site: Make, server: HttpServer) -> None:
    here = site()
    data = here.settings.paths.data
    mark.store(data, Mark(FIRST, 0, "log", {"001": FIRST}))
    alerts = here.alerts()
    here.step(alerts)
    here.step(alerts, minutes=20)
    (silent,) = bodies(server)
    assert silent["title"] == "[no data] newest row (site-1)"
    assert silent["message"].startswith("since 2024-08-26 12:01: ") and "nothing for" in silent["message"]
    mark.store(data, Mark(FIRST + 21, 0, "log", {"001": FIRST + 21}))
    for _ in range(7):
        here.step(alerts, minutes=1)
    alerts.close()
    assert told(server)[1:] == ["-box/line/BOX-LINE/20240826T0320Z"]


def test_planned_work_is_told_to_nobody_and_what_outlasts_it_is(site: Make, server: HttpServer) -> None:
    here = site(alerts__digest="00:00")
    data = here.settings.paths.data
    (data / "criteria").mkdir()
    (data / "criteria" / "planned.txt").write_text("001 2024-08-26 11:00 2024-08-26 13:00 repair\n")  # from 02:00 UTC
    mark.store(data, Mark(FIRST, 0, "log", {"001": FIRST, "002": FIRST}))
    alerts = here.alerts()
    leak = here.raises("planned")
    mark.store(data, Mark(FIRST + 40, 0, "log", {"001": FIRST + 10, "002": FIRST + 40}))  # the meter is taken out
    here.step(alerts, minutes=40)
    assert not server.requests
    leak.signs.append(Sign("LEAK", "PREDICT", "flow", "leak", FIRST, FIRST + 41))
    here.store()
    here.step(alerts, minutes=1)
    assert told(server) == [f"+{leak.id}"]
    mark.store(data, Mark(FIRST + 160, 0, "log", {"001": FIRST + 10, "002": FIRST + 160}))
    here.step(alerts, hours=2)
    alerts.close()
    assert told(server)[1:] == ["+001/both/BOX-SENSOR/20240826T0541Z"]


@pytest.mark.parametrize("content", [b"[]", b"7", b"{", b"\xff", b'{"counters": [], "last_success": 7}'])
def test_a_damaged_health_file_costs_no_alarm(content: bytes, site: Make, server: HttpServer) -> None:
    here = site()
    (here.settings.paths.data / "health").mkdir()
    for role in ("consumer-server", "producer"):
        (here.settings.paths.data / "health" / f"{role}.json").write_bytes(content)
    alerts = here.alerts()
    here.leak()
    here.step(alerts)
    alerts.close()
    assert told(server) == [f"+{LEAK}"]
