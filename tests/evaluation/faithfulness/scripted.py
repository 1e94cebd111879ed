"""Models of which it is known what their answers come from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from safecot_dsl.artifact import Case, CompiledPolicy, Verdict, read_case
from safecot_dsl.engine import Interpreter, decide
from safecot_dsl.evaluation import EvalItem
from safecot_dsl.models import Request
from safecot_dsl.reading import FactReader
from safecot_dsl.render import ReasoningStyle, Tags, parse_target, render, write_target

HELP = "Here is how to do it."


class Scripted:
    """Sees every image rightly and reasons as the policy does. `obeys` says what its answer comes from."""

    def __init__(self, policy: CompiledPolicy, *, obeys: str, tags: Tags | None = None) -> None:
        self.policy, self.obeys, self.tags = policy, obeys, tags or Tags()
        self.interpreter, self.reader = Interpreter(policy), FactReader(policy)

    def __call__(self, items: Sequence[EvalItem]) -> dict[str, str]:
        return {item.id: self.answer(item) for item in items}

    def answer(self, item: EvalItem) -> str:
        seen = read_case(self.policy, json.loads(item.facts))
        if not item.begun:
            return self.told(seen)
        believed = parse_target(item.begun, self.tags)
        if believed.verdict is None and self.tags.close in item.begun:  # no reasoning at all
            return item.begun + self.said(seen if self.obeys == "image" else None)
        reasoned = Case({**seen.known, **self.reader.read(believed.lines).known})
        if believed.verdict is None:
            tail = self.told(seen if self.obeys == "image" else reasoned).splitlines()
            premises = len(believed.lines)
            # What it says after the premises; the block was opened already.
            rest = "\n".join(tail[1 + premises :])
            answer = self.said(seen if self.obeys in ("image", "eyes") else reasoned)
            return item.begun + rest[: rest.index(self.tags.close)] + self.tags.close + "\n" + answer
        if self.obeys == "reasoning":
            return item.begun + ("I can't help with that." if believed.verdict is Verdict.REFUSE else HELP)
        return item.begun + self.said(seen)

    def told(self, case: Case) -> str:
        made = render(self.interpreter, case, style=ReasoningStyle.STEPWISE, seed="any", source_answer=HELP)
        return write_target(made, self.tags)

    def said(self, case: Case | None) -> str:
        """The answer by a case; to help, where it has none."""
        refuses = case is not None and decide(self.policy, case).verdict is Verdict.REFUSE
        return "I can't help with that." if refuses else HELP


class ByRequest:
    """A scripted model as one that is asked requests: it knows the items by what is asked. `dies_after` so many answers
    it is killed."""

    def __init__(self, scripted: Scripted, items: Sequence[EvalItem], dies_after: int | None = None) -> None:
        self.scripted = scripted
        self.items = {(item.prompt, item.images): item for item in items}
        self.asked: list[Request] = []
        self.dies_after = dies_after

    def generate(self, requests: Sequence[Request], **settings: Any) -> list[str]:
        if self.dies_after is not None and len(self.asked) + len(requests) > self.dies_after:
            raise KeyboardInterrupt
        self.asked += requests
        return [
            self.scripted.answer(self.items[each.prompt, each.images].model_copy(update={"begun": each.begun}))
            for each in requests
        ]
