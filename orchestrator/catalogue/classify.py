"""What a request asks for where it does not say: kind, language, complexity, the capabilities it needs. Pure.

Rules and no model: what stands in the fields counts before words, and words at the beginning before later
ones. The same request is always classified the same way.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any, Final, NamedTuple

from orchestrator.catalogue.models import Capability
from schemas.tasks import ChatRequest, EmbedRequest, ReviewCodeRequest, TaskKind, TaskRequest

ASKED: Final = {
    TaskKind.GENERATE_CODE: Capability.GENERATION,
    TaskKind.FIX_BUG: Capability.FIXING,
    TaskKind.IMPLEMENT_FEATURE: Capability.GENERATION,
    TaskKind.REVIEW_CODE: Capability.REVIEW,
    TaskKind.REFACTOR: Capability.GENERATION,
    TaskKind.WRITE_TESTS: Capability.TESTING,
    TaskKind.DOCUMENT: Capability.DOCUMENTATION,
    TaskKind.CHAT: Capability.GENERATION,
    TaskKind.EMBED: Capability.EMBEDDING,
}
"""What each kind asks of a model before all."""

LANGUAGES: Final = {
    ".c": "c", ".cc": "c++", ".cpp": "c++", ".cs": "c#", ".go": "go", ".h": "c", ".hpp": "c++",
    ".java": "java", ".js": "javascript", ".jsx": "javascript", ".kt": "kotlin", ".mjs": "javascript",
    ".php": "php", ".py": "python", ".pyi": "python", ".rb": "ruby", ".rs": "rust", ".scala": "scala",
    ".sh": "shell", ".sql": "sql", ".swift": "swift", ".ts": "typescript", ".tsx": "typescript",
}  # fmt: skip
_NAMED: Final = re.compile(
    r"\b(python|javascript|typescript|golang|java|rust|ruby|kotlin|swift|scala|php)\b|(?<!\w)(c\+\+|c#)",
    re.IGNORECASE,
)
_IN_DIFF: Final = re.compile(r"^\+\+\+ (?:b/)?(\S+)", re.MULTILINE)
_FIELDS: Final = (
    ("error_report", TaskKind.FIX_BUG),
    ("logs", TaskKind.FIX_BUG),
    ("max_findings", TaskKind.REVIEW_CODE),
    ("keep_public_names", TaskKind.REFACTOR),
    ("framework", TaskKind.WRITE_TESTS),
    ("audience", TaskKind.DOCUMENT),
)
"""Fields that only one kind has."""
_SPOKEN: Final = {
    TaskKind.WRITE_TESTS: r"(?:write|add|create|generate|improve|extend|need)\b[^.\n]{0,40}\btests?\b"
    r"|unit tests?\b|test coverage\b",
    TaskKind.DOCUMENT: r"document(?:ation|ed)?\b|docstrings?\b|readme\b|comments\b",
    TaskKind.REVIEW_CODE: r"review\b|audit\b|look over\b",
    TaskKind.REFACTOR: r"refactor|clean ?up\b|restructure|simplif|extract\b|rename\b|split\b",
    TaskKind.FIX_BUG: r"fix|bugs?\b|crash|fails?\b|failing\b|errors?\b|exception\b|traceback\b|broken\b"
    r"|regression\b|wrong(?:ly)?\b|does(?:n't| not) work\b",
    TaskKind.IMPLEMENT_FEATURE: r"implement|add\b|support\b|introduce\b|allow\b",
}
_WORDS: Final = {kind: re.compile(rf"\b(?:{words})", re.IGNORECASE) for kind, words in _SPOKEN.items()}
_BESIDE: Final = (TaskKind.WRITE_TESTS, TaskKind.DOCUMENT)
"""What criteria may ask for beside the kind's own work."""
_FIRST: Final = 60
_NEED_CODE: Final = frozenset({TaskKind.FIX_BUG, TaskKind.REFACTOR, TaskKind.WRITE_TESTS, TaskKind.DOCUMENT})
_STEPS: Final = (1.0, 3.0, 6.0, 10.0)


class Classified(NamedTuple):
    """What was found; `complexity` from 1 to 5, `language` in lower case."""

    language: str | None
    complexity: int
    capabilities: tuple[Capability, ...]


def kind_of(context: Mapping[str, Any]) -> TaskKind:
    """The kind that a context is for, where the request names none; what can't be told is new code."""
    if "prompt" in context or ("messages" in context and "description" not in context):
        return TaskKind.CHAT
    for name, kind in _FIELDS:
        if context.get(name) is not None:
            return kind
    bundle = context.get("bundle")
    based = isinstance(bundle, Mapping) and bundle.get("base") is not None
    is_change, has_code = bool(context.get("diff")) or based, bool(context.get("files") or bundle)
    description = context.get("description")
    for kind in _by_words(description if isinstance(description, str) else ""):
        if (kind is TaskKind.REVIEW_CODE and not is_change) or (kind in _NEED_CODE and not has_code):
            continue
        if kind is TaskKind.IMPLEMENT_FEATURE and not has_code:
            continue
        return kind
    return TaskKind.REVIEW_CODE if is_change else TaskKind.GENERATE_CODE


def classify(request: TaskRequest) -> Classified:
    """Language, complexity and capabilities of a request; what it says itself is taken as it is."""
    first = ASKED[request.kind]
    if isinstance(request, ChatRequest | EmbedRequest):
        return Classified(None, 1, (first,))
    context = request.context
    needed = {first}
    if not isinstance(request, ReviewCodeRequest):
        said = "\n".join(context.acceptance_criteria)
        needed |= {ASKED[kind] for kind in _BESIDE if _WORDS[kind].search(said)}
    return Classified(
        _language(request),
        context.estimated_complexity or _complexity(request),
        (first, *sorted(needed - {first})),
    )


def _by_words(description: str) -> list[TaskKind]:
    """The kinds whose words occur, the likeliest first."""
    points = {}
    for place, (kind, words) in enumerate(_WORDS.items()):
        found = [match.start() for match in words.finditer(description)]
        if found:
            points[kind] = (-sum(3 if start < _FIRST else 1 for start in found), found[0], place)
    return sorted(points, key=lambda kind: points[kind])


def _language(request: TaskRequest) -> str | None:
    if isinstance(request, ChatRequest | EmbedRequest):
        return None
    context = request.context
    if context.constraints.language:
        return context.constraints.language.lower()
    paths = [file.path for file in context.files] or _IN_DIFF.findall(context.diff or "")
    if found := _commonest(LANGUAGES.get(PurePosixPath(path).suffix.lower()) for path in paths):
        return found
    named = _NAMED.search(context.description)
    if named is None:
        return None
    return {"golang": "go"}.get(named[0].lower(), named[0].lower())


def _commonest(languages: Iterable[str | None]) -> str | None:
    counts = Counter(language for language in languages if language)
    return min(counts, key=lambda language: (-counts[language], language), default=None)


def _complexity(request: TaskRequest) -> int:
    """From how much is asked, and how much there is to look at."""
    if isinstance(request, ChatRequest | EmbedRequest):
        return 1
    context = request.context
    size = sum(len(file.content) for file in context.files) + len(context.diff or "")
    points = (
        len(context.acceptance_criteria)
        + len(context.specifications.model_dump(exclude_none=True))
        + len(context.description.split()) / 80
        + len(context.files) / 5
        + size / 50_000
        + (2 if context.bundle is not None else 0)
    )
    return 1 + sum(points >= step for step in _STEPS)
