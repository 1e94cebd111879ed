"""Advice never weakens a policy: every fix and every help that offers words, followed to the letter on a seeded fault.

What the author meant is known, since the fault was seeded. Of each piece of advice the table below says what it is:

- a *fix* is put in place by an editor, and is offered only where nothing else can have been meant: after the fixes the
  policy compiles and decides every case as meant;
- a *choice* leaves it to the author: it offers words, of which one does what was meant, and no fix;
- what only *says* something offers no words that could be copied, because nobody can know what was meant.
"""

# ruff: noqa: E501 - an entry of a table is a line

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import safecot_dsl
from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.diagnostics import Diagnostic

from .advice import SEEDS, decide_equally, follow, mended, offsets, run
from .sources import opened, whole

FACTS = """
taxonomy drugs { prescription { opioids { fentanyl morphine } statins } otc }
taxonomy harms { violence { assault } theft }
facts image {
  minor   : flag
  objects : set of { bleach "a bottle of bleach", knife "a knife", pistol "a pistol", toy "a toy" }
  drug    : one of drugs
  text    : text
}
facts query {
  intent : one of { mix "how to mix it", store "how to store it", hurt "how to hurt" }
  harm   : score
  level  : number -5..5
}
phrases slurs { "word" "another" }
phrases no { "No." }
group sharp = { knife, pistol }
group dangerous = { mix, hurt }
let risky = query.harm >= 0.9
param limit = 0.5
"""
RULE = "rule r {{ when {} verdict refuse }}"
TABLE = "table t {{ columns query.intent, query.harm, image.minor {} }}"
POLICY = 'policy p { version "1" }\n'

