"""The registry: short names to estimators, and ``a+b`` to pipelines."""

from neuroloom.methods.make import Recipe, Skip, build, make, parameters, parts, recipe, step_params
from neuroloom.methods.method import Method
from neuroloom.methods.registry import find, registry

__all__ = [
    "Method",
    "Recipe",
    "Skip",
    "build",
    "find",
    "make",
    "parameters",
    "parts",
    "recipe",
    "registry",
    "step_params",
]
