"""Tables as people have them: each awkward one gives the right data, or an error that says what to do."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroloom.core import InputError
from neuroloom.methods import build
from neuroloom.methods.saving import load_estimator, save_estimator
from neuroloom.tasks import describe_schema, open_task, read_like, recognise
from neuroloom.tasks.files.clean import clean_fields
from neuroloom.tasks.files.columns import convert, detect, read_column
from neuroloom.tasks.files.text import read_rows

RNG = np.random.default_rng(0)


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def rows(n=40, form="{i},{x:.3f},{c},{y}", header="a,b,c,y\n"):
    lines = [
        form.format(i=(7 * i) % n, x=RNG.normal(), c="uvw"[i % 3], y="yes" if i % 2 else "no")
        for i in range(n)
    ]
    return header + "\n".join(lines) + "\n"


def notes(task):
    return "\n".join(task.notes)


# -- the notation -------------------------------------------------------------------------------------------------


def test_semicolons_and_decimal_commas(tmp_path):
    lines = "".join(f"{i / 8:.3f}".replace(".", ",") + f";1.{i:03d},5;{'ab'[i % 2]}\n" for i in range(30))
    task = recognise(write(tmp_path / "d.csv", "Höhe;Preis;Art\n" + lines))
    X = task.load().X
    assert X["Höhe"].tolist() == [i / 8 for i in range(30)]
    assert X["Preis"].tolist() == [1000 + i + 0.5 for i in range(30)]
    assert "semicolons" in notes(task)
    assert "decimal comma" in notes(task)


def test_decimal_commas_may_be_integers_in_places(tmp_path):
    lines = "".join(f"{i};{i},25;{i % 4}\n" for i in range(0, 60, 2))
    X = recognise(write(tmp_path / "d.csv", "n;v;y\n" + lines)).load().X
    assert X["v"].tolist() == [i + 0.25 for i in range(0, 60, 2)]


@pytest.mark.parametrize("separator", ["\t", "|", ";", ","])
def test_separators_are_found(tmp_path, separator):
    text = rows().replace(",", separator)
    task = recognise(write(tmp_path / "d.csv", text), target="y")
    X = task.load().X
    assert X.columns.tolist()[-2:] == ["b", "c"]
    assert X["b"].dtype == np.float64
    assert X["c"].dtype == "category"
    assert task.problem == "classification"


def test_thousands_percentages_and_currency(tmp_path):
    lines = "".join(f'"{1000 * i:,}",{i}.5%,${i}.25,{i % 2}\n' for i in range(1, 31))
    X = recognise(write(tmp_path / "d.csv", "pop,share,cost,y\n" + lines)).load().X
    assert X["pop"].tolist() == [1000 * i for i in range(1, 31)]
    assert X["share"].tolist() == [i + 0.5 for i in range(1, 31)]
    assert X["cost"].tolist() == [i + 0.25 for i in range(1, 31)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_encodings(tmp_path, encoding):
    text = rows(header="größe,b,c,y\n")
    task = recognise(write(tmp_path / "d.csv", text, encoding))
    assert "größe" in task.load().X.columns
    assert ("Windows-1252" in notes(task)) == (encoding == "cp1252")


def test_line_ends_of_other_systems(tmp_path):
    first = recognise(
        write(tmp_path / "d.csv", "a,y\n" + "".join(f"{i % 7},{i % 2}\n" for i in range(30)))
    ).load()
    other = recognise(
        write(tmp_path / "e.csv", "a,y\r\n" + "".join(f"{i % 7},{i % 2}\r\n" for i in range(30)))
    ).load()
    pd.testing.assert_frame_equal(first.X, other.X)


def test_quoted_headers_with_spaces_and_separators(tmp_path):
    text = '"bought, it","the size",y\n' + "".join(f'"red, {i % 5}",{i % 7},{i % 2}\n' for i in range(40))
    task = recognise(write(tmp_path / "d.csv", text), target="the size")
    assert task.load().X.columns.tolist() == ["bought, it", "y"]
    assert task.load().X["bought, it"].iloc[1] == "red, 1"
    assert task.read().target == "the size"


def test_dates_are_dates(tmp_path):
    lines = "".join(f"2024-01-{1 + i % 28:02d},{13 + i % 15}/02/2024,{i % 2}\n" for i in range(40))
    X = recognise(write(tmp_path / "d.csv", "when,slashed,y\n" + lines)).load().X
    assert X["when"].dtype.kind == X["slashed"].dtype.kind == "M"
    assert X["slashed"].iloc[0] == pd.Timestamp(2024, 2, 13)


def test_an_ambiguous_date_is_said(tmp_path):
    lines = "".join(f"{1 + i % 12:02d}/{1 + i % 9:02d}/2024,{i % 2}\n" for i in range(40))
    task = recognise(write(tmp_path / "d.csv", "when,y\n" + lines))
    assert "day and month could be the other way round, month first was taken" in notes(task)
    assert task.load().X["when"].iloc[1] == pd.Timestamp(2024, 2, 2)


def test_truth_values_and_codes_with_zeros(tmp_path):
    lines = "".join(f"{'yes' if i % 3 else 'no'},{i % 9:05d},{i % 2}\n" for i in range(40))
    X = recognise(write(tmp_path / "d.csv", "smokes,zip,y\n" + lines)).load().X
    assert X["smokes"].dtype == bool
    assert X["smokes"].tolist()[:2] == [False, True]
    assert X["zip"].dtype == "category"
    assert X["zip"].iloc[1] == "00001"


def test_mixed_types(tmp_path):
    values = [str(i % 17) for i in range(60)]
    values[7] = "about 9"
    half = [str(i) if i % 2 else "low" for i in range(60)]
    lines = "".join(f"{a},{b},{i % 2}\n" for i, (a, b) in enumerate(zip(values, half, strict=True)))
    task = recognise(write(tmp_path / "d.csv", "n,m,y\n" + lines))
    X = task.load().X
    assert np.isnan(X["n"][7])
    assert X["n"].notna().sum() == 59
    assert "1 other values ('about 9') count as missing" in notes(task)
    assert X["m"].dtype == "category"


def test_infinite_numbers_count_as_missing(tmp_path):
    lines = "".join(f"{'inf' if i == 5 else i % 7},{i % 2}\n" for i in range(40))
    X = recognise(write(tmp_path / "d.csv", "n,y\n" + lines)).load().X
    assert np.isnan(X["n"][5])
    assert np.isfinite(X["n"].drop(5)).all()


def test_names_that_repeat_are_numbered(tmp_path):
    task = recognise(
        write(tmp_path / "d.csv", "a,a,y\n" + "".join(f"{i % 5},{i % 7},{i % 2}\n" for i in range(30)))
    )
    assert task.load().X.columns.tolist() == ["a", "a (2)"]
    assert "several columns are called 'a'" in notes(task)


def test_no_header(tmp_path):
    text = "".join(f"{RNG.normal():.3f},{RNG.normal():.3f},{'ab'[i % 2]}\n" for i in range(30))
    task = recognise(write(tmp_path / "d.csv", text))
    assert len(task.load().X) == 30
    assert "the first line holds data" in notes(task)


@pytest.mark.parametrize("last", ["", ",y", ",3"])
def test_columns_numbered_by_pandas_are_a_header(tmp_path, last):
    body = "".join(
        f"{RNG.normal():.3f},{RNG.normal():.3f},{i}{',' + 'ab'[i % 2] if last else ''}\n" for i in range(30)
    )
    task = recognise(write(tmp_path / "d.csv", f"0,1,2{last}\n{body}"))
    assert len(task.load().X) == 30
    assert task.load().X.columns.tolist()[0] == "0"


def test_a_first_line_that_counts_may_be_data(tmp_path):
    whole = "1,2,3\n" + "".join(f"{i % 5},{i % 7},{i}\n" for i in range(30))
    assert recognise(write(tmp_path / "d.csv", whole)).load().X.shape == (31, 2)
    labelled = "1,2,3,a\n" + "".join(f"{i / 7:.3f},{i % 7},{i},{'ab'[i % 2]}\n" for i in range(30))
    assert len(recognise(write(tmp_path / "e.csv", labelled)).load().X) == 31


# -- clean files are read by pandas' parser, to the same result ----------------------------------------------------

CELLS = st.sampled_from(
    ["1", "-2.5", "007", "1e3", "inf", "nan", "NA", "", "-", "yes", "a b", " a", "a ", "3,5", "1.234,5", '"q"', "#",
     "é", "2020-01-02", "50%", "x\u00a0", "1_000", "True", "0x10", "1.", ".5"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    table=st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=2, max_size=6),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    end=st.sampled_from(["\n", "\r\n", "\n\n"]),
    closed=st.booleans(),
)
def test_the_quick_reading_equals_the_careful_one(tmp_path_factory, table, separator, end, closed):
    text = end.join(separator.join(line) for line in table) + (end if closed else "")
    found = clean_fields(text.replace("\r\n", "\n"), (), ())
    if found is not None:
        path = write(tmp_path_factory.mktemp("clean") / "d.csv", text)
        careful = read_rows(path)
        assert found.separator == careful.separator
        assert found.header == careful.header
        assert [list(line) for line in zip(*found.columns, strict=True)] == careful.cells


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a,b\n1,x\n2,y\n", True),
        ("a;b\r\n1,5;x\r\n;y\r\n\r\n", True),
        ("a,b\n1, x\n2, y", True),
        ('a,b\n1,"x"\n2,y\n', False),
        ("a,b\n1,x\n2\n3,z,\n", False),
        ("# note\na,b\n1,x\n", False),
        ("a,b\n,\n2,y\n", False),
        ("a,b,\n1,x,\n2,y,\n", False),
        ("a b\n1 x\n2 y\n", False),
    ],
)
def test_which_files_are_read_quickly(text, clean):
    assert (clean_fields(text.replace("\r\n", "\n"), (), ()) is not None) == clean


@settings(max_examples=300, deadline=None)
@given(
    cells=st.lists(st.one_of(CELLS, st.floats().map(repr), st.integers().map(str)), min_size=1, max_size=5)
)
def test_a_column_read_at_once_is_as_one_detected_then_converted(cells):
    cells = [cell.strip() for cell in cells]
    values, kind, note = read_column(cells)
    expected, said = detect(cells)
    assert (kind, note) == (expected, said)
    pd.testing.assert_series_equal(values, convert(cells, expected))


def test_ragged_lines(tmp_path):
    text = rows() + "1,2\n"
    task = recognise(write(tmp_path / "d.csv", text))
    assert len(task.load().X) == 40
    assert "1 line does not have 4 fields" in notes(task)
    with pytest.raises(
        InputError, match=r"line 42: expected 4 fields, separated by commas.* but found 2; 9 lines"
    ):
        recognise(write(tmp_path / "e.csv", rows() + "1,2\n" * 9))


def test_a_comment_before_the_header(tmp_path):
    task = recognise(write(tmp_path / "d.csv", "# made in May\n" + rows()))
    assert "b" in task.load().X.columns
    assert len(task.load().X) == 40


# -- columns that say nothing -------------------------------------------------------------------------------------


def reviews(path, n=120):
    rng = np.random.default_rng(3)
    said = {"good": ["great", "lovely", "superb"], "bad": ["dull", "awful", "weak"]}
    rest = "the film was a story with actors and some music in it that lasted two hours"
    lines = []
    for i in range(n):
        y = ("good", "bad")[i % 2]
        words = [*rng.choice(rest.split(), 9), rng.choice(said[y])]
        lines.append(f"{' '.join(rng.permutation(words))},{rng.integers(1, 6)},{y}\n")
    return write(path, "review,stars,y\n" + "".join(lines))


def test_free_text_is_read_by_its_words_and_the_note_says_so(tmp_path):
    path = reviews(tmp_path / "reviews.csv")
    task = recognise(path)
    data = task.load()
    assert data.X.columns.tolist() == ["review", "stars"]
    assert "column 'review': free text, read by its words" in notes(task)
    model, _ = build("logreg", "table", "classification", {}, X=data.X, random_state=0)
    assert model.fit(data.X[:80], data.y[:80]).score(data.X[80:], data.y[80:]) > 0.9
    schema = describe_schema(task, data)
    new = write(tmp_path / "new.csv", "stars,review\n3,a superb story with music\n3,the actors was awful\n")
    X, _ = read_like(new, schema)
    assert model.predict(X).tolist() == ["good", "bad"]
    save_estimator(model, tmp_path / "model", {})
    np.testing.assert_array_equal(
        load_estimator(tmp_path / "model")[0].predict_proba(X), model.predict_proba(X)
    )


def test_an_id_column_is_left_out_and_can_be_kept(tmp_path):
    lines = "".join(f"{1000 + 37 * i % 9973},c{i:03d},{i},{RNG.normal():.2f},{i % 2}\n" for i in range(60))
    path = write(tmp_path / "d.csv", "customerID,code,n,x,y\n" + lines)
    task = recognise(path)
    assert task.load().X.columns.tolist() == ["x"]
    assert "only number or name the rows were left out: 'customerID', 'n'" in notes(task)
    assert "names that differ in every row were left out: 'code'" in notes(task)
    assert recognise(path, keep=["n"]).load().X.columns.tolist() == ["n", "x"]
    with pytest.raises(InputError, match=r"no column 'nn'; did you mean 'n'"):
        recognise(path, keep=["nn"])


def test_an_index_without_a_title_is_left_out(tmp_path):
    frame = pd.DataFrame({"x": RNG.normal(size=30), "y": ["a", "b"] * 15})
    frame.to_csv(tmp_path / "d.csv")
    assert recognise(tmp_path / "d.csv").load().X.columns.tolist() == ["x"]


def test_years_are_no_row_numbers(tmp_path):
    text = "year,x,y\n" + "".join(f"{1950 + i},{i % 7},{i % 2}\n" for i in range(40))
    assert "year" in recognise(write(tmp_path / "d.csv", text)).load().X.columns


def test_constant_and_empty_columns_are_left_out(tmp_path):
    task = recognise(
        write(tmp_path / "d.csv", "k,e,x,y\n" + "".join(f"5,,{i % 7},{i % 2}\n" for i in range(30)))
    )
    assert task.load().X.columns.tolist() == ["x"]
    assert "single value throughout were left out: 'k'" in notes(task)
    assert "without any value were left out: 'e'" in notes(task)


def test_nothing_left_to_learn_from(tmp_path):
    path = write(tmp_path / "d.csv", "k,y\n" + "".join(f"5,{i % 2}\n" for i in range(30)))
    with pytest.raises(InputError, match=r"no column left to learn from: columns with a single value"):
        recognise(path)


# -- the target ---------------------------------------------------------------------------------------------------


def test_missing_values_in_the_target(tmp_path):
    answers = [("?", "", "NA", "yes", "no", "no")[i % 6] for i in range(60)]
    text = "x,y\n" + "".join(f"{RNG.normal():.3f},{a}\n" for a in answers)
    task = recognise(write(tmp_path / "d.csv", text))
    data = task.load()
    assert len(data.X) == len(data.y) == 30
    assert set(data.y) == {"yes", "no"}
    assert "30 rows without a value of 'y' were left out" in notes(task)
    assert data.extra["names"][0] == 4  # the first row with an answer


def test_target_that_does_not_exist(tmp_path):
    path = write(tmp_path / "d.csv", rows(header="a,b,c,bought it\n"))
    with pytest.raises(
        InputError, match=r"no column 'bougt it'; did you mean 'bought it'. Its columns are 'a', 'b'"
    ):
        recognise(path, target="bougt it")
    assert recognise(path, target="Bought It").read().target == "bought it"


def test_the_target_is_chosen_sensibly(tmp_path):
    first = "Label,x\n" + "".join(f"{'ab'[i % 2]},{i % 7}\n" for i in range(30))
    named = recognise(write(tmp_path / "d.csv", first))
    assert "'Label' is learned, for its name" in notes(named)
    last = recognise(write(tmp_path / "e.csv", rows(header="a,b,c,fate\n")))
    assert "'fate' is learned, as the last column; name another with --target" in notes(last)


@pytest.mark.parametrize(
    ("values", "name", "problem"),
    [
        ([i % 3 for i in range(60)], "v", "classification"),
        ([i % 30 for i in range(60)], "v", "regression"),
        ([i % 30 for i in range(60)], "species code", "classification"),
        ([i / 2 for i in range(60)], "v", "regression"),
        (["t" if i % 2 else "f" for i in range(60)], "v", "classification"),
        ([i % 2 for i in range(12)], "v", "classification"),
        ([f"{i}%" for i in range(60)], "v", "regression"),
    ],
)
def test_classification_or_regression(tmp_path, values, name, problem):
    text = f"x,{name}\n" + "".join(f"{RNG.normal():.3f},{v}\n" for v in values)
    path = write(tmp_path / "d.csv", text)
    task = recognise(path, target=name)
    assert task.problem == problem
    assert f"{problem}, because" in notes(task)
    if problem == "classification" and isinstance(values[0], int):
        assert recognise(path, target=name, problem="regression").problem == "regression"


def test_two_hundred_classes(tmp_path):
    labels = [f"class {i % 200}" for i in range(900)] + ["only one"]
    text = "x,z,y\n" + "".join(f"{RNG.normal():.3f},{RNG.normal():.3f},{c}\n" for c in labels)
    task = recognise(write(tmp_path / "d.csv", text))
    data = task.load()
    assert task.problem == "classification"
    assert len(np.unique(data.y)) == 201
    assert "classes have fewer than 5 samples" in notes(task)
    assert "1 with a single sample" in notes(task)
    tested = np.concatenate([task.split(data, 0, fold, 5).test for fold in range(5)])
    assert sorted(tested) == list(range(901))


def test_thirty_rows(tmp_path):
    text = "x,y\n" + "".join(
        f"{RNG.normal():.3f},{'a' if i < 17 else 'b' if i < 27 else 'c'}\n" for i in range(30)
    )
    task = recognise(write(tmp_path / "d.csv", text))
    data = task.load()
    assert task.max_folds == 3
    assert task.cells(1, 5) == [(0, 0), (0, 1), (0, 2)]
    for fold in range(3):
        split = task.split(data, 0, fold, 5)
        assert set(data.y[split.test]) == set(data.y[split.train]) == {"a", "b", "c"}
    assert "3 folds at most" in notes(task)


def test_too_few_rows(tmp_path):
    with pytest.raises(InputError, match=r"only 6 samples have a value of target 'y'; at least 10"):
        recognise(write(tmp_path / "d.csv", "x,y\n" + "".join(f"{i / 3},{i % 2}\n" for i in range(6))))


def test_targets_that_cannot_be_learned(tmp_path):
    with pytest.raises(InputError, match=r"is 'a' in every row; at least two classes"):
        recognise(write(tmp_path / "d.csv", "x,y\n" + "".join(f"{i / 3},a\n" for i in range(30))))
    with pytest.raises(InputError, match=r"is 1.5 in every row; there is nothing to learn"):
        recognise(write(tmp_path / "d.csv", "x,y\n" + "".join(f"{i / 3},1.5\n" for i in range(30))))
    with pytest.raises(InputError, match=r"30 different values in 30 rows.* is it an identifier"):
        recognise(write(tmp_path / "d.csv", "x,y\n" + "".join(f"{i / 3},n{i}\n" for i in range(30))))
    with pytest.raises(InputError, match=r"has no value in any row"):
        recognise(write(tmp_path / "d.csv", "x,y\n" + "".join(f"{i / 3},\n" for i in range(30))), target="y")
    with pytest.raises(
        InputError, match=r"cannot be regressed on: its values are no numbers \('a', 'b', …\)"
    ):
        recognise(write(tmp_path / "d.csv", "x,y\n" + "".join(f"{i / 3},{'ab'[i % 2]}\n" for i in range(30))),
                  problem="regression")  # fmt: skip


def test_a_rare_class_makes_balanced_accuracy_the_main_metric(tmp_path):
    text = "x,y\n" + "".join(f"{RNG.normal():.3f},{int(i % 20 == 0)}\n" for i in range(400))
    task = recognise(write(tmp_path / "d.csv", text))
    assert task.metrics[0] == "balanced_accuracy"
    assert "95 % of the samples are 0" in notes(task)
    assert open_task({"name": "d", "path": str(tmp_path / "d.csv"), "metric": "mcc"}).metrics[0] == "mcc"


def test_columns_that_give_the_answer_away_are_said(tmp_path):
    lines = [
        f"{i % 12},{'on' if i % 2 else 'off'},{RNG.normal():.3f},{i % 3},{'yes' if i % 2 else 'no'}"
        for i in range(120)
    ]
    path = write(tmp_path / "d.csv", "device,copy,x,z,y\n" + "\n".join(lines) + "\n")
    said = [note for note in recognise(path).notes if note.startswith("WARNING")]
    assert len(said) == 2
    assert "each 'device' has one 'y' in all of its rows" in said[0]
    assert "column 'copy' alone tells 'y'" in said[1]
    task = recognise(path, drop=["copy"], groups="device")
    assert task.load().X.columns.tolist() == ["x", "z"]
    assert not [note for note in task.notes if note.startswith("WARNING")]
    assert task.fingerprint() != recognise(path, groups="device").fingerprint()
    assert open_task(task.spec).load().X.columns.tolist() == ["x", "z"]
    with pytest.raises(InputError, match="no column 'cpy'; did you mean 'copy'"):
        recognise(path, drop=["cpy"])


def test_groups_are_kept_together(tmp_path):
    text = "patient,x,y\n" + "".join(f"p{i // 5},{RNG.normal():.3f},{i % 2}\n" for i in range(60))
    task = recognise(write(tmp_path / "d.csv", text), groups="patient")
    data = task.load()
    assert data.X.columns.tolist() == ["x"]
    split = task.split(data, 0, 1, 5)
    assert not set(split.train // 5) & set(split.test // 5)


# -- what is no table ---------------------------------------------------------------------------------------------


def test_files_that_are_no_tables(tmp_path):
    cases = {
        "empty.csv": (b"", "is empty; there is nothing to read in it"),
        "blank.csv": (b" \n\n", "is empty"),
        "head.csv": (b"a,b,y\n", "holds a header line but no data"),
        "one.csv": (b"a\n" + b"1\n2\n" * 20, "has a single column"),
        "noise.csv": (bytes(range(256)) * 20, "binary data, not text"),
        "book.csv": (b"PK\x03\x04" + b"x" * 50, "Excel workbook; unpack it, or save the sheet as CSV"),
        "book.xlsx": (b"PK\x03\x04", r"ends in .xlsx, which is not read; save the sheet as CSV"),
        "model.csv": (b"\x80\x04\x95" + b"x" * 50, "a Python pickle, which could run code"),
        "notes.md": (b"hello", r"ends in .md, which is not read; name a table"),
        "bad.parquet": (b"not parquet at all", "cannot be read as Parquet"),
        "cut.csv.gz": (b"\x1f\x8b\x08\x00garbage", "cannot be read"),
    }
    for name, (content, message) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=message):
            recognise(tmp_path / name)
    with pytest.raises(InputError, match=r"does not exist. Did you mean 'empty.csv'"):
        recognise(tmp_path / "emty.csv")


def test_options_are_checked(tmp_path):
    path = write(tmp_path / "d.csv", rows())
    with pytest.raises(InputError, match=r"option 'taget' is not known; did you mean 'target'"):
        open_task({"name": "d", "path": str(path), "taget": "y"})
    with pytest.raises(InputError, match=r"kind 'tabel' is not known; did you mean 'table'"):
        recognise(path, kind="tabel")
    with pytest.raises(InputError, match=r"can be read as table or series or nodes or links, not as image"):
        recognise(path, kind="image")
    with pytest.raises(InputError, match=r"`target` must be a text, but got 3"):
        recognise(path, target=3)
    with pytest.raises(InputError, match=r"problem 'classify' is not known; did you mean 'classification'"):
        recognise(path, problem="classify")


def test_gzipped_and_parquet_tables(tmp_path):
    frame = pd.DataFrame(
        {"x": RNG.normal(size=40), "k": pd.Categorical(["u", "v"] * 20), "t": pd.date_range("2024", periods=40),
         "b": [True, False] * 20, "l": [[1]] * 40, "y": ["no", "yes"] * 20}
    )  # fmt: skip
    frame.to_parquet(tmp_path / "d.parquet")
    task = recognise(tmp_path / "d.parquet", target="y")
    X = task.load().X
    assert [str(X[c].dtype.kind) for c in ("x", "b", "t")] == ["f", "b", "M"]
    assert X["k"].dtype == "category"
    assert "column 'l' holds nested values" in notes(task)
    frame.drop(columns="l").to_csv(tmp_path / "d.csv.gz", index=False)
    assert recognise(tmp_path / "d.csv.gz", target="y").load().X.shape == (40, 4)


# -- the task -----------------------------------------------------------------------------------------------------


def test_a_spec_opens_the_same_task_without_reading(tmp_path):
    path = write(tmp_path / "d.csv", rows())
    task = recognise(path, target="y", keep=["a"])
    spec = json.loads(json.dumps(task.spec))
    again = open_task(spec)
    assert again._loaded is None
    assert (again.name, again.kind, again.problem, again.metrics) == (
        task.name,
        task.kind,
        task.problem,
        task.metrics,
    )
    assert again.fingerprint() == task.fingerprint()
    assert again.load().notes == task.load().notes
    pd.testing.assert_frame_equal(again.load().X, task.load().X)
    first = task.split(task.load(), 2, 1, 5)
    assert first.fingerprint() == again.split(again.load(), 2, 1, 5).fingerprint()


def test_the_fingerprint_follows_bytes_and_options(tmp_path):
    path = write(tmp_path / "d.csv", rows())
    task = recognise(path, target="y")
    before = task.fingerprint()
    assert recognise(path, target="c").fingerprint() != before
    path.write_text(path.read_text().replace("yes", "yea"))
    assert recognise(path, target="y").fingerprint() != before
    path.unlink()
    with pytest.raises(InputError, match=r"does not exist any more"):
        task.fingerprint()


# -- new rows -----------------------------------------------------------------------------------------------------


@pytest.fixture
def learned(tmp_path):
    lines = "".join(
        f"{100 + i},{i / 4},{'red' if i % 3 else 'blue'},2024-03-{1 + i % 28:02d},{'yes' if i % 2 else 'no'},{i % 2}\n"
        for i in range(50)
    )
    task = recognise(write(tmp_path / "d.csv", "id,size,colour,when,old,y\n" + lines))
    return json.loads(json.dumps(describe_schema(task, task.load())))


def test_new_rows_are_read_as_the_old_ones(tmp_path, learned):
    text = "colour,size,when,old,extra,id\ngreen,1.5,2025-01-01,no,9,a7\nred,,2025-01-02,yes,9,a8\n"
    X, names = read_like(write(tmp_path / "new.csv", text), learned)
    assert X.columns.tolist() == ["size", "colour", "when", "old"]
    assert X["size"].tolist()[0] == 1.5
    assert np.isnan(X["size"].iloc[1])
    assert X["colour"].tolist() == ["green", "red"]
    assert X["when"].dtype.kind == "M"
    assert X["old"].tolist() == [False, True]
    assert names == ["a7", "a8"]


def test_a_single_new_row_with_decimal_commas(tmp_path, learned):
    X, names = read_like(
        write(tmp_path / "new.csv", "size;colour;when;old\n1,25;red;2025-01-01;no\n"), learned
    )
    assert X["size"].tolist() == [1.25]
    assert names == [1]


def test_columns_missing_or_renamed(tmp_path, learned):
    text = "Size ,color,when,old\n1.5,red,2025-01-01,no\n"
    with pytest.raises(
        InputError, match=r"lacks columns that the model learned from: 'colour' \(is it 'color' now\?\)"
    ):
        read_like(write(tmp_path / "new.csv", text), learned)


def test_columns_that_hold_something_else(tmp_path, learned):
    text = "size,colour,when,old\nbig,red,2025-01-01,no\n"
    with pytest.raises(
        InputError, match=r"column 'size': expected numbers, as in training, but found 'big' in row 1"
    ):
        read_like(write(tmp_path / "new.csv", text), learned)
    text = "size,colour,when,old\n1,red,soon,no\n"
    with pytest.raises(InputError, match=r"column 'when': expected dates of the form %Y-%m-%d"):
        read_like(write(tmp_path / "new.csv", text), learned)
    with pytest.raises(InputError, match=r"does not exist"):
        read_like(tmp_path / "nothing.csv", learned)


def test_parquet_answers_a_model_of_csv(tmp_path, learned):
    frame = pd.DataFrame(
        {"size": [1.0], "colour": ["red"], "when": pd.to_datetime(["2025-01-01"]), "old": [True]}
    )
    frame.to_parquet(tmp_path / "new.parquet")
    X, _ = read_like(tmp_path / "new.parquet", learned)
    assert X["when"].iloc[0] == pd.Timestamp(2025, 1, 1)
    assert bool(X["old"].iloc[0])


def test_a_built_in_table_has_a_schema_too(tmp_path):
    task = open_task("iris")
    schema = json.loads(json.dumps(describe_schema(task, task.load())))
    head = ",".join(column["name"] for column in schema["columns"])
    X, _ = read_like(write(tmp_path / "new.csv", head + "\n5.1,3.5,1.4,0.2\n"), schema)
    assert X.iloc[0].tolist() == [5.1, 3.5, 1.4, 0.2]
