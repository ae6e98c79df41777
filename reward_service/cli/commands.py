"""Serve rewards for search agents, score rollouts from a file, explain a rollout, and look at the sample."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from entity_index import cli as index_cli
from entity_index.lint import lint as look_over
from reward_service.adapters.replies import encode
from reward_service.api import canaries, logs, metrics
from reward_service.api import keys as api_keys
from reward_service.api.app import check_store, create_app
from reward_service.api.schema import as_yaml
from reward_service.api.server import serve as run_server
from reward_service.cli import golden as golden_groups
from reward_service.cli import health as healthy
from reward_service.cli import judge as judge_commands
from reward_service.cli import profiles as profile_files
from reward_service.cli import render
from reward_service.cli import rollouts as rollout_files
from reward_service.cli import worker as worker_commands
from reward_service.cli.demo import run_demo, sample_file, sample_lines
from reward_service.cli.explain import explain_alone, explain_in_file
from reward_service.cli.flags import FileFlags, Files, with_file_flags
from reward_service.cli.lint import judge_of
from reward_service.cli.rollouts import BadOption
from reward_service.cli.score import TOO_FEW, score_file
from reward_service.cli.seeing import commands as seeing
from reward_service.cli.shell import (
    Index,
    ProfileName,
    closing,
    err,
    one_clear_sentence,
    out,
    scorer_with,
    settings_with,
    unknown_settings,
)
from reward_service.core.judging.recorded import Derived
from reward_service.core.profiles import shipped
from reward_service.serve import config, errors, ledger_audit, ledger_chain
from reward_service.serve import ledger as ledger_file
from reward_service.serve.config import Settings
from reward_service.serve.profiles import load as load_profiles

STARTUP_FAILURE = 3

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
ledgers = typer.Typer(no_args_is_help=True, help="Work with the record of published rewards.")
app.add_typer(ledgers, name="ledger")
app.add_typer(judge_commands.app, name="judge")
app.command()(worker_commands.worker)
app.command()(worker_commands.worker_digest)
app.add_typer(profile_files.app, name="profile")

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")]


@app.command()
def serve(
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on (default: 127.0.0.1).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (default: 8000).")] = None,
    index: Index = None,
    keys: Annotated[Path | None, typer.Option(help="File of API keys; see `reward-service key`.")] = None,
    profiles: Annotated[
        Path | None, typer.Option(help="Folder of your own profiles, one NAME.yaml each.")
    ] = None,
    ledger: Annotated[Path | None, typer.Option(help="File that records every published reward.")] = None,
    state_url: Annotated[
        str | None, typer.Option(help="Redis that stores runs and groups (default: memory of this process).")
    ] = None,
) -> None:
    """Serve over HTTP until stopped. Without an index, callers send questions inline."""
    with one_clear_sentence():
        settings = settings_with(
            host=host,
            port=port,
            index=index,
            keys=keys,
            profiles=profiles,
            ledger=ledger,
            state_url=state_url,
        )
        asyncio.run(check_store(settings))
        application = create_app(settings)
    for unknown in unknown_settings(os.environ):
        err.print(Text.assemble(("warning: ", "yellow"), unknown), soft_wrap=True)
    logs.configure(settings.log_level)
    raise typer.Exit(0 if run_server(application, settings) else STARTUP_FAILURE)


@app.command()
def demo(host: Host = "127.0.0.1", port: Port = 8000, index: Index = None) -> None:
    """Build the sample data set, serve it, score one group over HTTP, and keep serving until Ctrl-C."""
    with one_clear_sentence():
        run_demo(host=host, port=port, index=index, console=out)


@app.command()
def health(
    *,
    url: Annotated[
        str | None, typer.Option(help="Base URL (default: this machine, with the setting `port`).")
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Check only that the process responds.")] = False,
) -> None:
    """Check whether a running service is ready. Exit code 1: it is not."""
    asked = ["--url", url] if url else []
    raise typer.Exit(healthy.main(asked + ["--live"] * live))


@app.command()
def golden(
    *,
    url: Annotated[str, typer.Option(help="Base URL of the service.")] = "http://127.0.0.1:8000",
    key_file: Annotated[
        Path | None, typer.Option(help="File containing an API key with the scope score.")
    ] = None,
    wait_s: Annotated[float, typer.Option(help="Seconds to wait for the service to become ready.")] = 0.0,
) -> None:
    """Score the golden groups with a running service and compare every bit. Exit code 1: there is a difference."""
    with one_clear_sentence():
        token = None if key_file is None else key_file.read_text(encoding="utf-8").strip()
        report = golden_groups.compare(url, key=token, wait_s=wait_s)
    for words in report.differences:
        err.print(Text(words))
    if report.differences:
        raise typer.Exit(1)
    out.print(f"{report.groups} golden groups have the same rewards, bit for bit")


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="Folder to write to; created if it does not exist.")],
) -> None:
    """Write the bundled samples: questions.jsonl and rollouts.jsonl, and a recorded run, run.jsonl.gz."""
    with one_clear_sentence():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("questions.jsonl", "rollouts.jsonl"):
            (folder / name).write_bytes(b"\n".join(sample_lines(name)) + b"\n")
        (folder / "run.jsonl.gz").write_bytes(sample_file("run.jsonl.gz"))


app.command()(seeing.view)
app.command()(seeing.report)
app.command()(seeing.compare)


@app.command()
@with_file_flags
def score(
    files: Files,
    *,
    profile: ProfileName = None,
    out_file: Annotated[
        Path | None,
        typer.Option("--out", help="File for the results, as JSON Lines, one result per rollout."),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Write into --out where each entity was found, too.")
    ] = False,
    min_scored: rollout_files.MinScored = None,
    flags: FileFlags,
) -> None:
    """Score recorded rollouts of any system from files, in groups.

    Exit codes: 0 scored; 1 nothing could be read, or --strict and a line could not; 3 read, but fewer rollouts than
    --min-scored have a reward, or none.
    """
    how: dict[str, Any] = {"dataset": flags.dataset, "how": flags.pays, "strict": flags.strict}
    with one_clear_sentence():
        rollout_files.check_out(out_file, files)
        rollout_files.required(min_scored, 0)
        if explain and out_file is None:
            raise rollout_files.BadOption("--explain writes into --out: give both")
        scorer = scorer_with(flags.index)
        chosen = scorer.profiles.resolve(profile)
        scored = asyncio.run(
            closing(
                scorer,
                score_file(scorer, files, flags.asked, **how, profile=chosen, explain=explain, console=err),
            )
        )
        enough = rollout_files.required(min_scored, scored.rollouts)
        if out_file is not None:
            with out_file.open("wb") as file:
                file.writelines(encode(record) + b"\n" for record in scored.records)
    out.print(render.summary(scored.groups, chosen.name, reasons=scored.reasons()))
    if scored.rewarded < enough:
        err.print(f"{scored.rewarded} of {scored.rollouts} rollouts have a reward, {enough} are required")
        err.print(Text("\n".join(f"  {count} x {why}" for why, count in scored.reasons())))
        raise typer.Exit(TOO_FEW)


@app.command()
@with_file_flags
def explain(
    files: Files,
    *,
    group: Annotated[
        str | None,
        typer.Option(
            help="Id of a group of the files; without it, FILE is a body of POST /v1/rollouts/explain."
        ),
    ] = None,
    rollout: Annotated[
        str | None, typer.Option(help="Id of a rollout of that group (default: its first).")
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help="Name of a profile or path of a YAML file, instead of the default or the body's profile."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the reply as JSON.")] = False,
    flags: FileFlags,
) -> None:
    """Show where a rollout names its entities and what reward that earns: one of a file, beside its group, or one alone."""
    with one_clear_sentence():
        if group is None and (rollout is not None or len(files) > 1):
            raise BadOption("--group is missing: it names the group of the rollout in the files")
        scorer = scorer_with(flags.index)
        explained = (
            explain_alone(scorer, files[0], profile)
            if group is None
            else explain_in_file(scorer, files, flags, profile=profile, of=(group, rollout))
        )
        reply, sum_ = asyncio.run(closing(scorer, explained))
    if as_json:
        sys.stdout.write(json.dumps(reply, ensure_ascii=False) + "\n")
    else:
        out.print(render.explanation(reply, sum_))


@app.command()
def lint(
    target: index_cli.Target,
    *,
    reader: index_cli.ReaderName = "jsonl",
    rules: index_cli.Rules = None,
    index: index_cli.LintedIndex = None,
    profile: ProfileName = None,
    limit: index_cli.Limits = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a data set under the rules of a profile. Exit code 3: a share is over its limit."""
    with one_clear_sentence():
        chosen = load_profiles(settings_with()).resolve(profile)
        if chosen.asks:
            raise BadOption(
                f"{chosen.name} asks a judge, which this command does not: name a profile that does not ask"
            )
        judge = judge_of(chosen)
        with index_cli.questions_of(target, reader=reader, rules=rules, index=index) as rows:
            report = index_cli.not_empty(look_over(rows, judge=judge))
    index_cli.show_lint(report, dict(map(index_cli.read_limit, limit or ())), as_json=as_json)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False
)
def train(context: typer.Context) -> None:
    """Train a search agent with rewards from the service; `train --help` lists the options."""
    from reward_service.trainer.command import main as train_with  # noqa: PLC0415  # a process of its own, mostly

    raise typer.Exit(train_with(context.args))


