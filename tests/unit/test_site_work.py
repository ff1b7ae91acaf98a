"""What an engineer is told of the work for the sites of a center."""

from common.verdict import TROUBLE, WATCH
from common.verdict_words import said
from situation.site_work import WorkState, of_work


def test_work_that_nobody_does_and_work_that_fails_are_named_and_a_late_site_is_not() -> None:
    assert list(of_work([WorkState("nights", sites=1000, overdue=0, failed=0, late=12)])) == []
    behind, fails = of_work([WorkState("nights", sites=1000, overdue=40, failed=2, late=12)])
    assert (behind.kind, fails.kind) == (TROUBLE, WATCH)
    assert str(said(behind)).startswith("nightflow: is behind: 40 sites have been due for more than 15 min, and no")
    assert str(said(fails)).startswith("nightflow: fails for some sites: 2 sites are tried again within the hour; see")
    assert str(said(behind, "ko")).startswith("nightflow: 처리 지연: 현장 40개가 15분 넘게 처리되지 않음;")
    (forecasts,) = of_work([WorkState("forecast", sites=5, overdue=5, failed=0, late=0)])
    assert forecasts.subject == "forecaster"
