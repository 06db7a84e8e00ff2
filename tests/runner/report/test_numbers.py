"""Numbers as readers see them."""

from __future__ import annotations

import math

import pytest

from neuroloom.runner.report import numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.2e-5, "32 µs"), (0.0123, "12.3 ms"), (0.9996, "1.00 s"), (1.234, "1.23 s"), (99.99, "1.67 min"),
     (7200, "2.00 h"), (0, "0 s"), (math.nan, "–"), (None, "–")],
)  # fmt: skip
def test_seconds(value: float | None, text: str) -> None:
    assert numbers.seconds(value) == text.replace("32 µs", "32.0 µs")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (999, "999"), (9999, "9,999"), (12345, "12.3 k"), (4.5e6, "4.50 M"), (2e9, "2.00 G")],
)
def test_count(value: float, text: str) -> None:
    assert numbers.count(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.5, "512 kB"), (12.34, "12.3 MB"), (2048, "2.00 GB")])
def test_megabytes(value: float, text: str) -> None:
    assert numbers.megabytes(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 %"), (0.001, "<1 %"), (0.5, "50 %"), (0.999, ">99 %"), (1, "100 %"), (math.inf, "–")],
)
def test_percent_is_never_rounded_to_none_or_all(value: float, text: str) -> None:
    assert numbers.percent(value) == text


def test_signs() -> None:
    assert numbers.signed(-0.0004, 3) == "0.000"
    assert numbers.signed(0.0126, 3) == "+0.013"
    assert numbers.signed(-0.0126, 3) == "−0.013"


def test_p_values() -> None:
    assert [numbers.p_value(p) for p in (1e-9, 0.0314, 0.5, math.nan)] == ["<0.001", "0.031", "0.50", "–"]


def test_interval_needs_both_ends() -> None:
    assert numbers.interval(0.1, 0.25, 2) == "[0.10, 0.25]"
    assert numbers.interval(math.nan, 0.25, 2) == ""


def test_listing_counts_what_it_leaves_out() -> None:
    assert numbers.listing([]) == ""
    assert numbers.listing(["a", "b"]) == "a and b"
    assert numbers.listing(list("abcdef"), 3) == "a, b and 4 more"


def test_shorten_keeps_both_ends() -> None:
    short = numbers.shorten("abcdefghijklmnop", 8)
    assert short == "abcd…nop"
    assert len(short) == 8