@app.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    sys.stdout.write(
        as_yaml(create_app(Settings(index=None, keys=None, ledger=None, profiles=None, host="127.0.0.1")))
    )


@app.command()
def key(
    key_id: Annotated[str, typer.Argument(help="Id of the key: lower-case letters, digits and hyphens.")],
    scope: Annotated[
        list[str], typer.Option(help="score, explain, ingest or admin; can be given several times.")
    ],
) -> None:
    """Create an API key: prints the key to stdout, and to stderr the lines for the key file, which contain only its hash."""
    with one_clear_sentence():
        token, lines = api_keys.generate(key_id, scope)
    err.print(lines, end="", highlight=False)
    sys.stdout.write(token + "\n")


@ledgers.command()
def verify(
    file: Annotated[
        Path, typer.Argument(help="The ledger file; its older half is expected in the same folder.")
    ],
    *,
    profile: Annotated[
        list[str] | None,
        typer.Option(
            help="YAML file of a profile that paid, in addition to the shipped profiles and the folder of the "
            "setting `profiles`; may be given several times."
        ),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(help="File with the key that the ledger is sealed with, the setting `ledger_key`."),
    ] = None,
    judgements: Annotated[
        bool,
        typer.Option("--judgements", help="Derive outcomes and signals from the recorded judgements, too."),
    ] = False,
) -> None:
    """Recompute every recorded reward. Exit code 1: a reward differs or cannot be recomputed here."""
    with one_clear_sentence():
        profiles = load_profiles(settings_with())
        given = [profiles.resolve(one) for one in profile or ()]
        known = {one.digest: one for one in (*profiles.known.values(), *given)}
        settings = settings_with(ledger_key=key)
        seal = ledger_chain.seal_of(settings.ledger_key)
        ends = ledger_chain.read_ends(file, seal)
        lines = ledger_file.read(file)
        findings = ledger_audit.verify(lines, known, seal=seal, ends=ends, judgements=judgements)
        if not findings:
            file.stat()  # a file that is not there is an error of its own
    bad = [finding for finding in findings if finding.problem is not None]
    for finding in bad:
        err.print(Text(f"line {finding.line}, group {finding.group_id}: {finding.problem}"))
    for said in _said_of_groups(findings, verified=len(findings) - len(bad)):
        out.print(Text(said))
    if judgements:
        out.print(_said_of_judgements([one for finding in findings for one in finding.derived]))
    if ends is None:
        err.print(f"without {ledger_chain.ends_path(file).name}, lines missing at either end do not show")
    if bad or not findings:
        raise typer.Exit(1)


