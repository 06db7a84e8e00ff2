"""Text for a screen of 80 columns."""

from __future__ import annotations

import textwrap

WIDTH = 79


def wrapped(line: str, indent: str = "") -> list[str]:
    """Return a line as lines of at most 79 characters, all but the first indented; a longer word stays whole."""
    found = textwrap.wrap(
        line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return found or [""]


def folded(text: str, indent: str = "") -> str:
    """Return a text whose lines are wrapped, each with ``indent`` where it goes on."""
    return "\n".join(part for line in text.split("\n") for part in wrapped(line, indent))
