"""The headers every call carries."""

from reward_service import __version__


def headers_of(api_key: str | None) -> dict[str, str]:
    """Return them, with the key where there is one."""
    headers = {"Content-Type": "application/json", "User-Agent": f"reward-service-client/{__version__}"}
    return headers if api_key is None else {**headers, "Authorization": f"Bearer {api_key}"}
