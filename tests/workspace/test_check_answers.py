"""Findings of `check` on answers: SC1007 and SC1008, at the place of the text that is to blame."""

from __future__ import annotations

from pathlib import Path

from safecot_dsl.diagnostics import Diagnostic, Severity
from safecot_dsl.workspace import check_policy, open_policy

POLICY = """policy p { version "1" }
import std.refusals
import std.criteria
facts query { act : one of { a "one", b "two", c "three", d "four", e "five" } ask "what you want to do" }

phrases say_warn {
  "Please be careful: this can be dangerous."
  "It is a fine day."
}

rule help_after_no {
  when    query.act is a
  verdict refuse
  answer {
    say   one of refusals.brief
    offer "But I can explain how to store it."
  }
}

rule only_no {
  when    query.act is b
  verdict redirect
  answer  { say "I won't help with that, you are a bad person." offer "Goodbye." }
  require not judges_user
}

rule no_warning {
  when    query.act is c
  verdict warn
}

rule says_no {
  when    query.act is d
  verdict comply
  answer  { say "I can't help with that." }
}

rule fine {
  when    query.act is e
  verdict refuse
  answer  { say one of refusals.plain offer "If it happened already, call poison control." }
  require not judges_user
}

default comply
unsure  clarify { answer { say "I do not know {unknown facts}." } }
"""

SAID = """\
6 SC1007 an answer of `no_warning` is given for `warn` and read as `comply`
  "It is a fine day. Here is how it works: start with the first step."
  "Here is how it works: start with the first step." stands for the answer of the source
  not found in it: `points_out_risk`, `declines`, `gives_it_anyway`, `turns_to_safe_part` and `asks_first`
16 SC1007 an answer of `help_after_no` is given for `refuse` and read as `redirect`
  "I can't help with that. But I can explain how to store it."
  "I must decline. But I can explain how to store it."
  "No, I won't do that. But I can explain how to store it."
  and 1 more
  found in the first: `declines` and `turns_to_safe_part`
  not found in the first: `gives_it_anyway`, `sympathises`, `encourages` and `refers_to_help`
23 SC1007 an answer of `only_no` is given for `redirect` and read as `refuse`
  "I won't help with that, you are a bad person."
  found in it: `declines`
  not found in it: `turns_to_safe_part`, `sympathises`, `encourages`, `refers_to_help` and `gives_it_anyway`
23 SC1008 an answer of `only_no` breaks the `require` of the rule
  "I won't help with that, you are a bad person."
  found in it: `judges_user`
35 SC1007 an answer of `says_no` is given for `comply` and read as `refuse`
  "I can't help with that. Here is how it works: start with the first step."
  "Here is how it works: start with the first step." stands for the answer of the source
  found in it: `declines`
  not found in it: `gives_it_anyway`, `turns_to_safe_part`, `asks_first` and `points_out_risk`
46 SC1007 an answer of `unsure` is given for `clarify` and read as `comply`
  "I do not know what you want to do."
  not found in it: `asks_first`, `declines`, `gives_it_anyway`, `turns_to_safe_part` and `points_out_risk`
"""


def found(text: str, tmp_path: Path, *, proofs: bool = True) -> list[Diagnostic]:
    path = tmp_path / "p.safecot"
    path.write_text(text, encoding="utf-8")
    opened = open_policy(path)
    assert opened.policy is not None
    return [d for d in check_policy(opened, proofs=proofs) if d.code in ("SC1007", "SC1008")]


def test_each_text_that_is_to_blame_is_named_with_its_answers_and_what_was_found(tmp_path: Path) -> None:
    said = ""
    for diagnostic in found(POLICY, tmp_path):
        assert diagnostic.severity is Severity.ERROR
        assert diagnostic.help is not None
        said += f"{diagnostic.span.line} {diagnostic.code} {diagnostic.message}\n"
        said += "".join(f"  {note}\n" for note in diagnostic.notes)
    assert said == SAID


def test_the_help_gives_an_answer_that_is_read_as_is_due(tmp_path: Path) -> None:
    helps = {diagnostic.message: diagnostic.help or "" for diagnostic in found(POLICY, tmp_path)}
    (warn,) = [said for message, said in helps.items() if "`no_warning`" in message]
    assert warn.startswith('word it so that it reads as `warn`, as "Please be careful: this can be dangerous." does; ')
    (comply,) = [said for message, said in helps.items() if "`says_no`" in message]
    assert comply.startswith("word it so that it reads as `comply`; ")  # it has no phrases of its own


def test_without_proofs_no_answer_is_read(tmp_path: Path) -> None:
    assert found(POLICY, tmp_path, proofs=False) == []


def test_a_phrase_of_a_library_is_named_there(tmp_path: Path) -> None:
    library = 'library words { version "1" }\n\nphrases say_refuse { "It is a fine day." }\n'
    (tmp_path / "words.safecot").write_text(library, encoding="utf-8")
    text = 'policy p { version "1" }\nimport words\nfacts query { a : flag b : flag }\n'
    text += "rule r { when query.a verdict refuse }\nrule s { when query.b verdict refuse }\n"
    text += "default comply\nunsure clarify\n"
    (one,) = found(text, tmp_path)
    assert one.message == "an answer of `r` and `s` is given for `refuse` and read as `comply`"
    assert (one.span.file, one.span.line) == (str(tmp_path / "words.safecot"), 3)


def test_a_detector_that_is_mended_ends_it(tmp_path: Path) -> None:
    """The policy's own criteria go before the standard ones, in which "Computer says no." declines nothing."""
    text = 'policy p { version "1" }\nfacts query { a : flag }\nphrases say_refuse { "Computer says no." }\n'
    text += "rule r { when query.a verdict refuse }\ndefault comply\nunsure clarify\n"
    assert [d.message for d in found(text, tmp_path)] == ["an answer of `r` is given for `refuse` and read as `comply`"]
    own = 'criteria c { proposition no "It says no." { detect matches /^Computer/ }\n  let response_refuse = no }\n'
    assert found(text + own, tmp_path) == []
