"""One colour and one marker for each method, told apart by room, in light and in dark.

Rooms differ in hue *and* marker, methods of a room in lightness, so that no reader depends on hue alone. Colours are
made in OKLCH (Björn Ottosson, "A perceptual color space for image processing", 2020), where equal lightness looks
equally light; lightness is kept where the contrast with the page is at least 3:1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

ROOMS = {
    "evolve": (48.0, 0.15),
    "graphs": (160.0, 0.13),
    "signal": (235.0, 0.14),
    "nets": (318.0, 0.17),
    "composition": (95.0, 0.12),
    "baseline": (255.0, 0.02),
    "other": (15.0, 0.16),
}
MARKERS = {
    "evolve": "M0-5.2 5 4-5 4z",
    "graphs": "M0-5.4 5.4 0 0 5.4-5.4 0z",
    "signal": "M-4.2-4.2h8.4v8.4h-8.4z",
    "nets": "M-4.6 0a4.6 4.6 0 1 0 9.2 0a4.6 4.6 0 1 0-9.2 0z",
    "composition": "M0 5.2-5-4 5-4z",
    "baseline": "M-1.6-5h3.2v3.4h3.4v3.2h-3.4v3.4h-3.2v-3.4h-3.4v-3.2h3.4z",
    "other": "M-4-4 0-1.6 4-4 1.6 0 4 4 0 1.6-4 4-1.6 0z",
}
LIGHT = (0.40, 0.645)
DARK = (0.60, 0.84)


@dataclass(frozen=True)
class Style:
    """How a method is drawn.

    Args:
        room: the room it comes from.
        light: colour on a light page, ``#rrggbb``.
        dark: colour on a dark page.
        dash: SVG dash pattern of its lines; empty for a full line.
    """

    room: str
    light: str
    dark: str
    dash: str


def styles(rooms: list[str]) -> list[Style]:
    """Return one style for each method, given the methods' rooms in their fixed order."""
    known = [room if room in ROOMS else "other" for room in rooms]
    seen: dict[str, int] = {}
    out = []
    for room in known:
        position, total = seen.get(room, 0), known.count(room)
        seen[room] = position + 1
        share = 0.45 if total == 1 else position / (total - 1)
        hue, chroma = ROOMS[room]
        hue += (share - 0.45) * (26 if room != "baseline" else 0)
        light = oklch(LIGHT[0] + share * (LIGHT[1] - LIGHT[0]), chroma, hue)
        dark = oklch(DARK[1] - share * (DARK[1] - DARK[0]), chroma * 0.85, hue)
        out.append(Style(room, light, dark, ("", "6 3", "2 2.5", "9 3 2 3")[position % 4]))
    return out


def oklch(lightness: float, chroma: float, hue: float) -> str:
    """Return ``#rrggbb`` of an OKLCH colour, its chroma lowered until sRGB can show it."""
    for step in range(21):
        channels = _linear(lightness, chroma * (1 - step / 20), math.radians(hue))
        if all(-1e-4 <= c <= 1.0001 for c in channels):
            break
    return "#" + "".join(f"{round(255 * _gamma(min(max(c, 0.0), 1.0))):02x}" for c in channels)


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rrggbb`` (WCAG 2.2)."""
    r, g, b = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (r, g, b)]
    return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2), from 1 to 21."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _linear(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    s = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
        -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
        -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s,
    )


def _gamma(channel: float) -> float:
    return 12.92 * channel if channel <= 0.0031308 else 1.055 * channel ** (1 / 2.4) - 0.055