def _said_of_groups(findings: Sequence[ledger_audit.Finding], *, verified: int) -> Iterator[str]:
    for finding, before in ledger_audit.changes_of_profile(findings):
        yield f"line {finding.line}: run {finding.run_id} changes from {before} to {finding.profile}"
    yield f"{verified} of {len(findings)} groups verified, bit for bit"
    if alone := sum(finding.rewards_alone for finding in findings):
        yield f"{alone} of them by their rewards alone: the ledger does not have all groups of their batch"


def _said_of_judgements(derived: Sequence[Derived]) -> str:
    known = [one for one in derived if one.is_known]
    follow = sum(one.problem is None for one in known)
    said = f"{follow} of {len(known)} outcomes and signals of judges follow from their judgements"
    left = len(derived) - len(known)
    return said + (f"; {left} signals need the question, which is not recorded" if left else "")


@app.command(name="canaries", hidden=True)
def canaries_file() -> None:
    """Print canaries.json."""
    sys.stdout.write(canaries.as_json(shipped()))


@app.command(name="metrics", hidden=True)
def metrics_page() -> None:
    """Print docs/metrics.md."""
    sys.stdout.write(metrics.as_markdown())


@app.command(name="settings", hidden=True)
def settings_page() -> None:
    """Print docs/settings.md."""
    sys.stdout.write(config.as_markdown())


@app.command(name="errors", hidden=True)
def errors_page() -> None:
    """Print docs/errors.md."""
    sys.stdout.write(errors.as_markdown())
