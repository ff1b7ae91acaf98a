"""What is passed on with the program: licences, the notices of others, types, and one set of versions."""

import importlib.util
import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
NAME = str(PROJECT["project"]["name"])
EXTRAS = set(PROJECT["project"]["optional-dependencies"]) - {"dev", "bench"}
FAMILIES = ("Apache", "BSD", "ISC", "LGPL", "MIT", "MPL", "PSF")
NOTICES = dict(
    re.findall(r"^  ([\w-]+)(?: \*)? {2,}(\S.*?) {2,}\S", (ROOT / "NOTICE").read_text("utf-8"), re.MULTILINE)
)


def needed(name: str, extras: set[str], seen: set[str]) -> Iterator[str]:
    """Every library that an installation brings, those of libraries too."""
    try:
        lines = metadata.requires(name) or []
    except metadata.PackageNotFoundError:  # torch may be absent: what it needs is then not here, either
        lines = []
    for text in lines:
        wanted = Requirement(text)
        own = canonicalize_name(wanted.name)
        if wanted.marker and not any(wanted.marker.evaluate({"extra": extra}) for extra in extras | {""}):
            continue
        if own not in seen:
            seen.add(own)
            if own != NAME:
                yield own
            yield from needed(own, wanted.extras, seen)


def families(text: str) -> set[str]:
    return {family for family in FAMILIES if re.search(rf"\b{family}", text)}


def licence(name: str) -> set[str]:
    """The families of licences that a library's own metadata names."""
    found = metadata.metadata(name)
    classifiers = [text for text in found.get_all("Classifier") or () if text.startswith("License")]
    named = [text for key in ("License-Expression", "License") for text in found.get_all(key) or ()]
    texts = [*(text[:200] for text in named), *classifiers]
    return families(" ".join(texts).replace("Mozilla", "MPL").replace("Apache Software", "Apache"))


LIBRARIES = sorted(needed(NAME, EXTRAS, set()))


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_notice_names_every_library_with_its_licence(name: str) -> None:
    if name.startswith(("nvidia-", "cuda-", "triton")):
        pytest.skip("what torch brings where it is installed with its parts for graphics cards")
    assert name in NOTICES
    if name == "torch" and find_spec("torch") is None:
        pytest.skip("torch is not installed here")
    assert families(NOTICES[name]) & licence(name), (NOTICES[name], licence(name))


def test_the_licence_is_the_standard_text_and_the_metadata_names_it() -> None:
    text = (ROOT / "LICENSE").read_text("ascii")
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert PROJECT["project"]["license"] == "Apache-2.0"
    for file in PROJECT["project"]["license-files"]:
        assert (ROOT / file).is_file()


def test_every_package_says_that_it_is_typed() -> None:
    for pattern in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]:
        folder = pattern.rstrip("*")
        if folder != "deploy":  # no code
            assert (ROOT / folder / "py.typed").is_file(), folder


def test_the_constraints_hold_every_library_within_its_bounds() -> None:
    text = (ROOT / "deploy" / "constraints.txt").read_text("ascii")
    pins: dict[str, list[Requirement]] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            pin = Requirement(line)
            pins.setdefault(canonicalize_name(pin.name), []).append(pin)
    assert "://" not in text
    for bounds in map(Requirement, lock().requirements()):
        chosen = pins[canonicalize_name(bounds.name)]
        for pin in chosen:
            (exact,) = pin.specifier
            assert exact.operator == "==" and bounds.specifier.contains(exact.version), (str(bounds), str(pin))
    for python in ("3.11", "3.12", "3.13"):  # exactly one version of each
        for name, chosen in pins.items():
            held = [pin for pin in chosen if not pin.marker or pin.marker.evaluate({"python_version": python})]
            assert len(held) == 1, (python, name)


@pytest.mark.parametrize("name", ["requirements", "reports", "torch"])
def test_what_root_installs_has_a_hash_for_each_file_and_the_constraints_version(name: str) -> None:
    text = (ROOT / "deploy" / f"{name}.lock").read_text("ascii").replace("\\\n", " ")
    pins = {
        str(Requirement(line)) for line in (ROOT / "deploy" / "constraints.txt").read_text("ascii").splitlines()[2:]
    }
    versions = {pin.partition(";")[0].strip() for pin in pins}
    for line in text.splitlines()[1:]:
        requirement, *hashes = line.split(" --hash=")
        assert hashes and all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest.strip()) for digest in hashes), line
        assert requirement.partition(";")[0].strip() in versions, requirement


def test_every_library_of_an_installation_has_its_hash() -> None:
    text = "".join((ROOT / "deploy" / f"{name}.lock").read_text("ascii") for name in ("requirements", "torch"))
    locked = {canonicalize_name(name) for name in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)}
    wanted = {
        name for name in needed(NAME, {"kafka", "alerts"}, set()) if not name.startswith(("nvidia-", "cuda-", "triton"))
    }
    assert wanted <= locked | {"torch"}, wanted - locked


def test_the_hashes_of_the_cpu_builds_are_those_of_the_pinned_torch() -> None:
    lock_ = lock()
    pin = next(text for text in lock_.requirements() if lock_.name_of(text) == "torch")
    builds = lock_.cpu_builds(pin)
    assert len(builds) == 8  # 3.11 to 3.14, two processors
    assert all(digest in (ROOT / "deploy" / "torch.lock").read_text("ascii") for digest in builds)
    with pytest.raises(SystemExit, match="another release"):
        lock_.cpu_builds("torch==2.14.0")


def test_versions_that_differ_have_a_line_for_each_python() -> None:
    found = {"3.11": {"a": "1", "b": "2"}, "3.12": {"a": "1", "b": "3"}, "3.13": {"a": "1", "b": "3", "c": "4"}}
    assert lock().lines(found) == [
        "a==1\n",
        'b==2; python_version == "3.11"\n',
        'b==3; python_version == "3.12" or python_version == "3.13"\n',
        "c==4\n",
    ]
    report = {"install": [{"metadata": {"name": "Some_Thing", "version": "2.13.0+cpu"}}]}
    assert lock().versions(report) == {"some-thing": "2.13.0"}


def lock() -> Any:
    """The script that writes the constraints; it belongs to no package."""
    spec = importlib.util.spec_from_file_location("lock", ROOT / ".ci" / "lock.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
