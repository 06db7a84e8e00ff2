"""From a table as people keep it (categories, missing values, dates) to numbers, by scikit-learn's own parts."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from neuroloom.core.errors import InputError
from neuroloom.core.free_text import is_free_text
from neuroloom.methods.words import WordFeatures

MAX_CATEGORIES = 30
_NATIVE_CATEGORIES = 254  # histogram gradient boosting takes at most 255, missing included


class DateFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Numbers from dates: days since 1970, and sine and cosine of the year's, the week's and the day's turn.

    A missing date gives missing numbers.
    """

    parts = ("days", "year_sin", "year_cos", "week_sin", "week_cos", "day_sin", "day_cos")

    def fit(self, X: Any, y: Any = None) -> Self:
        """Remember the column names of ``X (n, columns)``, a DataFrame of dates."""
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Return ``(n, 7 columns)`` numbers."""
        made: list[NDArray[np.float64]] = []
        for name in X.columns:
            dates = X[name]
            if getattr(dates.dt, "tz", None) is not None:
                dates = dates.dt.tz_convert("UTC").dt.tz_localize(None)
            days = (
                dates.to_numpy(dtype="datetime64[ns]") - np.datetime64("1970-01-01", "ns")
            ) / np.timedelta64(1, "D")
            made.append(days)
            for period in (365.2425, 7.0, 1.0):
                made += [np.sin(2 * np.pi * days / period), np.cos(2 * np.pi * days / period)]
        return np.column_stack(made) if made else np.empty((len(X), 0))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return names like ``bought_on__week_sin``."""
        return np.array([f"{c}__{part}" for c in self.feature_names_in_ for part in self.parts], dtype=object)


