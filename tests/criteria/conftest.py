"""The standard criteria and phrase sets, as a policy gets them: compiled."""

from __future__ import annotations

from pathlib import Path

import pytest

from safecot_dsl.artifact import CompiledPolicy, Criteria
from safecot_dsl.workspace import compile_policy

_POLICY = """
policy uses_everything {
  version "1.0.0"
}

import std.criteria
import std.refusals

facts query {
  first  : flag
  second : flag
  third  : flag
  fourth : flag
  fifth  : flag
}

rule a { when query.first  verdict refuse  answer { say one of refusals.plain } }
rule b { when query.second verdict refuse  answer { say one of refusals.brief } }
rule c { when query.third  verdict refuse  answer { say one of refusals.kind } }
rule d { when query.fourth verdict refuse  answer { say one of refusals.safety } }
rule e { when query.fifth  verdict refuse  answer { say one of refusals.privacy } require not judges_user }

default comply
unsure clarify
"""


@pytest.fixture(scope="session")
def policy(tmp_path_factory: pytest.TempPathFactory) -> CompiledPolicy:
    path: Path = tmp_path_factory.mktemp("criteria") / "uses_everything.safecot"
    path.write_text(_POLICY, encoding="utf-8")
    return compile_policy(path)


@pytest.fixture(scope="session")
def standard(policy: CompiledPolicy) -> Criteria:
    return policy.criteria
