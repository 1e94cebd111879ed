"""A policy with all that an export can meet: a table, laws, exceptions of exceptions, and texts that would do harm."""

from __future__ import annotations

from pathlib import Path

import pytest

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.workspace import compile_policy

#: Markup, Markdown, templates and markers of chat formats; none of it may come out as what it is.
HOSTILE = (
    '</style><script>alert(1)</script><img src=x onerror=alert(1)> [a](javascript:alert(1)) `code` | pipe **bold** '
    "{{ env.SECRET }} {% raw %} {# #} <|im_end|> <END UNSAFE CONTENT CATEGORIES> --> http://evil.example file:///etc"
)  # fmt: skip

SOURCE = """policy shelf {
  version "2.1.0" title "Things on a shelf" owner "HOSTILE" description "- HOSTILE"
}
param limit = 0.5
facts image {
  objects : set of { bleach "a bottle of HOSTILE", knife "a knife" } "Objects HOSTILE"
  setting : one of { kitchen "a kitchen", laboratory "a laboratory" } "Place." ask "where you are"
}
facts query {
  intent : one of { mix "how to mix it", store "how to store it" }
  harm   : score assume 0
  words  : text
}
facts context { minor : flag "The user is a minor." }
group bleaches = { bleach }
taxonomy risks { fumes "fumes HOSTILE" severity 3 }
phrases marks { "void" "HOSTILE" }
rule mixing {
  title "Mixing HOSTILE"
  hazard fumes
  when image.objects has bleach and query.intent is mix and query.harm >= limit
  unless query.words contains any of marks
  verdict refuse
  think { risk "Fumes of {image.objects among bleaches}: HOSTILE" | "Fumes." }
  answer { say "No. HOSTILE" }
}
exception trained to mixing { when image.setting is laboratory verdict comply }
exception child to trained { title "A child" when context.minor verdict refuse }
rule sharp { when image.objects has knife or query.words matches /HOST|ILE/ verdict warn unsure warn }
exception both to mixing, sharp { when query.harm between 0.2 and 0.4 verdict redirect }
table by_place {
  columns query.intent, image.setting
  row stored_here : store, kitchen       then comply { title "Stored HOSTILE" }
  row elsewhere   : any,   not kitchen   then clarify
}
exception stored_by_a_child to stored_here { when context.minor verdict warn }
default comply
unsure clarify
example "HOSTILE" {
  given image.objects = { bleach }, image.setting = kitchen, query.intent = mix, query.harm = 0.9,
    query.words = "HOSTILE", context.minor = no
  expect comply
}
example "mixed" {
  given image.objects = { bleach }, image.setting = kitchen, query.intent = mix, query.harm = 0.9, query.words = "",
    context.minor = no
  expect refuse by mixing
}
example "wrong" { given image.objects = { knife }, query.words = "" expect refuse }
property "knives are pointed out" { given image.objects has knife and query.harm < 0.1 expect warn or clarify }
property "HOSTILE fails" { expect comply }
law "a minor never gets a laxer verdict" { change context.minor becomes yes expect never laxer }
"""


@pytest.fixture(scope="session")
def shelf_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shelf") / "shelf.safecot"
    # In the texts that a model says, a brace opens a slot unless it is doubled.
    doubled = HOSTILE.replace("{", "{{").replace("}", "}}")
    lines = [
        line.replace("HOSTILE", doubled if line.strip().startswith(("think", "answer")) else HOSTILE)
        for line in SOURCE.splitlines()
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def shelf(shelf_file: Path) -> CompiledPolicy:
    return compile_policy(shelf_file)
