"""The line of a profile's YAML that an error is about, found by the path that the error begins with."""

import re

import yaml

# profile.reward.terms[0].weight must be ...; the first name is that of the profile.
PATH = re.compile(r"[^\s.]+((?:\.\w+|\[\d+\])*)")
STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
UNKNOWN = re.compile(r"has unknown keys: ([^,]+)")


def line_of(text: str, message: str) -> int:
    """Return the line, from 1, of the deepest part of a path that the text has.

    Args:
        text: valid YAML.
        message: of the error; begins with the path.
    """
    node = yaml.compose(text)
    line = 1 if node is None else node.start_mark.line + 1
    path = PATH.match(message)
    steps = [key or int(number) for key, number in STEP.findall(path[1])] if path else []
    if unknown := UNKNOWN.search(message):
        steps.append(unknown[1])
    for step in steps:
        found = _child(node, step)
        if found is None:
            break
        line, node = found
    return line


def _child(node: yaml.Node | None, step: str | int) -> tuple[int, yaml.Node] | None:
    """Return the line of a key or an item, and what it holds; None if there is none."""
    if isinstance(node, yaml.MappingNode):
        pairs = ((key.start_mark.line + 1, value) for key, value in node.value if key.value == step)
        return next(pairs, None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line + 1, node.value[step]
    return None
