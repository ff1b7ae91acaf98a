"""How far behind a partition is, and when that is a problem."""

from common.verdict import TROUBLE, WATCH
from common.verdict_words import said
from consumer.topic_progress import Behind, TopicProgress
from situation.topic import PartitionState, of_partitions


def test_a_partition_that_is_never_at_its_end_is_behind_by_what_it_takes_to_store() -> None:
    progress = TopicProgress()
    assert progress.see(0, stored=0, end=100, now_s=10.0) == Behind(100, None)
    # A hundred messages come in ten seconds, and each is stored twenty seconds later.
    behind = [progress.see(0, stored=100 * step - 200, end=100 * step, now_s=10.0 * step) for step in range(2, 12)]
    assert {each.messages for each in behind} == {200}
    assert {each.seconds for each in behind[2:]} == {20.0, 30.0}
    assert progress.see(0, stored=1100, end=1100, now_s=130.0) == Behind(0, 0.0)
    assert progress.see(0, stored=1100, end=1200, now_s=190.0) == Behind(100, 60.0)
    assert progress.see(0, stored=1100, end=1900, now_s=250.0) == Behind(800, 120.0)  # it stands still
    progress.keep({1})
    assert progress.see(0, stored=1100, end=1900, now_s=260.0) == Behind(800, None)


def test_what_is_not_read_and_what_is_read_late_is_named() -> None:
    good = [PartitionState("rows", number, 50, 9.0, 20.0) for number in range(3)]
    assert list(of_partitions(good)) == []
    unread = [PartitionState("rows", number, 5, 400.0 + number, 400.0) for number in range(12)]
    late = PartitionState("rows", 7, 900, 9.0, 1000.0)
    never = PartitionState("rows", 8, 30, 9.0, None)
    (lost, slow) = of_partitions([*good, *unread, late, never])
    assert (lost.kind, slow.kind) == (TROUBLE, WATCH)
    assert str(said(lost)).startswith(
        "topic: is not read: partition 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...: no process reads it; for 6 min; start "
    )
    assert str(said(slow)).startswith("topic: is read late: partition 7, 8: 930 messages wait; 16 min behind;")
    assert str(said(slow, "ko")).startswith("토픽: 처리 지연: 파티션 7, 8: 메시지 930개 대기; 16분 지연;")
    (worse,) = of_partitions([late._replace(behind_s=9000.0)])
    assert worse.kind == TROUBLE
    (unsure,) = of_partitions([never])
    assert "behind" not in str(said(unsure)).split(";")[1]
