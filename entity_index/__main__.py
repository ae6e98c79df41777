"""The command `entity-index`; the commands themselves need the extra `server`."""

import sys

EXTRA = {"typer", "rich"}


def main() -> None:
    """Run the command line, or say what to install for it."""
    try:
        # Imported here, so that what is missing is told and not thrown.
        from entity_index.cli import app, run  # noqa: PLC0415
        from reward_service.cli.proposals import COMMANDS  # noqa: PLC0415
    except ModuleNotFoundError as error:
        missing = str(error.name).partition(".")[0]
        if missing not in EXTRA:
            raise
        sys.exit(f"entity-index needs {missing}: pip install 'reward-service[server]'")
    known = {command.name for command in app.registered_commands}  # more than once, if this runs again
    for name, command in COMMANDS.items():
        if name not in known:
            app.command(name)(command)
    run()


if __name__ == "__main__":
    main()
