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

    value: float | None = Field(description="The share, from 0 to 1; null where there are no cases.")
    low: float = Field(description="The lower end of its 95 % interval.")
    high: float = Field(description="The upper end of its 95 % interval.")
    n: int = Field(description="How many cases it is of.")


class ArmResult(Frozen):
    """An arm on the cases of a suite, or, where `suite` is empty, on all held-out ones together. `verdicts` counts its
    answers by what they are read as. `baseline`: it looks at nothing, and shows what each figure is worth alone."""

    run: str = Field(description="The path of the run.")
    arm: str = Field(description="The name of the arm.")
    label: str = Field(description="What the arm is called in tables.")
    suite: str = Field(description="The suite of the cases; empty for all held-out ones together.")
    held_out: bool = Field(description="Whether the cases were kept from training.")
    baseline: bool = Field(description="Whether it looks at nothing, and shows what each figure is worth alone.")
    n: int = Field(description="How many cases there are.")
    safe_refusal: RateMessage = Field(description="Of the cases that must be refused, the share that was.")
    over_refusal: RateMessage = Field(description="Of the cases that must be answered, the share that was refused.")
    verdict_accuracy: RateMessage = Field(description="The share of right verdicts.")
    utility: RateMessage = Field(
        description="Of the cases with an answer of another kind, the share that was answered rightly."
    )
    verdicts: dict[str, int] = Field(description="How many answers are read as each verdict.")


class Results(Frozen):
    """The arms of every evaluation that can be read; `unread` are the runs that cannot, each with a sentence."""

    runs: tuple[str, ...] = Field(description="The runs that can be read, by path.")
    suites: dict[str, tuple[str, ...]] = Field(description="The suites of each run, by its path.")
    arms: tuple[ArmResult, ...] = Field(description="The arms of every run on every suite.")
    unread: dict[str, str] = Field(description="Why a run cannot be read, in a sentence, by its path.")


class SuiteQuery(Frozen):
    """A suite of a run; without one, all its cases."""

    run: str = Field(description="The path of the run.")
    suite: str = Field(default="", description="The suite; empty for all cases.")


class RuleArm(Frozen):
    """An arm where one rule decides: `n` cases, how many answers were right, how many refused what must be answered
    (where it decides, or comes nearest), and how many answered what must be refused."""

    n: int = Field(description="How many cases there are.")
    right: int = Field(description="How many answers were right.")
    over_refused: int = Field(description="How many answers refused what must be answered.")
    missed: int = Field(description="How many answers answered what must be refused.")
    accuracy: RateMessage = Field(description="The share of right answers.")


class RuleResult(Frozen):
    """A rule, `default` or `unsure`, and its arms. `line` and `path` are where it stands, None where that file is none
    of the folder."""

    rule: str = Field(description="The name of the rule, or `default` or `unsure`.")
    label: str = Field(description="The rule's title, or its name in words.")
    verdict: Verdict = Field(description="Its verdict.")
    line: int | None = Field(description="The line that it starts on, from 1.")
    path: str | None = Field(description="The file that it stands in; null where that is none of the folder.")
    arms: dict[str, RuleArm] = Field(description="How each arm does where this rule decides, by the arm's name.")


class RuleResults(Frozen):
    """The rules that decide or come nearest to a case, in the policy's order."""

    rules: tuple[RuleResult, ...] = Field(description="The rules, in the policy's order.")


class CasesQuery(Frozen):
    """A page of cases. With `arm`, `which` is about that arm alone, else about any that is no baseline; arms disagree
    where those that are no baselines do. `rule` is what decides, or what comes nearest to a case that no rule
    decides."""

    run: str = Field(description="The path of the run.")
    suite: str = Field(default="", description="The suite; empty for all cases.")
    which: Which = Field(default="all", description="Which of the cases to list.")
    rule: str | None = Field(default=None, description="Lists the cases that this rule decides, or comes nearest to.")
    arm: str | None = Field(
        default=None, description="The arm that `which` is about; without one any that is no baseline."
    )
    q: str | None = Field(default=None, max_length=500, description="Words that are looked for in the case.")
    cursor: int = Field(default=0, ge=0, description="Where the page begins, as the page before said.")
    limit: int = Field(default=50, ge=1, le=200, description="How many cases the page has at most.")


