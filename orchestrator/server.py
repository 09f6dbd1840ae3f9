"""The API process: `python -m orchestrator.server`, one loop, one process.

It prints one JSON line with its address once it listens, and stops on SIGTERM or Ctrl-C: waiting
requests are answered as things stand, streams end, open requests finish.
"""

import argparse
import asyncio
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

import orjson
import uvicorn
import uvloop

from orchestrator import telemetry
from orchestrator.api.app import create_app
from orchestrator.config import Config, config
from orchestrator.flow.watch import Watch, watch
from orchestrator.limits.breakers import Breakers, Policy, announce
from orchestrator.wiring import NotConfigured, Parts, open_parts

_BACKLOG: Final = 2048
_STOPPING_SECONDS: Final = 10


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling, which would kill the process before its parts are closed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(settings: Config, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT."""
    circuits = Breakers(settings.broker_url or "", Policy.of(settings), announce)
    async with open_parts(settings, "api") as parts, watch(parts) as watcher:
        with closing(circuits) as breakers:
            await _answer(listener, parts, watcher, breakers)
    telemetry.tell("api.stopped")


async def _answer(listener: socket.socket, parts: Parts, watcher: Watch, breakers: Breakers) -> None:
    server = _Server(
        uvicorn.Config(
            create_app(parts, watcher, breakers),
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            backlog=_BACKLOG,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=_STOPPING_SECONDS,
        )
    )
    _stop_on_signals(server, watcher)
    _announce(listener)
    await server.serve(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    listener.set_inheritable(True)
    return listener


def _stop_on_signals(server: uvicorn.Server, watcher: Watch) -> None:
    def stop() -> None:
        watcher.stop()
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


def _announce(listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    line = orjson.dumps({"event": "api.listening", "url": f"http://{shown}:{port}", "port": port})
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()
    telemetry.tell("api.listening", host=host, port=port)


def main() -> int:
    """Run the API process; 2 where a setting is missing or the address is taken."""
    settings = config()
    options = argparse.ArgumentParser(prog="python -m orchestrator.server", description=__doc__)
    options.add_argument("--host", default=settings.host, help="address to listen on")
    options.add_argument("--port", default=settings.port, type=int, help="port; 0 takes a free one")
    options.add_argument("--fd", type=int, help="a listening socket inherited from the starter, instead")
    given = options.parse_args()
    telemetry.configure("api", settings.log_level)
    try:
        listener = _listen(given.host, given.port) if given.fd is None else socket.socket(fileno=given.fd)
        uvloop.run(serve(settings, listener))
    except (NotConfigured, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
