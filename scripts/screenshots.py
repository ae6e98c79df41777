"""Take the pictures of docs/seeing.md: the five questions, answered on the sample run.

python -m scripts.screenshots
"""

import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "seeing"
RUN = ROOT / "reward_service" / "sample" / "run.jsonl.gz"
PORT = 8799
BASE = f"http://127.0.0.1:{PORT}"
PICTURES = {
    "run": "/",
    "why": "/groups/0/1",
    "never": "/groups?filter=never",
    "dataset": "/dataset",
    "step": "/groups?step=14&sort=wrong",
}
SIZE = {"width": 1180, "height": 720}


def wait_until_served() -> None:
    """Wait until the views answer."""
    while True:
        try:
            urllib.request.urlopen(BASE).close()
        except urllib.error.URLError:
            time.sleep(0.2)
        else:
            return


def take() -> None:
    """Write every picture."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        for name, path in PICTURES.items():
            page.goto(BASE + path)
            page.screenshot(path=FOLDER / f"{name}.jpg", type="jpeg", quality=62)
        browser.close()


def main() -> None:
    """Serve the sample run and look at it."""
    FOLDER.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "reward_service", "view", RUN, "--no-browser", "--port", str(PORT)]
    viewer = subprocess.Popen([*command, "--profile", "egrpo", "--profile", "grpo-equal"])
    try:
        wait_until_served()
        take()
    finally:
        viewer.terminate()
        viewer.wait()


if __name__ == "__main__":
    main()
