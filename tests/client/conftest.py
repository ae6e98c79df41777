"""Both clients, spoken to in the same way."""

import asyncio

import pytest

from reward_service.client import AsyncClient, Client


def ask_sync(url, name, *args, client=None, **kwargs):
    with Client(url, **client or {}) as one:
        return getattr(one, name)(*args, **kwargs)


def ask_async(url, name, *args, client=None, **kwargs):
    async def go():
        async with AsyncClient(url, **client or {}) as one:
            return await getattr(one, name)(*args, **kwargs)

    return asyncio.run(go())


@pytest.fixture(params=[ask_sync, ask_async], ids=["sync", "async"])
def ask(request):
    """Make one call: `ask(url, "score_groups", ..., client={...})`."""
    return request.param
