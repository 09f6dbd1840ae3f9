"""What a process does not load: each library is paid by every process, in memory and at its start."""

import subprocess
import sys

import pytest

API = (
    "aiohttp", "alembic", "celery", "httpx", "jinja2", "jsonschema", "kombu", "pygments", "rich",
    "sqlalchemy", "tree_sitter", "typer",
)  # fmt: skip
WORKER = (
    "alembic", "fastapi", "jsonschema", "orchestrator.store.tables", "sqlalchemy", "starlette",
    "tree_sitter_go", "tree_sitter_java", "tree_sitter_typescript", "typer", "uvicorn",
)  # fmt: skip


@pytest.mark.parametrize(("process", "absent"), [("orchestrator.server", API), ("workers.tasks", WORKER)])
def test_a_process_loads_only_what_it_works_with(process: str, absent: tuple[str, ...]) -> None:
    code = f"import sys, {process}; print(*sorted(sys.modules.keys() & {set(absent)}))"
    asked = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert asked.stdout.split() == []
