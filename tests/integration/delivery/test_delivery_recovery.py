"""Stray lines, lost commits, frozen batches of before: nothing is lost, nothing comes twice."""

import pytest
from delivery_site import FIRST, MakeSite
from http_server import accept, drop, drop_after_keeping, in_turn

from common.errors import NotDelivered
from log.roles import open_for


def test_a_line_that_is_no_row_is_set_aside_and_stops_nothing(site: MakeSite) -> None:
    here = site()
    here.append(5)
    here.log.append(["somebody wrote this by hand", "\t\t"])
    here.append(5, first=FIRST + 5)
    here.log.append(["the last line"])
    here.watch.later(minutes=12)
    counters = here.step()
    assert [offset for _, offset in here.server.rows] == [0, 1, 2, 3, 4, 7, 8, 9, 10, 11]
    assert (counters["not_rows"], counters["lag"]) == (3, 1)
    here.append(8, first=FIRST + 12)
    here.watch.later(minutes=10)
    assert here.step()["lag"] == 0
    assert len((here.data / "unparsed.tsv").read_text().splitlines()) == 3


def test_rows_that_were_read_but_not_sent_are_not_committed_by_a_stray_line(site: MakeSite) -> None:
    here = site()
    here.append(5)
    here.log.append(["no row"])
    here.watch.later(minutes=4)
    here.step()
    assert here.committed == 0


def test_an_outbox_that_was_committed_already_is_not_sent_again(site: MakeSite) -> None:
    here = site()
    here.append(10)
    here.watch.later(minutes=12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("consumer.outbox.remove", lambda _data: None)  # killed before it could be removed
        here.step()
    here.restart()
    here.append(10, first=FIRST + 10)
    here.watch.later(minutes=10)
    here.step()
    assert [request.offsets[0] for request in here.server.requests] == [0, 10]


def test_a_lost_commit_repeats_rows_and_loses_none(site: MakeSite) -> None:
    here = site(log__groups="server,other")
    here.append(30)
    here.watch.later(minutes=32)
    here.server.behave = in_turn(accept, accept, drop, accept)
    with pytest.raises(NotDelivered):
        here.step()
    here.worker.close()
    (here.data / "groups" / "server").unlink()
    here.worker = here.started()
    here.watch.later(minutes=1)
    here.step()
    assert here.delivered_once(30)
    assert here.server.repeats == 30  # the frozen batch came first, then all of them again
    assert here.committed == 30


def test_a_frozen_batch_behind_a_stray_line_keeps_its_bytes(site: MakeSite) -> None:
    here = site(in_turn(drop_after_keeping, accept))
    here.log.append(["no row"])
    here.attempt_then_forecast()
    assert len(here.server.requests) == 2
    assert not here.server.conflicts
    assert here.committed == 11


def test_a_batch_that_was_frozen_before_the_log_took_a_new_id_is_not_sent_under_both(site: MakeSite) -> None:
    here = site(in_turn(drop_after_keeping, accept))
    here.append(10)
    here.watch.later(minutes=12)
    with pytest.raises(NotDelivered):
        here.step()
    here.worker.close()
    here.log.close()
    (here.data / "server_data.txt.lock").unlink()
    here.log = open_for(here.settings)
    here.worker = here.started()
    here.append(10, first=FIRST + 10)
    here.watch.later(minutes=10)
    here.step()
    old, again, new = here.server.requests
    assert (old.log_id, old.offsets) == (again.log_id, again.offsets)
    assert new.log_id != old.log_id
    assert here.delivered_once(20)


def test_a_frozen_batch_of_a_log_that_is_gone_is_still_sent(site: MakeSite) -> None:
    here = site(drop)
    here.append(10)
    here.watch.later(minutes=12)
    with pytest.raises(NotDelivered):
        here.step()
    here.worker.close()
    here.log.close()
    for path in [*here.data.glob("server_data*"), *here.data.glob("groups/*")]:
        path.unlink()
    old_id = here.server.requests[0].log_id
    here.log = open_for(here.settings)
    here.append(10, first=FIRST + 20)
    here.server.behave = accept
    here.worker = here.started()
    here.watch.later(minutes=20)
    here.step()
    assert here.log.log_id != old_id
    assert len([1 for log_id, _ in here.server.rows if log_id == old_id]) == 10
    assert len([1 for log_id, _ in here.server.rows if log_id == here.log.log_id]) == 10
