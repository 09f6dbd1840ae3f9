"""The pages made from the code are those in the tree, and nothing in them is left unsaid."""

import pytest

from ops.docs import PAGES, ROOT
from orchestrator.config import Config


@pytest.mark.parametrize("path", PAGES)
def test_a_made_page_is_up_to_date(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == PAGES[path](), "run `python -m ops.docs`"


def test_every_setting_says_what_it_does() -> None:
    assert [name for name, field in Config.model_fields.items() if not field.description] == []
