"""A task's own tests, run on the changed tree in the sandbox; never anywhere else."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Final

from schemas.results import Check
from workers.verify.means import Means
from workers.verify.sandbox import Refused, run_contained
from workers.verify.verdict import clipped

_NAME: Final = "tests"
_COMMAND: Final = 200
_OUTPUT: Final = 4_000


def check_tests(tree: Mapping[str, str], command: Sequence[str], means: Means) -> Check:
    """Whether the command ends with 0 on the tree; not run where this worker may not or can't contain it.

    Raises `Unwanted`."""
    said = clipped(shlex.join(command), _COMMAND)
    if not means.tests:
        detail = f"`{said}` was not run: tests are off on this worker (ORCHESTRATOR_SANDBOXED_TESTS)"
        return Check(name=_NAME, passed=None, detail=detail)
    ran = run_contained(tree, command, means.reads, unwanted=means.unwanted)
    if isinstance(ran, Refused):
        return Check(name=_NAME, passed=None, detail=f"`{said}` was not run: {ran.reason}")
    if ran.passed:
        return Check(name=_NAME, passed=True, detail=f"`{said}` {ran.ended}")
    # The end of what tests print says what failed.
    tail = ran.output.replace("\0", "\ufffd")[-_OUTPUT:].strip()
    return Check(name=_NAME, passed=False, detail=f"`{said}` {ran.ended}" + (f":\n{tail}" if tail else ""))