class TablePreparation(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Numbers from a DataFrame with any columns.

    Numbers get the training median where they are missing, and a column that says so; categories become one-hot
    columns, at most 30 each, rare and new values together in one; free text becomes ``WordFeatures``, dates become
    ``DateFeatures``; truth values 0 and 1.

    Args:
        scale: whether number columns are standardised as well.
        native: leave missing numbers and categories to the estimator that follows (gradient boosting copes with both).

    Raises:
        InputError: ``transform`` gets a table that lacks a column of ``fit``.
    """

    def __init__(self, scale: bool = False, native: bool = False) -> None:
        self.scale = scale
        self.native = native

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn medians, categories and scales of ``X``, a DataFrame of ``n`` rows."""
        self.columns_ = [str(c) for c in X.columns]
        self.kinds_ = [column_kind(X.iloc[:, i]) for i in range(X.shape[1])]
        if self.native:
            self.categories_ = {
                name: _frequent(X.iloc[:, i])
                for i, (name, kind) in enumerate(zip(self.columns_, self.kinds_, strict=True))
                if kind == "category"
            }
            prose = [c for c, kind in zip(self.columns_, self.kinds_, strict=True) if kind == "text"]
            self.words_ = {name: WordFeatures().fit(self._typed(X)[[name]]) for name in prose}
            return self
        self.transformer_ = self._column_transformer().fit(self._typed(X))
        return self

    def _column_transformer(self) -> Any:
        from sklearn.compose import ColumnTransformer
        from sklearn.impute import SimpleImputer
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        def columns(*kinds: str) -> list[str]:
            return [c for c, kind in zip(self.columns_, self.kinds_, strict=True) if kind in kinds]

        def numbers() -> list[Any]:
            fill = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
            return [fill, StandardScaler()] if self.scale else [fill]

        encoder = OneHotEncoder(
            handle_unknown="infrequent_if_exist",
            max_categories=MAX_CATEGORIES,
            sparse_output=False,
            drop="if_binary",
        )
        return ColumnTransformer(
            [
                ("number", make_pipeline(*numbers()), columns("number")),
                ("category", encoder, columns("category")),
                ("text", WordFeatures(), columns("text")),
                ("date", make_pipeline(DateFeatures(), *numbers()), columns("date")),
            ],
            verbose_feature_names_out=False,
        )

    def _typed(self, X: Any) -> Any:
        """Return the columns of ``fit``, numbers as float, categories as text with "(missing)" where there is none."""
        import pandas as pd

        made: dict[str, Any] = {}
        for name, kind, place in zip(self.columns_, self.kinds_, self._places(X), strict=True):
            column = X.iloc[:, place]
            if kind == "number":
                made[name] = pd.to_numeric(column, errors="coerce").to_numpy(
                    dtype=np.float64, na_value=np.nan
                )
            elif kind == "date":
                made[name] = pd.to_datetime(column, errors="coerce").to_numpy()
            else:
                text = column.astype(object)
                none = "" if kind == "text" else "(missing)"
                made[name] = np.where(text.isna(), none, text.astype(str)).astype(object)
        return pd.DataFrame(made, index=X.index)

    def _places(self, X: Any) -> list[int]:
        """Return where the columns of ``fit`` are in a table."""
        by_name = {str(c): i for i, c in enumerate(X.columns)}
        missing = [c for c in self.columns_ if c not in by_name]
        if missing:
            shown = ", ".join(repr(c) for c in missing[:5])
            raise InputError(
                f"the table lacks {len(missing)} of the {len(self.columns_)} columns learned from: {shown}."
            )
        return [by_name[name] for name in self.columns_]

    def _plain(self, X: Any) -> NDArray[np.float64] | None:
        """Return a table of nothing but numbers as ``transform`` would, without its dozens of small steps, or None."""
        if self.native or any(kind != "number" for kind in self.kinds_):
            return None
        places = self._places(X)
        own = X if places == list(range(X.shape[1])) else X.iloc[:, places]
        if not all(isinstance(dtype, np.dtype) and dtype.kind in "biuf" for dtype in own.dtypes):
            return None
        values = own.to_numpy(dtype=np.float64)
        missing = np.isnan(values)
        if not len(values) or np.isinf(values).any():
            return None  # scikit-learn says what is wrong with it
        step = self.transformer_.named_transformers_["number"]
        imputer = step.named_steps["simpleimputer"]
        filled = np.where(missing, imputer.statistics_, values)
        made: NDArray[np.float64] = np.hstack([filled, missing[:, imputer.indicator_.features_]])
        if self.scale:
            scaler = step.named_steps["standardscaler"]
            made = (made - scaler.mean_) / scaler.scale_
        return made

    def transform(self, X: Any) -> Any:
        """Return ``(n, columns)`` float64, or with ``native`` a DataFrame of float and category columns."""
        plain = self._plain(X)
        if plain is not None:
            return plain
        typed = self._typed(X)
        if not self.native:
            with warnings.catch_warnings():  # a category that is new has its column, as the docstring says
                warnings.filterwarnings("ignore", message="Found unknown categories")
                found: NDArray[np.float64] = self.transformer_.transform(typed)
            return found
        import pandas as pd

        parts: list[Any] = []
        for name, kind in zip(self.columns_, self.kinds_, strict=True):
            if kind in ("date", "text"):
                made = DateFeatures().fit(typed[[name]]) if kind == "date" else self.words_[name]
                parts.append(
                    pd.DataFrame(made.transform(typed[[name]]), typed.index, made.get_feature_names_out())
                )
            elif kind == "category":
                known = self.categories_[name]
                text = typed[name].where(typed[name].isin(known), None)
                parts.append(pd.Series(pd.Categorical(text, categories=known), typed.index, name=name))
            else:
                parts.append(typed[name])
        return pd.concat(parts, axis=1)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns that ``transform`` gives."""
        if self.native:
            names: list[str] = []
            for column, kind in zip(self.columns_, self.kinds_, strict=True):
                own = {"date": [f"{column}__{part}" for part in DateFeatures.parts]}
                if kind == "text":
                    own["text"] = self.words_[column].get_feature_names_out().tolist()
                names += own.get(kind, [column])
            return np.array(names, dtype=object)
        found: NDArray[np.object_] = self.transformer_.get_feature_names_out()
        return found

    def sources(self) -> NDArray[np.int64]:
        """Return for each column that ``transform`` gives, unless ``native``, the number of the one it is made from."""
        found: list[int] = []
        for name, step, columns in self.transformer_.transformers_:
            own = np.array([self.columns_.index(c) for c in columns], dtype=np.int64)
            if not len(own):
                continue
            if name == "category":
                found += np.repeat(own, [_width(step, j) for j in range(len(own))]).tolist()
                continue
            if name == "text":
                found += np.repeat(own, step.widths()).tolist()
                continue
            if name == "date":
                own = np.repeat(own, len(DateFeatures.parts))
            imputer = step.named_steps["simpleimputer"]
            found += own.tolist() + own[imputer.indicator_.features_].tolist()
        return np.array(found, dtype=np.int64)


def _width(encoder: Any, column: int) -> int:
    """Return how many columns a fitted one-hot encoder makes of one."""
    rare = encoder.infrequent_categories_[column]
    kept = len(encoder.categories_[column]) - (0 if rare is None else len(rare) - 1)
    dropped = encoder.drop_idx_ is not None and encoder.drop_idx_[column] is not None
    return kept - int(dropped)


def column_kind(column: Any) -> str:
    """Return ``"number"``, ``"date"``, ``"text"`` or ``"category"`` for a DataFrame's column."""
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return "date"
    if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_numeric_dtype(column.dtype):
        return "number"
    return "text" if is_free_text(column) else "category"


def _frequent(column: Any) -> list[str]:
    text = column.dropna().astype(object).astype(str)
    counts = text.value_counts()
    kept = sorted(counts.index[:_NATIVE_CATEGORIES].tolist())
    return kept


class Flatten(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """``(n, …)`` arrays as ``(n, features)`` tables, so that a table method can meet a raw series or image."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Remember the shape of one sample of ``X (n, …)``."""
        self.shape_ = tuple(int(s) for s in np.shape(X)[1:])
        return self

    def transform(self, X: Any) -> NDArray[Any]:
        """Return ``(n, features)``.

        Raises:
            InputError: the samples have another shape than those of ``fit``.
        """
        array = np.asarray(X)
        if array.shape[1:] != self.shape_:
            raise InputError(
                f"expected samples of shape {self.shape_}, as in fit, but got {array.shape[1:]}."
            )
        return array.reshape(len(array), -1)
