"""The config of a bench: TOML in, a frozen validated value out; every mistake is answered with file and line."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from neuroloom.core.errors import InputError, nearest

OWN_FILES = ("path", "labels", "features")
"""What of an own task names a file."""
Loc = tuple[str | int, ...]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Limits(_Model):
    """What one trial may take: ``seconds`` of wall-clock time and ``memory_mb`` MB (2**20 bytes) of memory."""

    seconds: float = Field(default=300.0, gt=0)
    memory_mb: float = Field(default=4096.0, ge=64)


def _without_none(params: Any) -> Any:
    """Refuse None, which a bench.toml cannot hold, so that what is written repeats what was run."""
    inner = (
        params.values() if isinstance(params, Mapping) else params if isinstance(params, list | tuple) else ()
    )
    for value in inner:
        if value is None:
            raise ValueError("must not hold None, which TOML cannot write; leave it out for the default")
        _without_none(value)
    return params


class Variant(_Model):
    """A named variant of a method: ``method`` with other ``params``."""

    name: Name
    method: Name
    params: Annotated[dict[str, Any], AfterValidator(_without_none)] = Field(default_factory=dict)


class Tune(_Model):
    """How parameters are tuned: beside each method that declares ranges stands its tuned form, ``svm+tuned``.

    Args:
        trials: configurations tried of each method, in each trial of the bench; None is 30, or what ``seconds`` allow.
        seconds: when no further one is tried; what comes out then depends on the machine's speed.
        folds: inner folds of the training part, at least 2.
        pruning: whether Hyperband gives up configurations that do badly early.
        methods: labels or expressions to tune; None tunes all that can be.
        ranges: step -> parameter -> range, before the declared ones: ``{ low, high, log, whole }`` or a list of values.
    """

    trials: int | None = Field(default=None, ge=1)
    seconds: float | None = Field(default=None, gt=0)
    folds: int = Field(default=3, ge=2)
    pruning: bool = True
    methods: list[Name] | None = None
    ranges: Annotated[dict[str, dict[str, Any]], AfterValidator(_without_none)] = Field(default_factory=dict)


class OwnTask(BaseModel):
    """The user's own data, or without a ``path`` a known task with options, which the task itself checks."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)
    name: Name
    path: Name | None = None


class Config(_Model):
    """A bench.

    Args:
        name: what it is called; the run directory is ``runs/<name>`` unless another is given.
        seeds: repetitions, at least 1.
        folds: folds in a repetition, at least 2; a task with a published split uses that instead.
        rounds: stop after so many splits of each task; None runs all that ``seeds`` and ``folds`` make.
        tasks: names of tasks.
        methods: names of methods, ``a+b`` compositions, ``module:Class``.
        method: parameters by method name, wherever the method appears; a list of values is a grid.
        variant: named variants, beside the methods as they are.
        task: the user's own data, and tasks of a known name that take options.
        tune: how parameters are tuned, None where they are not.
        limits: time and memory of one trial; in a tuned trial the time is that of each fit.
        workers: worker processes; None takes one for each core.
        keep_predictions: whether per-sample predictions are stored.
        confidence: share of test samples that intervals and sets of classes are to cover, in (0, 1): every trial of
            classes or numbers also reports how conformal ones did; None leaves them out.
        explain: whether every trial on a table, series or pictures also reports how far its score falls when a column,
            a stretch or a patch is shuffled among the test samples.
        baseline: the method that the report shows differences from; None takes the best baseline.
    """

    name: Name
    seeds: int = Field(default=5, ge=1)
    folds: int = Field(default=5, ge=2)
    rounds: int | None = Field(default=None, ge=1)
    tasks: list[Name] = Field(default_factory=list)
    methods: list[Name] = Field(default_factory=list)
    method: Annotated[dict[str, dict[str, Any]], AfterValidator(_without_none)] = Field(default_factory=dict)
    variant: list[Variant] = Field(default_factory=list)
    task: list[OwnTask] = Field(default_factory=list)
    tune: Tune | None = None
    limits: Limits = Limits()
    workers: int | None = Field(default=None, ge=1)
    keep_predictions: bool = False
    confidence: float | None = Field(default=None, gt=0, lt=1)
    explain: bool = False
    baseline: str | None = None

    @field_validator("name")
    @classmethod
    def _a_file_name(cls, value: str) -> str:
        if re.search(r'[/\\:*?"<>|\x00-\x1f]', value) or value in (".", ".."):
            raise ValueError('must do as the name of a folder, so without / \\ : * ? " < > |')
        return value

    @field_validator("seeds", "folds")
    @classmethod
    def _not_endless(cls, value: int) -> int:
        if value > 100_000:
            raise ValueError("must be at most 100000")
        return value


@dataclass(frozen=True)
class Source:
    """Where a config came from, to point at a line of it."""

    file: str
    text: str

    def error(self, loc: Sequence[str | int], message: str) -> InputError:
        """Return the error for the place ``loc`` (keys and list positions)."""
        line = find_line(self.text, loc) if self.text else None
        where = self.file if line is None else f"{self.file}:{line}"
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")
        return InputError(f"{where}: {f'`{path}` ' if path else ''}{message}")


