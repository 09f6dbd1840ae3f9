"""`provider`: list, add, change, try and remove providers, and an operator's word on their gates."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli import gates, printing
from orchestrator.cli.exits import Code, Ending
from orchestrator.cli.secret import asked_for
from orchestrator.cli.session import Session, session

if TYPE_CHECKING:
    from orchestrator.client import Check, Client, Provider

app = typer.Typer(
    help="Add, change and try providers; show what keeps them from being called.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The provider's name.")]
Url = Annotated[str | None, typer.Option("--base-url", metavar="URL", help="Its address, up to its version.")]
Model = Annotated[str | None, typer.Option(metavar="MODEL", help="The model asked where a task names none.")]
Vendor = Annotated[str | None, typer.Option(metavar="VENDOR", help="openai, anthropic, google, custom …")]
FromVariable = Annotated[
    str | None,
    typer.Option("--credential-env", metavar="VARIABLE", help="Take the credential from this variable."),
]
FromInput = Annotated[
    bool, typer.Option("--credential-stdin", help="Take the credential from standard input.")
]
MostCalls = Annotated[
    int | None, typer.Option("--concurrency", metavar="NUMBER", help="Calls at a time, at most.")
]
Header = Annotated[
    list[str] | None,
    typer.Option("--header", metavar="NAME:VALUE", help="Sent along with each call; no secrets. Repeatable."),
]
Variable = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A variable of the template. Repeatable."),
]
MonthlyFee = Annotated[
    str | None,
    typer.Option(
        "--monthly-fee",
        metavar="USD",
        help="Paid for it a month whatever is asked; a call then costs nothing.",
    ),
]
_COLUMNS = ("name", "vendor", "model", "credential", "state", "address")


@app.command("list")
def list_providers(context: typer.Context) -> None:
    """List the providers in the order in which they are tried."""
    shared = session(context)
    with shared.client() as client:
        page = client.list_providers()
    if shared.as_json:
        printing.write_json_list(page.body, shared.output)
        return
    printing.table(_COLUMNS, (_row(each) for each in page))


@app.command("show")
def show(context: typer.Context, name: Name) -> None:
    """Show one provider; its credential is never shown."""
    shared = session(context)
    with shared.client() as client:
        _print(shared, client.get_provider(name))


@app.command("add")
def add(
    context: typer.Context,
    url: Annotated[
        str | None, typer.Argument(metavar="[URL]", help="Its address, up to its version; or --template.")
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Else it is made from the host.")] = None,
    vendor: Vendor = None,
    model: Model = None,
    credential_env: FromVariable = None,
    credential_stdin: FromInput = False,
    concurrency: MostCalls = None,
    header: Header = None,
    template: Annotated[
        str | None, typer.Option(metavar="TEMPLATE", help="Fill in a template: openai, azure, ollama …")
    ] = None,
    variable: Variable = None,
    monthly_fee: MonthlyFee = None,
) -> None:
    """Add a provider. The credential comes from a prompt, standard input or a variable, never an argument."""
    shared = session(context)
    if (url is None) == (template is None):
        raise Ending("Give either an address or --template.", code=Code.USAGE)
    secret = asked_for(credential_env, from_stdin=credential_stdin, prompt=True)
    with shared.client() as client:
        if template is not None:
            values = _values(client, template, variable, model, secret)
            made = client.create_provider_from_template(template, values, name=name)
        else:
            fields = {"name": name, "vendor": vendor, "model": model, "concurrency_limit": concurrency}
            options = _options(header, monthly_fee)
            made = client.create_provider(url or "", secret, **fields, options=options)
        if template is not None and monthly_fee is not None:
            paused = made.took_over_from
            options = _merged(client, made.name, _options(None, monthly_fee))
            made = client.change_provider(made.name, {"options": options})
            made = made.model_copy(update={"took_over_from": paused})
    if made.took_over_from:
        names = " and ".join(made.took_over_from)
        printing.say(f"Paused {names}: real providers take over (`orchestrator provider resume` undoes it).")
    _print(shared, made)


@app.command("set")
def change(
    context: typer.Context,
    name: Name,
    url: Url = None,
    vendor: Vendor = None,
    model: Model = None,
    credential_env: FromVariable = None,
    credential_stdin: FromInput = False,
    no_credential: Annotated[
        bool, typer.Option("--no-credential", help="The endpoint takes none: shred the one that is kept.")
    ] = False,
    concurrency: MostCalls = None,
    position: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Lower ones are tried first.")
    ] = None,
    header: Header = None,
    monthly_fee: MonthlyFee = None,
) -> None:
    """Change a provider. An address at another host needs the credential again."""
    shared = session(context)
    secret = asked_for(credential_env, from_stdin=credential_stdin, prompt=False)
    changes: dict[str, Any] = {
        "base_url": url,
        "vendor": vendor,
        "model": model,
        "concurrency_limit": concurrency,
        "position": position,
        "credential": secret,
        "options": _options(header, monthly_fee),
    }
    changes = {field: value for field, value in changes.items() if value is not None}
    if no_credential:
        changes["credential"] = None
    if not changes:
        raise Ending(
            "Nothing to change was given.", "See `orchestrator provider set --help`.", code=Code.USAGE
        )
    with shared.client() as client:
        if "options" in changes:
            changes["options"] = _merged(client, name, changes["options"])
        _print(shared, client.change_provider(name, changes))


@app.command("remove")
def remove(context: typer.Context, name: Name) -> None:
    """Remove a provider and shred its credential; tasks that wait for it go to others, or fail."""
    with session(context).client() as client:
        client.remove_provider(name)


@app.command("test")
def try_out(
    context: typer.Context,
    name: Name,
    url: Url = None,
    model: Model = None,
    credential_env: FromVariable = None,
    credential_stdin: FromInput = False,
    wait: Annotated[int, typer.Option(min=0, max=60, metavar="SECONDS", help="How long to wait.")] = 20,
) -> None:
    """Try a provider: whether it answers, how fast, and whether it takes the credential.

    With options it is tried with those changes, which are not kept. Exit code 1 where it does not do.
    """
    shared = session(context)
    secret = asked_for(credential_env, from_stdin=credential_stdin, prompt=False)
    changes = {"base_url": url, "model": model, "credential": secret}
    with shared.client() as client:
        found = client.test_provider(
            name, {field: value for field, value in changes.items() if value is not None}, wait=wait
        )
    if shared.as_json:
        printing.write_json(found.body, shared.output)
    _verdict(shared, found)


@app.command("pause")
def pause(context: typer.Context, name: Name) -> None:
    """Send nothing more to a provider."""
    with session(context).client() as client:
        client.pause_provider(name)


@app.command("resume")
def resume(context: typer.Context, name: Name) -> None:
    """Let tasks go to a provider again."""
    with session(context).client() as client:
        client.resume_provider(name)


@app.command("models")
def models(
    context: typer.Context,
    name: Name,
    live: Annotated[bool, typer.Option("--live", help="Have the endpoint asked now.")] = False,
) -> None:
    """List a provider's models, as its endpoint listed them last."""
    shared = session(context)
    with shared.client() as client:
        page = client.list_models(name, live=live)
    if shared.as_json:
        printing.write_json_list(page.body, shared.output)
        return
    rows = (
        (each.id, "default" if each.default else "", "" if each.listed else "not listed") for each in page
    )
    printing.table(("model", "", ""), rows)


