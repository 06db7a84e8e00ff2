"""Slow references of the measures of anomalies, step by step as the papers state them."""

import math


def vus_pr(labels, score, buffer):
    """Average over buffers of the area under precision and recall, every score being a threshold."""
    return sum(_area(list(labels), list(score), length) for length in range(buffer + 1)) / (buffer + 1)


def _stretches(marked):
    found, begin = [], None
    for t, mark in enumerate([*marked, 0]):
        if mark and begin is None:
            begin = t
        if not mark and begin is not None:
            found.append((begin, t - 1))
            begin = None
    return found


def _area(labels, score, length):
    soft = [float(y) for y in labels]
    for s, e in _stretches(labels):
        for t in range(len(labels)):
            away = s - t if t < s else t - e if t > e else 0
            if 0 < away <= length // 2:
                soft[t] += math.sqrt(1 - away / length)
    soft = [min(1.0, value) for value in soft]
    anomalies = _stretches([value > 0 for value in soft])
    positives = (sum(labels) + sum(soft)) / 2
    area, before = 0.0, 0.0
    for threshold in sorted(set(score), reverse=True):
        called = [one >= threshold for one in score]
        hits = sum(value for value, yes in zip(soft, called, strict=True) if yes)
        met = sum(any(called[t] for t in range(s, e + 1)) for s, e in anomalies)
        recall = min(1.0, hits / positives) * met / len(anomalies)
        area += (recall - before) * hits / sum(called)
        before = recall
    return area
