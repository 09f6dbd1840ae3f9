"""The application: all doors in one place, and the document that describes them."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter
from starlette.types import ASGIApp

from orchestrator.api import (
    budgets,
    cache,
    circuits,
    embeddings,
    events,
    experiments,
    feedback,
    generate,
    health,
    kinds,
    manual,
    openai_front,
    problems,
    prompts,
    provider_checks,
    providers,
    reading,
    routing,
    submissions,
    templates,
)
from orchestrator.api.edge import Edge
from orchestrator.api.openai_bodies import ChatCompletionRequest, CompletionRequest
from orchestrator.api.openai_errors import ROOT
from orchestrator.api.parameters import strict
from orchestrator.api.shapes import BASE
from orchestrator.api.submissions import MODELS
from orchestrator.flow.watch import Watch
from orchestrator.limits.breakers import Breakers
from orchestrator.wiring import Parts
from schemas.api import GenerateRequest, OpenAIError, Problem, PromptRequest
from schemas.budgets import BudgetRequest
from schemas.configured import CheckRequest, ProviderPatch, ProviderRequest, Template, TemplateFilling
from schemas.experiments import ExperimentPatch, ExperimentRequest
from schemas.feedback import FeedbackRequest
from schemas.kept import WarmRequest
from schemas.routing import RoutingConfig
from schemas.tasks import TASK_REQUEST

_TITLE = "Orchestrator"
_ABOUT = """A durable, budgeted, verified task queue for AI coding work.

Submit a task, then poll it, wait for it (`Prefer: wait=30`) or follow its events. Every error is a
problem (RFC 9457) whose `code` is for programs and whose `errors` name the fields at fault;
only what is no HTTP at all gets a plain 400."""
_KEY = {"type": "http", "scheme": "bearer", "description": "an API key, `orc_live_…`"}


def create_app(parts: Parts, watch: Watch, breakers: Breakers) -> ASGIApp:
    """The ASGI application over these parts; whoever made them closes them."""
    app = _doors()
    app.state.parts = parts
    app.state.watch = watch
    app.state.breakers = breakers
    app.state.gauges = health.LatestGauges()
    return Edge(app)


def openapi_document() -> dict[str, Any]:
    """The OpenAPI 3.1 document of the API."""
    return _doors().openapi()


def _doors() -> FastAPI:
    app = FastAPI(title=_TITLE, docs_url=None, redoc_url=None, redirect_slashes=False)
    # Taken over as they are: a nested router would be searched anew for every request.
    for router in (
        reading.router,
        submissions.router,
        feedback.router,
        generate.router,
        openai_front.router,
        embeddings.router,
        budgets.router,
        circuits.router,
        routing.router,
        experiments.router,
        providers.router,
        provider_checks.router,
        templates.router,
        prompts.router,
        cache.router,
        events.router,
        kinds.router,
        health.router,
    ):
        app.router.routes.extend(map(strict, router.routes))
    app.include_router(manual.router, include_in_schema=False)
    problems.install(app)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(title=_TITLE, version="1", description=_ABOUT, routes=app.routes)
        schemas = document["components"]["schemas"]
        for name, adapter in _bodies().items():
            schema = adapter.json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(schema.pop("$defs", {}))
            schemas[name] = schema
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        document["components"]["schemas"] = dict(sorted(schemas.items()))
        document["paths"] = dict(sorted(document["paths"].items()))
        document["components"]["securitySchemes"] = {"ApiKey": _KEY}
        for path, methods in document["paths"].items():
            for operation in methods.values() if path.startswith((BASE, ROOT)) else ():
                operation["security"] = [{"ApiKey": []}]
        app.openapi_schema = document
    return app.openapi_schema


def _bodies() -> dict[str, TypeAdapter[Any]]:
    named: dict[str, TypeAdapter[Any]] = {model.__name__: TypeAdapter(model) for model in MODELS.values()}
    given = (
        BudgetRequest,
        RoutingConfig,
        ProviderRequest,
        ProviderPatch,
        CheckRequest,
        Template,
        TemplateFilling,
        ExperimentRequest,
        ExperimentPatch,
        FeedbackRequest,
        GenerateRequest,
        PromptRequest,
        WarmRequest,
        ChatCompletionRequest,
        CompletionRequest,
        embeddings.EmbeddingRequest,
        OpenAIError,
    )
    for model in given:
        named[model.__name__] = TypeAdapter(model)
    return {**named, "TaskRequest": TASK_REQUEST, "Problem": TypeAdapter(Problem)}
