"""What leads are written in: a corner of Jinja, apart because only those who check or render one load it."""

from functools import cache
from typing import Final

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

__all__ = ["MAY", "TemplateError", "environment", "nodes"]

MAY: Final = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If, nodes.CondExpr,
    nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not,
)  # fmt: skip


@cache
def environment() -> ImmutableSandboxedEnvironment:
    """The sandbox in which a lead is read and rendered."""
    # Prompts are text for a model, not HTML: escaping would change it.
    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
