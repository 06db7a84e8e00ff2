"""Errors that tell a user what to do; the command line prints them without a traceback."""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Iterable, Iterator


class InputError(ValueError):
    """Input that cannot be used: says what was expected, what came and what to do."""


class NotSupportedError(TypeError):
    """A method met a kind of data or a problem that it has no answer for."""


def nearest(name: str, options: Iterable[str]) -> str | None:
    """Return the option most like ``name``, or None when nothing comes near."""
    found = difflib.get_close_matches(str(name), [str(o) for o in options], n=1, cutoff=0.5)
    return found[0] if found else None


def unknown(what: str, name: str, options: Iterable[str], hint: str = "") -> InputError:
    """Return the error for a name that is none of ``options``, with the nearest one in its text."""
    options = sorted(str(o) for o in options)
    close = nearest(name, options)
    if close is not None:
        text = f"{what} {name!r} is not known; did you mean {close!r}?"
    elif len(options) <= 20:
        text = f"{what} {name!r} is not known; it must be one of {', '.join(options)}."
    else:
        text = f"{what} {name!r} is not known."
    return InputError(f"{text} {hint}".strip())


@contextlib.contextmanager
def blamed_on(what: object, then: str) -> Iterator[None]:
    """Turn whatever goes wrong in the block into an error for users that blames ``what``; errors of ours pass.

    For the reading of files that others may have written or damaged, where there is no end to what may be wrong.

    Args:
        what: the file or folder.
        then: what to do.

    Raises:
        InputError: something went wrong; its cause is kept.
    """
    try:
        yield
    except (InputError, NotSupportedError):
        raise
    except Exception as error:
        text = " ".join(str(error).split())[:300]
        raise InputError(
            f"{what} is damaged or of another version ({type(error).__name__}: {text}); {then}."
        ) from error


def without_password(text: str) -> str:
    """Return text with the passwords of URLs blacked out."""
    before_the_host = re.sub(r"(://[^:/@\s]*):[^@\s]*@", r"\1:***@", text)
    return re.sub(r"([?&]password=)[^&\s]*", r"\1***", before_the_host)
