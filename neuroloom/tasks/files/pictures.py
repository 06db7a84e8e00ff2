"""Pictures of the user's: a folder with one folder of pictures for each class."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from neuroloom.core.errors import InputError
from neuroloom.tasks.files.options import Loaded, Options
from neuroloom.tasks.files.target import decide
from neuroloom.tasks.task import Split

ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm"})
LARGEST = 64
_PARTS = {"train": "train", "training": "train", "test": "test", "val": "valid", "valid": "valid",
          "validation": "valid"}  # fmt: skip


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures right in a folder, by name, hidden files left out."""
    return sorted(
        p
        for p in folder.iterdir()
        if p.suffix.lower() in ENDINGS and not p.name.startswith(".") and p.is_file()
    )


def _folders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith((".", "__")))


def classes_in(folder: Path) -> dict[str, list[Path]]:
    """Return the pictures of each class: of each folder within ``folder`` that holds any, at any depth."""
    found: dict[str, list[Path]] = {}
    for inner in _folders(folder):
        own = sorted(p for p in inner.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file())
        own = [
            p for p in own if not any(part.startswith((".", "__")) for part in p.relative_to(folder).parts)
        ]
        if own:
            found[inner.name] = own
    return found


def parts_in(folder: Path) -> dict[str, dict[str, list[Path]]]:
    """Return pictures by part (``train``, ``valid``, ``test``) and class; a single part "" when there are none."""
    inner = {_PARTS[p.name.lower()]: classes_in(p) for p in _folders(folder) if p.name.lower() in _PARTS}
    if inner.get("train") and inner.get("test"):
        return inner
    return {"": classes_in(folder)}


def read_pictures(options: Options) -> Loaded:
    """Read a folder of pictures by class; folders ``train`` and ``test`` above the classes give the split.

    Pictures of one size are kept as they are up to 64 × 64; else all get the median height and width, made to fit in
    64 × 64. Grey pictures get one channel, coloured ones three; what is transparent becomes white; values are 0 … 1.

    Raises:
        InputError: there is no class with a picture, or fewer than two classes.
    """
    parts = parts_in(options.path)
    every = [(part, label, p) for part, found in parts.items() for label, ps in found.items() for p in ps]
    if len({label for _, label, _ in every}) < 2:
        raise InputError(
            f"{options.path} must hold a folder of pictures for each of two classes or more, but holds "
            f"{len({label for _, label, _ in every})}."
        )
    opened, sizes, grey, bad = [], [], True, []
    for part, label, path in every:
        image = open_picture(path)
        if image is None:
            bad.append(path.name)
            continue
        opened.append((part, label, path))
        sizes.append(image.size)
        grey = grey and image.mode == "L"
    notes = []
    if bad:
        shown = ", ".join(bad[:3]) + (", …" if len(bad) > 3 else "")
        what = (
            "file that is no readable picture was"
            if len(bad) == 1
            else "files that are no readable pictures were"
        )
        notes.append(f"{len(bad)} {what} left out: {shown}")
    if not opened:
        raise InputError(f"{options.path} holds no readable picture.")
    width, height = common_size(sizes)
    if len(set(sizes)) > 1 or sizes[0] != (width, height):
        notes.append(f"pictures of {_sizes(sizes)} were resized to {width} × {height}")
    shape = [1 if grey else 3, height, width]
    schema = {"kind": "image", "shape": shape}
    X = np.stack([as_array(path, shape) for _, _, path in opened])
    y, _, problem, reasons = decide(
        [label for _, label, _ in opened], problem=options.problem or "classification"
    )
    notes += [
        *reasons,
        f"{len(X)} pictures in {len(set(y.tolist()))} folders, {'grey' if grey else 'colour'}",
    ]
    splits = None
    if "" not in parts:
        at = np.array([part for part, _, _ in opened])
        valid = np.flatnonzero(at == "valid")
        splits = [
            Split(np.flatnonzero(at == "train"), np.flatnonzero(at == "test"), valid if len(valid) else None)
        ]
        notes.append("the folders train and test say which pictures train and test")
    names = [str(path.relative_to(options.path)) for _, _, path in opened]
    return Loaded("image", X, y, problem, notes, schema, names, splits=splits)


def open_picture(path: Path) -> Any:
    """Return a picture in grey (``L``) or colour (``RGB``), or None when the file is none."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            turned = ImageOps.exif_transpose(image)
            if turned.mode in ("1", "L"):
                return turned.convert("L")
            if turned.mode.startswith("I") or turned.mode == "F":  # 16 bits and more
                values = np.asarray(turned, dtype=np.float64)
                top = max(float(values.max()), 1.0)
                return Image.fromarray(np.uint8(255 * values / (65535.0 if top > 255 else 255.0)))
            if "A" in turned.getbands() or "transparency" in turned.info:
                turned = turned.convert("RGBA")
                white = Image.new("RGBA", turned.size, "white")
                turned = Image.alpha_composite(white, turned)
            colour = turned.convert("RGB")
            values = np.asarray(colour)
            same = (values[..., 0] == values[..., 1]).all() and (values[..., 1] == values[..., 2]).all()
            return colour.convert("L") if same else colour
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def common_size(sizes: list[tuple[int, int]]) -> tuple[int, int]:
    """Return the width and height that all pictures get."""
    width, height = (float(np.median([size[k] for size in sizes])) for k in (0, 1))
    shrink = min(1.0, LARGEST / max(width, height))
    return max(1, round(width * shrink)), max(1, round(height * shrink))


def _sizes(sizes: list[tuple[int, int]]) -> str:
    counted = Counter(sizes)
    if len(counted) == 1:
        return f"{sizes[0][0]} × {sizes[0][1]}"
    smallest, largest = (f(counted, key=lambda size: size[0] * size[1]) for f in (min, max))
    return f"{len(counted)} sizes, {smallest[0]} × {smallest[1]} to {largest[0]} × {largest[1]},"


def as_array(path: Path, shape: list[int]) -> Any:
    """Return a picture as a float32 array of ``shape`` (channels, height, width) in 0 … 1.

    Raises:
        InputError: the file is no readable picture.
    """
    from PIL import Image

    image = open_picture(path)
    if image is None:
        raise InputError(f"{path} is no readable picture.")
    image = image.convert("L" if shape[0] == 1 else "RGB")
    if image.size != (shape[2], shape[1]):
        image = image.resize((shape[2], shape[1]), Image.Resampling.LANCZOS)
    values = np.asarray(image, dtype=np.float32) / 255.0
    return values[None] if shape[0] == 1 else np.moveaxis(values, -1, 0)
