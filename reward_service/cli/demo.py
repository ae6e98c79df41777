"""A first look in one command: the bundled sample, built, served and scored over HTTP."""

import asyncio
import contextlib
import json
import shlex
import tempfile
import threading
import time
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import uvicorn
from rich.console import Console
from starlette.applications import Starlette

from entity_index.build import build
from entity_index.readers import READERS
from entity_index.stores.sqlite import SqliteCatalogue
from reward_service.api.app import create_app
from reward_service.cli import render
from reward_service.cli.flags import FileFlags
from reward_service.cli.seeing.app import View, view_app
from reward_service.cli.seeing.store import Store, store_name
from reward_service.client.exchange import Patience
from reward_service.client.sync import Client
from reward_service.serve.config import Settings
from reward_service.serve.scorer import Scorer

DATASET = "sample"
PROFILE = "egrpo-paper"  # the exact rule can be checked by eye
PATIENCE_S = 30.0
RUN_AT = "/sample"


def sample_file(name: str) -> bytes:
    """Return a bundled file."""
    return resources.files("reward_service.sample").joinpath(name).read_bytes()


def sample_lines(name: str) -> list[bytes]:
    """Return the lines of a bundled file."""
    return sample_file(name).splitlines()


def first_group() -> dict[str, Any]:
    """Return the sample's first group as a call would send it."""
    records = [json.loads(line) for line in sample_lines("rollouts.jsonl")]
    first = [record for record in records if record["group_id"] == records[0]["group_id"]]
    shared = ("run_id", "group_id", "question_id")
    rollouts = [{key: value for key, value in record.items() if key not in shared} for record in first]
    return {**{key: first[0][key] for key in shared}, "dataset": DATASET, "rollouts": rollouts}


def curl_line(base: str) -> str:
    """Return a command to paste: one wrong rollout beside a correct one."""
    group = first_group()
    question = {"dataset": DATASET, "question_id": group["question_id"]}
    thought = {"type": "thought", "text": "Robert FitzRoy commanded HMS Beagle."}
    rollouts = [{"rollout_id": "mine", "outcome": "wrong", "steps": [thought]}]
    rollouts.append({"rollout_id": "other", "outcome": "correct", "steps": []})
    body = {"groups": [{"group_id": "g1", **question, "rollouts": rollouts}]}
    return f"curl -s {base}/v1/groups/score -H 'Content-Type: application/json' -d {shlex.quote(json.dumps(body))}"


def build_sample(folder: Path) -> None:
    """Build the sample into an index; building the same again changes nothing."""
    rows = READERS["jsonl"](sample_lines("questions.jsonl"))
    build(rows, SqliteCatalogue(folder), dataset=DATASET, strict=True)


def sample_run(scorer: Scorer, cache: Path, console: Console) -> Starlette:
    """Return the views of the bundled run: twenty steps of the reference trainer."""
    with resources.as_file(resources.files("reward_service.sample") / "run.jsonl.gz") as path:
        profile = scorer.profiles.named(PROFILE)
        store = Store(cache / store_name(str(path), profile.digest))
        view = View([path], FileFlags(), scorer, [profile], store, Console(stderr=True, quiet=True))
        with console.status("scoring the sample run"):
            asyncio.run(replace(view, scorer=Scorer(scorer.settings)).refresh())
        return view_app(view, hosts=("*",))


def _show(server: uvicorn.Server, base: str, console: Console) -> None:
    """Score the first group as soon as the server answers, and say what to try next."""
    deadline = time.monotonic() + PATIENCE_S
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.02)
    if not server.started:
        return
    group = first_group()
    with Client(base, patience=Patience(deadline_s=PATIENCE_S)) as client:
        body = {"profile": PROFILE, "explain": True, "groups": [group]}
        reply = client.call("POST", "/v1/groups/score", body)
    console.print(render.group(reply["groups"][0]))
    console.print(f"profile {PROFILE}: a wrong rollout earns 0.3 x matched / group's best\n")
    console.print("Try it yourself:", style="bold")
    console.print(curl_line(base), soft_wrap=True, highlight=False)
    links = {
        "Browse a run": f"{base}{RUN_AT}/",
        "Paste a rollout": f"{base}/ui/",
        "API documentation": f"{base}/docs",
    }
    console.print()
    for name, link in links.items():
        console.print(f"{name + ':':<20}{link}", highlight=False)
    console.print("Stop: Ctrl-C")


def run_demo(*, host: str, port: int, index: Path | None, console: Console) -> None:
    """Build the sample data set, serve it beside the sample run, score its first group over HTTP, and serve until stopped.

    Args:
        host: address to listen on.
        port: port to listen on.
        index: folder to build into; None takes one that goes away with the process.
        console: where the table goes.
    """
    with tempfile.TemporaryDirectory(prefix="reward-service-") as scratch:
        folder = index or Path(scratch)
        build_sample(folder)
        app = create_app(Settings(host=host, port=port, index=folder))
        app.mount(RUN_AT, sample_run(app.state.service, folder.with_name(f"{folder.name}-views"), console))
        server = uvicorn.Server(uvicorn.Config(app, host=host, port=port, log_level="warning"))
        threading.Thread(target=_show, args=(server, f"http://{host}:{port}", console), daemon=True).start()
        with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how this ends
            server.run()
