"""The benchmark's load generator, as the process it is, against a server that counts."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from ops.bench.jobs import Ask, Job, Unexpected, done

ID = "01a1fa5e-3a5b-70f8-8119-ba5046216b20"


class _Server(ThreadingHTTPServer):
    """Accepts every task, counts what came, and says 304 to whoever knows the tag."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.bodies: list[bytes] = []


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        body = f'{{"id":"{ID}"}}'.encode()
        self.send_response(202)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.send_response(304 if self.headers["If-None-Match"] == '"1"' else 404)
        if self.headers["If-None-Match"] is None:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def log_request(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[_Server]:
    """A listening server."""
    with _Server() as made:
        thread = Thread(target=made.serve_forever, daemon=True)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def test_each_request_is_made_once_and_counted(server: _Server) -> None:
    ask = Ask("POST", "/tasks", {"A": "b"}, "a body")
    outcome = done(Job("127.0.0.1", server.server_port, (ask,), 4, count=50, keep_ids=True), 202)
    assert server.bodies == [b"a body"] * 50
    assert outcome.statuses == {202: 50}
    assert [task_id for _, task_id in outcome.sent] == [ID] * 50
    assert len(outcome.latencies) == 50
    assert min(outcome.latencies) > 0


def test_a_rate_is_kept(server: _Server) -> None:
    ask = Ask("POST", "/tasks", {}, "{}")
    outcome = done(Job("127.0.0.1", server.server_port, (ask,), 4, seconds=1.0, rate=50.0), 202)
    assert 40 <= outcome.count <= 60
    assert outcome.seconds >= 0.9


def test_an_answer_without_a_body_is_an_answer(server: _Server) -> None:
    ask = Ask("GET", "/tasks/1", {"If-None-Match": '"1"'})
    assert done(Job("127.0.0.1", server.server_port, (ask,), 2, count=10), 304).count == 10


def test_an_unexpected_status_is_no_figure(server: _Server) -> None:
    job = Job("127.0.0.1", server.server_port, (Ask("GET", "/nothing", {}),), 1, count=1)
    with pytest.raises(Unexpected, match="404"):
        done(job, 200)
