"""Which trial is next: the planned order, near what is loaded, in batches of bounded size."""

from __future__ import annotations

from neuroloom.runner.schedule import BATCH_SECONDS, MAX_BATCH, Loaded, Schedule
from tests.runner.bad_methods import trial


def drain(schedule: Schedule, seconds: float = 0.1) -> list[tuple[str, ...]]:
    loaded, units = Loaded(), []
    while unit := schedule.next(loaded):
        units.append(tuple(t.key for t in unit))
        schedule.ended(unit, seconds * len(unit), 0.0, loaded)
    return units


def test_without_reason_to_differ_the_planned_order_holds() -> None:
    trials = [trial(name, seed=s) for s in range(30) for name in ("a", "b", "c")]
    assert drain(Schedule(trials, 1)) == [(t.key,) for t in trials]


def test_a_worker_keeps_to_what_it_has_imported() -> None:
    trials = [trial(name, seed=s) for s in range(4) for name in ("heavy", "light")]
    schedule = Schedule(trials, 2)
    first, second = Loaded(), Loaded()
    a, b = schedule.next(first), schedule.next(second)
    schedule.ended(a, 3.1, 3.0, first)  # three seconds of imports
    schedule.ended(b, 0.1, 0.01, second)
    assert [t.expression for t in schedule.next(second)] == ["light"]
    assert [t.expression for t in schedule.next(second)] == ["light"]
    assert [t.expression for t in schedule.next(first)] == ["heavy"]
    assert [t.expression for t in schedule.next(second)] == ["light"]
    assert [t.expression for t in schedule.next(second)] == ["heavy"]  # better than nothing
    assert len(schedule) == 1


def test_cheap_imports_do_not_change_the_order() -> None:
    trials = [trial(name, seed=s) for s in range(3) for name in ("a", "b")]
    schedule = Schedule(trials, 2)
    first, second = Loaded(), Loaded()
    schedule.ended(schedule.next(first), 0.2, 0.1, first)
    schedule.ended(schedule.next(second), 0.2, 0.1, second)
    assert schedule.next(second)[0].expression == "a"


def test_every_trial_comes_once_whatever_the_batches() -> None:
    trials = [
        trial(n, seed=s, batch=n != "c", task={"name": t})
        for s in range(40)
        for n in "abc"
        for t in ("x", "y")
    ]
    units = drain(Schedule(trials, 2))
    assert sorted(key for unit in units for key in unit) == sorted(t.key for t in trials)
    by_key = {t.key: t for t in trials}
    assert all(len({(by_key[k].task_name, by_key[k].expression) for k in unit}) == 1 for unit in units)
    assert max(len(unit) for unit in units) > 5
    assert {len(u) for u in units if by_key[u[0]].expression == "c"} == {1}


def test_a_label_runs_alone_first_and_labels_of_a_class_share_a_batch() -> None:
    trials = [trial("mlp", label=f"mlp[{i}]", seed=s, batch=True) for s in range(8) for i in range(2)]
    units = drain(Schedule(trials, 1))
    assert [len(unit) for unit in units] == [1, 1, 14]


def test_a_batch_takes_about_ten_seconds_and_half_the_limit_at_most() -> None:
    trials = [trial("mlp", seed=s, batch=True, seconds=60.0) for s in range(100)]
    units = drain(Schedule(trials, 1), seconds=1.0)
    assert len(units[1]) == BATCH_SECONDS
    hurried = [trial("mlp", seed=s, batch=True, seconds=6.0) for s in range(100)]
    assert len(drain(Schedule(hurried, 1), seconds=1.0)[1]) == 3
    many = [trial("mlp", seed=s, batch=True, seconds=60.0) for s in range(1000)]
    assert len(drain(Schedule(many, 1), seconds=1e-4)[1]) == MAX_BATCH
    assert len(drain(Schedule(trials, 2), seconds=1e-4)[1]) == 50  # the other worker gets as many


def test_while_a_label_is_being_timed_other_work_comes_first() -> None:
    trials = [trial("mlp", seed=s, batch=True) for s in range(4)] + [trial("dummy", seed=s) for s in range(2)]
    schedule = Schedule(trials, 2)
    first, second = Loaded(), Loaded()
    probe = schedule.next(first)
    assert probe == (trials[0],)
    assert schedule.next(second)[0].expression == "dummy"
    schedule.ended(probe, 0.1, 0.0, first)
    assert len(schedule.next(first)) == 2  # half of what is left, for there are two workers


def test_a_failed_batch_is_run_one_by_one_and_nothing_twice() -> None:
    trials = [trial("mlp", seed=s, batch=True) for s in range(6)]
    schedule, loaded = Schedule(trials, 1), Loaded()
    schedule.ended(schedule.next(loaded), 0.1, 0.0, loaded)
    batch = schedule.next(loaded)
    assert len(batch) == 5
    schedule.again(batch)
    assert len(schedule) == 5
    assert drain(schedule) == [(t.key,) for t in trials[1:]]
