"""As much of GitHub's expressions as our action and workflow use. What it does not know is an error, never an empty text."""

import hashlib
import json
import pathlib
import re

HOLE = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


def fill(text, contexts, workspace):
    """A text with its expressions evaluated. One that is the whole text keeps its type, as the runner does."""
    whole = HOLE.fullmatch(text.strip())
    if whole:
        return evaluate(whole[1], contexts, workspace)
    return HOLE.sub(lambda hole: show(evaluate(hole[1], contexts, workspace)), text)


def show(value):
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def evaluate(expression, contexts, workspace):
    if equal := re.fullmatch(r"(.+?)\s*==\s*'([^']*)'", expression):
        return show(evaluate(equal[1], contexts, workspace)) == equal[2]
    if call := re.fullmatch(r"hashFiles\((.*)\)", expression):
        names = [argument.strip() for argument in call[1].split(",")]
        return hash_files([n[1:-1] if n[0] == "'" else evaluate(n, contexts, workspace) for n in names], workspace)
    if call := re.fullmatch(r"fromJSON\(([^)]*)\)((?:\.\w+)+)", expression):
        value = json.loads(evaluate(call[1], contexts, workspace))
        for key in call[2].split(".")[1:]:
            value = value[key]
        return value
    value = contexts
    if not re.fullmatch(r"[\w-]+(\.[\w-]+)+", expression):
        raise ValueError(f"an expression that the player does not know: {expression}")
    for key in expression.split("."):
        if key not in value:
            # A secret or an output that is not there is empty on GitHub; a misspelt input is our mistake.
            if expression.startswith(("secrets.", "steps.")):
                return ""
            raise ValueError(f"`{expression}` names nothing")
        value = value[key]
    return value


def hash_files(patterns, workspace):
    digest = hashlib.sha256()
    files = sorted(f for pattern in patterns for f in pathlib.Path(workspace).glob(pattern) if f.is_file())
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest() if files else ""
