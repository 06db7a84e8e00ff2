"""The registry: what is listed, opened, refused; built-in data that need no folder."""

import subprocess
import sys
import types

import numpy as np
import pytest

from neuroloom.core import EnvSet, InputError
from neuroloom.core.samples import KINDS, kind_of
from neuroloom.tasks import METRICS, Data, Task, list_tasks, open_task, registry
from neuroloom.tasks.registry import TASKS

HERE = ("iris", "wine", "breast-cancer", "digits", "diabetes", "two-spirals", "xor", "friedman1",
        "camera-picture", "cbf", "ecg", "sunspots", "digits-images", "karate", "cartpole")  # fmt: skip


def test_listing_imports_nothing_heavy():
    code = (
        "import sys; from neuroloom.tasks import list_tasks; rows = list_tasks(); assert len(rows) > 25;"
        "heavy = {'torch', 'sklearn', 'pandas', 'scipy', 'torch_geometric', 'gymnasium', 'networkx', 'PIL'};"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_every_row_says_what_it_is():
    rows = list_tasks()
    assert {"iris", "cora", "usair", "mutag", "cartpole", "ucr:NAME", "openml:NAME"} <= {
        row["name"] for row in rows
    }
    for row in rows:
        if row["error"] is None and row["name"] in TASKS:
            assert row["kind"] in KINDS
            assert len(row["summary"]) > 15
            assert len(row["source"]) > 15
            assert row["metrics"]
            assert set(row["metrics"]) <= set(METRICS)
            assert row["protocol"] in ("folds", "published")
            assert row["needs"] in ("nothing", "data folder", "download")
    networks = {"usair", "ns", "celegans", "yeast", "power"}
    assert {row["name"] for row in list_tasks("links")} == networks | {f"{name}-hard" for name in networks}
    with pytest.raises(InputError, match=r"did you mean 'nodes'"):
        list_tasks("node")


@pytest.mark.parametrize("name", HERE)
def test_built_in_tasks_load_as_they_say(name):
    task = open_task(name)
    data = task.load(1)
    assert kind_of(data.X) == task.kind
    assert open_task(task.spec).fingerprint() == task.fingerprint()
    if task.problem == "control":
        assert data.y is None
    else:
        assert len(data.y) == len(data.X)
        assert (np.asarray(data.y).dtype.kind == "f") == (task.problem == "regression")
    same, other = task.load(1), task.load(2)
    if not isinstance(data.X, EnvSet) and hasattr(data.X, "dtype"):
        assert np.array_equal(data.X, same.X)
        assert np.isfinite(data.X).all()
        assert np.array_equal(data.X, other.X) != task.drawn


def test_two_spirals_are_the_published_points():
    data = open_task("two-spirals").load()
    assert data.X[0].tolist() == [0.0, 6.5]  # Lang and Witbrock's first point
    assert np.allclose(data.X[:97], -data.X[97:])
    turns = np.unwrap(np.arctan2(data.X[:97, 0], data.X[:97, 1]))
    assert turns[-1] - turns[0] == pytest.approx(6 * np.pi)


def test_xor_and_friedman_follow_their_formulas():
    xor = open_task("xor").load(5)
    assert np.array_equal(xor.y == 1, np.prod(xor.X, axis=1) > 0)
    X, y = (lambda d: (d.X, d.y))(open_task("friedman1").load(5))
    clean = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2 + 10 * X[:, 3] + 5 * X[:, 4]
    assert np.std(y - clean) == pytest.approx(1.0, abs=0.1)


def test_the_picture_is_the_mean_of_its_pixels():
    import pywt.data

    data, fine = open_task("camera-picture").load(), pywt.data.camera()
    assert data.X.shape == (1024, 2)
    for row, column in ((0, 0), (3, 17), (31, 30)):
        (k,) = np.flatnonzero((data.X == (row, column)).all(axis=1))
        part = fine[16 * row : 16 * row + 16, 16 * column : 16 * column + 16]
        assert data.y[k] == pytest.approx(part.mean() / 255)


def test_cylinder_bell_and_funnel_have_their_shapes():
    data = open_task("cbf").load(0)
    mean = {label: data.X[data.y == label, 0].mean(axis=0) for label in ("cylinder", "bell", "funnel")}
    rise = {label: np.polyfit(np.arange(30, 60), m[30:60], 1)[0] for label, m in mean.items()}
    assert rise["bell"] > 0.02 > rise["cylinder"] > rise["funnel"]
    assert all(abs(m[:12].mean()) < 0.2 for m in mean.values())


def test_heart_beats_differ_as_the_classes_say():
    data = open_task("ecg").load(0)
    mean = {str(label): data.X[data.y == label, 0].mean(axis=0) for label in np.unique(data.y)}
    assert mean["normal"][85:105].max() > 0.05 > -0.02 > mean["ischaemic"][85:105].min()  # the T wave
    assert np.median(data.X[data.y == "normal", 0].max(axis=1)) == pytest.approx(0.3, abs=0.06)  # the R wave
    half = data.X[:, 0] > 0.7 * data.X[:, 0].max(axis=1, keepdims=True)
    wide = {label: np.median(half[data.y == label].sum(axis=1)) for label in mean}
    assert wide["ventricular"] > 1.5 * wide["normal"]  # the QRS complex


def test_sunspots_are_split_by_time():
    task = open_task("sunspots")
    data = task.load()
    split = task.split(data, 0, 0, 5)
    assert data.X.shape == (285, 1, 24)
    assert data.X[1, 0, -1] == data.y[0]  # the next window ends with the value before its target
    assert split.train.max() < split.test.min()
    assert len(split.train) == 1920 - 1724 + 1
    assert len(split.test) == 2008 - 1920
    assert task.cells(3, 5) == [(0, 0), (1, 0), (2, 0)]


def test_cartpole_tests_on_starts_of_its_own():
    task = open_task("cartpole")
    data = task.load(0)
    split = task.split(data, 0, 0, 5)
    train, test = data.X[split.train].seeds, data.X[split.test].seeds
    assert len(test) == 100
    assert not set(train) & set(test)
    assert not np.array_equal(test, task.load(1).X.seeds[split.test])


@pytest.mark.parametrize(
    ("name", "bounds"),
    [
        ("acrobot", (-500, -350)),
        ("mountain-car-continuous", (-60, 0)),
        ("pendulum", (-2000, -900)),
        ("lunar-lander", (-500, -20)),
        ("bipedal-walker", (-140, -70)),
    ],
)
def test_control_tasks_are_the_environments_that_they_name(name, bounds):
    """Random actions: a tip is hardly swung up, a car stays in the valley, a pendulum hangs, a crash, a fall.

    The bounds are wide: the actions are drawn from the observations' bits, which differ between processors.
    """
    from neuroloom.methods import make

    if name in ("lunar-lander", "bipedal-walker"):
        pytest.importorskip("Box2D")
        pytest.importorskip("pygame")
    task = open_task(name)
    data = task.load(0)
    split = task.split(data, 0, 0, 5)
    policy = make("dummy", "episodes", "control").fit(data.X[split.train])
    low, high = bounds
    assert low <= np.mean(policy.predict(data.X[split.test[:4]])) <= high


def test_what_box2d_is_needed_for_says_so(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"'lunar-lander' needs Box2D and pygame, .*: pip install Box2D"):
        open_task("lunar-lander").load(0)


def test_names_that_do_not_exist():
    with pytest.raises(InputError, match=r"task 'irirs' is not known; did you mean 'iris'"):
        open_task("irirs")
    with pytest.raises(InputError, match=r"`path`, or to `neuroloom try`"):
        open_task("mine.csv")
    with pytest.raises(InputError, match=r"takes no target; these describe own data, which need a `path`"):
        open_task({"name": "iris", "target": "x"})
    with pytest.raises(InputError, match=r"is of kind table, not series"):
        open_task({"name": "iris", "kind": "series"})
    with pytest.raises(InputError, match=r"needs a `name`"):
        open_task({})
    with pytest.raises(InputError, match=r"begins with none of the families"):
        open_task("no.such.module:Thing")


def test_digits_of_kind_image_are_the_pictures():
    assert open_task({"name": "digits", "kind": "image"}).name == "digits-images"


def test_another_main_metric():
    task = open_task({"name": "wine", "metric": "log_loss"})
    assert task.metrics[:2] == ("log_loss", "accuracy")
    assert open_task(task.spec).metrics == task.metrics
    with pytest.raises(InputError, match=r"metric 'aucc' is not known|did you mean"):
        open_task({"name": "wine", "metric": "aucc"})


def test_the_data_folder_must_exist(tmp_path, monkeypatch):
    monkeypatch.delenv("NEUROLOOM_DATA", raising=False)
    with pytest.raises(
        InputError, match=r"linkpred/USAir.mat.*--data DIR or the environment variable NEUROLOOM_DATA"
    ):
        open_task("usair").load()
    with pytest.raises(InputError, match=r"`data_dir` is .* which is no folder"):
        open_task("iris", tmp_path / "nowhere")
    monkeypatch.setenv("NEUROLOOM_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"NEUROLOOM_DATA is .* which is no folder"):
        open_task("iris")


def test_folder_members_and_the_nearest_of_them(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "cheese.csv").write_text(
        "a,target\n" + "".join(f"{i},{i % 2}\n" for i in range(20))
    )
    rows = {row["name"]: row for row in list_tasks(data_dir=tmp_path)}
    assert rows["table:NAME"]["members"] == ["table:cheese"]
    task = open_task("table:cheese", tmp_path)
    assert task.problem == "classification"
    assert task.spec["problem"] == "classification"
    with pytest.raises(InputError, match=r"did you mean 'cheese.csv'"):
        open_task("table:chese", tmp_path)


def test_a_download_that_fails_says_where_files_may_be_put(monkeypatch, tmp_path):
    def fail(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.delenv("NEUROLOOM_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    classes = {"cora": "Planetoid", "mutag": "TUDataset", "minesweeper": "HeterophilousGraphDataset"}
    library = types.SimpleNamespace(**dict.fromkeys(classes.values(), fail))
    monkeypatch.setitem(sys.modules, "torch_geometric", types.SimpleNamespace(datasets=library))
    monkeypatch.setitem(sys.modules, "torch_geometric.datasets", library)
    for name in classes:
        with pytest.raises(
            InputError, match=r"could not be downloaded \(OSError: no route.*put .* into .*--data DIR"
        ):
            open_task(name).fingerprint()


def test_openml_goes_through_scikit_learns_loader(monkeypatch, tmp_path):
    import pandas as pd
    import sklearn.datasets

    asked = []

    def fetch(**kwargs):
        asked.append(kwargs)
        frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": pd.Categorical(["u", "v", None])})
        return types.SimpleNamespace(data=frame, target=pd.Series(["yes", "no", None], dtype="category"))

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    task = open_task("openml:credit-g@3")
    data = task.load()
    assert asked[0]["name"] == "credit-g"
    assert asked[0]["version"] == 3
    assert task.problem == "classification"
    assert data.y.tolist() == ["yes", "no"]
    assert data.notes == ("1 rows without a target were left out",)
    before = len(asked)
    assert open_task(task.spec).fingerprint() == task.fingerprint()
    assert len(asked) == before  # a spec opens without a download
    assert open_task("openml:31")._which == {"data_id": 31}
    with pytest.raises(InputError, match=r"the version must be a number"):
        open_task("openml:credit-g@new")


class Dots(Task):
    """A task of somebody else's."""

    name, kind, problem, metrics = "dots", "table", "classification", ("accuracy",)

    def fingerprint(self):
        return "dots"

    def load(self, seed=0):
        return Data(np.zeros((10, 1)), np.arange(10) % 2)

    def split(self, data, seed, fold, folds):
        raise NotImplementedError


def test_plugins_and_unpackaged_tasks(monkeypatch):
    class Entry:
        def __init__(self, name, value, made):
            self.name, self.value, self._made = name, value, made

        def load(self):
            if isinstance(self._made, Exception):
                raise self._made
            return self._made

    entries = [
        Entry("dots", "x:Dots", Dots),
        Entry("broken", "y:Z", ImportError("no module y")),
        Entry("iris", "x:Iris", Dots),
        Entry("wrong", "x:int", int),
    ]
    monkeypatch.setattr(registry, "_entry_points", lambda group: entries)
    registry._plugins.cache_clear()
    try:
        assert open_task("dots").spec == {"name": "dots"}
        rows = {row["name"]: row for row in list_tasks()}
        assert "ImportError: no module y" in rows["broken"]["error"]
        assert rows["iris"]["error"] is None or "taken" in rows["iris"]["error"]
        with pytest.raises(InputError, match=r"cannot be used: plug-in y:Z failed"):
            open_task("broken")
        with pytest.raises(InputError, match=r"expected a neuroloom.tasks.Task, got int"):
            open_task("wrong")
    finally:
        registry._plugins.cache_clear()
    task = open_task(f"{__name__}:Dots")
    assert task.name == f"{__name__}:Dots"
    assert open_task(task.spec).fingerprint() == "dots"
    with pytest.raises(InputError, match=r"expected a neuroloom.tasks.Task"):
        open_task("collections:Counter")


def test_control_tasks_say_which_actions_their_environments_take():
    from neuroloom.core.episodes import spaces

    said = {}
    for name, where in TASKS.items():
        if not str(where).startswith("episodes:") or name in ("lunar-lander", "bipedal-walker"):  # Box2D's
            continue
        task = open_task(name)
        said[name] = task.actions
        assert task.actions == ("discrete" if spaces(task.load(0).X).actions else "continuous"), name
    assert set(said.values()) == {"discrete", "continuous"}