# (what was meant, the fault). A condition stands for a rule with it; `|` begins other declarations.
FIXED: list[tuple[str, str]] = [
    # values and comparisons as other languages and people write them
    ('| facts query { more : set of { a, b } } rule r { when query.more has a verdict refuse }', '| facts query { more : list of { a, b } } rule r { when query.more has a verdict refuse }'),
    ('| facts query { more : number 0..5 } rule r { when query.more > 1 verdict refuse }', '| facts query { more : number 0 to 5 } rule r { when query.more > 1 verdict refuse }'),
    ('| facts query { more : one of { a "one", b } } rule r { when query.more is a verdict refuse }', '| facts query { more : one of { "a" "one", b } } rule r { when query.more is a verdict refuse }'),
    ('| facts query { more : one of { a "one", b "two" } } rule r { when query.more is a verdict refuse }', '| facts query { more : one of { a "one", b: "two" } } rule r { when query.more is a verdict refuse }'),
    ('| facts query { more : flag assume no } rule r { when query.more verdict refuse }', '| facts query { more : flag assume false } rule r { when query.more verdict refuse }'),
    ('| facts query { more : flag assume yes } rule r { when query.more verdict refuse }', '| facts query { more : flag assume True } rule r { when query.more verdict refuse }'),
    ('| facts query { more : flag assume yes } rule r { when query.more verdict refuse }', '| facts query { more : flag assume "yes" } rule r { when query.more verdict refuse }'),
    ('| facts query { more : number 0..5 assume 1 } rule r { when query.more > 1 verdict refuse }', '| facts query { more : number 0..5 assume "1" } rule r { when query.more > 1 verdict refuse }'),
    ('query.intent in { mix, hurt }', 'query.intent is one of { mix, hurt }'),
    ('query.intent not in { mix, hurt }', 'query.intent is not one of { mix, hurt }'),
    ('query.intent in dangerous', 'query.intent is any of dangerous'),
    ('image.objects has none of { bleach }', 'image.objects has not bleach'),
    ('not image.objects has bleach', 'image.objects not has bleach'),
    ('query.level < 2', 'query.level is before 2'),
    ('query.level <= 2', 'query.level is not after 2'),
    ('| rule r { when image.minor verdict refuse } example "e" { given image.minor = yes expect refuse }', '| rule r { when image.minor verdict refuse } example "e" { given image.minor = yes then refuse }'),
    # signs
    ("image.minor and risky", "image.minor && risky"),
    ("image.minor and risky", "image.minor&risky"),
    ("image.minor or risky", "image.minor || risky"),
    ("image.minor or not risky", "image.minor \u2228 \u00acrisky"),
    ("not image.minor", "!image.minor"),
    ("query.intent is not mix", "query.intent != mix"),
    ("query.intent is not mix", "query.intent \u2260 mix"),
    ("query.intent is not mix", "query.intent <> mix"),
    ("query.intent is not mix", "query.intent isn't mix"),
    ("query.intent is not mix", "query.intent isn\u2019t mix"),
    ("query.intent is not mix", "query.intent not is mix"),
    ("query.intent is mix", "query.intent = mix"),
    ("query.intent is mix", "query.intent == mix"),
    ("query.intent is mix", "query.intent is \u201cmix\u201d"),
    ("query.intent is mix", "query.intent is 'mix'"),
    ("query.intent is mix", "query.intent is \u00abmix\u00bb"),
    ("query.intent is mix", "query.intent\u00a0is\u00a0mix"),
    ('image.text contains "word"', "image.text contains \u201cword\u201d"),
    ("query.harm <= 0.5", "query.harm \u2264 0.5"),
    ("query.harm >= 0.5", "query.harm \u2265 0.5"),
    ("query.harm >= 0.5", "query.harm => 0.5"),
    ("query.harm <= 0.5", "query.harm =< 0.5"),
    ("query.harm >= 0.5", "query.harm > = 0.5"),
    ("query.harm < 0.5", "query.harm \uff1c 0.5"),
    ("query.harm between 0.2 and 0.4", "query.harm between 0.2-0.4"),
    ("query.harm between 0.2 and 0.4", "query.harm between 0.2 \u2013 0.4"),
    ("query.harm between 0.2 and 0.4", "query.harm between 0.2, 0.4"),
    ("query.harm between 0.2 and 0.4", "query.harm between 0.2..0.4"),
    ("query.harm >= 0.5", "query.harm >= .5"),
    ("query.harm >= 0.5", "query.harm >= 0,5"),
    ("query.level < -2", "query.level < \u22122"),
    ("query.level < -2", "query.level < \u20132"),
    ("image.minor", "image.minor;"),
    ("image.minor", "image.minor,"),
    ("image.minor", "image.minor\u202e"),
    # comparisons in words
    ("query.harm > 0.5", "query.harm is greater than 0.5"),
    ("query.harm >= 0.5", "query.harm is at least 0.5"),
    ("query.harm <= 0.5", "query.harm is not above 0.5"),
    ("query.harm >= 0.5", "query.harm is no less than 0.5"),
    ("query.harm < 0.5", "query.harm is not at least 0.5"),
    # values and groups
    ("image.drug is within opioids", "image.drug in opioids"),
    ("image.drug is not within opioids", "image.drug not in opioids"),
    ("image.drug is within opioids", "image.drug is within opiods"),
    ("image.drug is fentanyl", "image.drug in fentanyl"),
    ("query.intent is not mix", "query.intent not in mix"),
    ("image.objects has none of { toy }", "image.objects has none of toy"),
    ("image.objects has toy", "image.objects has any of toy"),
    ("image.objects has toy", "image.objects has all of toy"),
    ("query.intent in { mix, store }", "query.intent is { mix, store }"),
    ("query.intent not in { mix, store }", "query.intent is not { mix, store }"),
    ("query.intent in { mix, store }", "query.intent is in { mix, store }"),
    ("query.intent not in dangerous", "query.intent is not in dangerous"),
    ("query.intent in { mix, store }", "query.intent in [mix, store]"),
    ("query.intent in { mix, store }", "query.intent in { mix store }"),
    ("query.intent in { mix, store }", "query.intent is mix or store"),
    ("query.intent not in { mix, store }", "query.intent is not mix or store"),
    ("query.intent not in { mix, store }", "query.intent is not mix and store"),
    ("image.objects has any of { toy, knife }", "image.objects has toy or knife"),
    ("image.objects has all of { toy, knife }", "image.objects has toy and knife"),
    ("image.objects has all of { toy, knife }", "image.objects has both of { toy, knife }"),
    ("image.objects has any of { toy, knife }", "image.objects has either of { toy, knife }"),
    ("image.objects has toy", "image.objects contains toy"),
    ("image.objects has toy", "image.objects includes toy"),
    ("image.objects has toy", 'image.objects has "toy"'),
    ("query.intent in dangerous", "query.intent is dangerous"),
    ("query.intent not in dangerous", "query.intent is not dangerous"),
    ("image.objects has none of sharp", "image.objects has none of { sharp }"),
    ("image.objects has all of sharp", "image.objects has all of { sharp }"),
    ("query.intent is mix", 'query.intent is "how to mix it"'),
    ("query.intent is mix", 'query.intent is "How to mix it."'),
    ("query.intent is mix", 'query.intent is "Mix"'),
    ("query.intent is not hurt", 'query.intent is not "how to hurt"'),
    ("query.intent in { mix, store }", 'query.intent in { mix, "how to store it" }'),
    ("query.intent in { mix, store }", 'query.intent in { mix, "store" }'),
    ("image.objects has knife", 'image.objects has "a knife"'),
    ("image.objects has any of { bleach, knife }", 'image.objects has any of { "a bottle of bleach", knife }'),
    ("image.minor", "image.minor is yes"),
    ("not image.minor", "image.minor is no"),
    ("not image.minor", "image.minor = false"),
    ("not image.minor", "image.minor is not true"),
    ("not (not image.minor)", "not(image.minor is no)"),
    # names
    ("image.minor", "image.minr"),
    ("image.minor", "minor"),
    ("image.minor", "query.minor"),
    ("query.intent is store", "query.intent is stroe"),
    ("query.intent in dangerous", "query.intent in dangeros"),
    ("image.text contains any of slurs", "image.text contains any of slur"),
    ("query.harm >= limit", "query.harm >= limt"),
    ("image.minor and risky", "image.minor and risk"),
    ("query.intent is mix", "query.intent is Mix"),
    ("image.minor and risky", "image.minor AND risky"),
    ("at least 2 of (image.minor, risky, query.intent is mix)", "at least two of (image.minor, risky, query.intent is mix)"),
    # declarations
    ("| rule r { when image.minor verdict refuse }", "| rule r { when: image.minor verdict refuse }"),
    ("| rule r { when image.minor verdict refuse }", "| rule r { when image.minor verdict: refuse }"),
    ("| rule r { when image.minor verdict refuse }", "| rule r { when image.minor refuse }"),
    ("| rule r { when image.minor verdict refuse }", "| rule r { when image.minor\nrefuse }"),
    ("| rule r { when image.minor verdict refuse }", "| rule r { if image.minor then refuse }"),
    ("| rule r { when image.minor verdict refuse }", "| rule r { wen image.minor verdict refuse }"),
    ("| rule r { when image.minor verdict refuse }", "| rule r: { when image.minor verdict refuse }"),
    ("| rule r { when image.minor verdict refuse }", "| rule r:\nwhen image.minor verdict refuse }"),
    ("| rule r { when (image.minor or risky) verdict refuse }", "| rule r { when (image.minor or risky verdict refuse }"),
    ("| rule r { when image.minor verdict refuse }", "| rule r { when image.minor verdict reject }"),
    ("| rule r { when image.minor verdict refuse }", "| rule r { when image.minor verdict deny }"),
    ("| rule r { when image.minor verdict refuse }", "| rule r { when image.minor verdict refused }"),
    ("| rule r { when image.minor verdict comply }", "| rule r { when image.minor verdict complies }"),
    ("| rule r { when image.minor verdict clarify }", "| rule r { when image.minor verdict clarifies }"),
    ("| rule r { when image.minor verdict clarify }", "| rule r { when image.minor verdict ask }"),
    ("| rule r { when image.minor verdict redirect }", "| rule r { when image.minor verdict redirct }"),
    ("| rule r { when image.minor verdict refuse }", '| rule r { when image.minor verdict "refuse" }'),
    ("| rule r { when image.minor verdict refuse }", "| rule r { when image.minor verdict refuse } }"),
    ("| rule r_one { when image.minor verdict refuse }", "| rule r one { when image.minor verdict refuse }"),
    ("| rule r_one { when image.minor verdict refuse }", '| rule "r one" { when image.minor verdict refuse }'),
    ("| rule r { hazard theft when image.minor verdict refuse }", "| rule r { hazard thef when image.minor verdict refuse }"),
    ('| rule r { title "T" when image.minor verdict refuse }', '| rule r { title: "T" when image.minor verdict refuse }'),
    ('| rule r { when image.minor verdict refuse answer { say "No." } }', '| rule r { when image.minor verdict refuse answer "No." }'),
    ("| rule r { when image.minor verdict refuse answer { say one of no } }", "| rule r { when image.minor verdict refuse answer { say no } }"),
    ('| rule r { when image.minor verdict refuse think { risk "A." | "B." } }', '| rule r { when image.minor verdict refuse think { risk "A.", "B." } }'),
    ("| rule r { when image.minor verdict refuse } exception e to r { when risky verdict warn }", "| rule r { when image.minor verdict refuse } exception e for r { when risky verdict warn }"),
    ("| rule rule_a { when image.minor verdict refuse } exception e to rule_a { when risky verdict warn }", "| rule rule_a { when image.minor verdict refuse } exception e to rulea { when risky verdict warn }"),
    ("| group g = { mix, store } rule r { when query.intent in g verdict refuse }", "| group g = { mix, stor } rule r { when query.intent in g verdict refuse }"),
    ("| group g = { mix, store } rule r { when query.intent in g verdict refuse }", "| group g { mix, store } rule r { when query.intent in g verdict refuse }"),
    ("| facts query { more : flag } rule r { when query.more verdict refuse }", "| facts query { more : bool } rule r { when query.more verdict refuse }"),
    ("| facts query { more : flag } rule r { when query.more verdict refuse }", "| facts query { more : yes/no } rule r { when query.more verdict refuse }"),
    ("| facts query { more : flag } rule r { when query.more verdict refuse }", '| facts query { more : true/false "This and/or that." } rule r { when query.more verdict refuse }'),
    ("| facts query { more : flag } rule r { when query.more verdict refuse }", "| facts query { more : yes or no } rule r { when query.more verdict refuse }"),
    ("| facts query { more : one of { a, b } } rule r { when query.more is a verdict refuse }", "| facts query { more : enum(a, b) } rule r { when query.more is a verdict refuse }"),
    ('| facts query { more : one of { a "one", b } } rule r { when query.more is a verdict refuse }', '| facts query { more : one of (a "one", b) } rule r { when query.more is a verdict refuse }'),
    ("| facts query { more : set of { a, b } } rule r { when query.more has a verdict refuse }", "| facts query { more : list(a, b) } rule r { when query.more has a verdict refuse }"),
    ("| facts query { more : number 0..10 } rule r { when query.more > 5 verdict refuse }", "| facts query { more : int 0..10 } rule r { when query.more > 5 verdict refuse }"),
    ('| facts query { more : one of { a "how to store it", b } } rule r { when query.more is a verdict refuse }', "| facts query { more : one of { a how to store it, b } } rule r { when query.more is a verdict refuse }"),
    ('| facts query { more : one of { b, a "how it\'s kept" } } rule r { when query.more is a verdict refuse }', "| facts query { more : one of { b, a how it's kept } } rule r { when query.more is a verdict refuse }"),
    ("| facts query { more : flag } rule r { when query.more verdict refuse }", "| facts query { more = flag } rule r { when query.more verdict refuse }"),
    ("| facts query { more : number 0..5 } rule r { when query.more > 1 verdict refuse }", "| facts query { more : number 0-5 } rule r { when query.more > 1 verdict refuse }"),
    ('| facts query { more : flag says "It is more." } rule r { when query.more verdict refuse }', '| facts query { more : flag says: "It is more." } rule r { when query.more verdict refuse }'),
    ("| facts query { more : flag assume yes } rule r { when query.more verdict refuse }", "| facts query { more : flag asume yes } rule r { when query.more verdict refuse }"),
    ('| facts query { more : flag says "It is more." } rule r { when query.more verdict refuse }', '| facts query { more : flag sasy "It is more." } rule r { when query.more verdict refuse }'),
    ('| facts query { more : flag ask "how much more" } rule r { when query.more verdict refuse }', "| facts query { more : flag ask how much more\n} rule r { when query.more verdict refuse }"),
    ('| facts query { more : flag says "It is so." } rule r { when query.more verdict refuse }', "| facts query { more : flag says It is so.\n} rule r { when query.more verdict refuse }"),
    ('| rule r { when image.minor verdict refuse answer { say "I can\'t help!" } }', "| rule r { when image.minor verdict refuse answer { say I can't help! } }"),
    ('| rule r { when image.minor verdict refuse think { risk "It hurts." } }', "| rule r { when image.minor verdict refuse think { risk It hurts. } }"),
    ("| import std.hazards rule r { hazard hazards.violent_crimes when risky verdict refuse }", "| import std.hazards rule r { hazard hazards.violent_crime when risky verdict refuse }"),
    ("| import std.hazards rule r { hazard hazards.violent_crimes when risky verdict refuse }", "| import std/hazards rule r { hazard hazards.violent_crimes when risky verdict refuse }"),
    ("| import std.hazards rule r { hazard hazards.violent_crimes when risky verdict refuse }", '| import "std/hazards" rule r { hazard hazards.violent_crimes when risky verdict refuse }'),
    ("| import std.hazards rule r { hazard hazards.violent_crimes when risky verdict refuse }", "| import std.hazard as hazards rule r { hazard hazards.violent_crimes when risky verdict refuse }"),
    # tables
    ("| T row a : mix, >= 0.5, yes then refuse", "| T row a : is mix, >= 0.5, yes then refuse"),
    ("| T row a : mix, >= 0.5, yes then refuse", "| T row a : = mix, >= 0.5, yes then refuse"),
    ("| T row a : mix, >= 0.5, any then refuse", "| T row a : mix, >= 0.5, - then refuse"),
    ("| T row a : mix, >= 0.5, any then refuse", "| T row a : mix, >= 0.5, \u2014 then refuse"),
    ("| T row a : mix, >= 0.5, yes then refuse", "| T row a : mix, >= 0.5, yes refuse"),
    ("| T row a : mix, >= 0.5, yes then refuse", "| T row a : mix, >= 0.5, yes => refuse"),
    ("| T row a : mix, >= 0.5, yes then refuse", "| T row a : mix, >= 0.5, yes -> refuse"),
    ("| T row a : mix, >= 0.5, yes then refuse", "| T row a : mix, >= 0.5, yes then verdict refuse"),
    ("| T row a : mix, >= 0.5, yes then refuse", "| T row a : mix, >= 0.5 yes then refuse"),
    ("| T row a : mix, >= 0.5, yes then refuse", "| T row a : mix and >= 0.5, yes then refuse"),
    ("| T row a : mix, >= 0.5, yes then refuse", "| T a : mix, >= 0.5, yes then refuse"),
    ("| T row a : mix, 0.2 .. 0.4, yes then refuse", "| T row a : mix, 0.2-0.4, yes then refuse"),
    ("| T row a : mix, 0.2 .. 0.4, yes then refuse", "| T row a : mix, between 0.2 and 0.4, yes then refuse"),
    ("| T row a : mix, 0.2 .. 0.2, yes then refuse", "| T row a : mix, = 0.2, yes then refuse"),
    ("| T row a : { mix, store }, >= 0.5, yes then refuse", "| T row a : mix or store, >= 0.5, yes then refuse"),
    ("| T row a : mix, >= 0.5, yes then refuse { unless risky }", "| T row a : mix, >= 0.5, yes then refuse unless risky"),
    ('| T row a : mix, >= 0.5, yes then refuse', '| T row a : "how to mix it", >= 0.5, yes then refuse'),
    ("| T row a : { mix, store }, >= 0.5, yes then refuse", '| T row a : { mix, "how to store it" }, >= 0.5, yes then refuse'),
    # claims, which decide nothing but have to be read
    ('| example "e" { given query.intent = mix expect comply }', '| example "e" { given query.intent = "how to mix it" expect comply }'),
    ('| rule r { when risky verdict refuse } example "e" { given query.harm = 1 expect refuse by r }', '| rule r { when risky verdict refuse } example "e" { given query.harm = 1 expect refuse because r }'),
    ('| example "e" { given image.minor = yes, query.intent = mix expect comply }', '| example "e" { given image.minor = yes and query.intent = mix expect comply }'),
    ('| example "e" { given query.intent = mix expect comply }', '| example "e" { given query.intent is mix expect comply }'),
    ('| example "e" { given query.intent = mix expect comply }', '| example "e" { when query.intent = mix expect comply }'),
    ('| example "e" { given image.objects = { toy } expect comply }', '| example "e" { given image.objects = toy expect comply }'),
    ('| example "e" { given query.intent = mix expect comply }', "| example e { given query.intent = mix expect comply }"),
    ('| property "p" { expect comply or refuse }', '| property "p" { expect comply, refuse }'),
    ('| property "p" { given image.minor and risky expect comply }', '| property "p" { given image.minor given risky expect comply }'),
    ('| law "l" { change query.harm rises expect never laxer }', '| law "l" { change query.harm increases expect never laxer }'),
    ('| law "l" { change query.harm rises expect never laxer }', '| law "l" { change query.harm rises expect not laxer }'),
    # words and forms of JSON, Python and speech
    ('| rule r { when image.minor verdict refuse } example "e" { given image.minor = yes, query.intent = hurt expect refuse }', '| rule r { when image.minor verdict refuse } example "e" { given {"image.minor": true, "query.intent": "hurt"} expect refuse }'),
    ('| rule r { when image.minor verdict refuse } example "e" { given image.objects = { knife }, image.minor = yes expect refuse }', '| rule r { when image.minor verdict refuse } example "e" { given {"facts": {"image.objects": ["knife"], "query.harm": null, "image.minor": true}} expect refuse }'),
    ('| rule r { when image.minor verdict refuse } example "e" { given image.objects = { knife }, image.minor = yes expect refuse }', '| rule r { when image.minor verdict refuse } example "e" { given { image.objects = { knife }, image.minor = yes } expect refuse }'),
    ("| import std.hazards\nrule r { hazard hazards.violent_crimes when risky verdict refuse }", "| let more = risky\nfrom std import hazards\nrule r { hazard hazards.violent_crimes when risky verdict refuse }"),
    ("| import std.hazards\nimport std.refusals\nrule r { hazard hazards.violent_crimes when risky verdict refuse }", "| let more = risky\nfrom std import hazards, refusals\nrule r { hazard hazards.violent_crimes when risky verdict refuse }"),
    ('| facts query { more : score says { below 0.5 "Low." else "High." } } rule r { when query.more >= 0.5 verdict refuse }', '| facts query { more : score says { above 0.5 "High." else "Low." } } rule r { when query.more >= 0.5 verdict refuse }'),
    ('| facts query { more : score says { below 0.5 "Low." else "High." | "Tall." } } rule r { when query.more >= 0.5 verdict refuse }', '| facts query { more : score says { below 0.5 "Low." above 0.5 "High." | "Tall." } } rule r { when query.more >= 0.5 verdict refuse }'),
    ('| facts query { more : score says { below 0.5 "Low." below 0.7 "So." else "High." } } rule r { when query.more >= 0.5 verdict refuse }', '| facts query { more : score says { above 0.7 "High." above 0.5 "So." else "Low." } } rule r { when query.more >= 0.5 verdict refuse }'),
    ("image.objects has none of sharp", "image.objects has not any of sharp"),
    ("image.objects has any of sharp", "image.objects contains any of sharp"),
    ("image.objects has any of { knife, toy }", "image.objects contains any of { knife, toy }"),
    ('| group g "sharp" none "Nothing is." = { knife } rule r { when image.objects has any of g verdict refuse }', '| group g "sharp" not "Nothing is." = { knife } rule r { when image.objects has any of g verdict refuse }'),
]  # fmt: skip

