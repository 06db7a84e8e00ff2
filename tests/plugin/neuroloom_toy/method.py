"""The nearest class mean as a plug-in method."""

from neuroloom.methods import Method

nearest_mean = Method(
    "nearest-mean",
    "other",
    "nearest class mean",
    {("table", "classification"): "sklearn.neighbors:NearestCentroid"},
)
