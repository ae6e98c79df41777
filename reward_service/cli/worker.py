"""The commands `reward-service worker` and `reward-service worker-digest`."""

from pathlib import Path
from typing import Annotated

import typer

from reward_service.api import logs
from reward_service.api.worker import serve, worker_of
from reward_service.cli.shell import one_clear_sentence, settings_with
from reward_service.serve.errors import BadBackends
from reward_service.serve.sources.backends import load
from reward_service.serve.sources.models.folder import UnsafeFolder, folder_digest

STOPPED_COMPUTING = 1


def worker(
    name: Annotated[str, typer.Argument(help="Name of a backend with the key `torch`.")],
    *,
    backends: Annotated[
        Path | None, typer.Option(help="File that says where models are (default: the setting `backends`).")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu or cuda:N (default: as the file says).")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8100,
) -> None:
    """Serve one model that scores texts, in a process of its own. Exit code 1: it has stopped computing."""
    with one_clear_sentence():
        settings = settings_with(backends=backends)
        if settings.backends is None:
            raise BadBackends("there is no backends file: give --backends")
        found = worker_of(load(settings.backends), name, device=device, host=host)
    logs.configure(settings.log_level)
    raise typer.Exit(0 if serve(found, host=host, port=port) else STOPPED_COMPUTING)


def worker_digest(
    folder: Annotated[Path, typer.Argument(help="Folder of a model.")],
) -> None:
    """Print the digest of a model's folder, for the backends file; refuse a folder that could execute code."""
    with one_clear_sentence():
        try:
            typer.echo(folder_digest(folder))
        except UnsafeFolder as error:
            raise BadBackends(str(error)) from None