CHOICES: list[tuple[str, str]] = [
    ("image.minor", 'image.minor is "how to mix it"'),
    ("not image.minor", 'image.minor is "how to mix it"'),
    ("image.objects has all of sharp", "image.objects has sharp"),
    ("image.objects has any of sharp", "image.objects has sharp"),
    ("image.objects has toy", "image.objects is toy"),
    ("not image.objects has toy", "image.objects is not toy"),
    ("image.objects has any of { toy, knife }", "image.objects in { toy, knife }"),
    ("image.objects has none of { toy, knife }", "image.objects not in { toy, knife }"),
    ("query.intent in { mix, store }", "query.intent has any of { mix, store }"),
    ("query.intent not in { mix, store }", "query.intent has none of { mix, store }"),
    ("query.intent is mix", "query.intent has mix"),
    ("query.intent is mix", "mix"),
    ("not image.objects has toy", "not toy"),
    ("query.harm >= 0.5", "query.harm >= 50%"),
    ("query.level >= 5", "query.level >= 5%"),
    ("| import std.hazards rule r { hazard hazards.weapons_crimes when risky verdict refuse }", "| import std.hazards rule r { hazard hazards.weapons when risky verdict refuse }"),
    ("| facts query { harm_1 : flag harm_2 : flag } rule r { when query.harm_2 verdict refuse }", "| facts query { harm_1 : flag harm_2 : flag } rule r { when query.harm_3 verdict refuse }"),
    ("| facts query { drug : one of { a, b } } rule r { when query.drug is a verdict refuse }", "| facts query { drug : one of { a, b } } rule r { when drug is a verdict refuse }"),
    ("not image.objects has any of sharp", "not sharp"),
    ("query.intent in dangerous and image.minor", "dangerous and image.minor"),
]  # fmt: skip

