"""What is hidden from those who answer: a tenant's rule, and a task's consent."""

from enum import StrEnum


class Redaction(StrEnum):
    """Whether secrets and personal data of a task are hidden from its provider."""

    ON = "on"
    OFF = "off"


class RedactionRule(StrEnum):
    """What a tenant lets its tasks decide: nothing, that they go out as they are, or that they don't.

    The strictest first."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    OFF = "off"

    def applies(self, wish: Redaction | None) -> bool:
        """Whether a task with this wish is redacted."""
        if self is RedactionRule.REQUIRED:
            return True
        return wish is Redaction.ON if self is RedactionRule.OFF else wish is not Redaction.OFF

    def permits(self, wish: Redaction | None) -> bool:
        """Whether a task may wish so."""
        return self is not RedactionRule.REQUIRED or wish is not Redaction.OFF

    def looser_than(self, other: "RedactionRule") -> bool:
        """Whether it lets more out than another one."""
        rules = tuple(RedactionRule)
        return rules.index(self) > rules.index(other)
