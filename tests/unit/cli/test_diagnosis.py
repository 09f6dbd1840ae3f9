"""What `doctor` makes of what it finds."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from orchestrator.cli import diagnosis
from orchestrator.cli.diagnosis import Standing
from orchestrator.store.views.server import Server
from tests.unit.cli.conftest import Command

GOOD = Server(18, "18.1", "on", "on", "on", 100, "0.8.5", datetime(2026, 1, 1, tzinfo=UTC))


class Usage(NamedTuple):
    """What `shutil.disk_usage` gives."""

    total: int
    used: int
    free: int


@pytest.mark.parametrize(
    ("name", "value", "standing"),
    [
        ("fsync", "off", Standing.FAIL),
        ("full_page_writes", "off", Standing.FAIL),
        ("synchronous_commit", "off", Standing.FAIL),
        ("synchronous_commit", "remote_apply", Standing.OK),
        ("fsync", "on", Standing.OK),
    ],
)
def test_durability_may_not_be_switched_off(name: str, value: str, standing: Standing) -> None:
    server = Server(**{field: getattr(GOOD, field) for field in GOOD.__slots__} | {name: value})
    (check,) = diagnosis._durability(server)
    assert check.standing is standing
    assert (f"SET {name} = on" in check.remedy) is (standing is Standing.FAIL)


def test_a_database_without_pgvector_is_a_warning_that_says_what_to_install() -> None:
    check = diagnosis._pgvector(None)
    assert check.standing is Standing.WARN
    assert "CREATE EXTENSION vector" in check.remedy
    assert diagnosis._pgvector("0.8.5").standing is Standing.OK


def test_an_old_postgres_fails() -> None:
    old = Server(**{field: getattr(GOOD, field) for field in GOOD.__slots__} | {"major": 15})
    assert diagnosis._version_of(old).standing is Standing.FAIL
    assert diagnosis._version_of(GOOD).standing is Standing.OK


@pytest.mark.parametrize(("seconds", "standing"), [(1.9, Standing.OK), (2.0, Standing.FAIL)])
def test_clocks_may_differ_by_less_than_two_seconds(seconds: float, standing: Standing) -> None:
    assert diagnosis._clock(seconds).standing is standing


@pytest.mark.parametrize(
    ("free", "standing"),
    [(10 * 1024**3, Standing.OK), (500 * 1024**2, Standing.WARN), (1024**2, Standing.FAIL)],
)
def test_a_full_disk_is_told_before_it_hurts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, standing: Standing
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1, 1, free))
    assert diagnosis.disk(tmp_path / "not" / "there" / "yet").standing is standing


def test_a_misspelled_setting_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_DATABSE_URL", "x")
    check = diagnosis.settings()
    assert check.standing is Standing.WARN
    assert "ORCHESTRATOR_DATABSE_URL" in check.detail


def test_a_missing_package_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "_needed", lambda: ["celery", "no-such-package"])
    check = diagnosis.packages()
    assert (check.standing, check.detail) == (Standing.FAIL, "missing: no-such-package")


def test_settings_that_are_not_valid_end_with_exit_code_1(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATOR_PORT", "many")
    done = command("doctor")
    assert done.code == 1
    assert "ORCHESTRATOR_PORT" in done.out
