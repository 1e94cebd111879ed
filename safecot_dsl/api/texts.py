"""A decision as text."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from safecot_dsl.api.arguments import a_policy, a_text, one_of, the_tags
from safecot_dsl.artifact import Case, Verdict, case_of
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.diagnostics import Span
from safecot_dsl.render import ReasoningStyle, Sentence, write_target
from safecot_dsl.render import render as render_case
from safecot_dsl.workspace import Policy


class SourcedSentence(Frozen):
    """A sentence with its origin.

    `step` is the step of the reasoning (`observe`, `intent`, `context`, `weigh`, `decide`) or the part of the answer
    (`say`, `offer`, `source`) that it belongs to. `rule` is the rule that it is from, `default` or `unsure`, and None
    for what is stated of the case whatever rule decides. `place` is where it stands in the sources, or, where it is
    `built`, where that stands which it was built from; None for a data source's own answer. `key` is the place's key in
    the policy's source map. `about` is the rule that a sentence of `weigh` is about.
    """

    step: str
    text: str
    rule: str | None
    place: Span | None
    key: str | None
    built: bool
    about: str | None = None


class RenderedText(Frozen):
    """A decision as text, which `text`, and `str`, give whole, with the tags and the derivation.

    `reasoning` and `answer` are its sentences in order. `cited` are the deciding rules, or `("default",)` or
    `("unsure",)`. `needs_answer` says that the answer must come from a data source or a model and was not given;
    `answer` is then empty.
    """

    text: str
    verdict: Verdict
    cited: tuple[str, ...]
    reasoning: tuple[SourcedSentence, ...]
    answer: tuple[SourcedSentence, ...]
    needs_answer: bool

    def __str__(self) -> str:
        return self.text


def render(
    policy: Policy,
    case: Case | Mapping[str, Any],
    *,
    style: str = "stepwise",
    seed: str | int = 0,
    source_answer: str | None = None,
    tags: tuple[str, str] = ("<think>", "</think>"),
) -> RenderedText:
    """The reasoning and the answer that a policy gives a case, each sentence with the rule and the line it is from.

    Args:
        policy: what `load` gave.
        case: as for `decide`.
        style: how much reasoning: `minimal` (the conclusion), `full` (what is seen, asked and known before it) or
            `stepwise` (each rule in question is weighed).
        seed: draws among alternative texts; equal seeds give equal texts.
        source_answer: what a data source, or the model before tuning, answers. Only the verdicts `comply` and `warn`
            use it.
        tags: what opens and closes the reasoning.

    Raises:
        CaseError: the case does not fit the policy's facts.
        UsageError: an argument is none that this takes.
    """
    policy = a_policy("render", policy)
    style = one_of("style", style, list(ReasoningStyle))
    around = the_tags(tags)
    if source_answer is not None:
        a_text("source_answer", source_answer)
    rendered = render_case(
        policy.interpreter,
        case_of(policy.compiled, case),
        style=ReasoningStyle(style),
        seed=str(seed),
        source_answer=source_answer,
    )

    def sourced(sentence: Sentence) -> SourcedSentence:
        return SourcedSentence(**sentence.model_dump(), place=policy.place(sentence.key))

    return RenderedText(
        text=write_target(rendered, around),
        verdict=rendered.verdict,
        cited=rendered.cited,
        reasoning=tuple(map(sourced, rendered.reasoning)),
        answer=tuple(map(sourced, rendered.answer)),
        needs_answer=rendered.needs_answer,
    )


class _CallableFolder(ModuleType):
    """The folder `render` has the name of the public function. Python binds a folder's name in its package when
    anything in it is imported, so that `safecot_dsl.render` is the folder: calling it is calling the function."""

    __wrapped__ = staticmethod(render)  # whose signature and documentation it has

    def __call__(self, *arguments: Any, **named: Any) -> RenderedText:
        return render(*arguments, **named)


sys.modules["safecot_dsl.render"].__class__ = _CallableFolder
