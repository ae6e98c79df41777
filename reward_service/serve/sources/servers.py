"""Which code talks to which backend."""

from reward_service.serve.sources.backends import Backend
from reward_service.serve.sources.chat import ChatServer
from reward_service.serve.sources.models.local import LocalModel
from reward_service.serve.sources.scores import ScoreServer
from reward_service.serve.sources.wire import ModelServer


def server_of(backend: Backend) -> ModelServer:
    """Return what answers for a backend; nothing is sent or loaded yet."""
    if backend.torch is not None:
        return LocalModel(backend.names, backend.torch)
    return ScoreServer(backend) if backend.scores else ChatServer(backend)
