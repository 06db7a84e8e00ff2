"""Series and pictures of the user's, awkward ones too."""

import json

import numpy as np
import pytest
from PIL import Image

from neuroloom.core import InputError
from neuroloom.tasks import describe_schema, read_like, recognise

RNG = np.random.default_rng(1)


def notes(task):
    return "\n".join(task.notes)


def ts(path, lines, tags=("@problemName toy", "@univariate true", "@classLabel true a b")):
    path.write_text("\n".join([*tags, "@data", *lines]) + "\n")
    return path


def lines(n=20, length=12, channels=1):
    made = []
    for i in range(n):
        values = [",".join(f"{v:.3f}" for v in RNG.normal(size=length)) for _ in range(channels)]
        made.append(":".join([*values, "ab"[i % 2]]))
    return made


# -- .ts ----------------------------------------------------------------------------------------------------------


def test_ts_without_equal_length(tmp_path):
    task = recognise(ts(tmp_path / "d.ts", lines()))
    data = task.load()
    assert task.kind == "series"
    assert data.X.shape == (20, 1, 12)
    assert set(data.y) == {"a", "b"}
    first = [float(v) for v in (tmp_path / "d.ts").read_text().splitlines()[4].split(":")[0].split(",")]
    assert data.X[0, 0].tolist() == first


def test_series_of_unequal_length_are_stretched(tmp_path):
    ramps = [",".join(f"{v:.6f}" for v in np.linspace(0, 1, 5 + i)) + ":" + "ab"[i % 2] for i in range(20)]
    task = recognise(ts(tmp_path / "d.ts", ramps))
    X = task.load().X
    assert X.shape == (20, 1, 24)
    assert np.allclose(X, np.linspace(0, 1, 24), atol=1e-5)  # a ramp stays a ramp at any length
    assert "series have 5 to 24 points; all were stretched to 24" in notes(task)


def test_missing_values_are_interpolated_and_the_tail_is_the_end(tmp_path):
    body = ["0,?,2,3,4,5,6,7:a", "0,1,2,3,4,5,6,7:b"] * 10
    X = recognise(ts(tmp_path / "d.ts", body)).load().X
    assert np.array_equal(X[0, 0], np.arange(8.0))
    body = ["0,1,2,3,?,?,?:a", "0,1,2,3,4,5,6:b"] * 10
    X = recognise(ts(tmp_path / "d.ts", body)).load().X
    assert np.allclose(X[0, 0], np.linspace(0, 3, 7))


def test_several_channels_and_a_series_without_values(tmp_path):
    body = [*lines(20, 10, 3), "?,?:?,?:?,?:a"]
    task = recognise(ts(tmp_path / "d.ts", body))
    assert task.load().X.shape == (20, 3, 10)
    assert "1 series without any value were left out" in notes(task)


def test_number_targets_are_regressed_on(tmp_path):
    body = [f"{i},{i + 1},{i + 2},{i + 4}:{i / 3:.4f}" for i in range(20)]
    task = recognise(ts(tmp_path / "d.ts", body, ("@targetlabel true",)))
    assert task.problem == "regression"
    assert task.load().y[3] == pytest.approx(1.0)


def test_labels_are_recognised_without_the_tag(tmp_path):
    assert recognise(ts(tmp_path / "d.ts", lines(), ("@problemName toy",))).problem == "classification"


@pytest.mark.parametrize(
    ("tags", "body", "message"),
    [
        (("@classLabel false",), ["1,2,3,4"] * 12, r"has no labels \(@classLabel false\)"),
        (("@timeStamps true", "@classLabel true a b"), ["(0,1):a"] * 12, "time stamps .* are not read"),
        (("@classLabel true a b",), ["1,2,x,4:a"] * 12, "line 3: 'x' is no number"),
        (("@classLabel true a b",), ["1,2,3,4"] * 12, "line 3: expected values, a colon and a label"),
        (
            ("@classLabel true a b",),
            ["1,2,3,4:5,6,7,8:a", "1,2,3,4:b"] * 6,
            "1 to 2 channels; all must have as many",
        ),
        (("@classLabel true a b",), [], "no series after @data"),
        (("@classLabel true a b",), ["1,2:a", "1,3:b"] * 9, "have 2 points; at least 4"),
    ],
)
def test_damaged_ts_files(tmp_path, tags, body, message):
    with pytest.raises(InputError, match=message):
        recognise(ts(tmp_path / "d.ts", body, tags))


