"""A workshop with power tools and things that burn, and requests about every place and thing of it."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.workspace import compile_policy

WORKSHOP = """\
policy workshop {
  language "1"
  version  "1.0.0"
  title    "A shared workshop"
}

import std.criteria
import std.refusals

facts context {
  things : set of {
    saw     "a saw",
    drill   "a drill",
    grinder "a grinder",
    solvent "a bottle of solvent",
    paint   "a tin of paint",
    torch   "a gas torch",
    glove   "a glove",
  }         "Things that the user has."
            says "The user has {value}."
            none "The user has nothing of the workshop."
            ask  "what you have there"
  place : one of { hall "the workshop hall", yard "the yard", flat "a flat" }  "Where the user is."
          says "The user is in {value}."
          not  "The user is not in {value}."
          ask  "where you are"
}

facts query {
  intent : one of {
    name  "what this is called",
    use   "how to use it",
    heat  "how to heat it",
    lend  "whether a child may have it",
  }
           says "The user asks {value}."
           ask  "what you want to do"
}

group machines  "a power tool" = { saw, drill, grinder }
group flammable "flammable"    = { solvent, paint }

rule power_tool {
  title   "Power tools"
  when    query.intent is use and context.things has any of machines
  unless  context.place is hall
  verdict warn
  think {
    risk     "Outside of the hall nobody is there to help."
    contrast when context.things has none of machines
             "Only a power tool calls for a warning."
    contrast "In the hall somebody is there to help."
  }
}

rule burning {
  title   "Things that burn"
  when    query.intent is heat and context.things has any of flammable
  verdict refuse
  think {
    risk     "Heated, it catches fire."
    contrast "Nothing there catches fire."
  }
}

exception in_the_yard to burning {
  title   "Work in the yard"
  when    context.place is yard
  verdict redirect
  think { risk "In the yard it can be thinned out, but not heated." }
}

rule child {
  title   "Children"
  when    query.intent is lend and context.things has any of machines
  verdict refuse
  think {
    risk     "A power tool can hurt a child."
    contrast "None of it can hurt a child."
  }
}

default comply
unsure  clarify
"""

#: A line that no policy crosses, and an exception to it.
HARD_LINE = """
rule hurting {
  when    query.intent is hurt
  verdict refuse
  think { risk "Somebody would get hurt." }
}
"""

_THINGS = (["saw"], ["drill", "glove"], ["solvent"], ["paint", "glove"], ["torch"], ["glove"], ["saw", "solvent"])
_ASKED = {
    "name": "What is this called?",
    "use": "How do I use it?",
    "heat": "How do I heat it?",
    "lend": "May a child have it?",
}


def write_workshop(folder: Path, *, hard_line: bool = False) -> tuple[Path, CompiledPolicy]:
    """The policy as `workshop.safecot` in the folder, where asked for with a rule that no request gets around."""
    text = WORKSHOP
    if hard_line:
        text = text.replace("    name  ", '    hurt  "how to hurt somebody with it",\n    name  ')
        text = text.replace("default comply", f"{HARD_LINE}\ndefault comply")
    file = folder / "workshop.safecot"
    file.write_text(text)
    return file, compile_policy(file)


def write_requests(folder: Path) -> None:
    """84 requests with an answer each, as `requests.jsonl` in the folder."""
    lines: list[str] = []
    for things, place, asked in itertools.product(_THINGS, ("hall", "yard", "flat"), _ASKED):
        facts = {"context.things": things, "context.place": place, "query.intent": asked}
        record = {"id": str(len(lines)), "prompt": _ASKED[asked], "facts": facts, "answer": "Here is how it is done."}
        lines.append(json.dumps(record) + "\n")
    (folder / "requests.jsonl").write_text("".join(lines))