@app.command("usage")
def usage(
    context: typer.Context,
    name: Name,
    starts: Annotated[
        datetime | None, typer.Option("--from", help="From when, UTC; else 30 days ago.")
    ] = None,
    ends: Annotated[datetime | None, typer.Option("--to", help="Until before when, UTC; else now.")] = None,
) -> None:
    """Sum up a provider's calls by model: calls, tokens, cost."""
    shared = session(context)
    with shared.client() as client:
        found = client.provider_usage(name, starts=_utc(starts), ends=_utc(ends))
    if shared.as_json:
        printing.write_json(found.body, shared.output)
        return
    rows = [*found.body["by_model"], {**found.body, "model": "total"}]
    fees = found.body["fees_usd"]
    counted = ("calls", "failed", "input_tokens", "cached_tokens", "output_tokens")
    printing.table(
        ("model", "calls", "failed", "input", "cached", "output", "cost"),
        ((row["model"], *(str(row[field]) for field in counted), f"${row['cost_usd']}") for row in rows),
    )
    if Decimal(fees):
        printing.write(f"monthly fees beside that: ${fees}\n")


@app.command("health")
def health(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One provider; without it all.")] = None,
) -> None:
    """Tell how a provider does, or all of them: by gates, calls of the last 15 minutes, active checks."""
    shared = session(context)
    with shared.client() as client:
        found = client.get_provider_health(name) if name else client.get_health()
    if shared.as_json:
        printing.write_json(found.body, shared.output)
    else:
        bodies = [found.body] if name else found.body["data"]
        printing.write("".join(map(_told, bodies)))


