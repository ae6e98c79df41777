"""The example package under examples/plugin/, built as a wheel and made importable as an installed one."""

import subprocess
import sys
import zipfile
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "examples" / "plugin"


def installed_in(folder: Path) -> Path:
    """Build the package, unpack it into a folder, and return the folder."""
    built = folder / "built"
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", built],
        cwd=PROJECT,
        check=True,
        capture_output=True,
    )
    [wheel] = built.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"
