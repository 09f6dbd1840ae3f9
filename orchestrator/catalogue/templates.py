"""Templates of providers: one for each well-known endpoint, as data; filled in, they are requests.

`{{NAME}}` in any text stands for a variable. A whole text that is one variable without a value, where
the variable has no default, leaves its field out if the field may be left out.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from orchestrator.catalogue.vendors import FACTS
from schemas.addresses import origin_of
from schemas.configured import Template, TemplateVariable
from schemas.copilot import AUTO, BRANCH, WORKFLOW
from schemas.providers import ProviderOptions, Vendor, Wire

_VARIABLE: Final = re.compile(r"\{\{\s*([A-Z][A-Z0-9_]{0,63})\s*\}\}")
_KEY: Final = TemplateVariable(description="the API key", secret=True)
_VENDORS: Final = frozenset(Vendor)


def usual_wire(vendor: Vendor, base_url: str, options: ProviderOptions | None = None) -> Wire:
    """What a vendor speaks there where nothing else is said: its own format below the address of its own
    API, OpenAI's below any other, because that is what their compatible addresses speak. GitHub has none.
    What is declared goes before both."""
    if options is not None and options.custom is not None:
        return Wire.CUSTOM
    if options is not None and options.adapter is not None:
        return Wire.ADAPTER
    facts = FACTS[vendor]
    if facts.wire is Wire.COPILOT:
        return facts.wire
    own = facts.base_url is not None and _path(facts.base_url) == _path(base_url)
    return facts.wire if own and facts.wire else Wire.OPENAI_CHAT


def _path(base_url: str) -> str:
    return urlsplit(base_url).path.rstrip("/")


def _template(
    name: str, about: str, base_url: str, *, key: bool = True, usual: bool = False, **variables: str
) -> Template:
    """A template of a vendor of this name, or of a compatible endpoint; `usual`: with the vendor's model."""
    model = FACTS[Vendor(name)].model if usual else None
    named = {each: TemplateVariable(description=said) for each, said in variables.items()}
    provider: dict[str, Any] = {
        "vendor": name if name in _VENDORS else str(Vendor.CUSTOM),
        "base_url": base_url,
        "model": "{{MODEL}}",
    }
    named["MODEL"] = TemplateVariable(description="the model to ask", default=model)
    if key:
        provider["credential"] = "{{API_KEY}}"
        named["API_KEY"] = _KEY
    return Template(name=name, description=about, variables=named, provider=provider)


_COPILOT: Final = Template(
    name="copilot",
    description="GitHub Copilot, by a workflow of a repository: docs/copilot.md",
    variables={
        "REPOSITORY": TemplateVariable(description="owner/name of the repository that does the work"),
        "BRANCH": TemplateVariable(description="the branch that work starts from", default=BRANCH),
        "WORKFLOW": TemplateVariable(description="the workflow's file name", default=WORKFLOW),
        "MODEL": TemplateVariable(description="agent tasks may name one", default=AUTO),
        "API_KEY": TemplateVariable(description="a token of GitHub for the repository", secret=True),
    },
    provider={
        "vendor": str(Vendor.COPILOT),
        "base_url": "https://api.github.com",
        "model": "{{MODEL}}",
        "credential": "{{API_KEY}}",
        "options": {
            "copilot": {
                "repository": "{{REPOSITORY}}",
                "branch": "{{BRANCH}}",
                "workflow": "{{WORKFLOW}}",
            }
        },
    },
)

