"""The sandbox: a process that takes itself apart from everything, and then runs a command.

It is a program of its own, in a fresh interpreter without threads and with the standard library only. The
command sees a file system made for it (the system's programs, read only, and its own tree), no network, no
other process, no capability and no way to get one; the kernel is the host's. Whoever starts it and dies
takes all of it along.
"""

import ctypes
import json
import os
import platform
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any, Final, NoReturn

NEWNS, NEWCGROUP, NEWUTS, NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000
NOSUID, NODEV, NOEXEC, BIND, REC, PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
READ_ONLY, WITHOUT_SUID, WITHOUT_DEVICES = 1, 2, 4
HERE, ALL_BELOW, DETACH = -100, 0x8000, 2
MOUNT_SETATTR: Final = 442
PIVOT_ROOT: Final = {"x86_64": 155, "aarch64": 41, "riscv64": 41}
PDEATHSIG, CAPBSET_DROP, NO_NEW_PRIVS = 1, 24, 38
NOBODY: Final = 65534
NEW_ROOT: Final = "/tmp"  # where the new root is put together, seen by this process alone
DEVICES: Final = ("null", "zero", "full", "random", "urandom")
DISKS: Final = ("/tree", "/tmp")
TICK: Final = 0.05
TAIL: Final = 16_384

libc: Final = ctypes.CDLL(None, use_errno=True)


class Impossible(Exception):
    """Some part of the containment can't be had."""


def main() -> None:
    """Read what is asked from standard input, run it, and tell on standard output what became of it."""
    end_with_parent()
    asked = json.load(sys.stdin.buffer)
    told, telling = os.pipe()
    apart, waiting = os.pipe()
    mapped, mapping = os.pipe()
    child = os.fork()
    if not child:
        os.close(mapping)
        guarded(telling, lambda: leave(asked, telling, waiting, mapped))
    os.close(telling)
    os.close(waiting)
    failed = ""
    if os.read(apart, 1) and not os.geteuid():
        try:
            map_nobody(child)
        except OSError as error:
            failed = f"user ids can't be mapped ({error.strerror})"
            os.kill(child, signal.SIGKILL)
    os.close(mapping)
    report = b""
    while piece := os.read(told, 65_536):
        report += piece
    os.waitpid(child, 0)
    refused = json.dumps({"refused": failed or "it ended without a word"})
    sys.stdout.write(refused if failed or not report else report.decode())


def guarded(telling: int, act: Callable[[], None]) -> NoReturn:
    """What this child process does, and its end; where that is impossible, say why."""
    try:
        act()
    except (Impossible, OSError) as error:
        os.write(telling, json.dumps({"refused": str(error)}).encode())
    finally:
        os._exit(0)


def leave(asked: dict[str, Any], telling: int, waiting: int, mapped: int) -> None:
    """Leave every namespace of the host, and wait for the first process of the new ones."""
    uid, gid = os.geteuid(), os.getegid()
    done(libc.unshare(NEWUSER | NEWNS | NEWNET | NEWPID | NEWIPC | NEWUTS | NEWCGROUP), "a namespace")
    end_with_parent()
    if uid:
        write("/proc/self/setgroups", "deny")
        write("/proc/self/uid_map", f"{NOBODY} {uid} 1\n")
        write("/proc/self/gid_map", f"{NOBODY} {gid} 1\n")
    os.write(waiting, b"a")
    os.read(mapped, 1)  # ends when the other side is closed
    child = os.fork()
    if not child:
        guarded(telling, lambda: supervise(asked, telling))
    os.close(telling)
    os.waitpid(child, 0)


def map_nobody(child: int) -> None:
    """As root: the command runs as nobody, what supervises it stays root of nothing but the sandbox."""
    for name in ("uid_map", "gid_map"):
        write(f"/proc/{child}/{name}", f"0 0 1\n{NOBODY} {NOBODY} 1\n")


def supervise(asked: dict[str, Any], telling: int) -> None:
    """As the first process, whose end ends all others: make the root, run the command, watch it."""
    end_with_parent()
    build_root(asked)
    output = os.memfd_create("output")
    for number in (signal.SIGCHLD, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, signal.SIGALRM})
    command = os.fork()
    if not command:
        guarded(telling, lambda: become(asked, output))
    signal.setitimer(signal.ITIMER_REAL, asked["limits"]["seconds"])
    how, code = watch(command, asked["limits"]["memory"])
    size = os.fstat(output).st_size
    tail = os.pread(output, TAIL, max(0, size - TAIL)).decode("utf-8", "replace")
    os.write(telling, json.dumps({"how": how, "code": code, "output": tail}).encode())


