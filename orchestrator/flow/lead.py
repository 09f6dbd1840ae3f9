"""Lead: put a tenant's own text at the beginning of a kind's prompts, or take it away again."""

from uuid import UUID

from orchestrator.catalogue import leads
from orchestrator.store import prompts, views
from orchestrator.wiring import Parts
from schemas.errors import FieldError, InvalidRequest, NotFound


async def lead(parts: Parts, tenant_id: UUID, name: str, template: str | None) -> None:
    """Keep a lead, or with None go back to the built-in one. Raises `InvalidRequest`, `NotFound`."""
    if name not in leads.NAMES:
        raise NotFound(f"There is no prompt {name[:100]!r}; there are {', '.join(leads.NAMES)}.")
    if template is None:
        if not await parts.db.run(prompts.DROP_PROMPT, tenant_id=tenant_id, name=name):
            raise NotFound(f"The tenant has no prompt {name!r} of its own.")
    else:
        try:
            leads.check(name, template)
        except leads.Unfit as error:
            message = f"template {error}"
            wrong = FieldError(field="template", message=message, code="template")
            raise InvalidRequest(message, errors=(wrong,)) from error
        version = leads.version(template)
        await parts.db.run(
            prompts.KEEP_PROMPT, tenant_id=tenant_id, name=name, template=template, version=version
        )
    views.forget_prompts(tenant_id)
