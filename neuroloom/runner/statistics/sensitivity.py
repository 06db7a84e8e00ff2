"""How much the order of methods hangs on single tasks: mean ranks with one task left out."""

from __future__ import annotations

import pandas as pd


def leave_one_task_out(ranks: pd.DataFrame) -> pd.DataFrame:
    """Return mean ranks over all tasks, then with each one left out.

    Args:
        ranks: ranks within each task, a row a task, a column a method.

    Returns:
        Columns ``left_out`` (the task, empty in the first row), ``best`` (the method with the best mean rank, of equals
        the first column), then a column a method. Only the first row where there are fewer than two tasks.
    """
    mean = {"": ranks.mean()}
    if len(ranks) > 1:
        mean |= {str(task): ranks.drop(index=task).mean() for task in ranks.index}
    table = pd.DataFrame(mean, index=ranks.columns).T
    table.columns.name = None
    table.insert(0, "best", table.idxmin(axis=1) if len(ranks.columns) and len(ranks) else "")
    return table.rename_axis("left_out").reset_index()
