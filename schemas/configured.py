"""Providers as a tenant configures them: what is given, what is shown, what a test of one found.

A credential is given and never shown. It belongs to the host it was given for.
"""

import json
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from schemas.addresses import BaseAddress
from schemas.base import Value
from schemas.providers import ProviderOptions, Vendor, Wire, vendor_of

ProviderName = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        description="1 to 63 lower-case letters, digits and '-'; not at either end",
    ),
]
ModelName = Annotated[
    str, Field(pattern=r"^[!-~]{1,200}$", description="the model asked where a task names none")
]
Credential = Annotated[
    SecretStr,
    Field(
        min_length=1, max_length=8192, description="the endpoint's key or token; sealed, never shown again"
    ),
]
Limit = Annotated[int, Field(ge=1, le=100_000, description="calls at a time; none for no limit of its own")]
Position = Annotated[int, Field(ge=-1000, le=1000, description="lower ones are tried first")]

_FOR: Final[dict[str, frozenset[Vendor]]] = {
    "organization": frozenset({Vendor.OPENAI, Vendor.CUSTOM}),
    "project": frozenset({Vendor.OPENAI, Vendor.CUSTOM}),
    "anthropic_version": frozenset({Vendor.ANTHROPIC, Vendor.CUSTOM}),
    "api_version": frozenset({Vendor.AZURE, Vendor.CUSTOM}),
    "server_type": frozenset({Vendor.OLLAMA, Vendor.LMSTUDIO, Vendor.CUSTOM}),
    "copilot": frozenset({Vendor.COPILOT}),
}
"""Which vendors an option means anything to."""


def misplaced_option(vendor: Vendor, options: ProviderOptions) -> str | None:
    """What is wrong with an option that this vendor does not know; None where all fit."""
    for name, vendors in _FOR.items():
        if getattr(options, name) is not None and vendor not in vendors:
            known = ", ".join(sorted(vendors))
            return f"options.{name} means nothing to the vendor {vendor}: it is for {known}"
    return None


def misplaced_wire(vendor: Vendor, wire: Wire, options: ProviderOptions) -> tuple[str, str] | None:
    """Field and fault where GitHub's API and the vendor `copilot` are apart, or no repository is named."""
    if (wire is Wire.COPILOT) is not (vendor is Vendor.COPILOT):
        return "wire", f"{wire} is not spoken by the vendor {vendor}: leave it out for the vendor's own"
    if wire is Wire.COPILOT and options.copilot is None:
        return "options.copilot", 'is required: {"repository": "owner/name"} says where Copilot works'
    return None


def _sendable(credential: SecretStr | None) -> SecretStr | None:
    if credential is not None and not all("!" <= char <= "~" for char in credential.get_secret_value()):
        raise ValueError("must be visible ASCII characters without spaces, as a header carries them")
    return credential


class _Given(Value):
    """What every way of giving a provider checks."""

    @model_validator(mode="before")
    @classmethod
    def _default_model_is_the_model(cls, given: Any) -> Any:
        if isinstance(given, dict) and "default_model" in given and "model" not in given:
            given = {**given, "model": given["default_model"]}
            del given["default_model"]
        return given

    @model_validator(mode="before")
    @classmethod
    def _local_is_what_its_server_type_says(cls, given: Any) -> Any:
        if isinstance(given, dict) and isinstance(given.get("vendor"), str):
            options = given.get("options")
            server_type = options.get("server_type") if isinstance(options, dict) else None
            meant = vendor_of(given["vendor"], server_type if isinstance(server_type, str) else None)
            return {**given, "vendor": meant or given["vendor"]}
        return given

    @field_validator("credential", check_fields=False)
    @classmethod
    def _can_be_sent(cls, credential: SecretStr | None) -> SecretStr | None:
        return _sendable(credential)


class ProviderRequest(_Given):
    """A provider to be made; an address and a credential are enough."""

    name: ProviderName | None = Field(None, description="without one it is made from the host")
    vendor: Vendor | None = Field(None, description="without one it is known by the host, or `custom`")
    wire: Wire | None = Field(None, description="without one it is the vendor's usual")
    base_url: BaseAddress
    model: ModelName | None = Field(None, description="without one the endpoint is asked for its models")
    credential: Credential | None = None
    options: ProviderOptions = Field(default_factory=ProviderOptions)
    concurrency_limit: Limit | None = None
    position: Position | None = None
    paused: bool = False


class ProviderPatch(_Given):
    """What is to change of a provider; what is left out stays."""

    vendor: Vendor | None = None
    wire: Wire | None = None
    base_url: BaseAddress | None = None
    model: ModelName | None = None
    credential: Credential | None = Field(
        None, description="needed again with a `base_url` at another host; null: the endpoint takes none"
    )
    options: ProviderOptions | None = None
    concurrency_limit: Limit | None = None
    position: Position | None = None
    paused: bool | None = None

    @model_validator(mode="after")
    def _null_means_something(self) -> Self:
        for name in self.model_fields_set - {"credential", "concurrency_limit"}:
            if getattr(self, name) is None:
                raise ValueError(f"{name} must not be null: leave it out to keep what it is")
        return self


class CheckRequest(_Given):
    """An endpoint and a credential to be tried without keeping them."""

    vendor: Vendor | None = None
    wire: Wire | None = None
    base_url: BaseAddress | None = None
    model: ModelName | None = None
    credential: Credential | None = None
    options: ProviderOptions | None = None


class CredentialKind(StrEnum):
    """Where a credential is: sealed here, in the operator's environment, or nowhere."""

    SEALED = "sealed"
    ENVIRONMENT = "environment"
    NONE = "none"


