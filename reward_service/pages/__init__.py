"""Pages as HTML, made on the server from plain data: text is escaped wherever it stands, and nothing is fetched from elsewhere.

- `charts`: small charts as SVG
- `marked`: text with marks
- `templates/`: one file a page; `static/`: style, script, and htmx as released (`static/vendored.json`)
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from reward_service.core.summary import NUMBERS
from reward_service.pages.marked import KINDS

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing is loaded from another host, and no inline script or style runs."""
SIGNS: Mapping[str, str] = {"correct": "✓", "wrong": "✗", "error": "!", "": "–"}
"""What an outcome looks like where there is no room for the word."""


def number(value: float | None, digits: int = 3) -> str:
    """Return a number without trailing zeros; a dash for none."""
    if value is None:
        return "–"
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def fixed(value: float | None) -> str:
    """Return a number with three decimals; a dash for none."""
    return "–" if value is None else f"{value:.3f}".replace("-", "−")


def signed(value: float | None) -> str:
    """Return a number with its sign; a dash for none."""
    return "–" if value is None else f"{value:+.2f}".replace("-", "−")


def percent(value: float | None) -> str:
    """Return a share in percent; a dash for none."""
    return "–" if value is None else f"{100 * value:.0f} %"


def many(count: int) -> str:
    """Return a count with thin spaces between thousands."""
    return f"{count:,}".replace(",", "\u202f")


def coded(text: str) -> Markup:
    """Return a text whose parts between backticks are code."""
    parts = map(escape, text.split("`"))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if n % 2 else part for n, part in enumerate(parts)
    )


@cache
def environment() -> Environment:
    """Return the templates; every value is escaped, and an unknown name is an error."""
    made = Environment(
        loader=PackageLoader("reward_service.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "number": number,
        "fixed": fixed,
        "signed": signed,
        "percent": percent,
        "many": many,
        "coded": coded,
    }
    made.globals |= {"SIGNS": SIGNS, "KINDS": KINDS, "NUMBERS": NUMBERS}
    return made


def html(template: str, **values: Any) -> str:
    """Return a page."""
    return environment().get_template(template).render(**values)


def static(name: str) -> str:
    """Return a file of `static/`."""
    return resources.files(__name__).joinpath("static", name).read_text(encoding="utf-8")


def vendored() -> list[dict[str, str]]:
    """Return the files that others released, with version, licence and hash."""
    found: list[dict[str, str]] = json.loads(static("vendored.json"))
    return found


def inline(name: str) -> Markup:
    """Return a file of `static/` for a page that stands alone. It holds nothing that ends its element."""
    return Markup(static(name))  # noqa: S704  # a file of this package