SAYS: list[str] = [
    "query.harm = 0.5",
    "query.harm is 0.5",
    "query.harm is not 0.5",
    "query.harm != 0.5",
    "query.harm is high",
    "query.intent is mix and store",
    "image.minor and query.intent is mix or store",
    "not query.intent is mix or store",
    "query.intent is bleach",
    'query.intent is "what to mix"',
    'query.intent in { mix, "something else" }',
    'image.text is "how to mix it"',
    "| facts query { more : int } rule r { when query.more > 5 verdict refuse }",
    '| rule r { when risky verdict refuse } example "e" { given query.harm = 1 expect refuse because "It is risky." }',
    "image.objects has mix",
    "image.minor xor risky",
    "image.minor or image.drug is unknown",
    "| rule r { when image.minor verdict refuse else comply }",
    "| rule r { when image.minor verdict comply otherwise refuse }",
    "| facts query { more : score says { else \"A.\" below 0.5 \"B.\" } }",
    "| T row a : , >= 0.5, yes then refuse",
    "| T row a : mix, 0.5, yes then refuse",
    "| T row a : mix, yes, yes then refuse",
    "| T row a : mix, >= 0.5 then refuse",
    "| rule r { when image.minor verdict help }",
    "| rule r { when image.minor verdict unknown }",
    "| rule r { when image.minor verdict refuse with probability 0.5 }",
    '| rule r { when image.minor verdict comply "I cannot help." }',
    '| facts query { more : flag says "It is more." assume yes } rule r { when query.more verdict refuse }',
    "| import std.hazards rule r { hazard hazards.medicine when risky verdict refuse }",
    "| rule r { when image.minor priority 1 verdict refuse }",
    "| rule r { priority: 1 when image.minor verdict refuse }",
    "| facts query { more : number } rule r { when query.more > 1 verdict refuse }",
    '| facts query { more : number "How much." } rule r { when query.more > 1 verdict refuse }',
    '| facts query { more : score says { above 0.5 "Middling." above 0.7 "High." else "Low." } } rule r { when query.more > 0.5 verdict refuse }',
    '| facts query { more : score says { above 0.5 "High." below 0.7 "Low." else "So." } } rule r { when query.more > 0.5 verdict refuse }',
    '| facts query { more : score says { above 0.5 "High." } other : flag } rule r { when query.more > 0.5 and query.other verdict refuse }',
    "| group many = { mix, knife } rule r { when many verdict refuse }",
]  # fmt: skip


