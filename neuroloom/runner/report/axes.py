"""Scales, ticks and the SVG parts that the figures share.

Figures have no fixed width: horizontal places are percentages and text keeps its size, so one drawing serves a phone,
a wide screen and paper. Lines with many points live in a nested ``<svg>`` of 1000 units that stretches, their strokes
staying as they are. Colours are CSS classes (``m3`` is the fourth method), so light and dark need one drawing only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from neuroloom.runner.report import numbers

_WHOLE = re.compile(r"\.0+(?= )")


@dataclass(frozen=True)
class Scale:
    """A map from ``[low, high]`` to ``[0, 1]``, linear or logarithmic.

    Args:
        low: value at 0.
        high: value at 1, above ``low``.
        log: whether equal ratios take equal space (both ends positive).
    """

    low: float
    high: float
    log: bool = False

    @classmethod
    def over(
        cls, values: Iterable[float | None], log: bool = False, pad: float = 0.04, least: float = 0.0
    ) -> Scale | None:
        """Return the scale that shows all finite ``values`` (at least ``least`` wide), or None where there are none."""
        known = [float(v) for v in values if v is not None and math.isfinite(v) and (v > 0 or not log)]
        if not known:
            return None
        ends = [math.log10(v) for v in (min(known), max(known))] if log else [min(known), max(known)]
        width = max(ends[1] - ends[0], least, 0.3 if log else 1e-3 * max(abs(ends[0]), 1e-6))
        middle = (ends[0] + ends[1]) / 2
        low, high = middle - width * (0.5 + pad), middle + width * (0.5 + pad)
        return cls(10**low, 10**high, True) if log else cls(low, high)

    @classmethod
    def around(cls, values: Iterable[float], ends: Iterable[float | None], pad: float = 0.04) -> Scale | None:
        """Return the linear scale that shows ``values``, and of the ``ends`` of their intervals what is near.

        Ends further from the values than the values are from each other (at least a tenth of their size) lie at the
        edge: the interval of two trials must not squeeze all methods into a dot.
        """
        known = [float(v) for v in values if math.isfinite(v)]
        if not known:
            return cls.over(ends, pad=pad)
        low, high = min(known), max(known)
        most = max(high - low, 0.1 * max(abs(low), abs(high))) or math.inf
        near = [
            min(max(float(v), low - most), high + most) for v in ends if v is not None and math.isfinite(v)
        ]
        return cls.over([*known, *near], pad=pad)

    def __call__(self, value: float) -> float:
        """Return where ``value`` lies, 0 to 1 (held inside)."""
        if self.log:
            place = math.log(max(value, 1e-300) / self.low) / math.log(self.high / self.low)
        else:
            place = (value - self.low) / (self.high - self.low)
        return min(max(place, 0.0), 1.0)

    def ticks(self, most: int = 5) -> list[float]:
        """Return at most ``most`` round values inside, at least one where the range allows it."""
        if self.log:
            return self._log_ticks(most)
        raw = (self.high - self.low) / max(most - 1, 1)
        power = 10.0 ** math.floor(math.log10(raw))
        steps = [power * k for k in (10, 5, 2.5, 2, 1, 0.5, 0.25, 0.2, 0.1)]
        start = max(k for k, step in enumerate(steps) if step >= raw * 0.999)
        for step in steps[start:]:
            first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
            if last > first:
                break
        return [k * step for k in range(first, last + 1)]

    def _log_ticks(self, most: int) -> list[float]:
        low, high = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        decades = high - low + 1
        if decades >= 3:
            return [10.0**k for k in range(low, high + 1, max(-(-decades // most), 1))]
        fine = [m * 10.0**k for k in range(low - 1, high + 1) for m in (1, 2, 5)]
        inside = [v for v in fine if self.low <= v <= self.high]
        return inside[:: -(-len(inside) // most)] if inside else [math.sqrt(self.low * self.high)]


def tick_decimals(ticks: Sequence[float]) -> int:
    """Return the decimals that tell neighbouring linear ticks apart."""
    if len(ticks) < 2:
        return 3
    step = ticks[1] - ticks[0]
    return next((d for d in range(7) if abs(step * 10**d - round(step * 10**d)) < 1e-6), 6)


def tick_texts(
    scale: Scale, most: int, write: Callable[[float], str] | None = None
) -> list[tuple[float, str]]:
    """Return ticks and their labels: by ``write`` or with as many decimals as tell them apart."""
    ticks = scale.ticks(most)
    if write is None:
        decimals = tick_decimals(ticks)
        write = (lambda t: f"{t:g}") if scale.log else (lambda t: numbers.fixed(t, decimals))
    return [(t, _WHOLE.sub("", write(t))) for t in ticks]


def turned(scale: Scale) -> Callable[[float], str]:
    """Return how a tick is written on an axis whose values had their sign turned."""
    decimals = tick_decimals(scale.ticks(5))
    return lambda value: numbers.fixed(-value, decimals)


def pc(place: float) -> str:
    """Write a place from 0 to 1 as a percentage."""
    text = f"{100 * place:.2f}".rstrip("0").rstrip(".")
    return f"{text}%"


def tag(name: str, content: object = "", /, **attributes: object) -> Markup:
    """Return an SVG element; text and attribute values are escaped, ``class_`` and ``data_x`` lose their underscore."""
    parts = [f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items()]
    inner = escape(content)
    end = f">{inner}</{name}>" if inner or name in ("svg", "div") else "/>"
    return Markup(f"<{name}{''.join(parts)}{end}")


def joined(parts: Iterable[Markup]) -> Markup:
    """Return the parts one after the other."""
    return Markup("").join(parts)


def marker(room: str, x: str, y: float, css: str, tip: str = "") -> Markup:
    """Return a method's marker centred at ``(x, y)``."""
    more = {"data-t": tip} if tip else {}
    return tag("use", href=f"#k-{room}", x=x, y=f"{y:g}", class_=css, **more)


