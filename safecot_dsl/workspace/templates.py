"""What a first policy is made from: the templates that ship, and the names that a policy may have."""

from __future__ import annotations

import re
import unicodedata

from safecot_dsl.compiler.syntax.tokens import RESERVED
from safecot_dsl.datafiles import policies_root
from safecot_dsl.diagnostics import closest
from safecot_dsl.errors import SafecotError
from safecot_dsl.workspace.load import SUFFIX

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class TemplateError(SafecotError, ValueError):
    """There is no such template, or a policy cannot have that name. `meant` is one near to it, where there is any."""

    def __init__(self, message: str, meant: str | None = None) -> None:
        super().__init__(message)
        self.meant = meant


def check_name(name: str) -> None:
    """Raises :class:`TemplateError` for what no policy can be called."""
    if not _NAME.fullmatch(name):
        raise TemplateError(
            f"`{name}` is no name for a policy: lower-case letters, digits and `_`, starting with a letter",
            _as_name(name) or None,
        )
    if name in RESERVED:
        raise TemplateError(f"`{name}` is a word of the language and cannot be a name")


def policy_text(template: str, name: str) -> str:
    """The template under the policy's own name. Raises :class:`TemplateError` for one that does not ship."""
    folder = policies_root() / "templates"
    templates = sorted(file.stem for file in folder.glob(f"*{SUFFIX}"))
    if template not in templates:
        meant = closest(template, templates)
        hint = f"did you mean `{meant}`?" if meant else f"there are {', '.join(f'`{known}`' for known in templates)}"
        raise TemplateError(f"there is no template `{template}`; {hint}", meant)
    text = (folder / f"{template}{SUFFIX}").read_text(encoding="utf-8")
    declared = re.search(r"^(?:policy|library) (\w+)", text, flags=re.MULTILINE)
    assert declared is not None
    # The comments speak of the file by its name too, and no template has that word otherwise.
    return re.sub(rf"\b{declared[1]}\b", name, text)


def _as_name(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).lower()
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"[\u0300-\u036f]", "", plain)).strip("_").lstrip("0123456789_")
