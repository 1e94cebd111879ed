"""`safecotc policy try`: a case asked for fact by fact, its decision, and why."""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
from pathlib import Path

import typer
from rich.text import Text

from safecot_dsl.artifact import UNKNOWN, Case, CompiledPolicy, Decision, Fact, Unknown, Value
from safecot_dsl.cli.opening import PATH, POLICY, SET, open_compiled
from safecot_dsl.cli.output import FORMAT, Exit, OutputFormat, console, fail, write_json
from safecot_dsl.cli.policy.pasteable import example_of
from safecot_dsl.cli.policy.questions import (
    AnswerError,
    choices,
    depth,
    hint,
    named_fact,
    named_hint,
    next_fact,
    question,
    read_answer,
)
from safecot_dsl.diagnostics.show import visible
from safecot_dsl.engine import Interpreter, explain, reasons, show_value
from safecot_dsl.render import ReasoningStyle, render, write_target

_HELP = "Enter: not known   <: back to the question before   !: no more questions   ?: what the values mean"
_MAX_SHOWN = 30  # values of a fact; a longer list is shown on demand


class _NoMoreQuestionsError(Exception):
    """The answers have come to an end."""


def try_(
    policy: Path = POLICY,
    all_: bool = typer.Option(False, "--all", help="Ask for every fact, even where the case is certain without it."),
    set_: list[str] = SET,
    path: list[Path] = PATH,
    format: OutputFormat = FORMAT,
) -> None:
    """Ask for the facts of a case one by one, and say how the policy decides it and why.

    The next fact asked for is one that still matters; it stops as soon as the case is certain. Answers may be piped in,
    one a line.
    """
    from safecot_dsl.cli.policy.try_ import try_policy

    try_policy(policy, set_, path, everything=all_, format=format)


def try_policy(path: Path, pairs: list[str], search: list[Path], *, everything: bool, format: OutputFormat) -> None:
    """Ask for a case on standard error, and write what is decided of it to standard output.

    An answer that is no value is asked for again in a terminal, and ends the command where answers are piped in.
    """
    policy = open_compiled(path, pairs, search)
    interpreter = Interpreter(policy)
    case = _Session(interpreter, everything=everything).run()
    decision = interpreter.decide(case)
    example = example_of(policy, case, decision)
    if format is OutputFormat.JSON:
        write_json(
            {"case": case.to_json(), "decision": decision.model_dump(mode="json"), "example": example},
        )
        return
    _show(interpreter, case, decision, example)


