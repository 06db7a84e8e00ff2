"""How a number is written in a report: as many digits as it deserves, with a unit a reader knows."""

from __future__ import annotations

import math

DASH = "–"
MINUS = "−"


def _known(value: object) -> float | None:
    if value is None or isinstance(value, str):
        return None
    number = float(value)  # type: ignore[arg-type]
    return number if math.isfinite(number) else None


def fixed(value: float | None, decimals: int = 3) -> str:
    """Write ``value`` with that many decimals; a dash when it is not known."""
    number = _known(value)
    if number is None:
        return DASH
    text = f"{number:,.{decimals}f}"
    if text.strip("-0.,") == "":
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def signed(value: float | None, decimals: int = 3) -> str:
    """Write ``value`` with its sign, zero without one."""
    text = fixed(value, decimals)
    return text if text == DASH or text.startswith(MINUS) or not text.strip("0.,") else f"+{text}"


def decimals_for(span: float | None) -> int:
    """Return how many decimals show differences on a scale that spans ``span``: three on a scale of one."""
    if span is None or not math.isfinite(span) or span <= 0:
        return 3
    return min(max(3 - math.floor(math.log10(span) + 0.5), 0), 6)


def seconds(value: float | None) -> str:
    """Write a duration: ``840 µs``, ``12 ms``, ``1.24 s``, ``3.1 min``, ``2.4 h``."""
    number = _known(value)
    if number is None:
        return DASH
    if number == 0:
        return "0 s"
    for below, factor, unit in (
        (0.9995e-3, 1e6, "µs"),
        (0.9995, 1e3, "ms"),
        (99.95, 1.0, "s"),
        (3570.0, 1 / 60, "min"),
    ):
        if abs(number) < below:
            return f"{_three(number * factor)} {unit}"
    return f"{_three(number / 3600)} h"


def megabytes(value: float | None) -> str:
    """Write an amount of memory given in MB."""
    number = _known(value)
    if number is None:
        return DASH
    if number < 0.95:
        return f"{_three(number * 1024)} kB"
    return f"{_three(number)} MB" if number < 999.5 else f"{_three(number / 1024)} GB"


def count(value: float | None) -> str:
    """Write a count: all digits below ten thousand, then ``12.3 k``, ``4.5 M``."""
    number = _known(value)
    if number is None:
        return DASH
    for below, factor, unit in ((9999.5, 1.0, ""), (999.5e3, 1e3, " k"), (999.5e6, 1e6, " M")):
        if abs(number) < below:
            return f"{number:,.0f}" if not unit else f"{_three(number / factor)}{unit}"
    return f"{_three(number / 1e9)} G"


def percent(value: float | None) -> str:
    """Write a share of one as a percentage; never 0 % or 100 % unless it is exactly so."""
    number = _known(value)
    if number is None:
        return DASH
    share = 100 * number
    if 0 < share < 0.5:
        return "<1 %"
    if 99.5 <= share < 100:
        return ">99 %"
    return f"{share:.0f} %"


def p_value(value: float | None) -> str:
    """Write a p-value with two significant digits; ``<0.001`` below that."""
    number = _known(value)
    if number is None:
        return DASH
    if number < 0.001:
        return "<0.001"
    return f"{number:.3f}" if number < 0.1 else f"{number:.2f}"


def interval(low: float | None, high: float | None, decimals: int) -> str:
    """Write ``[low, high]``, or nothing when either is not known."""
    if _known(low) is None or _known(high) is None:
        return ""
    return f"[{fixed(low, decimals)}, {fixed(high, decimals)}]"


def plural(number: int, word: str, words: str | None = None) -> str:
    """Write ``1 task``, ``2 tasks``."""
    return f"{number:,} {word if number == 1 else words or word + 's'}"


def left_out(what: str, names: list[str]) -> str:
    """Return the sentence that names the methods whose maps, networks, … are not shown, or nothing."""
    return f"Without their {what} here: {listing(names, 30)}." if names else ""


def listing(names: list[str], most: int = 5) -> str:
    """Join names by commas and a last ``and``; beyond ``most`` of them say how many more there are."""
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1] if names else ""


def shorten(text: str, most: int) -> str:
    """Return ``text``, cut in its middle to ``most`` characters."""
    if len(text) <= most:
        return text
    head = (most - 1) * 2 // 3
    return f"{text[:head]}…{text[len(text) - (most - 1 - head) :]}"


def _three(number: float) -> str:
    if number == 0:
        return "0"
    places = max(2 - math.floor(math.log10(abs(number)) + 1e-9), 0)
    text = f"{number:,.{min(places, 2)}f}"
    return text.replace("-", MINUS)
