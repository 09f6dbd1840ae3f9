"""Which API the command line talks to, and as whom."""

from pathlib import Path

import pytest

from orchestrator.cli.exits import Ending
from orchestrator.cli.session import Session
from orchestrator.cli.system.keys import Kept


@pytest.fixture
def kept() -> Kept:
    """What an `up` in this folder left."""
    Path(".data").mkdir()
    kept = Kept(Path(".data"))
    kept.keep_url("http://127.0.0.1:8123")
    kept.keep_key("orc_live_kept")
    return kept


def shown(session: Session) -> tuple[str, str | None]:
    with session.client() as client:
        http = client._http
        return str(http.base_url), http.headers.get("Authorization")


def test_after_up_no_setting_is_needed(kept: Kept) -> None:
    assert shown(Session()) == ("http://127.0.0.1:8123/api/v1/", "Bearer orc_live_kept")


def test_a_kept_key_is_only_for_its_owner(kept: Kept) -> None:
    assert kept.key_file.stat().st_mode & 0o777 == 0o600


def test_a_kept_key_is_shown_to_no_other_address(kept: Kept) -> None:
    assert shown(Session(url="http://evil.test")) == ("http://evil.test/api/v1/", None)


def test_options_come_before_the_environment_and_that_before_files(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATOR_API_URL", "http://env.test")
    monkeypatch.setenv("ORCHESTRATOR_API_KEY", "from-env")
    assert shown(Session()) == ("http://env.test/api/v1/", "Bearer from-env")
    from_options = Session(url="http://option.test/", api_key="from-option")
    assert shown(from_options) == ("http://option.test/api/v1/", "Bearer from-option")


def test_another_data_directory_has_its_own_api(kept: Kept) -> None:
    with pytest.raises(Ending, match="No API is known"):
        Session(data_dir=Path("elsewhere")).client()
