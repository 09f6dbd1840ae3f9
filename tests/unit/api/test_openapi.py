"""The published document: golden, so that no change of the contract goes unseen.

`orchestrator openapi > tests/golden/openapi.json` writes it anew; or
`python -m tests.unit.api.test_openapi`.
"""

import json
from pathlib import Path
from typing import Any

from orchestrator.api.app import openapi_document
from orchestrator.api.manual import page

GOLDEN = Path(__file__).parents[2] / "golden" / "openapi.json"


def text() -> str:
    return json.dumps(openapi_document(), indent=2, ensure_ascii=False) + "\n"


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(references(inner) for inner in value.values()))
    return set().union(*(references(inner) for inner in value)) if isinstance(value, list) else set()


def test_the_document_is_the_published_one() -> None:
    assert json.loads(GOLDEN.read_text(encoding="utf-8")) == openapi_document()


def test_every_reference_leads_somewhere() -> None:
    document = openapi_document()
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) <= known


def test_every_operation_of_the_api_needs_a_key_and_may_answer_with_problems() -> None:
    for path, methods in openapi_document()["paths"].items():
        for operation in methods.values():
            if path.startswith("/api/"):
                assert operation["security"] == [{"ApiKey": []}]
                assert {"401", "503"} <= operation["responses"].keys()
                assert "application/problem+json" in operation["responses"]["401"]["content"]


def test_the_reference_shows_every_operation_and_shape() -> None:
    document = openapi_document()
    shown = page(document)
    for path in document["paths"]:
        assert f"<code>{path}</code>" in shown
    for name in document["components"]["schemas"]:
        assert f'id="{name}"' in shown


def test_the_reference_escapes_what_it_shows() -> None:
    document = openapi_document()
    document["info"]["description"] = "<script>alert(1)</script>"
    assert "<script>" not in page(document)


if __name__ == "__main__":
    GOLDEN.write_text(text(), encoding="utf-8")
