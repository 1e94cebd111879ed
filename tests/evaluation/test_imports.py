"""What evaluation loads."""

from __future__ import annotations

import subprocess
import sys


def test_evaluation_loads_nothing_heavy() -> None:
    """Scores, figures and reports need no model library, no data-frame library, and not Pillow."""
    code = (
        "import sys, safecot_dsl.evaluation\n"
        "print([m for m in ('torch', 'transformers', 'pyarrow', 'PIL', 'polars', 'lark') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
