"""Reads each edit before and after with PyYAML, in Python and by libyaml."""

import json
import sys

import yaml


def events(text, loader):
    """What a reader makes of a text: kinds, values, anchors and tags, without places."""
    out = []
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.DocumentStartEvent):
            out.append(("document",))
        elif isinstance(event, yaml.ScalarEvent):
            plain = event.style is None or event.style == ""
            tag = None if event.implicit[0] or not plain else event.tag
            out.append(("scalar", event.anchor, tag or event.tag, event.value))
        elif isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            out.append((type(event).__name__, event.anchor, event.tag))
        elif isinstance(event, yaml.AliasEvent):
            out.append(("alias", event.anchor))
        else:
            out.append((type(event).__name__,))
    return out


def main():
    judged = unread = wrong = 0
    for line in open(sys.argv[1], encoding="utf-8"):
        edit = json.loads(line)
        for loader in (yaml.SafeLoader, yaml.CSafeLoader):
            try:
                before = events(edit["before"], loader)
            except (yaml.YAMLError, ValueError):
                unread += 1
                continue
            judged += 1
            try:
                after = events(edit["after"], loader)
            except (yaml.YAMLError, ValueError) as error:
                wrong += 1
                print(f"{loader.__name__}: {error}: {json.dumps(edit)}", file=sys.stderr)
                continue
            differ = [(a, b) for a, b in zip(before, after) if a != b]
            fits = len(before) == len(after) and len(differ) <= 1
            for old, new in differ:
                fits = fits and old[:3] == new[:3] and old[0] == "scalar" and new[3] == edit["value"]
            if not fits:
                wrong += 1
                print(f"{loader.__name__}: {differ}: {json.dumps(edit)}", file=sys.stderr)
    print(f"PyYAML: {judged} readings, {unread} of originals that it does not read, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