def find_line(text: str, loc: Sequence[str | int]) -> int | None:
    """Return the line (from 1) where the key path ``loc`` stands in a TOML text, or the nearest place above it.

    Follows tables, arrays of tables, dotted keys, inline tables and strings in arrays; good enough to point a reader
    at the line, since ``tomllib`` keeps no positions.
    """
    keys = [str(part) for part in loc if isinstance(part, str)]
    indices = [part for part in loc if isinstance(part, int)]
    header: list[str] = []
    seen: dict[str, int] = {}
    best: tuple[int, int] | None = None
    counted_table = False
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if match := re.match(r"\[(\[?)\s*([^\]]+?)\s*\](\]?)", stripped):
            header = _split_key(match[2])
            counted_table = bool(match[1])
            if counted_table:
                seen[match[2]] = seen.get(match[2], -1) + 1
                if indices and header == keys[: len(header)] and seen[match[2]] != indices[0]:
                    header = ["\0another item"]
            path = header
        elif match := re.match(r"((?:[A-Za-z0-9_\-]+|\"[^\"]*\"|'[^']*'|\s*\.\s*)+?)\s*=", stripped):
            path = [*header, *_split_key(match[1])]
        else:
            continue
        depth = len(path)
        if path == keys[:depth] and (best is None or depth > best[1]):
            best = (number, depth)
    if best is None:
        return None
    at = best[0]
    rest = keys[best[1] :]
    if rest:  # inside an inline table, on this line or one of the next
        return _scan(text, at, rf"(?<![\w-]){re.escape(rest[-1])}\s*=") or at
    if indices and not counted_table:
        return _array_line(text, at, indices[-1])
    return at


def _split_key(key: str) -> list[str]:
    return [part.strip().strip("\"'") for part in re.findall(r"\"[^\"]*\"|'[^']*'|[^.\s]+", key)]


def _scan(text: str, line: int, pattern: str) -> int | None:
    for number, content in enumerate(text.splitlines()[line - 1 :], line):
        if re.search(pattern, content):
            return number
    return None


def _array_line(text: str, line: int, index: int) -> int:
    """Return the line of the string number ``index`` of an array that begins on ``line``."""
    count = -1
    for number, content in enumerate(text.splitlines()[line - 1 :], line):
        body = content.split("=", 1)[1] if number == line and "=" in content else content
        for _ in re.finditer(r"\"[^\"]*\"|'[^']*'|(?<=[\[,\s])[\d.+-]+", re.sub(r"#.*", "", body)):
            count += 1
            if count == index:
                return number
        if "]" in body:
            break
    return line


def load_config(source: str | Path | Mapping[str, Any] | Config) -> tuple[Config, Source]:
    """Read and check a config: a path to a TOML file, a mapping of the same shape, or a ``Config``.

    Raises:
        InputError: the file is missing or no TOML, or holds something unexpected; says file, line and nearest name.
    """
    if isinstance(source, Config):
        return source, Source("config", to_toml(source))
    if isinstance(source, Mapping):
        where, values = Source("config", ""), dict(source)
    else:
        path = Path(source)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            raise InputError(f"there is no file {path}; pass the path of a bench.toml.") from None
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path} cannot be read as text: {error}.") from error
        where = Source(str(path), text)
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise InputError(_toml_error(path, text, error)) from error
    try:
        return Config.model_validate(values), where
    except ValidationError as error:
        raise where.error(*_explain(error)) from error


def _toml_error(path: Path, text: str, error: tomllib.TOMLDecodeError) -> str:
    found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
    line = int(found[1]) if found else text.count("\n") + 1
    lines = text.splitlines()
    shown = lines[line - 1].strip() if line <= len(lines) else ""
    why = re.sub(r"\s*\(at .*\)$", "", str(error))
    hint = " (strings need quotes)" if "Invalid value" in why else ""
    return f"{path}:{line}: this is no TOML: {why}{hint}{f', in: {shown}' if shown else ''}"


def _explain(error: ValidationError) -> tuple[Loc, str]:
    first = error.errors()[0]
    loc: Loc = first["loc"]
    kind = first["type"]
    if kind == "extra_forbidden":
        options = _fields_at(loc)
        close = nearest(str(loc[-1]), options)
        hint = f"did you mean `{close}`?" if close else f"known are {', '.join(sorted(options))}."
        return loc, f"is not known here; {hint}"
    if kind == "missing":
        return loc, "is missing; every bench needs it." if len(loc) == 1 else "is missing."
    expected = re.sub(r"^(Input|Value error,|String|List|Dictionary) ?", "", first["msg"]).strip()
    text = expected if expected.startswith("must") else expected.replace("should", "must")
    return loc, f"{text}, but got {first['input']!r}."


