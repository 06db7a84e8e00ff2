"""What every room shares: sample sets, graphs, seeding, checks and devices."""

from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.graph import Graph
from neuroloom.core.origins import OriginSet
from neuroloom.core.samples import EnvSet, GraphSet, LinkSet, NodeSet, kind_of, observed_graph

__all__ = [
    "EnvSet",
    "Graph",
    "GraphSet",
    "InputError",
    "LinkSet",
    "NodeSet",
    "NotSupportedError",
    "OriginSet",
    "kind_of",
    "observed_graph",
]