def whiskers(ends: Iterable[tuple[float, float, float, float]], css: str) -> Markup:
    """Return level or upright intervals for a stretched drawing, each from (place, pixel) to (place, pixel)."""
    lines = []
    for x1, y1, x2, y2 in ends:
        start = f"M{round(1000 * x1)} {round(4 * y1)}"
        lines.append(f"{start}h{round(1000 * (x2 - x1))}" if y1 == y2 else f"{start}v{round(4 * (y2 - y1))}")
    return tag("path", d="".join(lines), class_=css)


def grid(scale: Scale, height: float, most: int = 5) -> Markup:
    """Return vertical grid lines at the ticks, for a stretched drawing."""
    lines = [f"M{round(1000 * scale(t))} 0v{4 * height:g}" for t in scale.ticks(most)]
    return tag("path", d="".join(lines), class_="g")


def head_axis(
    scale: Scale, write: Callable[[float], str] | None = None, most: int = 5, css: str = "ax"
) -> Markup:
    """Return an axis for a table's head cell: tick labels, no line."""
    texts = [
        tag("text", text, x=pc(scale(t)), y=11, text_anchor=anchor(scale(t)))
        for t, text in tick_texts(scale, most, write)
    ]
    return tag("svg", joined(texts), class_=css, height=14, aria_hidden="true")


def anchor(place: float) -> str:
    """Return the text anchor that keeps a label at ``place`` inside the drawing."""
    return "start" if place < 0.06 else "end" if place > 0.94 else "middle"


@dataclass(frozen=True)
class Frame:
    """A plot with both axes: an upright axis of fixed width beside a drawing that takes the rest.

    Args:
        x: horizontal scale.
        y: vertical scale, larger values further up.
        height: of the drawing, in pixels.
        x_title: what the horizontal axis shows, with its unit.
        y_title: what the vertical axis shows.
        write_x: how a horizontal tick is written.
        write_y: how a vertical tick is written.
    """

    x: Scale
    y: Scale
    height: float
    x_title: str
    y_title: str
    write_x: Callable[[float], str] | None = None
    write_y: Callable[[float], str] | None = None

    def up(self, value: float) -> float:
        """Return the pixel height (from the top) of a vertical value."""
        return round((1 - self.y(value)) * self.height, 1)

    def draw(self, content: Markup, label: str) -> Markup:
        """Return the whole figure around ``content``; ``label`` says in words what it shows."""
        rows, columns = tick_texts(self.y, 5, self.write_y), tick_texts(self.x, 4, self.write_x)
        lines = [tag("line", x1=0, x2="100%", y1=self.up(t), y2=self.up(t), class_="g") for t, _ in rows]
        names = [tag("text", text, x="100%", dx=-7, y=self.up(t) + 4, text_anchor="end") for t, text in rows]
        below = [
            tag("text", text, x=pc(self.x(t)), y=f"{self.height + 17:g}", text_anchor=anchor(self.x(t)))
            for t, text in columns
        ]
        uprights = [
            tag("line", x1=pc(self.x(t)), x2=pc(self.x(t)), y1=0, y2=self.height, class_="g")
            for t, _ in columns
        ]
        base = tag("line", x1=0, x2="100%", y1=self.height, y2=self.height, class_="base")
        size = f"{self.height + 24:g}"
        left = tag("svg", joined(names), class_="ya", height=size, aria_hidden="true")
        body = joined([*lines, *uprights, base, content, *below])
        plot = tag("svg", body, class_="pa", height=size, role="img", aria_label=label)
        head = tag("div", self.y_title, class_="yt")
        foot = tag("div", self.x_title, class_="xt")
        return joined([head, tag("div", left + plot, class_="plot"), foot])


def stretched(height: float, content: Markup) -> Markup:
    """Return a nested drawing: 1000 units over the whole width, four units to a pixel of height."""
    box = f"0 0 1000 {4 * height:g}"
    return tag(
        "svg",
        content,
        class_="st",
        width="100%",
        height=f"{height:g}",
        viewBox=box,
        preserveAspectRatio="none",
    )


def trace(points: Sequence[tuple[float, float]], close: bool = False) -> str:
    """Return the path through points given in whole units, as short relative steps."""
    if not points:
        return ""
    x, y = round(points[0][0]), round(points[0][1])
    steps = [f"M{x} {y}l" if len(points) > 1 else f"M{x} {y}h0"]
    for px, py in points[1:]:
        nx, ny = round(px), round(py)
        dy = f"{ny - y}"
        steps.append(f"{nx - x}{'' if dy.startswith('-') else ' '}{dy} ")
        x, y = nx, ny
    return "".join(steps).strip() + ("z" if close else "")


def dots(places: Sequence[float], height: float, spread: float) -> str:
    """Return the path of one dot a trial: zero-length strokes with round caps, spread upright by order."""
    out = []
    for k, place in enumerate(places):
        level = 4 * (height / 2 + spread * ((k * 0.618034) % 1 - 0.5))
        out.append(f"M{round(1000 * place)} {level:.0f}h0")
    return "".join(out)
