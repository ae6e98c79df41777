"""The command `entity-index`; the commands themselves need the extra `server`."""

import sys

EXTRA = {"typer", "rich"}


def main() -> None:
    """Run the command line, or say what to install for it."""
    try:
        from entity_index.cli import run  # noqa: PLC0415  # what is missing is told, not thrown
    except ModuleNotFoundError as error:
        missing = str(error.name).partition(".")[0]
        if missing not in EXTRA:
            raise
        sys.exit(f"entity-index needs {missing}: pip install 'reward-service[server]'")
    run()


if __name__ == "__main__":
    main()
