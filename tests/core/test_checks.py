"""Messages of checks: what was expected, what came."""

from typing import Any

import numpy as np
import pytest

from neuroloom.core.checks import check_choice, check_float, check_int, check_lengths
from neuroloom.core.devices import resolve_device
from neuroloom.core.errors import InputError, nearest, unknown


@pytest.mark.parametrize("value", [0, -1, 2.0, "3", True, None, 11, float("nan")])
def test_whole_numbers(value: Any) -> None:
    with pytest.raises(InputError, match=r"`walks` must be a whole number from 1 to 10, but got "):
        check_int("walks", value, 1, 10)
    assert check_int("walks", np.int64(10), 1, 10) == 10


@pytest.mark.parametrize("value", [0, 1.0, -0.1, float("nan"), float("inf"), "0.5", True, None])
def test_numbers_in_an_interval(value: Any) -> None:
    with pytest.raises(InputError, match=r"`dropout` must be a number in \(0, 1\), but got "):
        check_float("dropout", value, 0, 1, open_low=True, open_high=True)
    assert check_float("dropout", np.float32(0.5), 0, 1) == 0.5


def test_the_ends_of_an_interval_are_shown_as_they_count() -> None:
    with pytest.raises(InputError, match=r"in \[0, inf\), but got -1"):
        check_float("alpha", -1, 0)
    assert check_float("alpha", 0, 0) == 0


def test_choices_name_the_nearest() -> None:
    with pytest.raises(InputError, match=r"one of adam, sgd; value 'adm' is not known; did you mean 'adam'"):
        check_choice("optimizer", "adm", ["sgd", "adam"])


def test_unknown_names() -> None:
    assert nearest("wnie", ["wine", "iris"]) == "wine"
    assert nearest("zzz", ["wine", "iris"]) is None
    assert (
        str(unknown("task", "zzz", ["wine", "iris"]))
        == "task 'zzz' is not known; it must be one of iris, wine."
    )


def test_lengths() -> None:
    with pytest.raises(InputError, match="X holds 2 samples but y holds 3 values"):
        check_lengths([1, 2], [1, 2, 3])


def test_devices() -> None:
    assert resolve_device("cpu").type == "cpu"
    assert resolve_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(InputError, match=r"`device` is 'toaster', which torch cannot use here"):
        resolve_device("toaster")
