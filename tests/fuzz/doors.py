"""What the fuzz tests share: how long they search, how they spoil what is right, and which errors users may see.

A few examples and always the same in the test suite; ``NEUROLOOM_FUZZ=50 python -m pytest tests/fuzz`` tries fifty
times as many, others each time, and prints what it finds as a test to copy.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from neuroloom.core.errors import InputError, NotSupportedError

TIMES = int(os.environ.get("NEUROLOOM_FUZZ", "1"))
T = TypeVar("T")
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([0, -1, 1, 2, 10**9, 2**31, 2**63]),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(
        ["", " ", "nan", "1e999", "\x00", "a" * 3000, "../../etc/passwd", "<b>", "{{7*7}}", "日本\u202e"]
    ),
)
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def fuzz(examples: int) -> Any:
    """Return how a test searches: so many examples, the same each time, or many more of other ones."""
    return settings(
        max_examples=examples * TIMES,
        derandomize=TIMES == 1,
        database=None,
        deadline=None,
        print_blob=TIMES > 1,
        suppress_health_check=list(HealthCheck),
    )


def told(call: Callable[[], T]) -> T | None:
    """Return what a call gives, None where it refuses as it should: an error of ours that says something."""
    try:
        return call()
    except (InputError, NotSupportedError) as error:
        text = str(error)
        assert len(text) > 15, f"the message {text!r} says nothing"
        assert "Traceback" not in text
        assert not re.search(r"<[\w.]+ object at 0x", text), f"the message shows an object: {text}"
        assert text.isprintable() or "\n" in text or "\t" in text or len(text) > 15
        return None


@st.composite
def spoilt_bytes(draw: Any, good: bytes) -> bytes:
    """Draw bytes like ``good`` with some of them changed, left out, doubled or put elsewhere."""
    data = bytearray(good)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        length = draw(st.integers(1, 12))
        kind = draw(st.sampled_from(["change", "drop", "insert", "cut", "twice", "special"]))
        if kind == "change":
            data[at : at + length] = draw(st.binary(min_size=length, max_size=length))
        elif kind == "drop":
            del data[at : at + length]
        elif kind == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=length))
        elif kind == "cut":
            del data[at:]
        elif kind == "twice":
            data[at:at] = data[max(0, at - 20 * length) : at]
        else:
            odd = [
                b"\x00",
                b"\xff\xfe",
                b"\xef\xbb\xbf",
                b"\r",
                b"\n\n",
                b'"',
                b"'",
                b",,",
                b"nan",
                b"1e999",
                b"\xe2\x80\xa8",
            ]
            data[at:at] = draw(st.sampled_from(odd))
    return bytes(data)


@st.composite
def spoilt_tree(draw: Any, good: Any) -> Any:
    """Draw a tree of dicts and lists like ``good`` with one to three of its parts changed, left out or added."""
    tree = _copy(good)
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(tree))
        if not places:
            return draw(JUNK)
        holder, key = draw(st.sampled_from(places))
        kind = draw(st.sampled_from(["replace", "drop", "add", "swap"]))
        if kind == "replace":
            holder[key] = draw(JUNK)
        elif kind == "drop":
            del holder[key]
        elif kind == "swap":
            other, there = draw(st.sampled_from(places))
            if there in (other if isinstance(other, dict) else range(len(other))):
                holder[key] = _copy(other[there])
        elif isinstance(holder, dict):
            holder[draw(st.text(max_size=8))] = draw(JUNK)
        else:
            holder.insert(key, draw(JUNK))
    return tree


def _copy(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _copy(value) for key, value in tree.items()}
    return [_copy(value) for value in tree] if isinstance(tree, list) else tree


def _places(tree: Any) -> Any:
    keys = tree.keys() if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in list(keys):
        yield tree, key
        yield from _places(tree[key])