BUILT_IN: Final[dict[str, Template]] = {
    template.name: template
    for template in (
        _template("openai", "OpenAI", "https://api.openai.com/v1", usual=True),
        _template(
            "anthropic", "Anthropic", "https://api.anthropic.com", usual=True,
        ),
        _template(
            "google", "Google Gemini", "https://generativelanguage.googleapis.com/v1beta", usual=True,
        ),
        _template(
            "azure", "Azure OpenAI", "https://{{RESOURCE}}.openai.azure.com/openai/v1",
            RESOURCE="the resource's name",
        ),
        _template("huggingface", "Hugging Face's router", "https://router.huggingface.co/v1"),
        _template("openrouter", "OpenRouter", "https://openrouter.ai/api/v1", usual=True),
        _template("groq", "Groq", "https://api.groq.com/openai/v1"),
        _template("mistral", "Mistral", "https://api.mistral.ai/v1", usual=True),
        _template("deepseek", "DeepSeek", "https://api.deepseek.com/v1", usual=True),
        _template("xai", "xAI", "https://api.x.ai/v1"),
        _COPILOT,
        _template(
            "ollama", "A local Ollama", "http://{{HOST}}/v1", key=False,
            HOST="host and port, usually 127.0.0.1:11434",
        ),
        _template(
            "lmstudio", "A local LM Studio", "http://{{HOST}}/v1", key=False,
            HOST="host and port, usually 127.0.0.1:1234",
        ),
        _template(
            "compatible", "Any OpenAI-compatible endpoint", "{{BASE_URL}}",
            BASE_URL="its address, up to its version",
        ),
    )
}  # fmt: skip
_BY_ORIGIN: Final = {
    origin_of(template.provider["base_url"]): template
    for template in BUILT_IN.values()
    if "{{" not in template.provider["base_url"]
}


def known_at(base_url: str) -> Template | None:
    """The built-in template of the endpoint that this address is at."""
    return _BY_ORIGIN.get(origin_of(base_url))


def vendor_at(base_url: str) -> Vendor:
    """The vendor that an address belongs to; `custom` where it is nobody's we know."""
    known = known_at(base_url)
    return Vendor(known.provider["vendor"]) if known else Vendor.CUSTOM


def complaints(template: Template) -> list[tuple[str, str]]:
    """What is wrong with a template of a tenant: pairs of field and message. Pure."""
    used = set(_used(template.provider))
    wrong = [
        (f"variables.{name}", f"is used in the template and not declared: add {name!r} to variables")
        for name in sorted(used - set(template.variables))
    ]
    wrong += [
        (f"variables.{name}", "is declared and not used: take it away")
        for name in sorted(set(template.variables) - used)
    ]
    wrong += [
        (f"variables.{name}.default", "must not be given for a secret: it would be kept unsealed")
        for name, variable in template.variables.items()
        if variable.secret and variable.default is not None
    ]
    shown = set(_used({**template.provider, "credential": None}))
    wrong += [
        (f"variables.{name}", "is secret, so it may stand in provider.credential alone: all else is shown")
        for name, variable in template.variables.items()
        if variable.secret and name in shown
    ]
    credential = template.provider.get("credential")
    if credential is not None and not _is_secret(template, credential):
        wrong.append(("provider.credential", "must be one variable that is secret, such as {{API_KEY}}"))
    return wrong


def _is_secret(template: Template, credential: object) -> bool:
    found = _VARIABLE.fullmatch(credential) if isinstance(credential, str) else None
    return found is not None and getattr(template.variables.get(found[1]), "secret", False)


def missing(template: Template, values: Mapping[str, str]) -> list[str]:
    """Variables that have neither a value nor a default, nor stand alone for a model."""
    needed = set(_used({**template.provider, "model": None}))
    return sorted(
        name
        for name, variable in template.variables.items()
        if name in needed and name not in values and variable.default is None
    )


def filled(template: Template, values: Mapping[str, str]) -> dict[str, Any]:
    """The provider's request: every variable replaced; a model nobody named is left out. Pure."""
    known = {name: each.default for name, each in template.variables.items() if each.default is not None}
    made: dict[str, Any] = _replaced(template.provider, {**known, **values})
    if isinstance(made.get("model"), str) and _VARIABLE.search(made["model"]):
        del made["model"]
    return made


def _replaced(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: values.get(found[1], found[0]), value)
    if isinstance(value, dict):
        return {name: _replaced(each, values) for name, each in value.items()}
    if isinstance(value, list):
        return [_replaced(each, values) for each in value]
    return value


def _used(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from _VARIABLE.findall(value)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _used(each)
    elif isinstance(value, list):
        for each in value:
            yield from _used(each)
