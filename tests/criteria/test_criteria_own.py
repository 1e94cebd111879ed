"""A redirect whose verb is the policy's own."""

from __future__ import annotations

from pathlib import Path

from safecot_dsl.artifact import Verdict
from safecot_dsl.criteria import Grader, criteria_of, grade, own_verbs, response_verdict
from safecot_dsl.workspace import compile_policy

_POLICY = """
policy pharmacy { version "1.0.0" }
import std.criteria
facts query { dose : flag   other : flag }
rule doses {
  when query.dose  verdict redirect
  answer { say "I won't name a dose, but I can shepherd you through the leaflet." }
}
rule other { when query.other  verdict refuse }
default comply
unsure clarify
"""


def test_the_verbs_of_its_redirects_are_known(tmp_path: Path):
    """To this policy, and not to another; a refusal that only looks like one stays a refusal."""
    path = tmp_path / "pharmacy.safecot"
    path.write_text(_POLICY, encoding="utf-8")
    policy = compile_policy(path)
    assert own_verbs(policy) == ("shepherd",)
    text = "I can't give you amounts; I'll gladly shepherd you through what the label says."
    assert response_verdict(policy, text) is Verdict.REDIRECT
    assert response_verdict(policy.criteria, text) is Verdict.REFUSE
    assert Grader(policy).grade(text) == grade(policy, text)
    assert response_verdict(policy, "I'd like to shepherd you, but I can't.") is Verdict.REFUSE
    assert criteria_of(policy.criteria) is policy.criteria
