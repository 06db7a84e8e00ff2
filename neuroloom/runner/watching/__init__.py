"""A store shown live in the browser, read-only."""

from neuroloom.runner.watching.server import watch

__all__ = ["watch"]
