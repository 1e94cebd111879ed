"""From what the parser recognises to the syntax tree; called by the parser as it reduces, so no second tree is made."""

from __future__ import annotations

from typing import Any

from lark import Token, Transformer

from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.compiler.syntax.atoms import OPERATORS, AtomBuilder, span
from safecot_dsl.compiler.syntax.tokens import Words, pattern_of


def _token(children: list[Any], kind: str) -> Token | None:
    return next((c for c in children if isinstance(c, Token) and c.type == kind), None)


def _all(children: list[Any], kind: type | tuple[type, ...]) -> tuple[Any, ...]:
    return tuple(c for c in children if isinstance(c, kind))


class Builder(AtomBuilder, Transformer[Token, Any]):
    """One method for each rule of `grammar/safecot.lark`, taking the rule's children in order."""

    # Tokens -----------------------------------------------------------------------------------------------------
    def NAME(self, token: Token) -> t.Name:
        return t.Name(token.start_pos or 0, token.end_pos or 0, str(token))

    def STRING(self, token: Words) -> t.String:
        return t.String(token.start_pos or 0, token.end_pos or 0, token.content, tuple(token.offsets))

    def NUMBER(self, token: Token) -> t.Number:
        return t.Number(token.start_pos or 0, token.end_pos or 0, str(token))

    def REGEX(self, token: Token) -> t.Regex:
        pattern = pattern_of(token)
        return t.Regex(token.start_pos or 0, token.end_pos or 0, pattern.pattern, pattern.ignore_case)

    # Files ------------------------------------------------------------------------------------------------------
    def file(self, c: list[Any]) -> t.FileTree:
        return t.FileTree(c[0], tuple(c[1:]))

    def header(self, c: list[Any]) -> t.FileHeader:
        return t.FileHeader(*span(c), c[0].type == "LIBRARY", c[1], _all(c, t.HeaderEntry))

    def header_entry(self, c: list[Any]) -> t.HeaderEntry:
        return t.HeaderEntry(*span(c), c[0], c[1])

    def import_(self, c: list[Any]) -> t.ImportDecl:
        return t.ImportDecl(*span(c), c[1], c[3] if len(c) > 2 else None)

    def param(self, c: list[Any]) -> t.ParamDecl:
        return t.ParamDecl(*span(c), c[1], c[3])

    def facts(self, c: list[Any]) -> t.FactsDecl:
        return t.FactsDecl(*span(c), str(c[1]), _all(c, t.FactDecl))

    def group(self, c: list[Any]) -> t.GroupDecl:
        phrase = next(iter(_all(c[:3], t.String)), None)
        return t.GroupDecl(*span(c), c[1], phrase, _all(c, t.SentenceClause), c[-1])

    def let(self, c: list[Any]) -> t.LetDecl:
        return t.LetDecl(*span(c), c[1], c[3])

    def taxonomy(self, c: list[Any]) -> t.TaxonomyDecl:
        return t.TaxonomyDecl(*span(c), c[1], _all(c, t.NodeDecl))

    def phrases(self, c: list[Any]) -> t.PhrasesDecl:
        return t.PhrasesDecl(*span(c), c[1], _all(c, t.String))

    def criteria(self, c: list[Any]) -> t.CriteriaDecl:
        return t.CriteriaDecl(*span(c), c[1], _all(c, t.PropositionDecl), _all(c, t.LetDecl), _all(c, t.ClassesDecl))

    def rule(self, c: list[Any]) -> t.RuleDecl:
        return t.RuleDecl(*span(c), c[1], (), False, tuple(c[3:-1]))

    def exception(self, c: list[Any]) -> t.RuleDecl:
        opening = next(i for i, child in enumerate(c) if isinstance(child, Token) and child.type == "LBRACE")
        return t.RuleDecl(*span(c), c[1], _all(c[3:opening], t.Name), True, tuple(c[opening + 1 : -1]))

    def default(self, c: list[Any]) -> t.FallbackDecl:
        return t.FallbackDecl(*span(c), str(c[0]), c[1], tuple(c[3:-1]))

    unsure = default

    def example(self, c: list[Any]) -> t.ExampleDecl:
        given: tuple[t.GivenValue, ...] = next((child for child in c if isinstance(child, tuple)), ())
        names = _all(c, t.Name)
        return t.ExampleDecl(*span(c), c[1], given, names[0], names[1:])

    def property(self, c: list[Any]) -> t.PropertyDecl:
        expect = next(i for i, child in enumerate(c) if isinstance(child, Token) and child.type == "EXPECT")
        given = c[expect - 1] if _token(c, "GIVEN") else None
        negated = _token(c[expect:], "NOT") is not None
        return t.PropertyDecl(*span(c), c[1], given, negated, _all(c[expect:], t.Name))

    def law(self, c: list[Any]) -> t.LawDecl:
        kind = str(c[5])
        to = c[6] if kind in ("becomes", "gains") else None
        given = next(
            (c[i + 1] for i, child in enumerate(c) if isinstance(child, Token) and child.type == "GIVEN"), None
        )
        return t.LawDecl(*span(c), c[1], c[4], kind, to, given, str(c[-2]))

    def extend(self, c: list[Any]) -> t.ExtendDecl:
        return t.ExtendDecl(*span(c), c[1])

    def override(self, c: list[Any]) -> t.OverrideDecl:
        return t.OverrideDecl(*span(c), c[1])

    # Facts ------------------------------------------------------------------------------------------------------
    def fact(self, c: list[Any]) -> t.FactDecl:
        assume = description = None
        rest = iter(c[3:])
        for child in rest:
            if isinstance(child, Token):  # assume
                assume = next(rest)
            elif isinstance(child, t.String):
                description = child
        sentences = _all(c, (t.SentenceClause, t.BandsClause))
        return t.FactDecl(c[0].start, c[-1].end, c[0], c[2], assume, description, sentences)

    def says(self, c: list[Any]) -> t.SentenceClause:
        return t.SentenceClause(*span(c), str(c[0]), _all(c, t.String))

    denies = says
    none = says
    ask = says

    def bands(self, c: list[Any]) -> t.BandsClause:
        return t.BandsClause(*span(c), _all(c, t.BandDecl))

    def band(self, c: list[Any]) -> t.BandDecl:
        return t.BandDecl(*span(c), c[1], _all(c, t.String))

    def last_band(self, c: list[Any]) -> t.BandDecl:
        return t.BandDecl(*span(c), None, _all(c, t.String))

    def flag(self, c: list[Any]) -> t.TypeExpr:
        return t.TypeExpr(*span(c), "flag")

    def score(self, c: list[Any]) -> t.TypeExpr:
        return t.TypeExpr(*span(c), "score")

    def text(self, c: list[Any]) -> t.TypeExpr:
        return t.TypeExpr(*span(c), "text")

    def one_of(self, c: list[Any]) -> t.TypeExpr:
        return t.TypeExpr(*span(c[:2]), "one_of", values=c[2])

    def one_of_taxonomy(self, c: list[Any]) -> t.TypeExpr:
        return t.TypeExpr(*span(c), "one_of_taxonomy", taxonomy=c[2])

    def set_of(self, c: list[Any]) -> t.TypeExpr:
        return t.TypeExpr(*span(c[:2]), "set_of", values=c[2])

    def number(self, c: list[Any]) -> t.TypeExpr:
        return t.TypeExpr(*span(c), "number", low=c[1], high=c[3])

    def values(self, c: list[Any]) -> tuple[t.ValueDecl, ...]:
        return _all(c, t.ValueDecl)

    def value_name(self, c: list[Any]) -> t.ValueDecl:
        return t.ValueDecl(*span(c), c[0], c[1] if len(c) > 1 else None)

    def names(self, c: list[Any]) -> t.NameList:
        return t.NameList(*span(c), _all(c, t.Name))

    def value(self, c: list[Any]) -> t.ValueExpr:
        return t.UnknownValue(*span(c)) if isinstance(c[0], Token) else c[0]

    def given_values(self, c: list[Any]) -> tuple[t.GivenValue, ...]:
        return _all(c, t.GivenValue)

    def given_value(self, c: list[Any]) -> t.GivenValue:
        return t.GivenValue(*span(c), c[0], c[2])

    # Taxonomies and criteria ------------------------------------------------------------------------------------
    def node(self, c: list[Any]) -> t.NodeDecl:
        phrase = next(iter(_all(c, t.String)), None)
        severity = next((child[1] for child in c if isinstance(child, tuple)), None)
        last = c[-1]
        end = last[1].end if isinstance(last, tuple) else span(c)[1]
        return t.NodeDecl(c[0].start, end, c[0], phrase, severity, _all(c, t.NodeDecl))

    def severity(self, c: list[Any]) -> tuple[str, t.Number]:
        return ("severity", c[1])

    def proposition(self, c: list[Any]) -> t.PropositionDecl:
        marked = [child for child in c if isinstance(child, tuple)]
        return t.PropositionDecl(
            *span(c),
            c[1],
            c[2],
            tuple(value for kind, value in marked if kind == "yes"),
            tuple(value for kind, value in marked if kind == "no"),
            tuple(value for kind, value in marked if kind == "detect"),
        )

    def yes(self, c: list[Any]) -> tuple[str, t.String]:
        return ("yes", c[1])

    def no(self, c: list[Any]) -> tuple[str, t.String]:
        return ("no", c[1])

    def detect_phrases(self, c: list[Any]) -> tuple[str, t.QName]:
        return ("detect", c[3])

    def detect_pattern(self, c: list[Any]) -> tuple[str, t.Regex]:
        return ("detect", c[2])

    def classes(self, c: list[Any]) -> t.ClassesDecl:
        names = _all(c, t.Name)
        return t.ClassesDecl(*span(c), names[:-1], _all(c, t.ClassDecl), names[-1])

    def class_(self, c: list[Any]) -> t.ClassDecl:
        return t.ClassDecl(*span(c), c[1], c[3])

    # Rules ------------------------------------------------------------------------------------------------------
    def title(self, c: list[Any]) -> t.TitleClause:
        return t.TitleClause(*span(c), c[1])

    def hazard(self, c: list[Any]) -> t.HazardClause:
        return t.HazardClause(*span(c), c[1])

    def when(self, c: list[Any]) -> t.ConditionClause:
        return t.ConditionClause(*span(c), str(c[0]), c[1])

    unless = when
    require = when

    def verdict(self, c: list[Any]) -> t.VerdictClause:
        return t.VerdictClause(*span(c), str(c[0]), c[1])

    unsure_clause = verdict

    def think(self, c: list[Any]) -> t.ThinkClause:
        return t.ThinkClause(*span(c), _all(c, t.StepClause))

    def answer(self, c: list[Any]) -> t.AnswerClause:
        return t.AnswerClause(*span(c), _all(c, t.UtteranceClause))

    def say(self, c: list[Any]) -> t.UtteranceClause:
        return t.UtteranceClause(*span(c), str(c[0]), c[-1])

    offer = say

    def step(self, c: list[Any]) -> t.StepClause:
        when = next((child[1] for child in c if isinstance(child, tuple)), None)
        return t.StepClause(*span(c), str(c[0]), when, _all(c, t.String))

    def step_when(self, c: list[Any]) -> tuple[str, t.Cond]:
        return ("when", c[1])

    # Tables -----------------------------------------------------------------------------------------------------
    def table(self, c: list[Any]) -> t.TableDecl:
        return t.TableDecl(*span(c), c[1], tuple(c[3:-1]))

    def columns(self, c: list[Any]) -> t.ColumnsClause:
        facts = _all(c, t.QName)
        return t.ColumnsClause(c[0].start_pos, facts[-1].end, facts)

    def row(self, c: list[Any]) -> t.RowDecl:
        then = next(i for i, child in enumerate(c) if isinstance(child, Token) and child.type == "THEN")
        return t.RowDecl(*span(c), c[1], _all(c, t.Cell), c[then + 1], tuple(c[then + 3 : -1]))

    def cell(self, c: list[Any]) -> t.Cell:
        return t.Cell(*span(c), isinstance(c[0], Token), c[-1])

    def any(self, c: list[Any]) -> t.AnyValue:
        return t.AnyValue(*span(c))

    def within_test(self, c: list[Any]) -> t.WithinTest:
        return t.WithinTest(*span(c), c[1])

    def empty_test(self, c: list[Any]) -> t.EmptyTest:
        return t.EmptyTest(*span(c))

    def range_test(self, c: list[Any]) -> t.RangeTest:
        return t.RangeTest(*span(c), c[0], c[2])

    def compare_test(self, c: list[Any]) -> t.CompareTest:
        return t.CompareTest(*span(c), OPERATORS[c[0].type], c[1])

    # Conditions -------------------------------------------------------------------------------------------------
    def condition(self, c: list[Any]) -> t.OrOf:
        return t.OrOf(*span(c), tuple(c[::2]))

    def conjunction(self, c: list[Any]) -> t.AndOf:
        return t.AndOf(*span(c), tuple(c[::2]))

    def not_(self, c: list[Any]) -> t.NotOf:
        return t.NotOf(*span(c), c[1])

    def brackets(self, c: list[Any]) -> t.Cond:
        start, end = span(c)
        return c[1].replaced(start=start, end=end)

    def at_least(self, c: list[Any]) -> t.AtLeastOf:
        return t.AtLeastOf(*span(c), c[2], tuple(child for child in c[5:] if not isinstance(child, Token)))

    def name(self, c: list[Any]) -> t.NameAtom:
        return t.NameAtom(*span(c), c[0])

    def operand(self, c: list[Any]) -> t.Number | t.QName:
        return c[0]

    def qname(self, c: list[Any]) -> t.QName:
        return t.QName(c[0].start, c[-1].end, tuple([name.text for name in c[::2]]))
