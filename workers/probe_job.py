"""Probe of a provider that answers by jobs: is GitHub there, and does the token see what does the work.

Nothing is started. GitHub refuses a token that is none even where it asks for none, so that one which it
takes is proven.
"""

from typing import Final

import orjson

from orchestrator import clock
from orchestrator.wiring import Parts
from schemas.configured import CredentialVerdict, Probe
from schemas.copilot import AUTO, CopilotOptions, JobWay
from schemas.errors import Failure
from schemas.providers import Provider
from workers.fetch import Fetched, fetch
from workers.providers.copilot import GitHub, failure_of

MOST_BYTES: Final = 1024 * 1024
_UNAUTHORIZED: Final = 401
_UNSEEN: Final = (403, 404)


async def probe_job(parts: Parts, provider: Provider, credential: str | None) -> Probe:
    """What GitHub said of the workflow, or of the agent tasks, that the provider is to use."""
    options = provider.options.copilot
    if options is None:
        return _probe(provider, credential, None, 0.0, 'Set options.copilot to {"repository": "owner/name"}.')
    github = GitHub(options, credential)
    request = github.agent_tasks() if options.way is JobWay.AGENT_TASK else github.workflow()
    began = clock.monotonic()
    found = await fetch(parts, provider, request, MOST_BYTES)
    seconds = clock.monotonic() - began
    if isinstance(found, Failure):
        return _probe(provider, credential, None, seconds, found.message)
    return _probe(provider, credential, found.status, seconds, _fault(options, found, credential))


def _fault(options: CopilotOptions, found: Fetched, credential: str | None) -> str | None:
    if found.status in _UNSEEN and credential is None:
        return f"It shows nothing of {options.repository} without a token: give it a credential."
    if found.status != 200:
        return failure_of(found.status, found.headers, found.body, clock.now().timestamp()).message
    state = "active" if options.way is JobWay.AGENT_TASK else _state(found.body)
    if state != "active":
        return f"The workflow {options.workflow} of {options.repository} is {state}: enable it at GitHub."
    return None


def _state(body: bytes) -> str:
    try:
        told = orjson.loads(body)
    except ValueError:
        told = None
    return str(told.get("state"))[:100] if isinstance(told, dict) else "unreadable"


def _probe(
    provider: Provider, credential: str | None, status: int | None, seconds: float, fault: str | None
) -> Probe:
    verdict = CredentialVerdict.NONE if credential is None else CredentialVerdict.UNPROVEN
    if credential is not None and status == _UNAUTHORIZED:
        verdict = CredentialVerdict.REFUSED
    elif credential is not None and status == 200:
        verdict = CredentialVerdict.ACCEPTED
    return Probe(
        ok=fault is None,
        reachable=status is not None,
        credential=verdict,
        latency_ms=round(seconds * 1000, 1) if status is not None else None,
        http_status=status,
        models=[AUTO] if fault is None else [],
        model_listed=True if fault is None and provider.model == AUTO else None,
        message=fault or "It answered, and what does the work is there.",
    )
