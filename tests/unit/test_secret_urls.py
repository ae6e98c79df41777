"""A password or a key in a URL is repeated nowhere, whatever is wrong with the URL."""

import traceback

import pytest

from entity_index.errors import IndexUnreachable, InvalidAddress
from entity_index.stores.redis import open_redis
from reward_service.client import AsyncClient, Client
from reward_service.client.options import Options
from reward_service.serve.config import Settings, shown
from reward_service.serve.errors import UnsafeStore
from reward_service.serve.groups.stores.urls import connect

SECRET = "s3cret"
BAD = [
    f"redis://user:{SECRET}/x@127.0.0.1:1/0",
    f"redis://:{SECRET}@127.0.0.1:{SECRET}/0",
    f"redis://[{SECRET}",
    f"redis://user:{SECRET}@127.0.0.1\u2100/0",
    f"redis://user:x@127.0.0.1:1/0?health_check_interval={SECRET}",
    f"redis+sentinel://user:{SECRET}@h:1",
    f"redis+sentinel://user:{SECRET}/x@h:1/main",
    f"redis+sentinel://user:{SECRET}@h:1/main/{SECRET}",
    f"redis+sentinel://user:{SECRET}@h:{SECRET}/main",
    f"redis+sentinel://h:1/main?sentinel_password={SECRET}&{SECRET}=1",
    f"redis+cluster://user:{SECRET}@[h:1",
    f"{SECRET}://user:{SECRET}@h",
]
UNREACHABLE = [f"redis://user:{SECRET}@127.0.0.1:1/0", f"redis+cluster://user:{SECRET}@127.0.0.1:1"]


def told(caught):
    return "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("url", BAD)
def test_no_message_repeats_a_bad_url(url):
    with pytest.raises(UnsafeStore) as of_state:
        connect(url, timeout_s=0.1)
    with pytest.raises(InvalidAddress) as of_index:
        open_redis(url, timeout_s=0.1)

    assert SECRET not in told(of_state) + told(of_index)


@pytest.mark.parametrize("url", UNREACHABLE)
def test_nor_one_that_nothing_listens_at(url):
    with pytest.raises(IndexUnreachable) as caught:
        open_redis(url, timeout_s=0.1).datasets()

    assert SECRET not in told(caught)


@pytest.mark.parametrize("url", [*BAD, *UNREACHABLE])
def test_settings_hide_urls(url):
    settings = Settings(state_url=url, index_url=url)

    assert SECRET not in f"{settings!r} {settings} {shown(settings)}"


@pytest.mark.parametrize("make", [Client, AsyncClient, lambda url: Options(url=url, profile="egrpo")])
@pytest.mark.parametrize(
    "url", [f"http://{SECRET}@h", f"http://user:{SECRET}@h:1/", f"http://user:{SECRET}/@h"]
)
def test_a_client_takes_no_key_in_its_url(make, url):
    with pytest.raises(ValueError, match="pass the key as api_key") as caught:
        make(url)

    assert SECRET not in told(caught)