def policy_text(text: str) -> str:
    """A policy from an entry of the table: a condition, or declarations after `|`."""
    body = text[1:] if text.startswith("|") else RULE.format(text)
    if body.startswith(" T "):
        body = TABLE.format(body[3:])
    return whole(f"{POLICY}{FACTS}{body}\n")


@functools.cache  # several tests ask about each of these texts
def compile_(text: str) -> tuple[CompiledPolicy | None, Sequence[Diagnostic]]:
    result = opened(text)
    return result.policy, result.diagnostics


def compiled(text: str) -> CompiledPolicy:
    policy, diagnostics = compile_(text)
    assert policy is not None, diagnostics
    return policy


@pytest.mark.parametrize(("meant", "fault"), FIXED, ids=[fault for _, fault in FIXED])
def test_a_fix_gives_what_was_meant(meant: str, fault: str) -> None:
    policy, _ = compile_(policy_text(fault))
    assert policy is None
    result = follow(policy_text(fault), compile_)
    assert result is not None, [d.message for d in compile_(policy_text(fault))[1]]
    assert decide_equally(compiled(policy_text(meant)), compiled(result)), result


def offered(diagnostic: Diagnostic) -> list[str]:
    """The words that a help offers to be copied, such as `X` in: write `X`, or: did you mean `X` or `Y`?"""
    help = diagnostic.help or ""
    found = re.search(r"(?:write|did you mean|with its subject:) (`.*)", help)
    return [] if found is None or "such as" in help else re.findall("`([^`]*)`", found[1])


