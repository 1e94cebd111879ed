"""What a policy says of a table of cases: the reference interpreter's meaning over columns, millions a second."""

from safecot_dsl.engine.columnar.errors import FrameError
from safecot_dsl.engine.columnar.policy import COLUMNS, ColumnarPolicy

__all__ = ["COLUMNS", "ColumnarPolicy", "FrameError"]
