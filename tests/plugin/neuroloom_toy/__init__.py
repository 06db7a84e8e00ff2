"""A toy plug-in for neuroloom: the nearest class mean, and two dots of points to tell apart."""

from neuroloom_toy.method import nearest_mean
from neuroloom_toy.task import TwoDots

__all__ = ["TwoDots", "nearest_mean"]
