"""Route: which providers may take a task, in the order they are tried. Pure."""

from dataclasses import dataclass

from schemas.errors import FieldError, NoProvider
from schemas.providers import Candidate, Provider
from schemas.tasks import TaskRequest


@dataclass(frozen=True, slots=True)
class Offer:
    """A tenant's provider as routing sees it."""

    provider: Provider
    paused: bool
    position: int


def route(request: TaskRequest, offers: tuple[Offer, ...]) -> tuple[Candidate, ...]:
    """Candidates in order: preferred ones first, then by configured position. Raises `NoProvider`.

    A provider that is named but not configured is an error that names the field, never ignored.
    """
    wishes = request.preferences
    known = {offer.provider.name for offer in offers}
    _refuse_unknown("preferences.providers", wishes.providers or [], known)
    _refuse_unknown("preferences.preferred", wishes.preferred, known)
    _refuse_unknown("preferences.excluded", wishes.excluded, known)
    fitting = [
        offer
        for offer in offers
        if (wishes.providers is None or offer.provider.name in wishes.providers)
        and offer.provider.name not in wishes.excluded
        and not offer.paused
    ]
    if not fitting:
        raise NoProvider(_why_none(offers))
    order = {name: index for index, name in enumerate(wishes.preferred)}
    fitting.sort(key=lambda offer: (order.get(offer.provider.name, len(order)), offer.position))
    return tuple(_candidate(offer.provider, wishes.model) for offer in fitting)


def _candidate(provider: Provider, model: str | None) -> Candidate:
    return Candidate(
        provider_id=provider.id, name=provider.name, vendor=provider.vendor, model=model or provider.model
    )


def _refuse_unknown(field: str, names: list[str], known: set[str]) -> None:
    for name in names:
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            message = f"there is no provider {name!r}; configured are: {listed}"
            raise NoProvider(
                message, errors=(FieldError(field=field, message=message, code="unknown_provider"),)
            )


def _why_none(offers: tuple[Offer, ...]) -> str:
    if not offers:
        return "No provider is configured: set a key such as OPENAI_API_KEY and run `orchestrator up` again."
    return "The preferences, or pauses, exclude every configured provider."
