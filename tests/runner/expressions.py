"""GitHub's expressions, as far as workflows and actions of ours may need them. What is not known is an error, never empty."""

import hashlib
import json
import math
import pathlib
import re

HOLE = re.compile(r"\$\{\{(.*?)\}\}", re.S)
TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][\w-]*)"
                   r"|(?P<sign>==|!=|<=|>=|&&|\|\||[<>!().,\[\]]))")
# Contexts whose keys are all known when a workflow is written: a misspelt one is a mistake of ours. Elsewhere it is null.
STRICT = ("inputs", "matrix", "needs", "runner")


def fill(text, contexts, functions=None):
    """A text with its expressions evaluated. One that is the whole text keeps its type, as the runner does."""
    if not isinstance(text, str):
        return text
    whole = HOLE.fullmatch(text.strip())
    if whole and "${{" not in whole[1]:
        return evaluate(whole[1], contexts, functions)
    return HOLE.sub(lambda hole: show(evaluate(hole[1], contexts, functions)), text)


def condition(text, contexts, functions):
    """What an `if` says: without a function of the job's state, only after success."""
    if text is None:
        return functions["success"]()
    whole = HOLE.fullmatch(str(text).strip())
    text = whole[1] if whole else str(text)
    asks = re.search(r"\b(always|cancelled|failure|success)\s*\(", text)
    return (bool(asks) or functions["success"]()) and truth(evaluate(text, contexts, functions))


def show(value):
    """A value as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value) if isinstance(value, (dict, list)) else str(value)


def truth(value):
    return not (value is None or value is False or value == "" or value == 0 or value != value)


def evaluate(expression, contexts, functions=None):
    return Parser(expression, contexts, {**FUNCTIONS, **(functions or {})}).parse()


class Parser:
    """Evaluates while it reads; both sides of `&&` and `||` are evaluated, which shows nothing outside."""

    def __init__(self, expression, contexts, functions):
        self.expression, self.contexts, self.functions = expression, contexts, functions
        self.tokens, end = [], 0
        while rest := expression[end:].strip():
            token = TOKEN.match(expression, end)
            if not token:
                raise ValueError(f"`{rest}` in `{expression}` is not known")
            self.tokens.append((token.lastgroup, token[token.lastgroup]))
            end = token.end()

    def parse(self):
        value = self.either()
        if self.tokens:
            raise ValueError(f"`{self.tokens[0][1]}` in `{self.expression}` is one too many")
        return value

    def accept(self, *signs):
        if self.tokens and self.tokens[0][0] == "sign" and self.tokens[0][1] in signs:
            return self.tokens.pop(0)[1]
        return None

    def expect(self, sign):
        if not self.accept(sign):
            raise ValueError(f"`{sign}` is missing in `{self.expression}`")

    def either(self):
        value = self.both()
        while self.accept("||"):
            other = self.both()
            value = value if truth(value) else other
        return value

    def both(self):
        value = self.compared()
        while self.accept("&&"):
            other = self.compared()
            value = other if truth(value) else value
        return value

    def compared(self):
        left = self.negated()
        while sign := self.accept("==", "!=", "<", "<=", ">", ">="):
            left = compare(left, sign, self.negated())
        return left

    def negated(self):
        return not truth(self.negated()) if self.accept("!") else self.reached()

    def reached(self):
        value, path = self.primary()
        while True:
            if self.accept("."):
                key = self.tokens.pop(0)[1]
            elif self.accept("["):
                key = self.either()
                self.expect("]")
            else:
                return value
            value, path = self.member(value, key, path), [*path, key]

    def member(self, value, key, path):
        if isinstance(value, list):
            return value[int(key)] if int(key) < len(value) else None
        found = value.get(key) if isinstance(value, dict) else None
        if found is None and len(path) == 1 and path[0] in STRICT and key not in value:
            raise ValueError(f"`{path[0]}.{key}` names nothing")
        return found

    def primary(self):
        if self.accept("("):
            value = self.either()
            self.expect(")")
            return value, []
        if not self.tokens:
            raise ValueError(f"`{self.expression}` ends too soon")
        kind, text = self.tokens.pop(0)
        if kind == "text":
            return text[1:-1].replace("''", "'"), []
        if kind == "number":
            return float(text), []
        if text in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[text], []
        if kind == "name" and self.accept("("):
            return self.call(text), []
        if text not in self.contexts:
            raise ValueError(f"`{text}` is not known in `{self.expression}`")
        return self.contexts[text], [text]

    def call(self, name):
        if name not in self.functions:
            raise ValueError(f"the function `{name}` is not known")
        arguments = []
        while not self.accept(")"):
            arguments.append(self.either())
            self.accept(",")
        return self.functions[name](*arguments)


def number(value):
    """A value as the number that a comparison of different types takes."""
    if value is None or value == "":
        return 0.0
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def compare(left, sign, right):
    if isinstance(left, str) and isinstance(right, str):
        left, right = left.lower(), right.lower()
    elif type(left) is not type(right):
        left, right = number(left), number(right)
    return {"==": left == right, "!=": left != right, "<": left < right, "<=": left <= right,
            ">": left > right, ">=": left >= right}[sign]


FUNCTIONS = {
    "fromJSON": json.loads,
    "toJSON": lambda value: json.dumps(value, indent=2),
    "format": lambda text, *values: re.sub(r"\{(\d+)\}", lambda hole: show(values[int(hole[1])]), text),
    "contains": lambda where, what: what in where if isinstance(where, list) else show(what).lower() in show(where).lower(),
    "startsWith": lambda text, start: show(text).lower().startswith(show(start).lower()),
    "endsWith": lambda text, end: show(text).lower().endswith(show(end).lower()),
}


def hash_files(workspace, *patterns):
    """One hash of all files of the workspace that a pattern names; empty if there are none. Links lead nowhere."""
    workspace = pathlib.Path(workspace).resolve()
    lines = [line.strip() for pattern in patterns for line in show(pattern).splitlines() if line.strip()]
    if any(line.startswith("!") for line in lines):
        raise ValueError("hashFiles: patterns that exclude are not known")
    found = {file for line in lines for file in workspace.glob(line.removeprefix("./"))}
    files = [file for file in sorted(found) if file.is_file() and file.resolve().is_relative_to(workspace)]
    digest = hashlib.sha256()
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest() if files else ""
