"""The command `reward-service`.

Exit codes: 0 done; 1 the input or the index cannot be used; 2 the command line is wrong; 3 the server could not start.
"""

import sys

from reward_service.cli import health


def main() -> None:
    """Run the command; without the server's dependencies, say how to get them."""
    if sys.argv[1:2] == ["health"]:  # asked every few seconds: nothing else is imported
        sys.exit(health.main(sys.argv[2:]))
    try:
        from reward_service.cli.commands import app  # noqa: PLC0415  # the base install has no typer
    except ModuleNotFoundError as missing:
        sys.exit(f"{missing.name} is not installed: pip install 'reward-service[server]'")
    app()


if __name__ == "__main__":
    main()
