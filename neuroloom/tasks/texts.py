"""Texts that need no download: sentences of Python's own documentation, and strings of brackets."""

from __future__ import annotations

import ast
import hashlib
import re
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.seeding import stream
from neuroloom.tasks.base import DrawnTask, NamedTask
from neuroloom.tasks.metrics import DEFAULTS
from neuroloom.tasks.task import Data

Ints = NDArray[np.int64]
PACKAGES = ("asyncio", "email", "http", "importlib", "logging", "multiprocessing", "unittest", "xml")
_WORD = re.compile(r"[a-z]+|[0-9]+|[^\sa-z0-9]")
_LONGEST = 24  # words of a sentence that are read
_FEWEST = 4  # and that it must have


class Docstrings(NamedTask):
    """First sentences of the docstrings in eight packages of Python's standard library: which is it from?

    A sentence is cut into lower-case words, numbers and single signs; sentences of fewer than four words are left out,
    longer ones than 24 cut, and of equal ones the first is kept. Words are numbered by how often they stand in all the
    sentences, from 1. The texts are those of the Python that runs, so its version is part of the fingerprint.
    """

    kind = "tokens"
    problem = "classification"
    metrics = DEFAULTS["classification"]
    summary = "about 1,800 sentences from the docstrings of eight packages of Python: which package?"
    source = "Python's standard library (Python Software Foundation License 2)"

    def fingerprint(self) -> str:
        """Return the hash of the name, the version and Python's."""
        python = ".".join(str(part) for part in sys.version_info[:3])
        return hashlib.sha256(f"{self.name}\0{self.version}\0{python}".encode()).hexdigest()

    def load(self, seed: int = 0) -> Data:
        """Return ``(n, 24)`` words and the packages' names."""
        library = Path(sysconfig.get_paths()["stdlib"])
        texts: dict[tuple[str, ...], str] = {}
        for package in PACKAGES:
            for path in sorted((library / package).rglob("*.py")):
                for words in _sentences(path):
                    texts.setdefault(words, package)
        return Data(numbered(texts), np.array(list(texts.values())))


def _sentences(path: Path) -> Iterable[tuple[str, ...]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            told = " ".join((ast.get_docstring(node) or "").split())
            words = _WORD.findall(told.split(". ")[0].lower())
            if len(words) >= _FEWEST:
                yield tuple(words[:_LONGEST])


def numbered(texts: Iterable[tuple[str, ...]]) -> Ints:
    """Return texts as ``(n, longest)`` numbers: 1 for the most frequent word, 0 behind the end."""
    rows = list(texts)
    counts: dict[str, int] = {}
    for row in rows:
        for word in row:
            counts[word] = counts.get(word, 0) + 1
    number = {word: i for i, (word, _) in enumerate(sorted(counts.items(), key=lambda c: (-c[1], c[0])), 1)}
    made = np.zeros((len(rows), max(len(row) for row in rows)), dtype=np.int64)
    for line, row in zip(made, rows, strict=True):
        line[: len(row)] = [number[word] for word in row]
    return made


class Brackets(DrawnTask):
    """Strings of round and square brackets: does each close the one that was opened last?

    Half are drawn as such strings of 2 to 10 pairs; the other half are made so, and then two brackets that differ
    change places, again until the string is wrong. So both halves hold equally many brackets of each kind, and what is
    next to what says little: to answer, one must remember what is open.
    """

    kind = "tokens"
    problem = "classification"
    metrics = DEFAULTS["classification"]
    summary = "1,000 strings of up to 20 round and square brackets: well nested or not"
    source = "generated: the Dyck language of two kinds of brackets (Chomsky and Schützenberger 1963)"

    def load(self, seed: int = 0) -> Data:
        """Return ``(1000, 20)`` tokens: 1 and 2 round, 3 and 4 square, opening and closing."""
        rng = stream(seed, "data", self.name)
        X = np.zeros((1000, 20), dtype=np.int64)
        y = np.tile(["nested", "not"], 500)
        for row, label in zip(X, y, strict=True):
            text = _nested(rng, int(rng.integers(2, 11)))
            while label == "not" and is_nested(text):
                i, j = rng.choice(len(text), 2, replace=False)
                text[i], text[j] = text[j], text[i]
            row[: len(text)] = text
        return Data(X, y)


def _nested(rng: np.random.Generator, pairs: int) -> list[int]:
    """Return a well-nested string: at each place open one of either kind or close the last, as far as both can be."""
    text: list[int] = []
    open_: list[int] = []
    while pairs or open_:
        if pairs and (not open_ or rng.random() < 0.5):
            open_.append(int(rng.choice([1, 3])))
            text.append(open_[-1])
            pairs -= 1
        else:
            text.append(open_.pop() + 1)
    return text


def is_nested(text: Iterable[int]) -> bool:
    """Return whether each bracket closes the one that was opened last, and all are closed."""
    open_: list[int] = []
    for token in text:
        if token in (1, 3):
            open_.append(token)
        elif not open_ or open_.pop() + 1 != token:
            return False
    return not open_
