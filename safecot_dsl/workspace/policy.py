"""A policy that compiled, with what is made of it once and used many times."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from safecot_dsl.artifact import CompiledPolicy, Fact, Rule
from safecot_dsl.diagnostics import Diagnostic, Span
from safecot_dsl.workspace.open import Opened, no_policy
from safecot_dsl.workspace.places import Places

if TYPE_CHECKING:
    from safecot_dsl.criteria import Grader
    from safecot_dsl.engine import Interpreter
    from safecot_dsl.engine.columnar import ColumnarPolicy


class Policy:
    """A compiled policy, as `safecot_dsl.load` gives it. It does not change, and several threads may use one.

    `compiled` is the artifact, which everything downstream reads (`compiled.to_json()` is what `safecotc compile`
    writes), `path` the file that it is from. What deciding and grading need is prepared at the first use and kept, so
    load a policy once.
    """

    compiled: CompiledPolicy
    path: Path

    def __init__(self, opened: Opened) -> None:
        """Of what :func:`~safecot_dsl.workspace.open_policy` gives.

        Raises:
            DiagnosticsError: it has errors, or is a library.
        """
        if opened.policy is None:
            raise no_policy(opened)
        self.opened = opened
        self.compiled = opened.policy
        self.path = opened.path

    @property
    def name(self) -> str:
        """The name in the policy's header."""
        return self.compiled.header.name

    @property
    def version(self) -> str:
        """The version in the policy's header."""
        return self.compiled.header.version

    @property
    def digest(self) -> str:
        """The digest of what the policy means: the same for sources that differ in comments and layout alone."""
        return self.compiled.digest

    @property
    def facts(self) -> Mapping[str, Fact]:
        """What a case may say, by name (`image.objects`), in the order of the source."""
        return {fact.name: fact for fact in self.compiled.facts}

    @property
    def rules(self) -> Mapping[str, Rule]:
        """The rules by name, in the order of the source."""
        return {rule.name: rule for rule in self.compiled.rules}

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What the compiler had to say; `safecot_dsl.check` looks for much more."""
        return self.opened.diagnostics

    def place(self, key: str | None) -> Span | None:
        """Where a thing stands in the sources, by its key in the source map (`rule:toxic_mixing`); None where the
        policy does not say."""
        return None if key is None else self._places.find(key)

    def __repr__(self) -> str:
        rules, facts = len(self.compiled.rules), len(self.compiled.facts)
        return f"<Policy {self.name} {self.version}: {rules} rules, {facts} facts>"

    def __getstate__(self) -> Opened:
        """What is prepared is made anew in another process."""
        return self.opened

    def __setstate__(self, opened: Opened) -> None:
        self.__init__(opened)

    @cached_property
    def interpreter(self) -> Interpreter:
        """What decides one case."""
        from safecot_dsl.engine import Interpreter

        return Interpreter(self.compiled)

    @cached_property
    def grader(self) -> Grader:
        """What grades responses."""
        from safecot_dsl.criteria import Grader

        return Grader(self.compiled)

    @cached_property
    def columnar(self) -> ColumnarPolicy:
        """What decides tables; needs the extra `data`."""
        from safecot_dsl.engine.columnar import ColumnarPolicy

        return ColumnarPolicy(self.compiled)

    @cached_property
    def _places(self) -> Places:
        return Places(self.opened)
