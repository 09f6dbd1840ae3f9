"""Refactorings, tests, documentation and features that a script writes do their small job."""

import pytest

from orchestrator.simulator.scripts.document import documented
from orchestrator.simulator.scripts.refactor import simpler
from tests.unit.simulator.prompts import answered, applied, file

ELIF = (
    "def f(x):\n    if a:\n        b()\n    elif x:\n        return True\n    else:\n        return False\n"
)
CART = "def total(items, *, tax=0, **more):\n    return sum(items) + tax\n\n\ndef _inner():\n    pass\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "def f(x):\n    if x > 1:\n        return True\n    return False\n",
            "def f(x):\n    return bool(x > 1)\n",
        ),
        (
            "def f(x):\n    if x:\n        return True\n    else:\n        return False\n",
            "def f(x):\n    return bool(x)\n",
        ),
        ("y = [a for a in b if not a in c]\n", "y = [a for a in b if a not in c]\n"),
    ],
)
def test_a_condition_is_said_more_simply(before: str, after: str) -> None:
    assert simpler(before) == after


@pytest.mark.parametrize(
    "source", ["x = 1\n", "def (:\n", "y = not (a in b)\n", "if x:\n    z = True\n", ELIF]
)
def test_what_a_script_cannot_better_is_left(source: str) -> None:
    assert simpler(source) is None


def test_every_definition_that_lacks_one_gets_a_docstring() -> None:
    source = (
        "class Big_cart:\n    @staticmethod\n    def add(item): return item\n\n"
        "    def get(self, key):\n        x = 1\n"
    )
    assert documented(source) == (
        'class Big_cart:\n    """Big cart."""\n    @staticmethod\n    def add(item): return item\n\n'
        '    def get(self, key):\n        """Get, given key."""\n        x = 1\n'
    )
    assert documented('def f():\n    """Doc."""\n') is None


def test_the_tests_that_are_written_hold_on_to_signatures() -> None:
    user = f"<description>Test it</description>\n{file('src/shop/cart.py', CART)}"
    files = applied(answered("write_tests", user), {"src/shop/cart.py": CART})
    text = files["tests/test_cart.py"]
    assert "from shop import cart" in text
    assert 'parameters) == ["items", "tax", "more"]' in text
    assert "_inner" not in text


def test_a_feature_is_named_in_the_projects_page() -> None:
    page = "# Shop\n"
    user = f"{file('README.md', page)}\n<description>Write slugify in slugify.py</description>"
    files = applied(answered("implement_feature", user), {"README.md": page})
    assert "def slugify(" in files["slugify.py"]
    assert files["README.md"].endswith("see `slugify.py`.\n")


def test_documentation_of_other_files_is_a_page() -> None:
    user = f"<description>Document it</description>\n{file('a.sql', 'SELECT 1')}"
    assert "- `a.sql`" in applied(answered("document", user), {})["docs/overview.md"]
