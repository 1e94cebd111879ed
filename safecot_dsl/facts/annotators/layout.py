"""From lines of text in a picture to one text: reading order, columns, and which line breaks are only wrapping."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

#: What begins an entry of a list, which never continues the line before it.
_MARKER = re.compile(r"^(?:\(?(?:\d{1,3}|[A-Za-z])[.):]|[-*+•‣◦▪□☐–—_]+(?:\s|$)|step \d)", re.IGNORECASE)
_MOST_BOXES = 400  # above it, columns are not looked for: that takes time by the square of their number


@dataclass(frozen=True)
class TextBox:
    """A piece of text that stands in one line, and the rectangle around it in pixels, y downwards."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        return self.bottom - self.top


def read_in_order(boxes: Sequence[TextBox]) -> str:
    """The text of a picture.

    Boxes that stand beside each other are a line, from left to right, and lines follow from the top down. Where a
    gutter of one and a half lines' height parts at least three lines on either side, these are columns, read one after
    the other. A line break is kept before an entry of a list, at a gap, at a change of size, and where the next word
    would have fitted on the line; any other only wraps a paragraph, and becomes a space. So a phrase is found wherever
    it was wrapped.
    """
    return "\n\n".join(_unwrapped(column) for column in _columns(list(boxes)) if column)


def _columns(boxes: list[TextBox]) -> Iterator[list[list[TextBox]]]:
    """The columns in reading order, each a list of lines, each a list of boxes."""
    lines = _lines(boxes)
    if 6 <= len(boxes) <= _MOST_BOXES:
        for first in range(len(lines) - 2):
            below = [box for line in lines[first:] for box in line]
            gutter = _gutter(below)
            if gutter is not None:
                yield lines[:first]
                yield from _columns([box for box in below if box.right <= gutter])
                yield from _columns([box for box in below if box.left >= gutter])
                return
    yield lines


def _lines(boxes: Sequence[TextBox]) -> list[list[TextBox]]:
    """Boxes that overlap by half of the lower one's height stand in one line."""
    lines: list[list[TextBox]] = []
    for box in sorted(boxes, key=lambda box: (box.top + box.bottom, box.left)):
        line = lines[-1] if lines else None
        if line is not None and _overlap(line[0], box) >= 0.5 * min(line[0].height, box.height):
            line.append(box)
        else:
            lines.append([box])
    return [sorted(line, key=lambda box: (box.left, box.right)) for line in lines]


def _overlap(one: TextBox, other: TextBox) -> float:
    return min(one.bottom, other.bottom) - max(one.top, other.top)


def _gutter(boxes: Sequence[TextBox]) -> float | None:
    """The right edge of what stands left of a gutter, None where there is none."""
    wide = 1.5 * median(box.height for box in boxes)
    by_left = sorted(boxes, key=lambda box: box.left)
    reach = by_left[0].right
    for index, box in enumerate(by_left):
        if box.left - reach >= wide and len(_lines(by_left[:index])) >= 3 and len(_lines(by_left[index:])) >= 3:
            return reach
        reach = max(reach, box.right)
    return None


def _unwrapped(lines: Sequence[Sequence[TextBox]]) -> str:
    """The lines of a column as one text."""
    edge = max(box.right for line in lines for box in line)
    text = ""
    for index, line in enumerate(lines):
        words = " ".join(box.text for box in line)
        if index and _wraps(lines[index - 1], line, edge):
            # "self-" and "harm": a hyphen at the end may be the word's own, so it stays.
            text += words if re.search(r"\w-$", text) else f" {words}"
        else:
            text += f"\n{words}" if index else words
    return text


def _has_cells(line: Sequence[TextBox]) -> bool:
    """A wide space within a line parts the cells of a form or a table."""
    return any(right.left - left.right > left.height for left, right in itertools.pairwise(line))


def _wraps(above: Sequence[TextBox], line: Sequence[TextBox], edge: float) -> bool:
    """Whether `line` goes on with what `above` began."""
    last, first = above[-1], line[0]
    if _MARKER.match(first.text) or _has_cells(above) or _has_cells(line):
        return False
    low, high = sorted((last.height, first.height))
    gap = min(box.top for box in line) - max(box.bottom for box in above)
    if gap > 0.8 * high or high > 2 * low:
        return False
    next_word = len(first.text.split()[0]) if first.text.split() else 0
    letter = (first.right - first.left) / max(1, len(first.text))
    return last.right + (next_word + 1) * letter > edge + 0.5 * letter
