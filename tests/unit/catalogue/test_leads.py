"""A lead inserts and chooses, and can do nothing else."""

import pytest

from orchestrator.catalogue import leads
from orchestrator.catalogue.leads import Unfit, check, rendered


@pytest.mark.parametrize("name", leads.NAMES)
def test_each_kind_has_a_built_in_lead_that_would_be_taken(name: str) -> None:
    check(name, leads.built_in(name))
    assert rendered(leads.built_in(name), name, None) == leads.built_in(name)


def test_a_lead_knows_kind_and_language() -> None:
    template = (
        "Do {{ kind }}{% if language == 'go' %} as Go does{% elif language %} in {{ language }}{% endif %}."
    )
    check("fix_bug", template)
    assert [rendered(template, "fix_bug", language) for language in ("go", "rust", None)] == [
        "Do fix_bug as Go does.",
        "Do fix_bug in rust.",
        "Do fix_bug.",
    ]


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{% for a in range(9) %}x{% endfor %}", "must not use"),
        ("{{ kind.__class__ }}", "must not use Getattr"),
        ("{{ kind['x'] }}", "must not use Getitem"),
        ("{{ 'x' * 999999999 }}", "must not use Mul"),
        ("{{ 'x'|center(999999999) }}", "must not use Filter"),
        ("{{ kind() }}", "must not use Call"),
        ("{% include 'x' %}", "must not use Include"),
        ("{% macro a() %}{% endmacro %}x", "must not use Macro"),
        ("{% set a = 1 %}x", "must not use Assign"),
        ("{{ secret }}", "has no variable 'secret' (line 1): there are {{ kind }} and {{ language }}"),
        ("{% if %}", "is no template"),
        ("  \n", "must say something"),
        ("{% if language %}x{% endif %}", "must say something, also for the language ''"),
        ("{{ kind < 3 }}", "can't be rendered"),
        ("{% if kind %}" * 1_500 + "x" + "{% endif %}" * 1_500, "is no template"),
    ],
)
def test_whatever_else_a_template_can_do_is_refused(template: str, said: str) -> None:
    with pytest.raises(Unfit) as raised:
        check("fix_bug", template)
    assert said in str(raised.value)


def test_a_long_lead_is_bounded() -> None:
    with pytest.raises(Unfit, match="more than 40,000"):
        rendered("x" * 50_000, "fix_bug", None)


def test_versions_tell_texts_apart() -> None:
    assert leads.version("a") != leads.version("b")
    assert len(leads.version("a")) == 12