def _fields_at(loc: Loc) -> list[str]:
    models: dict[str, type[BaseModel]] = {"limits": Limits, "tune": Tune, "variant": Variant, "task": OwnTask}
    model = models.get(str(loc[0]), Config) if len(loc) > 1 else Config
    return list(model.model_fields)


@dataclass(frozen=True)
class Entry:
    """One method of the bench: its unique label, the registry expression, the parameters given, and where.

    ``base`` is the label of the method that it is the tuned form of, empty otherwise.
    """

    label: str
    expression: str
    params: Mapping[str, Any]
    loc: Loc
    base: str = ""


def entries(config: Config) -> list[Entry]:
    """Return the methods and variants of a config with their grids written out, in order."""
    found: list[Entry] = []
    for i, name in enumerate(config.methods):
        params = _for_expression(config.method, name)
        found += _grid(name, name, params, ("methods", i))
    for i, variant in enumerate(config.variant):
        params = _merge(_for_expression(config.method, variant.method), variant.params)
        found += _grid(variant.name, variant.method, params, ("variant", i, "name"))
    return found


def _for_expression(tables: Mapping[str, Mapping[str, Any]], expression: str) -> dict[str, Any]:
    """Return the parameters that the ``[method.…]`` tables give to an expression.

    ``[method.neat]`` holds for ``neat`` wherever it appears, ``[method."wavelets+neat"]`` for that composition, its
    parameters by step.
    """
    names = expression.split("+")
    if len(names) == 1:
        return dict(tables.get(expression, {}))
    params: dict[str, Any] = {name: dict(tables[name]) for name in names if name in tables}
    return _merge(params, tables.get(expression, {}))


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in over.items():
        step, _, inner = name.partition("__")
        if isinstance(value, Mapping) and isinstance(merged.get(name), Mapping):
            merged[name] = {**merged[name], **value}
        elif inner and isinstance(merged.get(step), Mapping):
            merged[step] = {**merged[step], inner: value}
        else:
            merged[name] = value
    return merged


def _grid(label: str, expression: str, params: Mapping[str, Any], loc: Loc) -> Iterator[Entry]:
    axes = list(_axes(params))
    if not axes:
        yield Entry(label, expression, dict(params), loc)
        return
    for values in itertools.product(*(axis[1] for axis in axes)):
        point = dict(params)
        for (path, _), value in zip(axes, values, strict=True):
            if len(path) == 1:
                point[path[0]] = value
            else:
                point[path[0]] = {**point[path[0]], path[1]: value}
        text = ",".join(
            f"{'.'.join(path)}={_short(v)}"
            for (path, choices), v in zip(axes, values, strict=True)
            if len(choices) > 1  # a single value, as hidden = [[32]], tells nothing apart
        )
        yield Entry(f"{label}[{text}]" if text else label, expression, point, loc)


def _axes(params: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    for name, value in params.items():
        if isinstance(value, list):
            yield (name,), value
        elif isinstance(value, Mapping):
            for inner, innermost in value.items():
                if isinstance(innermost, list):
                    yield (name, inner), innermost


def _short(value: Any) -> str:
    return "x".join(_short(v) for v in value) if isinstance(value, list) else str(value)


def with_whole_paths(config: Config, source: Source) -> Config:
    """Return the config with the paths of own data as they are from everywhere: relative ones are to its file."""
    base = Path(source.file).parent if source.text and Path(source.file).is_file() else Path()
    tasks = []
    for own in config.task:
        said = own.model_dump()
        for part in OWN_FILES:
            if isinstance(said.get(part), str):
                said[part] = str((base / Path(said[part]).expanduser()).resolve())
        tasks.append(OwnTask.model_validate(said))
    return config.model_copy(update={"task": tasks})


def to_toml(config: Config) -> str:
    """Return the config as TOML that reads back equal."""
    lines: list[str] = []
    values = config.model_dump(exclude_defaults=True)
    tables = {
        key: values.pop(key) for key in ("limits", "tune", "method", "variant", "task") if key in values
    }
    lines += [f"{key} = {_toml(value)}" for key, value in values.items()]
    for name in ("limits", "tune"):
        if name in tables:
            given = {k: v for k, v in tables[name].items() if v is not None}
            lines += ["", f"[{name}]", *(f"{k} = {_toml(v)}" for k, v in given.items())]
    for name, params in tables.get("method", {}).items():
        lines += ["", f"[method.{_key(name)}]", *(f"{_key(k)} = {_toml(v)}" for k, v in params.items())]
    for kind in ("variant", "task"):
        for item in tables.get(kind, []):
            lines += [
                "",
                f"[[{kind}]]",
                *(f"{_key(k)} = {_toml(v)}" for k, v in item.items() if v is not None),
            ]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml(name)


def _toml(value: Any) -> str:
    import json

    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(str(k))} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, str):  # JSON's escapes are TOML's, but for DEL
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Iterable):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    if isinstance(value, float):
        return repr(value)
    return str(value)
