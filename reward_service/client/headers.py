"""The headers every call carries, where the API key among them comes from, and the URL, which must hold none."""

import os
from pathlib import Path

from reward_service import __version__

KEY_VARIABLE = "REWARD_SERVICE_API_KEY"


def key_of(api_key: str | None = None, api_key_file: str | Path | None = None) -> str | None:
    """Return the API key: the one that is given, else that of a file, else that of the environment, else None.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no key, or the key has characters that no key has. The message does not repeat it.
    """
    if api_key is None and api_key_file is not None:
        api_key = Path(api_key_file).read_text(encoding="utf-8").strip()
    elif api_key is None:
        api_key = os.environ.get(KEY_VARIABLE)
    # Checked here, as the libraries below would repeat it in their messages.
    if api_key is not None and not (
        api_key and api_key.isascii() and api_key.isprintable() and " " not in api_key
    ):
        raise ValueError("the API key is empty, or has characters that no key has")
    return api_key


def checked_url(url: str) -> str:
    """Return the service's URL without a slash at its end.

    Raises:
        ValueError: it holds a user or a key, which logs and configuration dumps would repeat. The message does not.
    """
    if "@" in url:
        raise ValueError(
            "the URL holds a user or a key: pass the key as api_key, in a file or in the environment"
        )
    return url.rstrip("/")


def headers_of(api_key: str | None) -> dict[str, str]:
    """Return them, with the key where there is one."""
    headers = {"Content-Type": "application/json", "User-Agent": f"reward-service-client/{__version__}"}
    return headers if api_key is None else {**headers, "Authorization": f"Bearer {api_key}"}
