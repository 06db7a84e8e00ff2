"""A saved model behind HTTP, by the Open Inference Protocol (version 2, REST)."""

from neuroloom.runner.serving.server import serve

__all__ = ["serve"]
