"""Eight processes that all do the same at the same time."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Barrier
from typing import Any

from orchestrator.limits.breakers import Circuit, CircuitOpen, Health
from tests.integration.limits.ground import QUICK, SLOW, Caller

PROCESSES = 8
_forking = multiprocessing.get_context("forkserver")
_forking.set_forkserver_preload([__name__])


def crowd(act: Callable[..., Any], *arguments: object) -> list[Any]:
    """What `act(barrier, *arguments)` returns in each of eight processes."""
    barrier = _forking.Barrier(PROCESSES)
    results: Any = _forking.SimpleQueue()
    processes = [
        _forking.Process(target=_run, args=(results, barrier, act, arguments)) for _ in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    answers = [results.get() for _ in processes]
    for process in processes:
        process.join(30)
    return answers


def _run(results: Any, barrier: Barrier, act: Callable[..., Any], arguments: tuple[object, ...]) -> None:
    try:
        results.put(act(barrier, *arguments))
    except BaseException as error:
        results.put(error)
        raise


def probe_at_once(barrier: Barrier, url: str, circuit: Circuit, threads: int) -> int:
    """How many of this process's threads got through; nobody's call ends before all have tried."""
    caller = Caller(url, QUICK)
    with ThreadPoolExecutor(threads) as pool:
        barrier.wait(60)
        guards = [caller.breakers.guard(circuit, 60) for _ in range(threads)]
        through = list(pool.map(_enters, guards))
        barrier.wait(60)
        for guard, entered in zip(guards, through, strict=True):
            if entered:
                guard.__exit__(None, None, None)
    caller.breakers.close()
    return sum(through)


def _enters(guard: Any) -> bool:
    try:
        guard.__enter__()
    except CircuitOpen:
        return False
    return True


def fail_and_succeed(barrier: Barrier, url: str, circuit: Circuit, calls: int) -> tuple[int, int]:
    """Of this process's calls, one in five a success: how many were admitted, how many moves it told."""
    caller = Caller(url, SLOW)
    barrier.wait(60)
    healths = [Health.SUCCESS if number % 5 == 0 else Health.FAILURE for number in range(calls)]
    admitted = sum(caller.call(circuit, health) for health in healths)
    caller.breakers.close()
    return admitted, len(caller.moves)


def succeed(barrier: Barrier, url: str, circuit: Circuit, calls: int) -> None:
    """Calls that all succeed."""
    caller = Caller(url, SLOW)
    barrier.wait(60)
    for _ in range(calls):
        caller.call(circuit, Health.SUCCESS)
    caller.breakers.close()


def die_probing(url: str, circuit: Circuit, lease: float) -> None:
    """Take the probe, and be gone."""
    Caller(url, QUICK).breakers.guard(circuit, lease).__enter__()
    os.kill(os.getpid(), signal.SIGKILL)


def exit_code(act: Callable[..., None], *arguments: object) -> int | None:
    """The exit code of a process that does this."""
    process = _forking.Process(target=act, args=arguments)
    process.start()
    process.join(60)
    return process.exitcode
