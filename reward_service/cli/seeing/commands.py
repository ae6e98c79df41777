"""The commands that show files of rollouts: `view`, `report`, `compare`."""

import asyncio
import contextlib
import json
import socket
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer
import uvicorn

from entity_index.readers.containers import STANDARD_INPUT
from reward_service.cli.flags import FileFlags, Files, with_file_flags
from reward_service.cli.rollouts import BadOption, check_out
from reward_service.cli.seeing import render_compare
from reward_service.cli.seeing.app import View, view_app
from reward_service.cli.seeing.compare import changed, compare_files, compare_profiles, unguarded
from reward_service.cli.seeing.load import read_for, seen_under
from reward_service.cli.seeing.report import bundle as bundled
from reward_service.cli.seeing.report import report_file, report_json
from reward_service.cli.seeing.store import Store, cache_folder, store_name
from reward_service.cli.shell import closing, err, one_clear_sentence, out, scorer_with
from reward_service.core.profiles import Profile
from reward_service.serve.scorer import Scorer

HOST = "127.0.0.1"

ProfileNames: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--profile",
        help="Name of the profile or path of a YAML file; a second one is compared with the first.",
    ),
]


def profiles_of(scorer: Scorer, names: Sequence[str] | None) -> list[Profile]:
    """Return the profiles that a command line names, the default one where it names none.

    Raises:
        BadOption: more than two.
        UnknownProfile, BadProfile: one does not exist, or its file cannot be used.
    """
    if names and len(names) > 2:
        raise BadOption("--profile: one, and one to compare it with")
    return [scorer.profiles.resolve(name) for name in (names or (None,))]


@with_file_flags
def view(
    files: Files,
    *,
    profile: ProfileNames = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 0,
    cache: Annotated[
        Path | None,
        typer.Option(help="Folder for the cache of numbers (default: in the user's cache folder)."),
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
    flags: FileFlags,
) -> None:
    """Browse files of rollouts in a local web page; files and folders that are still written are followed."""
    with one_clear_sentence():
        if STANDARD_INPUT in files:
            raise BadOption("standard input cannot be viewed: it is read again")
        scorer = scorer_with(flags.index)
        serving = _serve(scorer, files, flags, names=profile, at=(port, cache), browser=browser)
        with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how this ends
            asyncio.run(closing(scorer, serving))


@with_file_flags
def compare(
    files: Files,
    *,
    profile: ProfileNames = None,
    rules: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=VALUE",
            help="A value of the second profile, or of the first where only one is given: reward.terms.0.weight=0.5.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    out_file: Annotated[
        Path | None, typer.Option("--out", help="File for the comparison as HTML that needs no network.")
    ] = None,
    flags: FileFlags,
) -> None:
    """Compare two profiles on the same rollouts, or two files under one profile.

    With two profiles, or --set, every rollout is compared with itself. Two files are compared on the questions they share.
    """
    with one_clear_sentence():
        check_out(out_file, files)
        scorer = scorer_with(flags.index)
        profiles = _compared(scorer, profile, rules or ())
        if len(profiles) == 1 and len(files) != 2:
            raise BadOption("give two profiles, --set, or two files")
        if len(profiles) == 2:
            found = asyncio.run(closing(scorer, _two_profiles(scorer, files, flags, profiles)))
            shown = render_compare.of_profiles(found, profiles)
        else:
            found = asyncio.run(closing(scorer, _two_files(scorer, files, flags, profiles[0])))
            shown = render_compare.of_files(found, files)
        if out_file is not None:
            out_file.write_text(render_compare.page(shown), encoding="utf-8")
        elif as_json:
            sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
        else:
            out.print(render_compare.terminal(shown))


def _compared(scorer: Scorer, names: Sequence[str] | None, rules: Sequence[str]) -> list[Profile]:
    profiles = profiles_of(scorer, names)
    if not rules:
        return profiles
    try:
        return [profiles[0], changed(profiles[-1], rules)]
    except ValueError as error:
        raise BadOption(f"--set: {error}") from None


