"""`submit`: a task of each kind from the command line, waited for unless told otherwise."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.cli import outcome, printing, sources
from orchestrator.cli.exits import Misused
from orchestrator.cli.session import Session, session

app = typer.Typer(
    help="Submit a task. The result goes to standard output, everything else to standard error.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

PriorityOption = Annotated[str | None, typer.Option(metavar="LEVEL", help="low, medium, high or critical.")]
LabelOption = Annotated[list[str] | None, typer.Option(metavar="LABEL", help="May be given several times.")]
ProviderOption = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="Only this provider; several times: these.")
]
ModelOption = Annotated[str | None, typer.Option(metavar="MODEL", help="The model to ask.")]
ConsensusOption = Annotated[
    int | None,
    typer.Option(
        min=2, max=5, metavar="N", help="Ask so many different providers; one of their answers is chosen."
    ),
]
KeyOption = Annotated[
    str | None,
    typer.Option(
        metavar="KEY", help="The same key and request bring back the same task instead of a second."
    ),
]
WaitOption = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the result.")]
TimeoutOption = Annotated[
    float | None,
    typer.Option(min=0, metavar="SECONDS", help="Seconds to wait; the task goes on after them. Exit code 3."),
]
ValidateOption = Annotated[
    bool, typer.Option("--validate-only", help="Show the route and the cost estimate; submit nothing.")
]
FileOption = Annotated[
    list[Path] | None,
    typer.Option("--file", "-f", metavar="PATH", help="A file of the code; may be given several times."),
]
CriterionOption = Annotated[
    list[str] | None,
    typer.Option("--criterion", "-c", metavar="TEXT", help="An acceptance criterion; several times."),
]
LanguageOption = Annotated[str | None, typer.Option(metavar="NAME", help="The programming language.")]


@dataclass(frozen=True)
class Manner:
    """How to submit: the options that all kinds share."""

    priority: str | None
    labels: list[str] | None
    providers: list[str] | None
    model: str | None
    key: str | None
    wait: bool
    timeout: float | None
    validate_only: bool
    consensus: int | None = None

    def request(self, kind: str, context: Mapping[str, Any], **wishes: Any) -> dict[str, Any]:
        """A request body; what was not given is left to the API."""
        preferences = _given(providers=self.providers, model=self.model, consensus=self.consensus, **wishes)
        return {"kind": kind, "context": _given(**context)} | _given(
            priority=self.priority, labels=self.labels, preferences=preferences
        )


@app.command("generate-code")
def generate_code(
    context: typer.Context,
    description: Annotated[
        str, typer.Argument(metavar="DESCRIPTION", help="What is wanted; - reads standard input.")
    ],
    criterion: CriterionOption = None,
    file: FileOption = None,
    language: LanguageOption = None,
    priority: PriorityOption = None,
    label: LabelOption = None,
    provider: ProviderOption = None,
    model: ModelOption = None,
    consensus: ConsensusOption = None,
    idempotency_key: KeyOption = None,
    wait: WaitOption = True,
    timeout: TimeoutOption = None,
    validate_only: ValidateOption = False,
) -> None:
    """Write new code. Prints it as a diff: `… | git apply` puts it in place."""
    manner = Manner(
        priority, label, provider, model, idempotency_key, wait, timeout, validate_only, consensus
    )
    about = _coding(description, criterion, file, language)
    _submit(context, manner, manner.request("generate_code", about))


@app.command("fix-bug")
def fix_bug(
    context: typer.Context,
    description: Annotated[
        str, typer.Argument(metavar="DESCRIPTION", help="What goes wrong; - reads standard input.")
    ],
    file: FileOption = None,
    error_report: Annotated[
        str | None,
        typer.Option(
            metavar="PATH", help="A file with the traceback or the test's output; - is standard input."
        ),
    ] = None,
    criterion: CriterionOption = None,
    language: LanguageOption = None,
    priority: PriorityOption = None,
    label: LabelOption = None,
    provider: ProviderOption = None,
    model: ModelOption = None,
    consensus: ConsensusOption = None,
    idempotency_key: KeyOption = None,
    wait: WaitOption = True,
    timeout: TimeoutOption = None,
    validate_only: ValidateOption = False,
) -> None:
    """Mend a bug in the given files. Prints the change as a diff: `… | git apply` puts it in place."""
    manner = Manner(
        priority, label, provider, model, idempotency_key, wait, timeout, validate_only, consensus
    )
    report = sources.text_of(error_report) if error_report else None
    about = {**_coding(description, criterion, file, language), "error_report": report}
    _submit(context, manner, manner.request("fix_bug", about))


@app.command("feature")
def feature(
    context: typer.Context,
    description: Annotated[
        str, typer.Argument(metavar="DESCRIPTION", help="The feature; - reads standard input.")
    ],
    file: FileOption = None,
    criterion: CriterionOption = None,
    language: LanguageOption = None,
    priority: PriorityOption = None,
    label: LabelOption = None,
    provider: ProviderOption = None,
    model: ModelOption = None,
    idempotency_key: KeyOption = None,
    wait: WaitOption = True,
    timeout: TimeoutOption = None,
    validate_only: ValidateOption = False,
) -> None:
    """Build a feature into the given files. Prints the change as a diff."""
    manner = Manner(priority, label, provider, model, idempotency_key, wait, timeout, validate_only)
    _submit(
        context, manner, manner.request("implement_feature", _coding(description, criterion, file, language))
    )


@app.command("refactor")
def refactor(
    context: typer.Context,
    description: Annotated[
        str, typer.Argument(metavar="DESCRIPTION", help="What to make better; - reads standard input.")
    ],
    file: FileOption = None,
    drop_names: Annotated[
        bool, typer.Option("--drop-names", help="Public names of Python modules may go.")
    ] = False,
    criterion: CriterionOption = None,
    language: LanguageOption = None,
    priority: PriorityOption = None,
    label: LabelOption = None,
    provider: ProviderOption = None,
    model: ModelOption = None,
    idempotency_key: KeyOption = None,
    wait: WaitOption = True,
    timeout: TimeoutOption = None,
    validate_only: ValidateOption = False,
) -> None:
    """Make the structure of the given files better. Prints the change as a diff."""
    manner = Manner(priority, label, provider, model, idempotency_key, wait, timeout, validate_only)
    about = _coding(description, criterion, file, language)
    _submit(
        context,
        manner,
        manner.request("refactor", about | ({"keep_public_names": False} if drop_names else {})),
    )


@app.command("tests")
def write_tests(
    context: typer.Context,
    description: Annotated[
        str | None, typer.Argument(metavar="DESCRIPTION", help="What to test; - reads standard input.")
    ] = None,
    file: FileOption = None,
    framework: Annotated[
        str | None, typer.Option(metavar="NAME", help="The test framework, for example pytest.")
    ] = None,
    criterion: CriterionOption = None,
    language: LanguageOption = None,
    priority: PriorityOption = None,
    label: LabelOption = None,
    provider: ProviderOption = None,
    model: ModelOption = None,
    idempotency_key: KeyOption = None,
    wait: WaitOption = True,
    timeout: TimeoutOption = None,
    validate_only: ValidateOption = False,
) -> None:
    """Write tests for the given files. Prints them as a diff."""
    manner = Manner(priority, label, provider, model, idempotency_key, wait, timeout, validate_only)
    about = {**_coding(description, criterion, file, language), "framework": framework}
    _submit(context, manner, manner.request("write_tests", about))


@app.command("document")
def document(
    context: typer.Context,
    description: Annotated[
        str | None, typer.Argument(metavar="DESCRIPTION", help="What to document; - reads standard input.")
    ] = None,
    file: FileOption = None,
    audience: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Whom the documentation is for.")
    ] = None,
    criterion: CriterionOption = None,
    language: LanguageOption = None,
    priority: PriorityOption = None,
    label: LabelOption = None,
    provider: ProviderOption = None,
    model: ModelOption = None,
    idempotency_key: KeyOption = None,
    wait: WaitOption = True,
    timeout: TimeoutOption = None,
    validate_only: ValidateOption = False,
) -> None:
    """Document the given files; their code stays as it is. Prints the change as a diff."""
    manner = Manner(priority, label, provider, model, idempotency_key, wait, timeout, validate_only)
    about = {**_coding(description, criterion, file, language), "audience": audience}
    _submit(context, manner, manner.request("document", about))


@app.command("review")
def review(
    context: typer.Context,
    diff: Annotated[
        str | None,
        typer.Argument(
            metavar="DIFF",
            help="A file with a diff; - is standard input. Without it: `git diff HEAD` of this folder.",
        ),
    ] = None,
    base: Annotated[
        str | None, typer.Option(metavar="COMMIT", help="Review what changed since this commit or branch.")
    ] = None,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="What the change is for.")] = None,
    max_findings: Annotated[
        int | None, typer.Option(min=1, max=50, metavar="NUMBER", help="At most this many.")
    ] = None,
    verifier: Annotated[
        bool | None,
        typer.Option(
            "--verifier/--no-verifier", help="Have a second call score each finding; on by default."
        ),
    ] = None,
    min_score: Annotated[
        int | None, typer.Option(min=0, max=10, metavar="SCORE", help="Drop findings scored below this.")
    ] = None,
    file: FileOption = None,
    priority: PriorityOption = None,
    label: LabelOption = None,
    provider: ProviderOption = None,
    model: ModelOption = None,
    consensus: ConsensusOption = None,
    idempotency_key: KeyOption = None,
    wait: WaitOption = True,
    timeout: TimeoutOption = None,
    validate_only: ValidateOption = False,
) -> None:
    """Review a change: `git diff | orchestrator submit review -`."""
    manner = Manner(
        priority, label, provider, model, idempotency_key, wait, timeout, validate_only, consensus
    )
    about = _given(
        diff=sources.diff(diff, base),
        description=description,
        max_findings=max_findings,
        files=sources.source_files(file or []),
    )
    _submit(context, manner, manner.request("review_code", about, verifier=verifier, min_score=min_score))


@app.command("chat")
def chat(
    context: typer.Context,
    prompt: Annotated[str, typer.Argument(metavar="PROMPT", help="What to answer; - reads standard input.")],
    priority: PriorityOption = None,
    label: LabelOption = None,
    provider: ProviderOption = None,
    model: ModelOption = None,
    consensus: ConsensusOption = None,
    idempotency_key: KeyOption = None,
    wait: WaitOption = True,
    timeout: TimeoutOption = None,
    validate_only: ValidateOption = False,
) -> None:
    """Answer a prompt in plain text."""
    manner = Manner(
        priority, label, provider, model, idempotency_key, wait, timeout, validate_only, consensus
    )
    said = sources.text_of("-").strip() if prompt == "-" else prompt
    _submit(context, manner, manner.request("chat", {"prompt": said}))


@app.command("task")
def raw_task(
    context: typer.Context,
    body: Annotated[
        str, typer.Argument(metavar="FILE", help="A file with a request as JSON; - is standard input.")
    ],
    idempotency_key: KeyOption = None,
    wait: WaitOption = True,
    timeout: TimeoutOption = None,
    validate_only: ValidateOption = False,
) -> None:
    """Submit a request as the API takes it, of any kind."""
    try:
        request = json.loads(sources.text_of(body))
    except (ValueError, RecursionError) as error:
        raise Misused(f"{body} is not JSON: {error}") from error
    if not isinstance(request, dict):
        raise Misused("A request is a JSON object.")
    manner = Manner(None, None, None, None, idempotency_key, wait, timeout, validate_only)
    _submit(context, manner, request)


def _coding(
    description: str | None, criteria: list[str] | None, files: list[Path] | None, language: str | None
) -> dict[str, Any]:
    return _given(
        description=sources.text_of("-").strip() if description == "-" else description,
        acceptance_criteria=criteria,
        files=sources.source_files(files or []),
        constraints=_given(language=language),
    )


def _submit(context: typer.Context, manner: Manner, request: dict[str, Any]) -> None:
    shared = session(context)
    with shared.client() as client:
        if manner.validate_only:
            _show_plan(shared, client.validate(request).body)
            return
        task = client.submit(request, idempotency_key=manner.key)
        outcome.announce(shared, task, waits=manner.wait)
        if manner.wait:
            outcome.wait_and_show(shared, client, task.id, manner.timeout)


def _show_plan(shared: Session, plan: dict[str, Any]) -> None:
    """Where the task would go and what a call would cost there."""
    if shared.as_json:
        printing.write_json(plan, shared.output)
        return
    route = [f"{candidate['provider']} ({candidate['model']})" for candidate in plan["candidates"]]
    estimate = plan["estimate"]
    calls = estimate.get("calls", 1)
    many = "a call" if calls == 1 else f"for {calls} calls"
    likely = f", likely ${estimate['likely_cost_usd']}" if "likely_cost_usd" in estimate else ""
    printing.write(
        f"valid; nothing was submitted\nroute     {', then '.join(route)}\n"
        f"estimate  {estimate['input_tokens']:,} tokens in, at most {estimate['max_output_tokens']:,} out: "
        f"at most ${estimate['max_cost_usd']} {many}{likely}\n"
    )


def _given(**fields: Any) -> dict[str, Any]:
    """The fields that were given."""
    return {name: value for name, value in fields.items() if value not in (None, [], {})}
