"""The lock installs the same files everywhere and names no place to fetch them from."""

import re
import tomllib
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[3]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINNED = re.compile(r"^([a-z0-9-]+)(?:\[[^]]+\])?==", re.MULTILINE)


def plain(name: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", name)[0].lower().replace("_", "-").replace(".", "-")


def test_every_package_is_pinned_with_hashes() -> None:
    entries = re.split(r"\n(?=[a-z])", LOCK[LOCK.index("\n", LOCK.index("make lock")) + 1 :])
    assert len(entries) == len(PINNED.findall(LOCK))
    assert not [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry]


def test_it_names_no_index_and_no_place_of_a_machine() -> None:
    assert not re.search(r"https?:|file:|--(extra-)?index-url|--find-links|^-[fire]\b|^/", LOCK, re.MULTILINE)


def test_it_holds_everything_the_project_asks_for() -> None:
    asked = list(chain(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()))
    assert {plain(name) for name in asked} <= set(PINNED.findall(LOCK))
