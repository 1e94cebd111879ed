"""A training batch in a terminal: what counts in the loss stands between `⟦…⟧`, in colour where there is any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from safecot_dsl.cli.output import console

if TYPE_CHECKING:
    from rich.text import Text

    from safecot_dsl.training.show import ShownRow

_MOST, _LESS, _NONE = "bold green", "yellow", "dim"


def show_rows(rows: Sequence[ShownRow]) -> None:
    """Print the rows, and before them what the colours mean: the greatest weight has one, lesser ones another."""
    from rich.text import Text

    out = console()
    weights = sorted({piece.weight for row in rows for piece in row.pieces if piece.weight})
    most = weights[-1] if weights else 0.0
    legend = Text.assemble(("no loss", _NONE))
    for weight in weights:
        legend.append("  ").append(f"⟦weight {weight:g}⟧", _style(weight, most))
    out.print(legend)
    for row in rows:
        out.print(Text(f"\n{row.title}", "bold"))
        out.print(_coloured(row, most))


def _coloured(row: ShownRow, most: float) -> Text:
    from rich.text import Text

    from safecot_dsl.diagnostics.show import visible

    text = Text()
    for piece in row.pieces:
        shown = "\n".join(visible(line) for line in piece.text.split("\n"))
        text.append(f"⟦{shown}⟧" if piece.weight else shown, _style(piece.weight, most))
    return text


def _style(weight: float, most: float) -> str:
    return _NONE if not weight else _MOST if weight == most else _LESS
