"""Torch layers of the deep nets; every module here imports torch, so it is imported late."""
