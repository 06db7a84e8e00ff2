"""Attention: what a few test samples of a method's first trial look at most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neuroloom.runner.report import heat, numbers
from neuroloom.runner.report.model import Attention, MethodView

MOST = 4  # methods of a task


def view(
    held: Mapping[str, Sequence[Any]], ran: Sequence[str], methods: Mapping[str, MethodView]
) -> tuple[Attention, ...]:
    """Return what a task's methods attend to, those that can tell it, the best first.

    Args:
        held: method -> what ``row.front`` has of its trials: pairs of a sample and of parts with their weights.
        ran: methods with a finished trial, the best first.
        methods: label -> method.
    """
    told = [name for name in ran if held.get(name)][:MOST]
    return tuple(
        Attention(
            methods[name].number, tuple((_short(sample), _parts(parts)) for sample, parts in held[name][0])
        )
        for name in told
    )


def _parts(parts: Sequence[Any]) -> tuple[tuple[str, str, int], ...]:
    largest = max((float(weight) for _, weight in parts), default=0.0) or 1.0
    return tuple(
        (_short(part), numbers.fixed(100 * float(weight), 1), round(heat.SHADES * float(weight) / largest))
        for part, weight in parts
    )


def _short(text: Any) -> str:
    return numbers.shorten(str(text), 18)