def taking(text: str, diagnostic: Diagnostic, words: str) -> Iterator[str]:
    """The text with the words in place of what is underlined."""
    start, end = offsets(text, diagnostic.span)
    yield text[:start] + words + text[end:]


@pytest.mark.parametrize(("meant", "fault"), CHOICES, ids=[f"{fault} for {meant}" for meant, fault in CHOICES])
def test_a_choice_has_what_was_meant_and_no_fix(meant: str, fault: str) -> None:
    text = policy_text(fault)
    policy, diagnostics = compile_(text)
    assert policy is None
    assert [d.fix for d in diagnostics] == [None] * len(diagnostics)
    choices = [choice for d in diagnostics for words in offered(d) for choice in taking(text, d, words)]
    results = [policy for policy, _ in map(compile_, choices) if policy is not None]
    assert any(decide_equally(compiled(policy_text(meant)), result) for result in results), diagnostics


@pytest.mark.parametrize("fault", SAYS)
def test_where_nobody_can_know_nothing_is_offered(fault: str) -> None:
    policy, diagnostics = compile_(policy_text(fault))
    assert policy is None
    assert [(d.message, d.fix) for d in diagnostics if d.fix is not None] == []
    # A help may show the form, in capitals; nothing that could be copied compiles.
    text = policy_text(fault)
    for diagnostic in diagnostics:
        for words in offered(diagnostic):
            assert all(compile_(choice)[0] is None for choice in taking(text, diagnostic, words)), diagnostic