def test_what_is_no_ts_file(tmp_path):
    (tmp_path / "d.ts").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"line 1: expected a line that begins with @ or #"):
        recognise(tmp_path / "d.ts")
    (tmp_path / "e.ts").write_text("@classLabel true a\n")
    with pytest.raises(InputError, match=r"no @data line"):
        recognise(tmp_path / "e.ts")
    (tmp_path / "f.ts").write_text("")
    with pytest.raises(InputError, match=r"is empty"):
        recognise(tmp_path / "f.ts")


def test_a_pair_of_files_is_a_published_split(tmp_path):
    ts(tmp_path / "Toy_TRAIN.ts", lines(14))
    ts(tmp_path / "Toy_TEST.ts", lines(8))
    for path in (tmp_path / "Toy_TRAIN.ts", tmp_path / "Toy_TEST.ts", tmp_path):
        task = recognise(path)
        split = task.split(task.load(), 4, 0, 5)
        assert task.protocol == "published"
        assert task.cells(2, 5) == [(0, 0), (1, 0)]
        assert split.train.tolist() == list(range(14))
        assert split.test.tolist() == list(range(14, 22))
    before = task.fingerprint()
    ts(tmp_path / "Toy_TEST.ts", lines(8))
    assert recognise(tmp_path).fingerprint() != before


def test_the_archives_tsv(tmp_path):
    text = "\n".join(
        "\t".join([str(1 + i % 2), *(f"{v:.3f}" for v in RNG.normal(size=20))]) for i in range(30)
    )
    (tmp_path / "d.tsv").write_text(text + "\n")
    task = recognise(tmp_path / "d.tsv")
    assert task.kind == "series"
    assert task.load().X.shape == (30, 1, 20)
    assert set(task.load().y.tolist()) == {1, 2}
    assert recognise(tmp_path / "d.tsv", kind="table", target="column_1").kind == "table"


# -- CSV and .npz -------------------------------------------------------------------------------------------------


def long_csv(path, header="series_id,time,v,w,label", n=12, shuffle=True):
    rows = [f"s{i},{t},{i + t},{i - t},{'ab'[i % 2]}" for i in range(n) for t in range(8)]
    order = RNG.permutation(len(rows)) if shuffle else range(len(rows))
    path.write_text(header + "\n" + "\n".join(rows[k] for k in order) + "\n")
    return path


def test_a_long_csv_is_recognised_and_sorted_by_time(tmp_path):
    task = recognise(long_csv(tmp_path / "d.csv"))
    data = task.load()
    assert task.kind == "series"
    assert data.X.shape == (12, 2, 8)
    for name, series, label in zip(data.extra["names"], data.X, data.y, strict=True):
        i = int(name[1:])
        assert series.tolist() == [[i + t for t in range(8)], [i - t for t in range(8)]]
        assert label == "ab"[i % 2]
    assert "'series_id' as id, 'time' as time; --kind table reads it as a plain table" in notes(task)
    assert recognise(tmp_path / "d.csv", kind="table").kind == "table"


