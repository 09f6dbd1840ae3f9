"""The reference for people at /docs: made from the OpenAPI document, with its own style, no script."""

from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

router = APIRouter()

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
_DEFAULT: Final = "Successful Response"
_EXAMPLE: Final = """\
curl -s $URL/api/v1/tasks/generate-code \\
     -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\
     -d '{"context": {"description": "a function that tells whether a year is a leap year"}}'

curl -s "$URL/api/v1/tasks/$ID?include=result" -H "Authorization: Bearer $KEY" -H "Prefer: wait=30\""""


@router.get("/")
async def root() -> Response:
    """Lead to the reference."""
    return RedirectResponse("/docs", status_code=307)


@router.get("/docs")
async def docs(request: Request) -> Response:
    """Show the reference."""
    state = request.app.state
    if not hasattr(state, "manual"):
        state.manual = page(request.app.openapi())
    return HTMLResponse(state.manual, headers={"Content-Security-Policy": _POLICY})


def page(document: dict[str, Any]) -> str:
    """The whole reference as one HTML page."""
    info, schemas = document["info"], document["components"]["schemas"]
    operations = [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    parts = [
        f"<h1>{escape(info['title'])}</h1>",
        *(f"<p>{_prose(text)}</p>" for text in info["description"].split("\n\n")),
        '<p>The same as a document for programs: <a href="/openapi.json">/openapi.json</a>.</p>',
        f"<pre><code>{escape(_EXAMPLE)}</code></pre>",
        "<nav><h2>Addresses</h2><ul>",
        *(f'<li><a href="#{_anchor(m, p)}">{_titled(m, p)}</a></li>' for m, p, _ in operations),
        "</ul></nav>",
        *(piece for operation in operations for piece in _operation(*operation)),
        "<h2>Shapes</h2>",
        *(piece for name, schema in schemas.items() for piece in _schema(name, schema)),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(info['title'])} API</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_style()}</style></head><body>{''.join(parts)}</body></html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f'<h3 id="{_anchor(method, path)}">{_titled(method, path)}</h3>'
    yield f"<p>{_prose(operation.get('description', operation.get('summary', '')))}</p>"
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if body:
        yield f"<p>Body: {_type(body)}</p>"
    rows = [
        (_code(each["name"]), each["in"], _type(each["schema"]), _prose(each.get("description", "")))
        for each in operation.get("parameters", [])
    ]
    if rows:
        yield _table(("parameter", "in", "type", ""), rows)
    answers = [(_code(status), *_answer(answer)) for status, answer in operation["responses"].items()]
    yield _table(("answer", "body", ""), answers)


def _answer(answer: dict[str, Any]) -> tuple[str, str]:
    bodies = [_type(content.get("schema", {})) for content in answer.get("content", {}).values()]
    return " or ".join(filter(None, bodies)), _prose(answer.get("description", "").replace(_DEFAULT, ""))


def _schema(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f'<h3 id="{escape(name)}">{escape(name)}</h3><p>{_prose(schema.get("description", ""))}</p>'
    needed = schema.get("required", [])
    rows = [
        (
            _code(field),
            _type(each),
            "" if field in needed else '<span class="quiet">optional</span>',
            _prose(each.get("description", "")),
        )
        for field, each in schema.get("properties", {}).items()
    ]
    yield _table(("field", "type", "", ""), rows) if rows else f"<p>{_type(schema)}</p>"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(_type(each) for each in schema[several])
    if "enum" in schema:
        return ", ".join(_code(str(each)) for each in schema["enum"])
    if "const" in schema:
        return _code(str(schema["const"]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return escape(" ".join(filter(None, (schema.get("type", ""), schema.get("format", "")))))


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{each}</th>" for each in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _titled(method: str, path: str) -> str:
    return f'<span class="method">{method.upper()}</span> {_code(path)}'


def _anchor(method: str, path: str) -> str:
    return escape(f"{method}{path}".replace("/", "-").replace("{", "").replace("}", ""))


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def _prose(text: str) -> str:
    pieces = escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if index % 2 else piece for index, piece in enumerate(pieces))


@cache
def _style() -> str:
    return (Path(__file__).parent / "manual.css").read_text(encoding="utf-8")
