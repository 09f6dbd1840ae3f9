"""A task's own tests, run on the changed tree in a sandbox; never anywhere else."""

from schemas.results import Check


def check_tests(tree, command, means):
    return Check(name="tests", passed=None)
