"""deploy/hydrolog-admin: a new version on trial, the way back, and the removal."""

import subprocess
from pathlib import Path

import pytest
from install_site import InstallSite, is_possible

pytestmark = pytest.mark.skipif(not is_possible(), reason="needs root, and mounts of its own")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> InstallSite:
    site = InstallSite(tmp_path_factory.mktemp("installed") / "site")
    answer = site.install()
    assert answer.returncode == 0, answer.stderr
    site.add_version("7.1-2")
    return site


@pytest.fixture
def box(installed: InstallSite, tmp_path: Path) -> InstallSite:
    """A running box with a second version."""
    site = installed.copy(tmp_path / "site")
    site.told()
    site.say("active-hydrolog")
    return site


def test_a_version_that_is_well_on_trial_becomes_the_current_one(box: InstallSite) -> None:
    said = box.admin("use", "7.1-2")
    assert said.returncode == 0, said.stderr
    assert box.told() == ["stop hydrolog", "start hydrolog-trial", "stop hydrolog-trial", "start hydrolog"]
    tried = (box.root / "var/lib/tried").read_text()
    assert "ExecStart=/opt/hydrolog/versions/7.1-2/.venv/bin/supervisord" in tried and "current" not in tried
    assert (box.version(), box.version("previous")) == ("7.1-2", "7.1-1")
    assert list((box.root / "run/systemd/system").iterdir()) == []


def test_a_version_that_is_not_well_gives_way_to_the_old_one(box: InstallSite) -> None:
    box.say("group_check", "producer\texited, exit status 1")
    said = box.admin("use", "7.1-2")
    assert said.returncode == 1
    assert "producer\texited" in said.stderr and "7.1-1 runs again" in said.stderr and "producer" in said.stderr
    assert box.told()[-2:] == ["stop hydrolog-trial", "start hydrolog"]
    assert (box.version(), box.version("previous")) == ("7.1-1", "")
    assert list((box.root / "run/systemd/system").iterdir()) == []


def test_what_somebody_added_to_the_unit_counts_on_trial_too(box: InstallSite) -> None:
    own = box.root / "etc/systemd/system/hydrolog.service.d"
    own.mkdir()
    (own / "override.conf").write_text("[Service]\nDeviceAllow=/dev/ttyMXUSB0 rw\n")
    (box.root / "usr/local/sbin/cp").write_text('#!/bin/sh\necho "$*" >>/var/lib/told\nexec /bin/cp "$@"\n')
    (box.root / "usr/local/sbin/cp").chmod(0o755)
    assert box.admin("use", "7.1-2").returncode == 0
    assert any("hydrolog-trial.service.d" in line for line in box.told())


def test_a_power_cut_on_trial_leaves_the_old_one_in_place(box: InstallSite) -> None:
    before = (box.root / "etc/systemd/system/hydrolog.service").read_bytes()
    box.say("power-cut")
    assert box.admin("use", "7.1-2").returncode != 0
    assert box.told()[-1] == "start hydrolog-trial"
    assert box.version() == "7.1-1"
    assert (box.root / "etc/systemd/system/hydrolog.service").read_bytes() == before


def test_a_group_that_was_stopped_stays_stopped(box: InstallSite) -> None:
    box.unsay("active-hydrolog")
    assert box.admin("use", "7.1-2").returncode == 0
    assert (box.version(), box.told()) == ("7.1-2", [])


def test_rollback_goes_back_and_forth(box: InstallSite) -> None:
    box.admin("use", "7.1-2")
    box.told()
    for wanted in ("7.1-1", "7.1-2"):
        said = box.admin("rollback")
        assert said.returncode == 0 and f"now {wanted}" in said.stdout
        assert (box.version(), box.told()) == (wanted, ["restart hydrolog"])
    assert box.admin("versions").stdout == "7.1-1  previous\n7.1-2  current\n"


def test_without_a_version_before_rollback_says_what_to_do(box: InstallSite) -> None:
    said = box.admin("rollback")
    assert said.returncode == 1 and "deploy/install.sh" in said.stderr
    assert box.told() == []


def test_half_a_version_is_not_used(box: InstallSite) -> None:
    (box.root / "opt/hydrolog/versions/7.1-2/complete").unlink()
    assert box.admin("use", "7.1-2").returncode == 1
    assert (box.version(), box.told()) == ("7.1-1", [])


def test_only_one_of_them_works_at_a_time(box: InstallSite) -> None:
    lock = box.root / "run/hydrolog-admin.lock"
    with subprocess.Popen(
        ["flock", lock, "sh", "-c", "echo; read _"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as held:
        assert held.stdout and held.stdout.readline() == b"\n"
        said = box.admin("use", "7.1-2")
        held.communicate(b"\n")
    assert said.returncode == 1 and "is running" in said.stderr


def left(box: InstallSite) -> set[str]:
    own = (
        "opt/hydrolog",
        "etc/hydrolog",
        "var/lib/hydrolog",
        "usr/local/bin/hydrolog",
        "usr/local/sbin/hydrolog-admin",
    )
    files = ("etc/systemd/system/hydrolog.service", "etc/udev/rules.d/99-serial.rules")
    return {name for name in (*own, *files) if (box.root / name).exists()}


def test_a_removal_keeps_settings_and_data(box: InstallSite) -> None:
    assert len(left(box)) == 7
    said = box.admin("uninstall")
    assert said.returncode == 0 and "/var/lib/hydrolog" in said.stdout
    assert left(box) == {"etc/hydrolog", "var/lib/hydrolog"}
    assert "disable --now hydrolog" in box.told()


def test_only_purge_removes_them_and_the_user(box: InstallSite) -> None:
    assert box.admin("uninstall", "--purg").returncode == 2
    assert len(left(box)) == 7
    assert box.admin("uninstall", "--purge").returncode == 0
    assert left(box) == set()
    assert "\nhydrolog:" not in (box.root / "etc/passwd").read_text()
