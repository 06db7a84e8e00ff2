"""Node networks that differ in their seeds alone, trained together over one graph: the same numbers as alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from neuroloom.core.fitting import Job
from neuroloom.core.seeding import as_seed, derive
from neuroloom.graphs.network import one_thread

MOST = 16  # members at once: more would not share more


def fit_many(jobs: Sequence[Job]) -> list[Any]:
    """Fit every job and return the fitted estimators in order; those of one graph, training part and setting
    together.
    """
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for i, job in enumerate(jobs):
        groups[_sort(job, i)].append(i)
    fitted: dict[int, Any] = {}
    for rows in groups.values():
        for start in range(0, len(rows), MOST):
            part = rows[start : start + MOST]
            made = _together([jobs[i] for i in part]) if len(part) > 1 else [_alone(jobs[part[0]])]
            fitted |= dict(zip(part, made, strict=True))
    return [fitted[i] for i in range(len(jobs))]


def _alone(job: Job) -> Any:
    if job.eval_set is None:
        return job.estimator.fit(job.X, job.y)
    return job.estimator.fit(job.X, job.y, eval_set=job.eval_set)


def _sort(job: Job, number: int) -> Hashable:
    """Return what jobs must have in common to be trained together; its own number for a job that must be alone."""
    model = job.estimator
    agree = getattr(model, "_agreement", lambda: None)
    if (
        job.eval_set is None
        or model.batch_size is not None
        or not model._parts_are_exact()
        or agree() is not None
    ):
        return number
    settings = sorted((k, repr(v)) for k, v in model.get_params(deep=False).items() if k != "random_state")
    parts = [
        (id(nodes.graph), nodes.ids.tobytes(), np.asarray(answers).tobytes())
        for nodes, answers in ((job.X, job.y), job.eval_set)
    ]
    return type(model), str(settings), *parts


def _together(jobs: Sequence[Job]) -> list[Any]:
    """Train the networks of jobs that share everything but their seeds."""
    import torch

    from neuroloom.core.devices import resolve_device
    from neuroloom.core.training import train as run
    from neuroloom.graphs._layers.members import Members

    device = resolve_device(jobs[0].estimator.device)
    made = [_ready(job, device) for job in jobs]
    first, inputs, train, valid = made[0]
    models = [model for model, *_ in made]
    seeds = [as_seed(job.estimator.random_state) for job in jobs]
    if first.embedding_ is not None:  # features that hang on the seed are a network's own
        return [_alone(job) for job in jobs]
    with one_thread(), torch.random.fork_rng(devices=[]):
        networks = []
        for seed in seeds:
            torch.manual_seed(derive(seed, "weights"))
            networks.append(first._encoder(first.n_features_in_, first._n_answers()).to(device))
        if any(True for _ in networks[0].buffers()):
            return [_alone(job) for job in jobs]
        members = Members(networks, [derive(derive(seed, "training"), "layers") for seed in seeds])
    loss, judge = first._losses(train[1], device), first._scores(valid[1], device)
    asked, held = first._part_of(inputs, train[0], exact=True), first._part_of(inputs, valid[0], exact=True)
    scale = first._decay_scale(members.names)
    with one_thread():
        result = run(
            members,
            lambda net, rows: torch.stack([loss(asked(out), None) for out in net(*asked.inputs)]),
            config=first._config(validated=True),
            seed=[derive(seed, "training") for seed in seeds],
            valid=lambda net: torch.stack([judge(held(out)) for out in net(*held.inputs)]),
            jobs=len(jobs),
            decay_scale=None
            if scale is None
            else {f"stacks.{i}": scale[n] for i, n in enumerate(members.names)},
            shrink=members.keep,
        )
    for j, model in enumerate(models):
        model._keep_weights(members.weights(j), result.histories[j])
    return models


def _ready(job: Job, device: Any) -> Any:
    """Return the estimator with all learned but its weights, its inputs, and the parts to train and to stop on."""
    model = job.estimator
    seed, target = model._begin(job.X, job.y)
    train, valid = model._parts(job.X, target, job.eval_set, seed)
    return model, model._inputs(job.X.graph, device, seed), train, valid