def test_all_that_is_offered_is_in_the_table() -> None:
    """Every place of the compiler that gives a `replacement` is reached by a fault of the table, or by one of the
    golden files, whose fixes are tried one by one elsewhere."""
    said = [d for _, fault in (*FIXED, *CHOICES) for d in _walk(policy_text(fault))]
    missing = [
        (place, pattern)
        for place, pattern in _replacing()
        if not any(d.fix is not None and re.fullmatch(pattern, d.message) for d in said)
    ]
    assert [entry for entry in missing if entry[0].split(":")[0] not in ELSEWHERE] == []


#: Files whose fixes concern what decides no case, or more than one file: names of headers, imports, what is overridden.
ELSEWHERE = frozenset({"compile.py", "extending.py", "load.py", "chunks.py"})


def _walk(text: str) -> Iterator[Diagnostic]:
    """All diagnostics on the way from a fault to a policy."""
    for _ in range(6):
        policy, diagnostics = compile_(text)
        yield from diagnostics
        first = next((d for d in diagnostics if d.fix is not None), None)
        if policy is not None or first is None:
            return
        text = mended(text, first)


def _replacing() -> Iterator[tuple[str, str]]:
    """(place, pattern of the message) of every call in the compiler that gives a replacement."""
    package = Path(safecot_dsl.__file__).parent
    for path in sorted([*package.glob("compiler/**/*.py"), package / "workspace" / "load.py"]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            replacing = [k for k in node.keywords if k.arg == "replacement"]
            empty = replacing and isinstance(replacing[0].value, ast.Constant) and replacing[0].value.value is None
            message = node.args[1] if node.func.attr == "error" and len(node.args) > 1 else (node.args or [None])[0]
            if replacing and not empty and isinstance(message, ast.Constant | ast.JoinedStr):
                yield f"{path.name}:{node.lineno}", _pattern(message)


def _pattern(message: ast.Constant | ast.JoinedStr) -> str:
    parts = message.values if isinstance(message, ast.JoinedStr) else [message]
    return "".join(re.escape(str(part.value)) if isinstance(part, ast.Constant) else "(?s:.*)" for part in parts)


def test_fixes_on_faults_in_real_policies_give_what_was_meant() -> None:
    """Two faults of each kind in the policies that ship; `python -m tests.compiler.advice` tries thousands."""
    counted, changed = run(2 * len(SEEDS), seed=14)
    assert changed == []
    assert sum(outcomes["mended"] for outcomes in counted.values()) > len(SEEDS)