def watch(command: int, memory: int) -> tuple[str, int]:
    """How the command ended: by itself, by its time, or by the memory that all processes use together."""
    before = shared()
    while True:
        told = signal.sigtimedwait({signal.SIGCHLD, signal.SIGALRM}, TICK)
        if told is not None and told.si_signo == signal.SIGALRM:
            return "seconds", 0
        while (ended := os.waitpid(-1, os.WNOHANG) if has_children() else (0, 0))[0]:
            if ended[0] == command:
                code = os.waitstatus_to_exitcode(ended[1])
                return ("exit", code) if code >= 0 else ("signal", -code)
        if used() > memory or (shared() - before > memory and may_hide()):
            return "memory", 0


def has_children() -> bool:
    """Whether there is anything to wait for."""
    return any(name.isdigit() and name != "1" for name in os.listdir("/proc"))


def used() -> int:
    """Bytes of memory that the sandbox holds: its processes without this one, files of memory, its two disks.

    A process that hides what it holds counts as more than any limit."""
    pages, kept = 0, on_disks() + in_segments()
    files: dict[tuple[int, int], int] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and name != "1":
            try:
                with open(f"/proc/{name}/statm") as counts:
                    pages += int(counts.read().split()[1])
                files |= files_of_memory(name)
            except PermissionError:
                return sys.maxsize
            except OSError:
                continue
    return pages * resource.getpagesize() + sum(files.values()) + kept


def on_disks() -> int:
    """Bytes in the file systems that can be written, which are memory; in files without a name too."""
    found = 0
    for path in DISKS:
        told = os.statvfs(path)
        found += (told.f_blocks - told.f_bfree) * told.f_frsize
    return found


def in_segments() -> int:
    """Bytes in shared segments and queued messages, which outlive the processes that made them."""
    found = 0
    for name, column in (("shm", "rss"), ("msg", "cbytes")):
        with open(f"/proc/sysvipc/{name}") as lines:
            at = next(lines).split().index(column)
            found += sum(int(line.split()[at]) for line in lines)
    return found


def files_of_memory(process: str) -> dict[tuple[int, int], int]:
    """Bytes in the files of memory that a process has open, each file once: they are no pages of its own."""
    found = {}
    for name in os.listdir(f"/proc/{process}/fd"):
        path = f"/proc/{process}/fd/{name}"
        try:
            if os.readlink(path).startswith("/memfd:"):
                told = os.stat(path)
                found[told.st_dev, told.st_ino] = told.st_blocks * 512
        except FileNotFoundError:
            continue
    return found


def shared() -> int:
    """Bytes of shared memory on this host, whoever holds them."""
    with open("/proc/meminfo") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Shmem:"))


def may_hide() -> bool:
    """Whether a process may hold shared memory that is counted nowhere: mapped in part, or on its way."""
    with open("/proc/net/unix") as sockets:
        if len(sockets.readlines()) > 1:
            return True
    for name in os.listdir("/proc"):
        if name.isdigit() and name != "1":
            try:
                with open(f"/proc/{name}/maps") as lines:
                    if any("/dev/zero" in line or "/memfd:" in line for line in lines):
                        return True
            except PermissionError:
                return True
            except OSError:
                continue
    return False


def build_root(asked: dict[str, Any]) -> None:
    """Put a root together in which nothing of the host can be written, and move into it."""
    done(libc.mount(b"none", b"/", None, REC | PRIVATE, None), "a mount namespace")
    sources = [(path, os.open(path, os.O_PATH)) for path in chosen(asked["reads"])]
    devices = [(name, os.open(f"/dev/{name}", os.O_PATH)) for name in DEVICES]
    mount("tmpfs", NEW_ROOT, "tmpfs", NOSUID | NODEV, "size=16m,mode=755")
    for name in ("dev", "proc", "tree", "tmp"):
        os.mkdir(f"{NEW_ROOT}/{name}")
    for name, source in devices:
        os.close(os.open(f"{NEW_ROOT}/dev/{name}", os.O_CREAT))
        mount(f"/proc/self/fd/{source}", f"{NEW_ROOT}/dev/{name}", "", BIND)
    mount("proc", f"{NEW_ROOT}/proc", "proc", NOSUID | NODEV | NOEXEC)
    for path in DISKS:
        size = f"size={asked['limits']['disk']},nr_inodes=20000,mode=755"
        mount("tmpfs", NEW_ROOT + path, "tmpfs", NOSUID | NODEV, size)
        os.chown(NEW_ROOT + path, NOBODY, NOBODY)
    for path, source in sources:
        bind(path, source)
    fill(f"{NEW_ROOT}/tree", asked["files"])
    os.makedirs(f"{NEW_ROOT}/etc", exist_ok=True)
    with open(f"{NEW_ROOT}/etc/passwd", "w") as users:
        users.write(f"nobody:x:{NOBODY}:{NOBODY}::/tmp:/bin/sh\n")
    write(f"{NEW_ROOT}/proc/sys/user/max_user_namespaces", "0")
    os.chdir(NEW_ROOT)
    pivot = PIVOT_ROOT.get(platform.machine())
    if pivot is None:
        raise Impossible(f"the system call for {platform.machine()} is not known")
    done(libc.syscall(pivot, b".", b"."), "a root of its own")
    done(libc.umount2(b".", DETACH), "a root of its own")
    restrict("/", READ_ONLY, below=False)
    os.chdir("/tree")


