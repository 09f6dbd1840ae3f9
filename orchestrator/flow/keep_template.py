"""Keep a template: a tenant's own, by its name; the built-in ones stay as they are."""

from uuid import UUID

from orchestrator.catalogue.templates import BUILT_IN, complaints
from orchestrator.store import providers
from orchestrator.wiring import Parts
from schemas.configured import Template
from schemas.errors import FieldError, InvalidRequest


async def keep_template(parts: Parts, tenant_id: UUID, template: Template) -> None:
    """Store or replace a template. Raises `InvalidRequest`."""
    errors = [
        FieldError(field=field, message=f"{field} {said}", code="template")
        for field, said in complaints(template)
    ]
    if template.name in BUILT_IN:
        message = f"name {template.name!r} is a built-in template's: choose another one"
        errors.append(FieldError(field="name", message=message, code="built_in"))
    if errors:
        raise InvalidRequest(errors[0].message, errors=tuple(errors))
    await parts.db.run(
        providers.KEEP_TEMPLATE,
        tenant_id=tenant_id,
        name=template.name,
        template=template.model_dump_json(),
    )
