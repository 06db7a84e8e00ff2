"""Kernels are compiled before a trial is timed."""

import subprocess
import sys

import pytest

from neuroloom.methods import registry

NAMED = sorted(
    {(m.warm_up, kind, problem) for m in registry().values() if m.warm_up for kind, problem in m.classes}
)


@pytest.mark.parametrize(("path", "kind", "problem"), NAMED, ids=lambda v: str(v))
def test_what_a_method_names_can_be_called(path: str, kind: str, problem: str) -> None:
    import importlib

    module, _, name = path.partition(":")
    assert getattr(importlib.import_module(module), name)(kind, problem) is None


def test_after_warming_up_a_fit_compiles_nothing_more() -> None:
    code = """
import time, numpy as np
from neuroloom.methods.warming import warm_up
from neuroloom.evolve import NEATClassifier
import numba.core.compiler
compiled = []
run = numba.core.compiler.CompilerBase.compile_extra
numba.core.compiler.CompilerBase.compile_extra = lambda self, f: compiled.append(f) or run(self, f)
warm_up("neat", "table", "classification")
before = len(compiled)
X = np.random.default_rng(0).normal(size=(60, 3))
NEATClassifier(population=30, generations=10, random_state=0).fit(X, np.arange(60) % 3).predict_proba(X)
print(len(compiled) - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
