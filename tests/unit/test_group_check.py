"""What deploy/hydrolog-admin asks a new version: are its processes well, and does it run here at all?"""

from typing import Any

import pytest

from deploy import group_check, self_check


def program(name: str, state: str = "RUNNING", pid: int = 7, age_s: int = 60, status: int = 0) -> dict[str, Any]:
    return {"name": name, "statename": state, "pid": pid, "now": 1000, "start": 1000 - age_s, "exitstatus": status}


def test_a_group_that_has_run_for_a_while_and_publishes_no_problem_is_well() -> None:
    programs = [program("producer"), program("database", "EXITED", 0)]  # 0: another database is used
    assert group_check.not_well(programs, {"producer": {"pid": 7, "problem": ""}}) == {}


@pytest.mark.parametrize(
    ("programs", "published", "said"),
    [
        ([program("producer", age_s=14)], {}, {"producer": "has just been started"}),
        ([program("producer", "EXITED", 0, status=2)], {}, {"producer": "exited, exit status 2"}),
        ([program("producer", "FATAL", 0)], {}, {"producer": "fatal, exit status 0"}),
        ([program("producer")], {"producer": {"pid": 6}}, {"producer": "has not published its state"}),
        ([program("producer")], {"producer": {"pid": 7, "problem": "no port"}}, {"producer": "no port"}),
    ],
)
def test_each_trouble_has_its_reason(programs: list[Any], published: dict[str, Any], said: dict[str, str]) -> None:
    assert group_check.not_well(programs, published) == said


def test_what_was_not_well_before_says_nothing_and_the_rest_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_check, "LOOK_EVERY_S", 0)
    answers = iter([{"producer": "no port", "server": "has just been started"}, {"producer": "no port"}])
    assert group_check.watch(lambda: next(answers), 60, ["producer"]) == {}
    assert group_check.watch(lambda: {"server": "exited"}, 0, ["producer"]) == {"server": "exited"}


def test_a_supervisor_that_does_not_answer_is_not_well() -> None:
    def look() -> dict[str, str]:
        raise ConnectionRefusedError("refused")

    assert group_check.watch(look, 0, []) == {"supervisord": "does not answer: refused"}


def test_a_missing_library_is_found_unless_it_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"producer.step", "forecaster.model", "outliers.watch"} <= set(self_check.modules())

    def missing(name: str) -> None:
        raise ModuleNotFoundError(name, name=name)

    monkeypatch.setattr("importlib.import_module", missing)
    self_check.load_module("plotly")
    with pytest.raises(ModuleNotFoundError):
        self_check.load_module("numpy")
