"""The user's own data: files and folders recognised, read and checked."""

from __future__ import annotations

from neuroloom.tasks.files.own import OwnTask, open_own, recognise

__all__ = ["OwnTask", "open_own", "recognise"]
