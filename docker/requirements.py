"""Print what pyproject.toml requires, with the extras in `EXTRAS`: a layer of an image that only a new package changes."""

import os
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
lists = [
    project["dependencies"],
    *(project["optional-dependencies"][extra] for extra in os.environ["EXTRAS"].split()),
]
print("\n".join(requirement for one in lists for requirement in one))
