"""Every string that a caller sends has a bound of its own, or is counted by a limit on what it is part of."""

from pathlib import Path

import yaml

DOCUMENT = yaml.safe_load((Path(__file__).parents[2] / "openapi.yaml").read_text(encoding="utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]
BOUNDS = {"maxLength", "enum", "const", "pattern"}
COUNTED = {
    **dict.fromkeys(
        (
            "QuestionIn.text",
            "QuestionIn.answers",
            "EntityIn.name",
            "EntityIn.aliases",
            "CriterionIn.statement",
        ),
        "max_question_chars",
    ),
    **dict.fromkeys(
        ("RolloutIn.text", "MemberIn.text", "TextStep.text", "ToolCallStep.name"), "max_rollout_chars"
    ),
    **dict.fromkeys(("OpenRlhfIn.query", "SlimeIn.response"), "max_rollout_chars"),
    # Neither kept beyond the call nor looked at, except how they end; a prompt of a compat call is part of its group's key.
    **dict.fromkeys(
        ("RolloutIn.prompt", "MemberIn.prompt", "OpenRlhfIn.prompts", "SlimeIn.prompt"), "max_body_bytes"
    ),
    "put /v1/datasets/{name}/versions/{version} reader": "max_header_bytes",
    # Names of entities that a reply returns unchanged.
    **dict.fromkeys(("FactsGroupIn.masked", "FactsGroupIn.unmatchable"), "max_body_bytes"),
}
"""What counts the strings that have no bound of their own."""


def strings(schema, path):
    """Yield the path of each string in a schema, with the schema of the string."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name not in met:
            met.add(name)
            yield from strings(SCHEMAS[name], name)
    elif schema.get("type") == "string":
        yield path, schema
    for either in ("anyOf", "oneOf", "allOf"):
        for one in schema.get(either, ()):
            yield from strings(one, path)
    for name, one in schema.get("properties", {}).items():
        yield from strings(one, f"{path}.{name}")
    for inner in ("items", "additionalProperties"):
        if isinstance(schema.get(inner), dict):
            yield from strings(schema[inner], path)


met = set()


def bodies_and_queries():
    for path, methods in DOCUMENT["paths"].items():
        for method, call in methods.items():
            for parameter in call.get("parameters", ()):
                if parameter["in"] == "query":
                    yield parameter["schema"], f"{method} {path} {parameter['name']}"
            for media_type, content in call.get("requestBody", {}).get("content", {}).items():
                if media_type == "application/json" and not path.startswith("/v1/datasets"):
                    yield content["schema"], f"{method} {path}"


def test_every_string_is_bounded():
    found = [string for schema, at in bodies_and_queries() for string in strings(schema, at)]
    unbounded = {path for path, schema in found if not BOUNDS & schema.keys()}

    assert unbounded == COUNTED.keys()