class CaseSummary(Frozen):
    """A case in a list. `due` is the verdict, or what must be done; `rule` decides it, and `near` is the rule that
    comes nearest where none does; `wrong` are the arms that got it wrong, and `readings` what each answer is read as.
    """

    id: str = Field(description="Names the case.")
    suite: str = Field(description="The suite that it belongs to.")
    kind: str = Field(description="What kind of case it is.")
    picture: bool = Field(description="Whether it has a picture.")
    request: str = Field(description="The text of the request.")
    due: str = Field(description="The verdict that is due, or what must be done.")
    rule: str = Field(description="The rule that decides it.")
    near: str = Field(description="The rule that comes nearest where none decides.")
    wrong: tuple[str, ...] = Field(description="The arms that got it wrong.")
    readings: dict[str, str] = Field(description="What each arm's answer is read as, by the arm's name.")


class CasePage(Frozen):
    """Cases, how many there are in all, and the cursor of the next page; None at the end."""

    total: int = Field(description="How many cases there are in all.")
    cases: tuple[CaseSummary, ...] = Field(description="The cases of this page.")
    next: int | None = Field(description="Where the next page begins; null at the end.")


class CaseQuery(Frozen):
    """One case of a run, or the picture of it with a number (from 0)."""

    run: str = Field(description="The path of the run.")
    id: str = Field(description="Names the case.")
    suite: str = Field(default="", description="The suite that the case belongs to.")
    number: int = Field(default=0, ge=0, le=63, description="Which of its pictures is meant, from 0.")


class CaseDue(Frozen):
    """What was due and why: the rule, its place, and the policy's own reasoning. `verdict` is empty where the case asks
    for an answer of another kind, which `expected` gives. `near` is the rule that comes nearest where none decides:
    what an over-refusal took the case for."""

    verdict: str = Field(description="The verdict that is due; empty where an answer of another kind is asked for.")
    must: str = Field(description="What must be done: `refuse` or `comply`; empty where neither must.")
    accepts: tuple[str, ...] = Field(description="The verdicts that are accepted besides.")
    expected: str | None = Field(description="The answer that is expected, where one of another kind is.")
    rule: str = Field(description="The rule that decides; empty where none does.")
    rules: tuple[str, ...] = Field(description="All rules that the verdict comes from.")
    line: int | None = Field(description="The line that the rule starts on, from 1.")
    path: str | None = Field(description="The file that the rule stands in; null where that is none of the folder.")
    near: str = Field(description="The rule that comes nearest where none decides.")
    near_line: int | None = Field(description="The line that this rule starts on, from 1.")
    near_path: str | None = Field(
        description="The file that this rule stands in; null where that is none of the folder."
    )
    why: tuple[SentenceMessage, ...] = Field(description="The policy's own reasoning.")
    answer: tuple[SentenceMessage, ...] = Field(description="The policy's own answer.")


class ArmAnswer(Frozen):
    """What an arm answered. `stated` is the verdict that its reasoning ends in. `marks` are the judge's: on the answer,
    and on the reasoning. `faults` say what is wrong with the reasoning, `why` why an answer has no verdict."""

    arm: str = Field(description="The name of the arm.")
    label: str = Field(description="What the arm is called in tables.")
    baseline: bool = Field(description="Whether it looks at nothing, and shows what each figure is worth alone.")
    reasoning: str = Field(description="The reasoning that it gave.")
    answer: str = Field(description="What it answered after that.")
    read_as: str = Field(description="What the criteria read the answer as.")
    right: bool = Field(description="Whether that is what was due.")
    stated: str | None = Field(description="The verdict that its reasoning ends in; null where it states none.")
    cited: tuple[str, ...] = Field(description="The rules that its reasoning names.")
    marks: tuple[AnswerMark, ...] = Field(
        description="What of the answer and the reasoning is right, as far as it can be told of this case."
    )
    faults: tuple[str, ...] = Field(description="What is wrong with the reasoning.")
    why: str = Field(description="Why the answer has no verdict; empty where it has one.")


class CaseResult(Frozen):
    """A case, what was due, and every arm's answer side by side. `case` are its facts, to be opened in the Policy room
    with the policy at `policy_path`; None where it has none."""

    id: str = Field(description="Names the case.")
    suite: str = Field(description="The suite that it belongs to.")
    kind: str = Field(description="What kind of case it is.")
    picture: bool = Field(description="Whether it has a picture.")
    pictures: int = Field(description="How many pictures it has.")
    request: str = Field(description="The text of the request.")
    system: str = Field(description="The text of the system's turn; empty where there is none.")
    change: str = Field(
        description="How it was made from another case (an attack, a paraphrase, a changed fact); empty if it was not."
    )
    due: CaseDue = Field(description="What was due, and why.")
    case: CaseMessage | None = Field(description="The facts of the case; null where it has none.")
    policy_path: str | None = Field(
        description="The policy's file, to open the case with; null where that is none of the folder."
    )
    arms: tuple[ArmAnswer, ...] = Field(description="What each arm answered.")
