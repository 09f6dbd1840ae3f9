"""What runs in the sandbox reaches nothing, uses up little, and is not run where that can't be had."""

import sys
from functools import cache
from pathlib import Path

import psutil
import pytest

from orchestrator import clock
from schemas.results import CodeResult
from tests.unit.verify.answers import block, code, code_request, problems
from workers.verify import Means, verify
from workers.verify.sandbox import Limits, Ran, Refused, Unwanted, run_contained
from workers.verify.tests import check_tests
from workers.verify.verdict import Accepted, Rejected

MIB = 1024 * 1024
ALLOWED = Means(tests=True)


@cache
def why_not() -> str | None:
    ran = run_contained({}, ["true"])
    return ran.reason if isinstance(ran, Refused) else None


@pytest.fixture(autouse=True)
def _can_contain(request: pytest.FixtureRequest) -> None:
    if (reason := why_not()) and "anywhere" not in request.node.name:
        pytest.skip(f"this machine can't contain it: {reason}")


def ran(*argv: str, files: dict[str, str] | None = None, **limits: float) -> Ran:
    found = run_contained(files or {}, argv, limits=Limits(**{"seconds": 10, **limits}))  # type: ignore[arg-type]
    assert isinstance(found, Ran), found
    return found


def python(source: str, **limits: float) -> Ran:
    return ran("python", "-c", source, files=None, **limits)


def test_a_command_runs_on_the_given_files_and_its_end_is_told() -> None:
    files = {"a/b.py": "print('é', open('c.txt').read())\n", "c.txt": "read\r\n"}
    good = ran("python", "a/b.py", files=files)
    assert (good.passed, good.ended, good.output) == (True, "ended with 0", "é read\n\n")
    bad = ran("python", "-c", "raise SystemExit(3)")
    assert (bad.passed, bad.ended) == (False, "ended with 3")
    missing = ran("no-such-program")
    assert (missing.passed, missing.ended) == (False, "ended with 127")
    assert "no-such-program" in missing.output


@pytest.mark.parametrize("address", ["('1.1.1.1', 443)", "('127.0.0.1', 22)"])
def test_there_is_no_network(address: str) -> None:
    found = python(f"import socket; socket.create_connection({address}, 3)")
    assert not found.passed
    assert "Network is unreachable" in found.output


