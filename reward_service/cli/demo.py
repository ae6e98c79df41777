"""A first look in one command: the bundled sample, built, served and scored over HTTP."""

import contextlib
import json
import shlex
import tempfile
import threading
import time
from importlib import resources
from pathlib import Path
from typing import Any

import uvicorn
from rich.console import Console

from entity_index.build import build
from entity_index.readers import READERS
from entity_index.stores.sqlite import SqliteCatalogue
from reward_service.api.app import create_app
from reward_service.cli import render
from reward_service.client.exchange import Patience
from reward_service.client.sync import Client
from reward_service.serve.config import Settings

DATASET = "sample"
PROFILE = "egrpo-paper"  # the exact rule can be checked by eye
PATIENCE_S = 30.0


def sample_lines(name: str) -> list[bytes]:
    """Return the lines of a bundled file."""
    return resources.files("reward_service.sample").joinpath(name).read_bytes().splitlines()


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
    console.print(
        f"\nPaste a rollout: {base}/ui/    API documentation: {base}/docs    Stop: Ctrl-C", highlight=False
    )


def run_demo(*, host: str, port: int, index: Path | None, console: Console) -> None:
    """Build the sample data set, serve it, score its first group over HTTP, and serve on until stopped.

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
        server = uvicorn.Server(uvicorn.Config(app, host=host, port=port, log_level="warning"))
        threading.Thread(target=_show, args=(server, f"http://{host}:{port}", console), daemon=True).start()
        with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how this ends
            server.run()
