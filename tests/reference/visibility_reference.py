"""Visibility graphs pair by pair, in exact arithmetic."""

from fractions import Fraction


def edges(x, horizontal):
    """Return the pairs (a, b), a < b, that see each other, by their definition."""
    x = [Fraction(float(value)) for value in x]
    found = []
    for a in range(len(x)):
        for b in range(a + 1, len(x)):
            between = range(a + 1, b)
            if horizontal:
                seen = all(x[c] < min(x[a], x[b]) for c in between)
            else:
                seen = all(x[c] < x[b] + (x[a] - x[b]) * Fraction(b - c, b - a) for c in between)
            if seen:
                found.append((a, b))
    return found
