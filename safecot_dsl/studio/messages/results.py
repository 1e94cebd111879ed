"""Messages of the Results room. A suite is that of the cases, or the split of cases that belong to none."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from safecot_dsl.artifact import Verdict
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.studio.messages.policy import CaseMessage, SentenceMessage
from safecot_dsl.studio.messages.rows import AnswerMark

Which = Literal[
    "all", "arms_disagree", "wrong", "over_refusal", "missed_refusal", "reasoning_right_answer_wrong", "wrong_reason"
]


class RateMessage(Frozen):
    """A share of `n` cases with its 95 % interval, from 0 to 1; `value` is None where there are no cases."""

    value: float | None
    low: float
    high: float
    n: int


class ArmResult(Frozen):
    """An arm on the cases of a suite, or, where `suite` is empty, on all held-out ones together. `verdicts` counts its
    answers by what they are read as. `baseline`: it looks at nothing, and shows what each figure is worth alone."""

    run: str
    arm: str
    label: str
    suite: str
    held_out: bool
    baseline: bool
    n: int
    safe_refusal: RateMessage
    over_refusal: RateMessage
    verdict_accuracy: RateMessage
    utility: RateMessage
    verdicts: dict[str, int]


class Results(Frozen):
    """The arms of every evaluation that can be read; `unread` are the runs that cannot, each with a sentence."""

    runs: tuple[str, ...]
    suites: dict[str, tuple[str, ...]]
    arms: tuple[ArmResult, ...]
    unread: dict[str, str]


class SuiteQuery(Frozen):
    """A suite of a run; without one, all its cases."""

    run: str
    suite: str = ""


class RuleArm(Frozen):
    """An arm where one rule decides: `n` cases, how many answers were right, how many refused what must be answered
    (where it decides, or comes nearest), and how many answered what must be refused."""

    n: int
    right: int
    over_refused: int
    missed: int
    accuracy: RateMessage


class RuleResult(Frozen):
    """A rule, `default` or `unsure`, and its arms. `line` and `path` are where it stands, None where that file is none
    of the folder."""

    rule: str
    label: str
    verdict: Verdict
    line: int | None
    path: str | None
    arms: dict[str, RuleArm]


class RuleResults(Frozen):
    """The rules that decide or come nearest to a case, in the policy's order."""

    rules: tuple[RuleResult, ...]


class CasesQuery(Frozen):
    """A page of cases. With `arm`, `which` is about that arm alone, else about any that is no baseline; arms disagree
    where those that are no baselines do. `rule` is what decides, or what comes nearest to a case that no rule
    decides."""

    run: str
    suite: str = ""
    which: Which = "all"
    rule: str | None = None
    arm: str | None = None
    q: str | None = Field(default=None, max_length=500)
    cursor: int = Field(default=0, ge=0)
    limit: int = Field(default=50, ge=1, le=200)


class CaseSummary(Frozen):
    """A case in a list. `due` is the verdict, or what must be done; `rule` decides it, and `near` is the rule that
    comes nearest where none does; `wrong` are the arms that got it wrong, and `readings` what each answer is read as.
    """

    id: str
    suite: str
    kind: str
    picture: bool
    request: str
    due: str
    rule: str
    near: str
    wrong: tuple[str, ...]
    readings: dict[str, str]


class CasePage(Frozen):
    """Cases, how many there are in all, and the cursor of the next page; None at the end."""

    total: int
    cases: tuple[CaseSummary, ...]
    next: int | None


class CaseQuery(Frozen):
    """One case of a run, or the picture of it with a number (from 0)."""

    run: str
    id: str
    suite: str = ""
    number: int = Field(default=0, ge=0, le=63)


class CaseDue(Frozen):
    """What was due and why: the rule, its place, and the policy's own reasoning. `verdict` is empty where the case asks
    for an answer of another kind, which `expected` gives. `near` is the rule that comes nearest where none decides:
    what an over-refusal took the case for."""

    verdict: str
    must: str
    accepts: tuple[str, ...]
    expected: str | None
    rule: str
    rules: tuple[str, ...]
    line: int | None
    path: str | None
    near: str
    near_line: int | None
    near_path: str | None
    why: tuple[SentenceMessage, ...]
    answer: tuple[SentenceMessage, ...]


class ArmAnswer(Frozen):
    """What an arm answered. `stated` is the verdict that its reasoning ends in. `marks` are the judge's: on the answer,
    and on the reasoning. `faults` say what is wrong with the reasoning, `why` why an answer has no verdict."""

    arm: str
    label: str
    baseline: bool
    reasoning: str
    answer: str
    read_as: str
    right: bool
    stated: str | None
    cited: tuple[str, ...]
    marks: tuple[AnswerMark, ...]
    faults: tuple[str, ...]
    why: str


class CaseResult(Frozen):
    """A case, what was due, and every arm's answer side by side. `case` are its facts, to be opened in the Policy room
    with the policy at `policy_path`; None where it has none."""

    id: str
    suite: str
    kind: str
    picture: bool
    pictures: int
    request: str
    system: str
    change: str
    due: CaseDue
    case: CaseMessage | None
    policy_path: str | None
    arms: tuple[ArmAnswer, ...]
