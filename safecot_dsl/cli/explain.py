"""An explanation on a terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.text import Text
from rich.tree import Tree

from safecot_dsl.cli.opening import PATH, POLICY, SET, open_compiled
from safecot_dsl.cli.output import FORMAT, Exit, OutputFormat, console, fail, write_json
from safecot_dsl.diagnostics.show import visible

if TYPE_CHECKING:
    from rich.console import Console

    from safecot_dsl.artifact import CompiledPolicy
    from safecot_dsl.engine import ConditionNode, Explanation, RuleExplanation
    from safecot_dsl.render import Rendered

_TRUTH = {"yes": ("yes  ", "green"), "no": ("no   ", "red"), "maybe": ("maybe", "yellow")}


def explain(
    policy: Path = POLICY,
    case: Path = typer.Option(..., "--case", help="A file with one case as JSON; `-` for standard input."),
    style: str = typer.Option("stepwise", "--style", help="How much reasoning: minimal, full or stepwise."),
    seed: str = typer.Option("0", "--seed", help="Draws among alternative texts."),
    set_: list[str] = SET,
    path: list[Path] = PATH,
    format: OutputFormat = FORMAT,
) -> None:
    """Show why a case is decided as it is, rule by rule, and the reasoning that results."""
    from safecot_dsl.cli.decide import one_case
    from safecot_dsl.engine import Interpreter
    from safecot_dsl.engine import explain as explain_case
    from safecot_dsl.facts.cases.file import json_row
    from safecot_dsl.render import ReasoningStyle, render, write_target

    if style not in list(ReasoningStyle):
        fail(f"`--style {style}`: one of {', '.join(ReasoningStyle)}")
    interpreter = Interpreter(open_compiled(policy, set_, path))
    row = json_row(interpreter.policy, one_case(case), 1)
    if row.case is None:
        name = "standard input" if str(case) == "-" else case
        fail("\n".join(f"{name}: {fault}" for fault in row.faults), Exit.ERRORS)
    parsed = row.case
    explanation = explain_case(interpreter, parsed)
    rendered = render(interpreter, parsed, style=ReasoningStyle(style), seed=seed)
    text = write_target(rendered)
    if format is OutputFormat.JSON:
        write_json({**explanation.model_dump(mode="json"), "rendered": rendered.model_dump(mode="json"), "text": text})
        return
    show_explanation(explanation, rendered, text, interpreter.policy, console())


def show_explanation(
    explanation: Explanation, rendered: Rendered, text: str, policy: CompiledPolicy, out: Console
) -> None:
    """The facts, every rule with its condition's tree, the decision, and the text with where each sentence is from."""
    decision = explanation.decision
    out.print(f"{policy.header.name} {policy.header.version}  {policy.digest}\n")
    out.print(Text("Facts", style="bold"))
    for name, value in sorted(explanation.facts.items()):
        supposed = " (supposed)" if name in decision.assumed else ""
        out.print(f"  {name} = {_value(value)}{supposed}")
    for name in explanation.cannot_tell:
        out.print(f"  {name} cannot be told")
    out.print()
    out.print(Text("Rules", style="bold"))
    for rule in explanation.rules:
        out.print(_rule(rule))
    out.print()
    out.print(Text.assemble(("Decision  ", "bold"), (str(decision.verdict), "bold magenta"), _why(explanation)))
    out.print()
    out.print(Text("Text", style="bold"))
    out.print(visible_lines(text))
    out.print()
    out.print(Text("Where each sentence comes from", style="bold"))
    for sentence in (*rendered.reasoning, *rendered.answer):
        span = policy.span(sentence.key) if sentence.key else None
        place = str(span) if span else "-"
        built = "built from" if sentence.built else "written at"
        out.print(f"  {sentence.step:<8} {built} {sentence.key or '-'} ({place})")


def _rule(rule: RuleExplanation) -> Tree:
    word, colour = _TRUTH[rule.applies]
    title = Text.assemble((word, colour), f" {rule.name}", (f"  {rule.verdict}", "magenta"))
    if rule.exception_to:
        title.append(f"  exception to {', '.join(rule.exception_to)}", style="dim")
    if rule.overruled_by and rule.applies != "no":
        certain = "overruled by" if rule.effective == "no" else "may be overruled by"
        title.append(f"  {certain} {', '.join(rule.overruled_by)}", style="yellow")
    if rule.span:
        title.append(f"  {rule.span}", style="dim")
    tree = Tree(title, guide_style="dim")
    tree.add(_condition("when", rule.when))
    if rule.unless is not None:
        tree.add(_condition("unless", rule.unless))
    return tree


def _condition(word: str, node: ConditionNode) -> Tree:
    truth, colour = _TRUTH[node.truth]
    line = Text.assemble((truth, colour), f" {word} " if word else " ", visible(node.text))
    if node.fact is not None:
        shown = "not known" if node.value is None else _value(node.value)
        line.append(f"   [{node.fact}: {shown}]", style="dim")
    tree = Tree(line, guide_style="dim")
    for part in node.parts:
        tree.add(_condition("", part))
    return tree


def _value(value: Any) -> str:
    return visible(json.dumps(value, ensure_ascii=False))


def _why(explanation: Explanation) -> str:
    decision = explanation.decision
    if decision.certain:
        said = f" by {', '.join(decision.deciding or (decision.speaker,))}"
        if explanation.nearest is not None:
            atoms = "one atom" if explanation.distance == 1 else f"{explanation.distance} atoms"
            said += f"; the nearest rule is {explanation.nearest}, {atoms} away"
        return said
    return (
        f" by unsure: the verdict lies between {decision.lower} and {decision.upper}; undecided: "
        f"{', '.join(decision.undecided)}; to be settled: {', '.join(decision.unsettled)}"
    )


def visible_lines(text: str) -> str:
    return "\n".join("  " + visible(line) for line in text.split("\n"))