class _Session:
    """The questions so far and their answers, in order."""

    def __init__(self, interpreter: Interpreter, *, everything: bool) -> None:
        self._interpreter = interpreter
        self._everything = everything
        self._answers: dict[str, Value | Unknown | None] = {}
        self._out = console(error=True)
        self._interactive = sys.stdin.isatty()

    @property
    def _case(self) -> Case:
        case = Case({})
        for name, answer in self._answers.items():
            case = case.with_fact(name, answer)
        return case

    def run(self) -> Case:
        """The case, as far as it was told."""
        self._out.print(Text(_HELP, style="dim"))
        again: Fact | None = None
        try:
            while fact := again or self._next():
                again = self._ask(fact)
        except _NoMoreQuestionsError:
            pass
        self._out.print()
        return self._case

    def _next(self) -> Fact | None:
        if not self._everything:
            return next_fact(self._interpreter, self._case, self._answers)
        return next((fact for fact in self._interpreter.policy.facts if fact.name not in self._answers), None)

    def _ask(self, fact: Fact) -> Fact | None:
        """Ask until there is an answer; the fact to ask for next where somebody goes back."""
        self._show_question(fact)
        while True:
            answer = self._read()
            command = answer.strip()
            if command == "!":
                raise _NoMoreQuestionsError
            if command == "<":
                if not self._answers:
                    self._complain("this is the first question")
                    continue
                name, _ = self._answers.popitem()
                return self._interpreter.policy.fact_index[name]
            if command == "?":
                self._show_choices(fact, everything=True)
                continue
            if not command:
                # What is supposed stays so; else somebody looked, and could not tell.
                self._answers[fact.name] = None if fact.assume is not None else UNKNOWN
                return None
            policy = self._interpreter.policy
            fact_named, answer_named = named_fact(policy, answer) or (fact, answer)
            try:
                self._answers[fact_named.name] = read_answer(policy, fact_named, answer_named)
            except AnswerError as error:
                named = not self._interactive or fact_named is not fact
                said = f"{error}{named_hint(policy, answer)}"
                self._complain(f"`{fact_named.name}`: {said}" if named else said)
                continue
            return None

    def _show_question(self, fact: Fact) -> None:
        self._out.print()
        self._out.print(Text.assemble((visible(question(fact)), "bold"), (f"  {fact.name}", "dim")))
        self._show_choices(fact)
        supposed = ""
        if fact.assume is not None:
            assumed = frozenset(fact.assume) if isinstance(fact.assume, tuple) else fact.assume
            supposed = f"; not known: supposed to be {show_value(assumed, text=fact.type.kind == 'text')}"
        self._out.print(Text(visible(f"  ({hint(fact)}{supposed})"), style="dim"))

    def _show_choices(self, fact: Fact, *, everything: bool = False) -> None:
        listed = choices(fact)
        if not listed and everything:
            self._out.print(Text(f"  {hint(fact)}", style="dim"))
        names = [f"{'  ' * depth(fact, name)}{name}" for name, _ in listed]
        width = max(map(len, names), default=0)
        shown = listed if everything else listed[:_MAX_SHOWN]
        for number, (name, (_, phrase)) in enumerate(zip(names, shown, strict=False), 1):
            line = f"  {number:>{len(str(len(listed)))}}  {name.ljust(width) if phrase else name}"
            self._out.print(Text.assemble(line, (f"  {visible(phrase)}" if phrase else "", "dim")))
        if len(shown) < len(listed):
            self._out.print(Text(f"  ... and {len(listed) - len(shown)} more; ? lists them", style="dim"))

    def _complain(self, message: str) -> None:
        if not self._interactive:
            fail(message, Exit.ERRORS)
        self._out.print(Text(f"  {visible(message)}", style="yellow"))

    def _read(self) -> str:
        try:
            if self._interactive and sys.stdout.isatty():
                with contextlib.suppress(ImportError):  # gives `input` its editing keys, where there are any
                    importlib.import_module("readline")
                return input("> ")
            self._out.print("> ", end="")
            line = sys.stdin.readline()
        except KeyboardInterrupt:
            self._out.print()
            raise
        except EOFError:
            raise _NoMoreQuestionsError from None
        except UnicodeDecodeError:
            fail("standard input is not UTF-8", Exit.ERRORS)
        if not line:
            raise _NoMoreQuestionsError
        if not self._interactive:
            self._out.print(Text(visible(line.rstrip("\n"))))
        return line.rstrip("\r\n")


def _show(interpreter: Interpreter, case: Case, decision: Decision, example: str | None) -> None:
    out = console()
    policy: CompiledPolicy = interpreter.policy
    explanation = explain(interpreter, case)
    by = ", ".join(decision.deciding or (decision.speaker,))
    out.print(Text.assemble((decision.verdict.value, "bold magenta"), f" by {by}"))
    for line in reasons(explanation, policy):
        out.print(Text(f"  {visible(line)}"))
    for name, value in decision.assumed.items():
        out.print(Text(visible(f"  {name} was supposed to be {show_value(value, text=isinstance(value, str))}")))
    out.print()
    text = write_target(render(interpreter, case, style=ReasoningStyle.FULL, seed="0"))
    out.print(Text("\n".join(visible(line) for line in text.split("\n"))))
    out.print()
    if example is None:
        out.print("No example can be written of it: a text holds a character that a policy may not hold.")
    else:
        out.print(Text("As an example of the policy:", style="dim"))
        out.print(Text(example))
    out.print(Text("As a case for `safecotc explain --case`:", style="dim"))
    out.print(Text(visible(json.dumps(case.to_json(), ensure_ascii=False))))
