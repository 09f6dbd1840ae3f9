"""Fault tests on whole processes: real servers are killed and wiped, then a checker reads the history.

`python -m tests.chaos` is `make chaos`; `python -m tests.chaos.mutants` proves that the checker bites.
"""
