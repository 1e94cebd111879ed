"""An `unsure` that withholds what is harmless in most completions: SC1122."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from safecot_dsl.analysis.examination import Examination, Finding
from safecot_dsl.analysis.unsure import source_key
from safecot_dsl.analysis.unsure_advice import UnsureAdvice
from safecot_dsl.artifact import Value
from safecot_dsl.diagnostics import Code
from safecot_dsl.engine import show_value
from safecot_dsl.render.english import listed

_MOST_NAMED = 3


def harmless_findings(examination: Examination, advice: UnsureAdvice) -> Iterator[Finding]:
    for source, withheld in advice.withheld.items():
        assert withheld.case is not None
        where = "" if source == "unsure" else f" in `{source}`"
        harmless, of = withheld.told
        witness = examination.for_example(withheld.case)
        yield Finding(
            Code.UNSURE_WITHHOLDS,
            source_key(examination, source),
            f"`unsure {withheld.verdict}`{where} withholds an answer that is harmless in most completions: "
            f"{withheld.harmless / withheld.of:.0%} of them",
            help=advice.on_withheld(source),
            notes=(
                f"{witness}, though {harmless} of {of} values of `{withheld.fact}` are harmless"
                f"{_all_but(withheld.harmful)}",
                f"of {withheld.cases:,} drawn cases with one fact unknown; values that the rules tell apart count "
                "alike",
            ),
            witness=withheld.case,
            # In a rule it was chosen for that rule; the policy's own holds for rules that nobody had in mind.
            milder=source != "unsure",
        )


def _all_but(values: Sequence[Value]) -> str:
    if not values:
        return ""
    shown = [f"`{show_value(value)}`" for value in values[:_MOST_NAMED]]
    if len(values) > _MOST_NAMED:
        shown.append(f"{len(values) - _MOST_NAMED} more")
    return f": all but {listed(shown)}"