def chosen(paths: list[str]) -> list[str]:
    """The paths that are there, without those below another."""
    kept: list[str] = []
    for path in sorted({os.path.normpath(path) for path in paths}):
        inside = any(path.startswith(f"{other}/") for other in kept if not os.path.islink(other))
        if os.path.lexists(path) and not inside and path != "/":
            kept.append(path)
    return kept


def bind(path: str, source: int) -> None:
    """Show a path of the host where it always was, read only with all that is mounted below it."""
    target = NEW_ROOT + path
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.isdir(f"/proc/self/fd/{source}"):
        os.makedirs(target, exist_ok=True)
    else:
        os.close(os.open(target, os.O_CREAT))
    mount(f"/proc/self/fd/{source}", target, "", BIND | REC)
    restrict(target, READ_ONLY | WITHOUT_SUID | WITHOUT_DEVICES, below=True)


def fill(folder: str, files: dict[str, str]) -> None:
    """The work tree, as the command's user may change it."""
    for path, text in files.items():
        target = f"{folder}/{path}"
        made = folder
        for part in path.split("/")[:-1]:
            made = f"{made}/{part}"
            if not os.path.isdir(made):
                os.mkdir(made)
                os.chown(made, NOBODY, NOBODY)
        with open(target, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        os.chown(target, NOBODY, NOBODY)


def become(asked: dict[str, Any], output: int) -> None:
    """As the command: no descriptor, no privilege and no more than it is allowed; then the command itself."""
    os.setsid()
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.closerange(3, 4096)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    limit(asked["limits"])
    for capability in range(64):
        libc.prctl(CAPBSET_DROP, capability, 0, 0, 0)
    if not os.geteuid():
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    if libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0):
        os._exit(126)
    path = ":".join(asked["path"])
    given = {"PATH": path, "HOME": "/tmp", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        os.execvpe(asked["argv"][0], asked["argv"], given)
    except (OSError, ValueError) as error:
        os.write(2, f"{asked['argv'][0]}: {error}\n".encode())
        os._exit(127)


def limit(limits: dict[str, int]) -> None:
    """What one process may take; all of them together are watched from outside."""
    for kind, most in (
        (resource.RLIMIT_CPU, limits["cpu_seconds"]),
        (resource.RLIMIT_AS, limits["memory"]),
        (resource.RLIMIT_NPROC, limits["processes"]),
        (resource.RLIMIT_FSIZE, limits["file_size"]),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        more = bound + 1 if kind == resource.RLIMIT_CPU and hard == resource.RLIM_INFINITY else bound
        resource.setrlimit(kind, (bound, more))


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """Mount, or say what could not be."""
    result = libc.mount(source.encode(), target.encode(), kind.encode() or None, flags, data.encode() or None)
    done(result, target)


class Attributes(ctypes.Structure):
    """The kernel's `struct mount_attr`."""

    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "user")]


def restrict(path: str, flags: int, *, below: bool) -> None:
    """Take rights from a mount, and from those below it."""
    wanted = Attributes(set=flags)
    result = libc.syscall(
        MOUNT_SETATTR, HERE, path.encode(), ALL_BELOW if below else 0, ctypes.byref(wanted),
        ctypes.sizeof(wanted),
    )  # fmt: skip
    done(result, f"{path} read only")


def end_with_parent() -> None:
    """Have the kernel end this process when its parent ends."""
    done(libc.prctl(PDEATHSIG, signal.SIGKILL, 0, 0, 0), "an end with its parent")


def done(result: int, what: str) -> None:
    """Raise where a system call failed."""
    if result < 0:
        raise Impossible(f"{what} can't be had ({os.strerror(ctypes.get_errno())})")


def write(path: str, text: str) -> None:
    """Write to a file of the kernel, in one piece."""
    target = os.open(path, os.O_WRONLY)
    try:
        os.write(target, text.encode())
    finally:
        os.close(target)


if __name__ == "__main__":
    main()
