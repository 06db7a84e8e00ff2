"""Which columns of a table are free text, to be read by their words, rather than names of categories."""

from __future__ import annotations

from typing import Any

FEWEST, WORDS = 20, 3.0


def is_free_text(column: Any) -> bool:
    """Return whether a column of text is prose: mostly different from row to row, and of several words.

    Args:
        column: a pandas Series of text or categories, missing values allowed. It is free text if at least 20 values
            are there, more than half of them different, with 3 words or more in the mean.
    """
    there = column.dropna()
    different = there.unique()
    if len(there) < FEWEST or 2 * len(different) <= len(there):
        return False
    words = sum(len(str(text).split()) for text in different)
    return words >= WORDS * len(different)
