"""deploy/install.sh on a box that is not this one: a first installation, updates, and those that do not succeed."""

import shutil
import stat
from pathlib import Path

import pytest
from install_site import InstallSite, is_possible

pytestmark = pytest.mark.skipif(not is_possible(), reason="needs root, and mounts of its own")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[InstallSite, str]:
    """A box after the first installation, under a strict umask, and what that said."""
    site = InstallSite(tmp_path_factory.mktemp("first") / "site")
    site.say("has-chrony-wait.service")
    answer = site.install(umask=0o077)
    assert answer.returncode == 0, answer.stderr
    return site, answer.stdout


@pytest.fixture
def box(first: tuple[InstallSite, str], tmp_path: Path) -> InstallSite:
    site = first[0].copy(tmp_path / "site")
    site.told()
    return site


def test_a_first_installation_says_what_it_will_do_and_what_comes_next(first: tuple[InstallSite, str]) -> None:
    site, said = first
    plan, _, rest = said.partition("1/5")
    assert plan.startswith("This installs hydrolog 7.1-1:")
    for named in ("user hydrolog", "/opt/hydrolog", "/etc/hydrolog", "/var/lib/hydrolog", "/usr/local", "udev", "boot"):
        assert named in plan
    assert "Now write the settings" in rest
    assert site.version() == "7.1-1"
    told = site.copy(site.root.parents[1] / "look").told()
    assert told == ["enable --quiet chrony-wait.service", "enable --quiet hydrolog"]


def test_every_file_of_the_program_can_be_read_by_the_service(first: tuple[InstallSite, str]) -> None:
    root = first[0].root
    assert stat.S_IMODE((root / "opt/hydrolog").stat().st_mode) == 0o755
    for path in (root / "opt/hydrolog").rglob("*"):
        if not path.is_symlink():
            mode = path.stat().st_mode
            assert mode & 0o004 and (mode & 0o001 or path.is_file()), path
    assert stat.S_IMODE((root / "usr/local/bin/hydrolog").stat().st_mode) == 0o755
    assert stat.S_IMODE((root / "etc/hydrolog/hydrolog.toml").stat().st_mode) == 0o640
    assert stat.S_IMODE((root / "etc/hydrolog/server.token").stat().st_mode) == 0o600


def test_updates_keep_settings_and_the_version_before(box: InstallSite) -> None:
    settings = box.root / "etc/hydrolog/hydrolog.toml"
    settings.write_text("# mine\n")
    box.add_version("7.1-2")
    assert box.admin("use", "7.1-2").returncode == 0
    said = box.install()
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("This updates hydrolog from 7.1-2 to 7.1-3:")
    assert "Now write the settings" not in said.stdout and "hydrolog status" in said.stdout
    assert settings.read_text() == "# mine\n"
    assert (box.version(), box.version("previous"), box.versions()) == ("7.1-3", "7.1-2", ["7.1-2", "7.1-3"])


def test_a_version_that_does_not_pass_its_own_check_is_never_started(box: InstallSite) -> None:
    box.say("active-hydrolog")
    box.say("self_check", "line.sped: unknown key")
    said = box.install()
    assert said.returncode != 0
    assert "line.sped: unknown key" in said.stdout
    assert "STOPPED in step 4/5" in said.stderr and "goes on" in said.stderr
    assert (box.version(), box.told()) == ("7.1-1", [])


def test_a_library_that_is_not_the_known_one_is_refused(box: InstallSite) -> None:
    with next((box.source / "wheels").glob("apart-*")).open("ab") as file:
        file.write(b" ")
    said = box.install()
    assert "STOPPED in step 2/5" in said.stderr and "HASHES" in said.stderr
    assert box.version() == "7.1-1"


def test_an_installation_of_before_there_were_versions_becomes_one_and_can_be_gone_back_to(box: InstallSite) -> None:
    home = box.root / "opt/hydrolog"
    (home / "versions/7.1-1/.venv").rename(home / ".venv")
    (home / "versions/7.1-1/deploy").rename(home / "deploy")
    (home / "current").unlink()
    shutil.rmtree(home / "versions")
    unit = box.root / "etc/systemd/system/hydrolog.service"
    unit.write_text("the old unit\n")
    box.say("active-hydrolog")
    said = box.install()
    assert said.returncode == 0, said.stderr
    assert (box.version(), box.version("previous")) == ("7.1-1", "unversioned")
    assert "the old unit" not in unit.read_text()
    assert box.admin("rollback").returncode == 0
    assert unit.read_text() == "the old unit\n"
    assert (home / "current/.venv/bin/python").exists()
    box.admin("rollback")
    box.add_version("7.1-2")
    box.admin("use", "7.1-2")
    assert box.install().returncode == 0
    assert {path.name for path in home.iterdir()} == {"versions", "current", "previous"}


def test_a_login_console_on_a_built_in_port_is_named_with_what_to_type(box: InstallSite) -> None:
    box.say("active-serial-getty@ttyS0")
    assert "sudo systemctl mask --now serial-getty@ttyS0" in box.install().stdout


def test_without_room_nothing_is_downloaded(box: InstallSite) -> None:
    df = box.root / "usr/local/sbin/df"
    df.write_text("#!/bin/sh\necho Avail; echo 1499M\n")
    df.chmod(0o755)
    said = box.install()
    assert "there is room for 1499 MB in /opt/hydrolog; 1500 MB are needed" in said.stderr
    assert "STOPPED in step 2/5" in said.stderr and "df -h /opt" in said.stderr
    assert "type the same command again" in said.stderr
    assert box.versions() == ["7.1-1"]
