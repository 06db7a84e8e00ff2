"""What a method is, read from the class itself: its docstring, its signature, its annotations."""

from __future__ import annotations

import inspect
import re
from typing import Any

from neuroloom.methods.make import parameters
from neuroloom.methods.method import TRANSFORM, Method
from neuroloom.methods.registry import find


def describe(key: str) -> dict[str, Any]:
    """Return a JSON-safe description of a method.

    Keys: ``name``, ``title``, ``room``, ``version``, ``fits`` (list of ``{kind, problem, class}``), ``text`` and
    ``source`` (from the docstring), ``parameters`` (list of ``{name, type, default, text, range}``, the last being what
    tuning tries, empty where it leaves the parameter alone).

    Raises:
        InputError: no method has that name, or its class cannot be imported.
    """
    method = find(key)
    classes = {path: method.load(*pair) for pair, path in method.classes.items()}
    main = next(iter(classes.values()))
    text, sections = _told(main)
    return {
        "name": method.key,
        "title": method.title,
        "room": method.room,
        "version": method.version,
        "fits": [
            {
                "kind": kind,
                "problem": "features" if problem == TRANSFORM else problem,
                "class": path.replace(":", "."),
            }
            for (kind, problem), path in method.classes.items()
        ],
        "text": _plain(text),
        "source": sections.get("Source", ""),
        "parameters": _parameters(method, list(dict.fromkeys(classes.values()))),
    }


def _told(cls: type[Any]) -> tuple[str, dict[str, str]]:
    """Return the text and the sections of the class's docstring, or of the first base that names a source."""
    own = split_docstring(inspect.getdoc(cls) or "")
    for base in inspect.getmro(cls):
        told = split_docstring(inspect.cleandoc(base.__dict__.get("__doc__") or ""))
        if told[1].get("Source"):
            return told
    return own


def _parameters(method: Method, classes: list[type[Any]]) -> list[dict[str, Any]]:
    """Return the parameters of all classes behind a method, those of one class only marked with its name."""
    found: dict[str, dict[str, Any]] = {}
    for cls in classes:
        texts = argument_texts(cls)
        annotations = inspect.signature(cls.__init__).parameters
        for name, default in parameters(cls).items():
            if name in found:
                found[name]["classes"].append(cls.__name__)
                continue
            annotation = annotations[name].annotation
            found[name] = {
                "name": name,
                "type": texts.get(name, ("", ""))[0]
                if annotation is inspect.Parameter.empty
                else _type_text(annotation),
                "default": repr(method.fixed.get(name, default)),
                "text": texts.get(name, ("", ""))[1],
                "range": str(method.ranges[name]) if name in method.ranges else "",
                "classes": [cls.__name__],
            }
    for entry in found.values():
        only = entry.pop("classes")
        if len(only) < len(classes):
            entry["text"] = f"({', '.join(only)} only) {entry['text']}".strip()
    return list(found.values())


def _plain(text: str) -> str:
    """Return docstring text without the markup of reStructuredText."""
    text = re.sub(r":\w+:`~?(?:[\w]+\.)*([^`<]+?)(?:\s*<[^`]*)?`", r"\1", text)
    return re.sub(r"::$", ":", text.replace("``", ""), flags=re.M)


def _type_text(annotation: Any) -> str:
    if annotation in ("Any", Any):
        return ""
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    return re.sub(r"\b(?:typing|numpy\.typing|np\.random|numpy\.random|collections\.abc)\.", "", text)


def split_docstring(doc: str) -> tuple[str, dict[str, str]]:
    """Return the text before the first section of a docstring and its sections (``Args``, ``Source``, …) by title.

    Google's style (``Args:`` and an indented block) and NumPy's (a title underlined by dashes) are understood.
    """
    doc = re.sub(r"^(\w[\w ]*)\n-{3,}$", r"\1:\n", doc, flags=re.M)
    titles = (
        "Args|Parameters|Attributes|Shapes|Returns|Raises|Differences|Notes|Examples?|Sources?|References"
    )
    pieces = re.split(rf"^({titles}):[ \t]*", doc, flags=re.M)
    sections = {
        title: inspect.cleandoc(f"x\n{body}")[1:].strip() if body.startswith("\n") else body.strip()
        for title, body in zip(pieces[1::2], pieces[2::2], strict=True)
    }
    return pieces[0].strip(), sections


def argument_texts(cls: type[Any]) -> dict[str, tuple[str, str]]:
    """Return what the docstrings of a class and its bases say of each constructor argument: its type and one line."""
    found: dict[str, tuple[str, str]] = {}
    for base in inspect.getmro(cls):
        _, sections = split_docstring(inspect.cleandoc(base.__dict__.get("__doc__") or ""))
        for name, text in _entries(sections.get("Args", "")):
            found.setdefault(name, ("", text))
        for name, text in _entries(sections.get("Parameters", "")):  # NumPy's style: the type comes first
            type_, _, rest = text.partition("\n")
            type_ = re.sub(r",?\s*default\s*=.*", "", type_)
            found.setdefault(name, (type_.strip(), _first_sentence(rest)))
    return {name: (type_, " ".join(text.split())) for name, (type_, text) in found.items()}


def _first_sentence(text: str) -> str:
    plain = re.split(r"\n\s*\n|\n\s*(?:\.\. |- )", text.strip())[0]
    plain = " ".join(re.sub(r":\w+:`([^`<]*)(?:<[^`]*)?`", r"\1", plain).split())
    match = re.match(r".+?(?:\.(?=\s+[A-Z`])|$)", plain)
    return match[0] if match else plain


def _entries(block: str) -> list[tuple[str, str]]:
    """Split ``name: text`` or ``name : type`` blocks into pairs; a deeper indent goes on with the text before."""
    found: list[tuple[str, str]] = []
    for line in block.splitlines():
        head = re.match(r"`*([A-Za-z_][\w, *`]*?)`*\s*(?:\([^)]*\))?\s*:\s*(.*)$", line)
        if head and not line.startswith((" ", "\t")):
            found += [(name.strip(" *`"), head[2]) for name in head[1].split(",")]
        elif found:
            found[-1] = (found[-1][0], f"{found[-1][1]}\n{line.strip()}")
    return found
