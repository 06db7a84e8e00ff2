"""From strings to strings: share of held-out strings that come out right from first to last letter.

    python -m benchmarks.nets.strings [reverse] [sort] [dates] [add] [--methods luong transformer …] [--samples 4000]

``reverse`` and ``sort``: 4 to 10 of the letters a to h. ``dates``: "7 March 1998", "Mar 07, 98", "07/03/1998", … to
"1998-03-07", years 1950 to 2029. ``add``: two numbers below 1,000. No string that is judged was learned from. One
thread; CPU seconds of the process.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import time
from collections.abc import Callable

# ruff: noqa: E402 (thread limits count only when they are set before NumPy is imported)
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import numpy as np

from neuroloom.core.tokens import Alphabet
from neuroloom.nets import Seq2Seq

Pair = tuple[str, str]
FORMS = ("%-d %B %Y", "%b %d, %y", "%d/%m/%Y", "%A, %-d %b %Y", "%Y.%m.%d", "%B %-d, %Y")


def reverse(draws: np.random.Generator) -> Pair:
    text = "".join(draws.choice(list("abcdefgh"), draws.integers(4, 11)))
    return text, text[::-1]


def sort(draws: np.random.Generator) -> Pair:
    text = "".join(draws.choice(list("abcdefgh"), draws.integers(4, 11)))
    return text, "".join(sorted(text))


def dates(draws: np.random.Generator) -> Pair:
    day = datetime.date(1950, 1, 1) + datetime.timedelta(days=int(draws.integers(29_220)))
    return day.strftime(FORMS[int(draws.integers(len(FORMS)))]), day.isoformat()


def add(draws: np.random.Generator) -> Pair:
    a, b = draws.integers(0, 1000, 2).tolist()
    return f"{a}+{b}", str(a + b)


TASKS: dict[str, Callable[[np.random.Generator], Pair]] = {
    "reverse": reverse,
    "sort": sort,
    "dates": dates,
    "add": add,
}


def pairs(task: str, count: int) -> list[Pair]:
    """Return different pairs."""
    draws, found = np.random.default_rng(0), dict[str, str]()
    while len(found) < count:
        text, answer = TASKS[task](draws)
        found.setdefault(text, answer)
    return list(found.items())


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tasks", nargs="*", default=list(TASKS))
    parser.add_argument("--methods", nargs="*", default=["none", "bahdanau", "luong", "transformer"])
    parser.add_argument("--samples", type=int, default=4000)
    parser.add_argument("--epochs", type=int, default=20)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{platform.python_version()}, torch {torch.__version__}, 1 thread, load {os.getloadavg()[0]:.1f}, "
          f"{given.samples} strings to learn from in {given.epochs} passes, 500 to judge")  # fmt: skip
    print("\n| task | attention | right, greedy | right, beam of 5 | CPU-s a fit |\n|---|---|---|---|---|")
    for task in given.tasks:
        made = pairs(task, given.samples + 500)
        letters = [Alphabet([pair[side] for pair in made]) for side in (0, 1)]
        X, y = (letters[side].encode([pair[side] for pair in made]) for side in (0, 1))
        known, held = slice(None, given.samples), slice(given.samples, None)
        for method in given.methods:
            model = Seq2Seq(method, epochs=given.epochs, random_state=0)
            began = time.process_time()
            model.fit(X[known], y[known])
            seconds = time.process_time() - began
            right = []
            for beam in (1, 5):
                found = letters[1].decode(model.predict(X[held], beam=beam))
                right.append(np.mean([a == b[1] for a, b in zip(found, made[held], strict=True)]))
            print(f"| {task} | {method} | {right[0]:.3f} | {right[1]:.3f} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