class CredentialView(Value):
    """What is shown of a credential."""

    kind: CredentialKind
    host: str | None = Field(description="the only host that it is ever sent to")
    set_at: datetime | None = Field(description="when it was sealed")
    last_used_at: datetime | None = Field(description="when it was last opened, to the minute")


class ProviderView(Value):
    """A configured provider."""

    name: str
    vendor: Vendor
    wire: Wire
    base_url: str
    model: str
    credential: CredentialView
    options: ProviderOptions
    concurrency_limit: int | None
    position: int
    paused: bool
    simulated: bool
    managed: bool = Field(description="set up by the operator's environment, and again at each start")
    created_at: datetime
    updated_at: datetime


class ProviderMade(ProviderView):
    """A provider as it was made."""

    took_over_from: list[str] = Field(
        description="simulated providers that were paused, as this is the first real one"
    )


class ProviderPage(Value):
    """A tenant's providers in the order they are tried."""

    data: list[ProviderView]


class CheckStatus(StrEnum):
    """How far a check is."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class CredentialVerdict(StrEnum):
    """What the endpoint said to the credential; `unproven`: it answers without one as well."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNPROVEN = "unproven"
    NONE = "none"
    MISSING = "missing"


class Probe(Value):
    """What an endpoint answered."""

    ok: bool
    reachable: bool
    credential: CredentialVerdict
    latency_ms: float | None = Field(description="until the endpoint's answer had arrived")
    http_status: int | None
    models: list[str] = Field(description="as the endpoint lists them, at most 500")
    model_listed: bool | None = Field(description="whether the wanted model is among them; null if unknown")
    message: str
    vendor_usage: dict[str, Any] | None = Field(
        None, description="what the vendor says was used, where an own adapter tells"
    )


class CheckView(Value):
    """A test of a provider: its state, and what was found once it is done."""

    id: UUID
    status: CheckStatus
    message: str | None = Field(description="why nothing was found")
    result: Probe | None


class ModelView(Value):
    """A model that a provider may be asked for."""

    id: str
    default: bool
    listed: bool = Field(description="whether the endpoint itself lists it")


class ModelPage(Value):
    """The models of a provider, as it listed them last, with its default."""

    data: list[ModelView]
    listed_at: datetime | None = Field(description="when the endpoint was asked last")


class ModelUsage(Value):
    """What calls of one model used; tokens, and decimal dollars."""

    model: str
    calls: int
    failed: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost_usd: str


class ProviderUsage(Value):
    """What a provider's calls used in a time; `held_usd` is what open calls may still cost."""

    provider: str
    starts: datetime
    ends: datetime
    calls: int
    open_calls: int
    failed: int
    estimated: int = Field(description="calls whose cost is an estimate")
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost_usd: str
    held_usd: str
    fees_usd: str = Field(description="monthly fees that were booked in that time, beside the calls' cost")
    by_model: list[ModelUsage]


class Standing(StrEnum):
    """How a provider does."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"


class CheckedUp(Value):
    """What the last active check of a provider found."""

    at: datetime
    ok: bool
    latency_ms: float | None
    message: str
    failures: int = Field(description="checks that failed in a row")


class ProviderHealth(Value):
    """How a provider does, by its gates, its calls of the last quarter of an hour, and active checks."""

    provider: str
    status: Standing
    reasons: list[str]
    paused: bool
    calls: int
    failed: int = Field(description="failures that speak of the provider's health")
    error_rate: float
    availability: float | None = Field(
        description="share of calls that were answered among those that speak of its health; null without any"
    )
    latency_ewma_ms: float | None = Field(
        description="time of an answered call on average, where newer ones count more"
    )
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    first_token_p50_ms: float | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    check: CheckedUp | None = Field(description="the last active check; null where there are none")


class HealthOverview(Value):
    """How all providers of a tenant do; `down` only where none is left that works."""

    status: Standing
    healthy: int
    degraded: int
    down: int
    data: list[ProviderHealth]


class TemplateVariable(Value):
    """What is to be filled in; `secret` ones are given and never kept with the template."""

    description: str = Field(max_length=500)
    default: str | None = Field(None, max_length=8192)
    secret: bool = False


MOST_TEMPLATE_BYTES: Final = 16 * 1024
"""A variable may stand in it often, and each time its value does."""
VariableName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]


class Template(Value):
    """A provider with `{{VARIABLES}}` in it."""

    name: ProviderName
    description: str = Field("", max_length=500)
    variables: dict[VariableName, TemplateVariable] = Field(default_factory=dict, max_length=20)
    provider: dict[str, Any] = Field(description="as `POST /providers` takes it, with `{{VARIABLES}}`")

    @field_validator("provider")
    @classmethod
    def _is_small(cls, provider: dict[str, Any], _: ValidationInfo) -> dict[str, Any]:
        if not 1 <= len(provider) <= len(ProviderRequest.model_fields):
            raise ValueError("must have the fields of a provider")
        size = len(json.dumps(provider))
        if size > MOST_TEMPLATE_BYTES:
            raise ValueError(f"must take at most {MOST_TEMPLATE_BYTES:,} bytes, and takes {size:,}")
        return provider


class TemplateView(Template):
    """A template, and whether it is one of ours."""

    built_in: bool


class TemplatePage(Value):
    """Built-in templates, and the tenant's own."""

    data: list[TemplateView]


class TemplateFilling(Value):
    """Values for a template's variables, and the name of the provider to be made."""

    name: ProviderName | None = None
    variables: dict[VariableName, Annotated[SecretStr, Field(max_length=8192)]] = Field(
        default_factory=dict, max_length=20
    )
