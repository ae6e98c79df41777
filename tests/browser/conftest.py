"""A chromium, servers to look at, and a page that fails its test on an error or a request to another host."""

import contextlib
import os
import shutil
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest
import uvicorn
from rich.console import Console

from reward_service.api.app import create_scorer
from reward_service.cli.flags import FileFlags
from reward_service.cli.seeing.app import View, view_app
from reward_service.cli.seeing.store import Store
from reward_service.cli.shell import closing
from reward_service.client.whole import blocking
from reward_service.serve.config import Settings
from tests.browser.rollouts import write_rollouts
from tests.redis_server import PATIENCE_S

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
)

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WHOLE = "REWARD_SERVICE_TEST_BROWSER" in os.environ
PATIENCE_MS = 250 * PATIENCE_S


def pytest_collection_modifyitems(items):
    """Skip what needs a browser where there is none, and the long part unless it is asked for."""
    here = [item for item in items if "tests/browser/" in str(item.path)]
    for item in here:
        if CHROMIUM is None:
            item.add_marker(pytest.mark.skip(reason="there is no chromium: apt-get install chromium"))
        elif item.get_closest_marker("long") and not WHOLE:
            item.add_marker(pytest.mark.skip(reason="the long part runs in make test-browser"))


@pytest.fixture(scope="module")
def browser():
    """One chromium a module: while playwright runs, an event loop runs in this thread, and no other test could start one."""
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


class Watched:
    """A page, and what went wrong on it."""

    def __init__(self, page):
        self.page, self.errors, self.hosts = page, [], set()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda said: said.type == "error" and self.errors.append(said.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname))

    def violations(self):
        """Return what axe objects to."""
        found = axe.Axe().run(self.page).response["violations"]
        return [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in found]


@pytest.fixture
def look(browser):
    """Open a page; at the end of the test there must have been no error and no request to another host."""
    opened = []

    def go(url, *, width=1440, scheme="light", expects_errors=False, scripts=True):
        viewport = {"width": width, "height": 900}
        page = browser.new_page(viewport=viewport, color_scheme=scheme, java_script_enabled=scripts)
        watched = Watched(page)
        page.goto(url)
        opened.append((watched, expects_errors))
        return watched

    yield go
    for watched, expects_errors in opened:
        watched.page.close()
        assert watched.hosts <= {"127.0.0.1", None, ""}
        assert expects_errors or watched.errors == []


def wait_for(page, expression):
    """Wait until an expression is true on a page. `page.wait_for_function` would need the eval that the pages forbid."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(20)


@contextlib.contextmanager
def served(app):
    """Serve an application without settings on a free port of loopback; yields its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@contextlib.contextmanager
def viewing(folder, paths, *, follows=False, profiles=("egrpo", "grpo-equal"), settings=None):
    """Serve the views of files under two profiles."""
    settings = settings or Settings()
    scorer = create_scorer(settings)
    profiles = [scorer.profiles.named(name) for name in profiles]
    store = Store(folder / "view.sqlite")
    view = View(paths, FileFlags(), scorer, profiles, store, Console(quiet=True))
    blocking(closing(scorer, view.refresh()))  # in a thread of its own: playwright runs a loop in this one
    view.scorer = create_scorer(settings)
    with contextlib.closing(store), served(view_app(view, follows=follows)) as base:
        yield base


@pytest.fixture(scope="session")
def views(tmp_path_factory):
    """Base URL of the views of a small run with all kinds of text."""
    folder = tmp_path_factory.mktemp("views")
    with viewing(folder, [write_rollouts(folder / "rollouts.jsonl")]) as base:
        yield base
