"""A batch in a terminal."""

import pytest

from safecot_dsl.cli.batch_text import show_rows
from safecot_dsl.training.show import Piece, ShownRow

ROW = ShownRow(
    "r1", 9, 5, (Piece("<image>×4 what ?", 0), Piece("<think>\nso\n", 0.5), Piece("no\x1b[2J", 1), Piece("<pad>", 0))
)


def test_what_carries_loss_stands_between_marks_and_nothing_steers_the_terminal(capsys: pytest.CaptureFixture[str]):
    show_rows([ROW])
    assert capsys.readouterr().out == (
        "no loss  ⟦weight 0.5⟧  ⟦weight 1⟧\n\nrow r1: 9 tokens, 5 with loss\n"
        + "<image>×4 what ?⟦<think>\nso\n⟧⟦no<U+001B>[2J⟧<pad>\n"
    )


def test_weights_have_colours_where_there_are_any(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    show_rows([ROW])
    shown = capsys.readouterr().out
    assert "\x1b[33m⟦<think>" in shown  # less than the greatest weight
    assert "\x1b[1;32m⟦no" in shown
    assert "\x1b[2m<image>×4 what ?" in shown


def test_without_colour_marks_are_joined_where_only_the_weight_changes():
    assert ROW.marked == "<image>×4 what ?⟦<think>\nso\nno\x1b[2J⟧<pad>"