async def _two_profiles(
    scorer: Scorer, files: Sequence[Path], flags: FileFlags, profiles: Sequence[Profile]
) -> dict[str, Any]:
    first, second = profiles
    read = await read_for(scorer, files, flags, console=err)
    found = [
        await seen_under(scorer, read, flags, profile=one, console=err)
        for one in (first, second, unguarded(second))
    ]
    return compare_profiles(*found)


async def _two_files(
    scorer: Scorer, files: Sequence[Path], flags: FileFlags, profile: Profile
) -> dict[str, Any]:
    found = []
    for one in files:
        read = await read_for(scorer, [one], flags, console=err)
        found.append(await seen_under(scorer, read, flags, profile=profile, console=err))
    return compare_files(*found)


async def _serve(
    scorer: Scorer,
    files: Sequence[Path],
    flags: FileFlags,
    *,
    names: Sequence[str] | None,
    at: tuple[int, Path | None],
    browser: bool,
) -> None:
    shown = await opened(files, flags, scorer=scorer, names=names, cache=at[1])
    await shown.refresh()
    listening = socket.create_server((HOST, at[0]))
    url = f"http://{HOST}:{listening.getsockname()[1]}/"
    app = view_app(shown, follows=True)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
    out.print(f"{url}    Stop: Ctrl-C", highlight=False)
    if browser:
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
    await server.serve(sockets=[listening])


@with_file_flags
def report(
    files: Files,
    *,
    profile: ProfileNames = None,
    out_file: Annotated[
        Path | None, typer.Option("--out", help="File for the report; without it, standard output.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write the numbers as JSON, without any text of rollouts.")
    ] = False,
    bundle: Annotated[
        Path | None, typer.Option(help="Folder for pages with the text of all rollouts, instead of one file.")
    ] = None,
    flags: FileFlags,
) -> None:
    """Write a report on files of rollouts: one HTML file that needs no network, JSON, or a folder of pages.

    It contains ground truth and rollout text; the JSON contains ground truth.
    """
    with one_clear_sentence():
        if bundle is not None and (as_json or out_file is not None):
            raise BadOption("--bundle writes a folder of pages: give it without --json and --out")
        check_out(out_file, files)
        scorer = scorer_with(flags.index)
        writing = _report(scorer, files, flags, names=profile, as_json=as_json, bundle=bundle)
        written = asyncio.run(closing(scorer, writing))
        if bundle is not None:
            err.print(f"{written} pages: {bundle / 'index.html'}", highlight=False)
        elif out_file is not None:
            out_file.write_text(written, encoding="utf-8")
        else:
            sys.stdout.write(written)


async def _report(
    scorer: Scorer,
    files: Sequence[Path],
    flags: FileFlags,
    *,
    names: Sequence[str] | None,
    as_json: bool,
    bundle: Path | None,
) -> str:
    with tempfile.TemporaryDirectory(prefix="reward-service-") as scratch:
        shown = await opened(files, flags, scorer=scorer, names=names, cache=Path(scratch))
        await shown.refresh()
        if bundle is not None:
            return str(_write([page async for page in bundled(shown)], bundle))
        return report_json(shown) if as_json else await report_file(shown)


def _write(pages: Sequence[tuple[str, str]], folder: Path) -> int:
    """Write the pages of a folder; returns how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages:
        (folder / name).write_text(text, encoding="utf-8")
    return len(pages)


async def opened(
    files: Sequence[Path],
    flags: FileFlags,
    *,
    scorer: Scorer,
    names: Sequence[str] | None,
    cache: Path | None = None,
) -> View:
    """Return the view of files, with the cache that belongs to them."""
    profiles = profiles_of(scorer, names)
    said = ([str(one.resolve()) for one in files], flags, [one.digest for one in profiles])
    store = Store((cache or cache_folder()) / store_name(*said))
    return View(files, flags, scorer, profiles, store, err)
