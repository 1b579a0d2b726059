"""The edit of a manifest: the one value that changes, every other byte as it was."""

import re

LINE = re.compile(r"""^([ -]*image: *["']?)([^\s"']+)""", re.MULTILINE)


def with_image(content: str, image: str) -> tuple[str, str] | None:
    """The manifest with another image, and the image that it had; none unless it names exactly one."""
    found = LINE.findall(content)
    if len(found) != 1:
        return None
    return LINE.sub(lambda match: match[1] + image, content), found[0][1]