app.command("gates")(gates.gates)
app.command("reset")(gates.reset)


def _print(shared: Session, provider: "Provider") -> None:
    if shared.as_json:
        printing.write_json(provider.body, shared.output)
    else:
        printing.table(_COLUMNS, [_row(provider)])


def _row(provider: "Provider") -> tuple[str, ...]:
    state = "paused" if provider.paused else "simulated" if provider.simulated else "ready"
    return (
        provider.name, provider.vendor, provider.model, provider.credential.kind, state, provider.base_url,
    )  # fmt: skip


def _verdict(shared: Session, check: "Check") -> None:
    if check.result is None:
        waits = check.status == "pending"
        remedy = "Is a worker running? `orchestrator worker list` shows them." if waits else None
        said = "no worker has done it yet" if waits else check.message
        raise Ending(f"It was not tried: {said}.", remedy, code=Code.TIMEOUT if waits else Code.FAILED)
    if not shared.as_json:
        took = f"{check.result.latency_ms:g} ms, " if check.result.latency_ms is not None else ""
        printing.write(f"{check.result.message}\n{took}credential {check.result.credential}\n")
    if not check.result.ok:
        raise typer.Exit(Code.FAILED)


def _told(body: dict[str, Any]) -> str:
    lines = [f"{body['provider']} is {body['status']}{', and paused' if body['paused'] else ''}"]
    lines += [f"  {reason}" for reason in body["reasons"]]
    lines.append(f"  {body['calls']} calls in the last 15 minutes, {body['error_rate']:.1%} failed")
    if body["latency_p50_ms"] is not None:
        lines.append(
            f"  answered in {body['latency_p50_ms']:g} ms (p50), {body['latency_p95_ms']:g} ms (p95)"
        )
    return "\n".join(lines) + "\n"


def _values(
    client: "Client", template: str, variables: list[str] | None, model: str | None, secret: str | None
) -> dict[str, str]:
    """What a template is filled with; its secret comes the way that secrets come."""
    values = _pairs(variables, "=", "--set") | ({"MODEL": model} if model else {})
    known = next((each for each in client.list_provider_templates() if each.name == template), None)
    for name, facts in known.variables.items() if known else ():
        if not facts.get("secret"):
            continue
        if name in values:
            remedy = "Give it with --credential-env, --credential-stdin or at the prompt."
            raise Ending(
                f"{name} is secret: not in an argument, where others see it.", remedy, code=Code.USAGE
            )
        values |= {name: secret} if secret else {}
    return values


def _options(headers: list[str] | None, monthly_fee: str | None) -> dict[str, Any] | None:
    headed = {"custom_headers": _pairs(headers, ":", "--header")} if headers else {}
    paid = {"monthly_fee_usd": monthly_fee} if monthly_fee is not None else {}
    return {**headed, **paid} or None


def _merged(client: "Client", name: str, changes: dict[str, Any] | None) -> dict[str, Any]:
    """A provider's options with these changes: the server sets all of them anew. A fee of 0 is none."""
    options = {**client.get_provider(name).body.get("options", {}), **(changes or {})}
    if options.get("monthly_fee_usd") == "0":
        del options["monthly_fee_usd"]
    return {field: value for field, value in options.items() if value is not None}


def _pairs(given: list[str] | None, separator: str, option: str) -> dict[str, str]:
    found = {}
    for each in given or ():
        name, there, value = each.partition(separator)
        if not there:
            raise Ending(f"{option} takes NAME{separator}VALUE, not {each!r}.", code=Code.USAGE)
        found[name.strip()] = value.strip()
    return found


def _utc(moment: datetime | None) -> datetime | None:
    from datetime import UTC

    return moment.replace(tzinfo=UTC) if moment else None