def test_nothing_of_the_host_can_be_read_but_programs(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("canary")
    secret.chmod(0o644)
    tmp_path.chmod(0o755)
    assert "canary" not in ran("cat", str(secret), "/etc/shadow", "/proc/1/environ").output
    allowed = run_contained({}, ["cat", str(secret)], reads=[str(tmp_path)])
    assert isinstance(allowed, Ran)
    assert allowed.output == "canary"
    names = ran("ls", "/home", "/root", "/var", "/srv", "/etc").output
    assert "shadow" not in names
    assert "hostname" not in names


def test_nothing_can_be_written_but_the_tree_and_the_temporary_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    places = ["/x", "/usr/x", "/etc/x", "/dev/x", f"{sys.prefix}/x", f"{tmp_path}/x"]
    tries = "; ".join(f"touch {place} && echo wrote {place}" for place in places)
    found = run_contained({}, ["sh", "-c", f"{tries}; touch /tree/x /tmp/x && echo fine"], [str(tmp_path)])
    assert isinstance(found, Ran)
    assert "wrote" not in found.output
    assert found.output.endswith("fine\n")
    assert list(tmp_path.iterdir()) == []


def test_it_has_no_environment_no_capability_and_no_way_to_namespaces_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary")
    found = ran("sh", "-c", "env; id -u; grep Cap /proc/self/status; unshare -Ur true || echo refused")
    assert "canary" not in found.output
    assert "\n65534\n" in found.output
    assert {line.split()[1] for line in found.output.splitlines() if line.startswith("Cap")} == {"0" * 16}
    assert found.output.endswith("refused\n")


def test_it_sees_no_process_but_its_own() -> None:
    found = ran("sh", "-c", "ls /proc | grep -c '^[0-9]'; kill -9 1; cat /proc/[0-9]*/cmdline")
    assert int(found.output.split("\n")[0]) < 10
    assert "pytest" not in found.output


def test_a_fork_bomb_is_limited_and_leaves_nothing_behind() -> None:
    bomb = """
import os, time
for count in range(1000):
    try:
        if not os.fork():
            time.sleep(60)
    except OSError:
        print("refused after", count)
        break
"""
    found = python(bomb, processes=20)
    assert found.passed
    assert int(found.output.split()[-1]) < 20


def test_memory_is_limited_for_one_process_and_for_all_together() -> None:
    one = python("x = bytearray(400 * 1024 * 1024)", memory=200 * MIB)
    assert "MemoryError" in one.output
    many = """
import os, time
for _ in range(3):
    os.fork()
x = b"x" * (60 * 1024 * 1024)
time.sleep(30)
"""
    assert python(many, memory=200 * MIB).ended == "was ended at 200 MiB of memory"


def test_files_of_memory_are_memory() -> None:
    hoard = """
import os, time
held = [os.memfd_create("hoard") for _ in range(8)]
for each in held:
    os.write(each, b"x" * (40 * 1024 * 1024))
time.sleep(30)
"""
    assert python(hoard, memory=200 * MIB).ended == "was ended at 200 MiB of memory"


@pytest.mark.parametrize(
    "fill",
    [
        "open(f'/tmp/{n}', 'wb').write(b'x' * (20 * 1024 * 1024))",
        "f = open(f'{n}', 'wb'); f.write(b'x' * (20 * 1024 * 1024)); held.append(f); os.unlink(f'{n}')",
        "a = libc.shmat(libc.shmget(0, size, 0o1600), None, 0); ctypes.memset(a, 1, size); libc.shmdt(a)",
    ],
    ids=["files", "files without a name", "segments that nobody has attached"],
)
def test_what_is_kept_outside_of_processes_is_memory_too(fill: str) -> None:
    hoard = f"""
import ctypes, os, time
libc, size, held = ctypes.CDLL(None), 20 * 1024 * 1024, []
libc.shmat.restype, libc.shmdt.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
libc.shmget.argtypes = [ctypes.c_int, ctypes.c_size_t, ctypes.c_int]
libc.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
for n in range(9):
    {fill}
time.sleep(30)
"""
    assert python(hoard, memory=150 * MIB).ended == "was ended at 150 MiB of memory"


@pytest.mark.parametrize(
    "fill",
    [
        "m = mmap.mmap(-1, size); touch(m); m.resize(4096); held.append(m)",
        "f = os.memfd_create('x'); os.write(f, b'x' * size); held += [mmap.mmap(f, 9)]; os.closerange(f, 9)",
        "f = os.memfd_create('x'); os.write(f, b'x' * size); socket.send_fds(one, [b'x'], [f]); os.close(f)",
    ],
    ids=["mapped in part", "a file that is only mapped", "a file on its way"],
)
def test_shared_memory_that_is_counted_nowhere_is_memory_too(fill: str) -> None:
    hoard = f"""
import mmap, os, socket, time
size, held = 40 * 1024 * 1024, []
one, other = socket.socketpair()
def touch(m):
    for at in range(0, size, 4096):
        m[at] = 1
for n in range(6):
    {fill}
time.sleep(30)
"""
    assert python(hoard, memory=150 * MIB).ended == "was ended at 150 MiB of memory"


def test_a_command_that_nobody_wants_any_more_is_ended_at_once_with_all_it_started() -> None:
    asked: list[float] = []

    def unwanted() -> bool:
        asked.append(clock.monotonic())
        return len(asked) > 2

    mark = f"{id(asked)}.75"
    with pytest.raises(Unwanted):
        run_contained({}, ["sh", "-c", f"sleep {mark} & sleep {mark}"], unwanted=unwanted)
    assert clock.monotonic() - asked[-1] < 1
    until = clock.monotonic() + 2
    while any(mark in " ".join(each.info["cmdline"] or ()) for each in psutil.process_iter(["cmdline"])):
        assert clock.monotonic() < until
        clock.pause(0.02)


def test_time_is_limited_by_the_clock_and_by_the_processor() -> None:
    assert python("import time; time.sleep(60)", seconds=0.5).ended == "was ended after 0.5 seconds"
    assert python("while True: pass", cpu_seconds=1).ended == "was ended after 1 seconds of processor time"


def test_files_output_and_the_disk_are_limited() -> None:
    large = python("open('x', 'wb').write(b'x' * 20_000_000)", file_size=10 * MIB)
    assert not large.passed
    full = python(
        "for n in range(9): open(f'{n}', 'wb').write(b'x' * 5_000_000)", disk=20 * MIB, file_size=10 * MIB
    )
    assert "No space left" in full.output
    assert len(python("print('x' * 1_000_000, 'end')").output) <= 16_384


def test_a_tests_level_is_reached_where_the_tests_pass() -> None:
    constraints = {"tests": ["python", "-c", "import a; assert a.f() == 2"]}
    request = code_request({"a.py": "def f():\n    return 1\n"}, constraints=constraints)
    right = verify(request, block("a.py", "    return 1\n", "    return 2\n"), means=ALLOWED)
    assert isinstance(right, Accepted)
    assert isinstance(right.result, CodeResult)
    assert right.result.verification.level == "tests"
    wrong = verify(request, block("a.py", "    return 1\n", "    return 3\n"), means=ALLOWED)
    assert isinstance(wrong, Rejected)
    assert "AssertionError" in wrong.problems[0]
    assert wrong.mendable


def test_what_can_not_be_contained_is_not_run_anywhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "inside.py"
    source = Path(sys.modules["workers.verify.sandbox.contained"].__file__ or "").with_name("inside.py")
    broken.write_text(source.read_text().replace("libc.unshare(", "libc.umount2(b'/nowhere', "))
    monkeypatch.setattr("workers.verify.sandbox.contained._INSIDE", broken)
    trace = tmp_path / "trace"
    check = check_tests({}, ["touch", str(trace)], ALLOWED)
    assert check.passed is None
    assert "can't be contained here" in check.detail
    assert not trace.exists()


def test_where_the_operator_did_not_allow_it_nothing_is_run_anywhere() -> None:
    command = {"tests": ["python", "-c", "pass"]}
    result = code(code_request({"a.py": "x = 1\n"}, constraints=command), block("a.py", "x = 1\n", "x = 2\n"))
    assert result.verification.level == "lint"
    assert "ORCHESTRATOR_SANDBOXED_TESTS" in result.verification.checks[-1].detail
    required = code_request(
        {"a.py": "x = 1\n"}, constraints=command, preferences={"verification_level": "tests"}
    )
    assert "'tests' is required" in problems(required, block("a.py", "x = 1\n", "x = 2\n"))