def test_a_label_file_for_series_with_a_header(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("case,t,v\n" + "".join(f"s{i},{t},{i * t}\n" for i in range(12) for t in range(6)))
    (tmp_path / "l.csv").write_text("case,what\n" + "".join(f"s{i},{'ab'[i % 2]}\n" for i in range(11)))
    task = recognise(path, labels=tmp_path / "l.csv")
    assert task.load().X.shape == (11, 1, 6)
    assert "first line of l.csv is a header" in notes(task)
    assert "1 series without a label" in notes(task)
    (tmp_path / "m.csv").write_text("x1,a\nx2,b\n")
    with pytest.raises(InputError, match=r"names none of the 12 samples"):
        recognise(path, labels=tmp_path / "m.csv")


def test_channels_in_rows(tmp_path):
    rows = [f"{i},{c},{t},{10 * i + t + (100 if c == 'y' else 0)},{'ab'[i % 2]}"
            for i in range(12) for c in "xy" for t in range(5)]  # fmt: skip
    (tmp_path / "d.csv").write_text("case_id,dim_id,reading_id,value,label\n" + "\n".join(rows) + "\n")
    X = recognise(tmp_path / "d.csv").load().X
    assert X.shape == (12, 2, 5)
    assert X[3, 1].tolist() == [130.0, 131.0, 132.0, 133.0, 134.0]


def test_a_wide_csv_is_read_as_series_when_told(tmp_path):
    text = "kind," + ",".join(f"t{t}" for t in range(9)) + "\n"
    text += "".join("ab"[i % 2] + "," + ",".join(f"{i + t / 8}" for t in range(9)) + "\n" for i in range(14))
    (tmp_path / "d.csv").write_text(text)
    task = recognise(tmp_path / "d.csv", kind="series", target="kind")
    assert task.load().X.shape == (14, 1, 9)
    assert task.load().X[2, 0, 4] == 2.5


def test_a_label_that_changes_within_a_series_is_none(tmp_path):
    with pytest.raises(InputError, match=r"'v' changes within a series.*pass --kind table"):
        recognise(long_csv(tmp_path / "d.csv"), kind="series", target="v")


@pytest.mark.parametrize(
    ("shape", "kind", "found", "wanted"),
    [
        ((20, 2, 30), None, "series", (20, 2, 30)),
        ((20, 30), None, "series", (20, 1, 30)),
        ((20, 4), None, "table", (20, 4)),
        ((20, 30), "table", "table", (20, 30)),
        ((20, 8, 9, 3), None, "image", (20, 3, 8, 9)),
        ((20, 1, 8, 9), None, "image", (20, 1, 8, 9)),
        ((20, 8, 9), "image", "image", (20, 1, 8, 9)),
    ],
)
def test_npz(tmp_path, shape, kind, found, wanted):
    X = RNG.normal(size=shape)
    np.savez(tmp_path / "d.npz", X=X, y=np.arange(20) % 2)
    task = recognise(tmp_path / "d.npz", kind=kind)
    assert task.kind == found
    assert task.load().X.shape == wanted
    new, names = read_like(tmp_path / "d.npz", json.loads(json.dumps(describe_schema(task, task.load()))))
    assert np.allclose(np.asarray(new), np.asarray(task.load().X))
    assert len(names) == 20


def test_npz_with_parts_missing_answers_and_python_objects(tmp_path):
    np.savez(tmp_path / "p.npz", X_train=np.ones((12, 1, 9)) * np.arange(12)[:, None, None], y_train=np.arange(12) % 2,
             X_test=np.ones((6, 1, 9)), y_test=np.arange(6) % 2)  # fmt: skip
    task = recognise(tmp_path / "p.npz")
    assert len(task.split(task.load(), 0, 0, 5).test) == 6
    y = np.arange(20) % 2 * 1.0
    y[3] = np.nan
    np.savez(tmp_path / "n.npz", X=RNG.normal(size=(20, 1, 9)), y=y)
    assert len(recognise(tmp_path / "n.npz").load().y) == 19
    np.savez(tmp_path / "o.npz", X=np.array([np.ones(3), np.ones(4)], dtype=object), y=np.arange(2))
    with pytest.raises(InputError, match=r"Python objects, perhaps series of unequal length"):
        recognise(tmp_path / "o.npz")
    np.savez(tmp_path / "x.npz", a=np.ones(3))
    with pytest.raises(InputError, match=r"must hold arrays X and y, but holds a"):
        recognise(tmp_path / "x.npz")
    np.savez(tmp_path / "l.npz", X=np.ones((5, 9)), y=np.ones(4))
    with pytest.raises(InputError, match=r"X is \(5, 9\), y \(4,\)"):
        recognise(tmp_path / "l.npz")
    (tmp_path / "g.npz").write_bytes(b"garbage garbage")
    with pytest.raises(InputError, match=r"no .npz file|Python objects"):
        recognise(tmp_path / "g.npz")


# -- new series ---------------------------------------------------------------------------------------------------


def test_new_series_get_the_length_of_training(tmp_path):
    task = recognise(ts(tmp_path / "d.ts", lines(20, 12, 2)))
    schema = json.loads(json.dumps(describe_schema(task, task.load())))
    X, names = read_like(ts(tmp_path / "n.ts", ["0,1,2:3,4,5"], ("@classLabel false",)), schema)
    assert X.shape == (1, 2, 12)
    assert np.allclose(X[0, 0], np.linspace(0, 2, 12))
    assert names == [1]
    with pytest.raises(InputError, match=r"expected series of 2 channels, as in training, but got \[1\]"):
        read_like(ts(tmp_path / "m.ts", ["0,1,2"], ("@classLabel false",)), schema)
    task = recognise(long_csv(tmp_path / "d.csv"))
    schema = json.loads(json.dumps(describe_schema(task, task.load())))
    (tmp_path / "n.csv").write_text(
        "series_id,time,v,w\n" + "".join(f"n{i},{t},{t},{t}\n" for i in (5, 2) for t in range(8))
    )
    X, names = read_like(tmp_path / "n.csv", schema)
    assert X.shape == (2, 2, 8)
    assert names == ["n5", "n2"]


# -- pictures -----------------------------------------------------------------------------------------------------


def pictures(folder, n=8, size=(12, 10), mode="L", classes=("cat", "dog")):
    for label in classes:
        (folder / label).mkdir(parents=True)
        for i in range(n):
            shape = (size[1], size[0]) if mode == "L" else (size[1], size[0], len(mode))
            values = RNG.integers(0, 255, size=shape, dtype=np.uint8)
            Image.fromarray(values).save(folder / label / f"{i}.png")
    return folder


def test_a_folder_of_pictures_by_class(tmp_path):
    task = recognise(pictures(tmp_path / "p"))
    data = task.load()
    assert task.kind == "image"
    assert data.X.shape == (16, 1, 10, 12)
    assert data.y.tolist() == ["cat"] * 8 + ["dog"] * 8
    with Image.open(tmp_path / "p" / "dog" / "3.png") as image:
        assert np.allclose(data.X[11, 0] * 255, np.asarray(image), atol=1e-3)
    before = task.fingerprint()
    (tmp_path / "p" / "cat" / "0.png").unlink()
    assert recognise(tmp_path / "p").fingerprint() != before


def test_pictures_of_several_sizes_and_modes(tmp_path):
    folder = pictures(tmp_path / "p", mode="RGB", size=(200, 100))
    Image.new("RGBA", (50, 50), (255, 0, 0, 0)).save(folder / "cat" / "clear.png")
    (folder / "cat" / "broken.jpg").write_bytes(b"no picture")
    (folder / ".hidden").mkdir()
    task = recognise(folder)
    data = task.load()
    assert data.X.shape == (17, 3, 32, 64)
    clear = data.extra["names"].index("cat/clear.png")
    assert np.allclose(data.X[clear], 1.0)  # transparent is white
    assert "resized to 64 × 32" in notes(task)
    assert "left out: broken.jpg" in notes(task)


def test_folders_train_and_test_give_the_split(tmp_path):
    pictures(tmp_path / "p" / "train")
    pictures(tmp_path / "p" / "test", n=3)
    task = recognise(tmp_path / "p")
    split = task.split(task.load(), 0, 0, 5)
    assert (len(split.train), len(split.test), split.valid) == (16, 6, None)


def test_folders_without_classes(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"a folder without pictures in folders by class"):
        recognise(tmp_path / "empty")
    loose = pictures(tmp_path / "p") / "cat"
    with pytest.raises(InputError, match=r"holds 8 pictures, but no folder for each class"):
        recognise(loose)
    with pytest.raises(InputError, match=r"is a single picture; name the folder"):
        recognise(loose / "0.png")
    with pytest.raises(InputError, match=r"two classes or more, but holds 1"):
        recognise(pictures(tmp_path / "q", classes=("cat",)))


def test_new_pictures_get_the_size_of_training(tmp_path):
    task = recognise(pictures(tmp_path / "p"))
    schema = json.loads(json.dumps(describe_schema(task, task.load())))
    Image.new("RGB", (30, 40), "white").save(tmp_path / "new.png")
    X, names = read_like(tmp_path / "new.png", schema)
    assert X.shape == (1, 1, 10, 12)
    assert X.min() == 1.0
    assert names == ["new.png"]
    X, names = read_like(tmp_path / "p", schema)
    assert len(X) == 16
    assert names[0] == "cat/0.png"
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match=r"holds no pictures"):
        read_like(tmp_path / "none", schema)
