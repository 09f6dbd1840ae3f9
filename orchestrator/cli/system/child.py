"""Runs a module as `python -m` would, and ends it when whoever started it is gone.

`python -m orchestrator.cli.system.child SECONDS MODULE [ARGUMENT…]`. The starter holds the other end of
our standard input, and the kernel closes that end however the starter ends, kill -9 included. Then
this process gets SIGTERM, and SIGKILL when that was not enough for SECONDS.
"""

import os
import runpy
import signal
import sys
from threading import Thread

from orchestrator import clock


def main() -> None:
    """Watch, then become the module."""
    grace, module = float(sys.argv[1]), sys.argv[2]
    lifeline = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    Thread(target=_outlive_nobody, args=(lifeline, grace), name="lifeline", daemon=True).start()
    sys.argv = sys.argv[2:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _outlive_nobody(lifeline: int, grace: float) -> None:
    while os.read(lifeline, 64):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    clock.pause(grace)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
