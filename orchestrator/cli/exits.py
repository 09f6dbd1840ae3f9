"""How commands end: the exit codes, and the errors that lead to them."""

from enum import IntEnum


class Code(IntEnum):
    """What a script may rely on."""

    OK = 0
    FAILED = 1
    USAGE = 2
    TIMEOUT = 3
    AUTH = 4
    UNSUCCESSFUL = 5
    NOT_FOUND = 6
    UNAVAILABLE = 7
    INTERRUPTED = 130
    BROKEN_PIPE = 141


class Ending(Exception):
    """A command ends here: with a line for standard error, what to do about it, and an exit code."""

    def __init__(self, problem: str, remedy: str | None = None, *, code: Code = Code.FAILED) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.code = code


class Misused(Ending):
    """The command was given something it can't work with."""

    def __init__(self, problem: str, remedy: str | None = None) -> None:
        super().__init__(problem, remedy, code=Code.USAGE)
