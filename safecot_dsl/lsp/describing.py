"""Names explained in Markdown. What a policy's author wrote is shown as text, never as markup."""

from __future__ import annotations

import re
from pathlib import Path

from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.lsp.program import OpenProgram
from safecot_dsl.lsp.symbols import Symbol
from safecot_dsl.render.verdict_words import VERDICT_WORDS

MAX_LISTED = 30  # values or phrases that are shown
MAX_SHOWN = 2_000  # characters of source or of a text


def plain(text: str) -> str:
    """A text that Markdown shows as it is."""
    text = text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~&:$])", r"\\\1", text).replace("\n", "  \n")


def code(text: str) -> str:
    """A block of the language, in a fence that nothing in it can close."""
    text = text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + " …"
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}safecot\n{text}\n{fence}"


def source(symbol: Symbol, syntax: t.Syntax) -> str:
    """A piece of source, its later lines moved to the left as far as its first stands."""
    text = symbol.module.report.source.text
    column = syntax.start - (text.rfind("\n", 0, syntax.start) + 1)
    return re.sub(rf"\n {{1,{max(column, 1)}}}", "\n", text[syntax.start : syntax.end])


def describe(program: OpenProgram, symbol: Symbol) -> str:
    """What a name stands for, and where it is declared."""
    parts = [part for part in _parts(program, symbol) if part]
    line, _ = symbol.module.report.source.position(symbol.place.start)
    where = f"[{plain(f'{Path(symbol.file).name}:{line}')}](<{Path(symbol.file).absolute().as_uri()}#L{line}>)"
    return "\n\n".join([*parts, f"{symbol.kind.value}, {where}"])


def _parts(program: OpenProgram, symbol: Symbol) -> list[str]:
    match symbol.declaration:
        case t.FactDecl() as fact:
            return _fact(program, symbol, fact)
        case t.ValueDecl(phrase=phrase):
            fact, _, name = symbol.name.rpartition(".")
            return [code(f"{fact} is {name}" if _single(program, fact) else f"{fact} has {name}"), _phrase(phrase)]
        case t.NodeDecl() as node:
            return _node(symbol, node)
        case t.RuleDecl() | t.RowDecl():
            return _rule(program, symbol)
        case t.PhrasesDecl(phrases=phrases):
            more = f"- and {len(phrases) - MAX_LISTED} more" if len(phrases) > MAX_LISTED else ""
            listed = [f"- {plain(phrase.text)}" for phrase in phrases[:MAX_LISTED]]
            return [code(f"phrases {symbol.name}"), "\n".join([*listed, *([more] if more else [])])]
        case t.TaxonomyDecl():
            names = list(program.nodes(symbol))
            return [code(f"taxonomy {symbol.name}"), f"{len(names)} nodes: {_listed(names)}"]
        case t.PropositionDecl() as proposition:
            examples = [f"- yes: {plain(text.text)}" for text in proposition.yes[:3]]
            examples += [f"- no: {plain(text.text)}" for text in proposition.no[:3]]
            how = "found by its detectors" if proposition.detectors else "for a judge to say"
            return [code(f"proposition {symbol.name}"), plain(proposition.definition.text), "\n".join(examples), how]
        case t.ImportDecl(module=name):
            imported = symbol.module.imports.get(symbol.name)
            header = imported.tree.header if imported else None
            return [code(f"import {name.text}"), _header(header)]
        case t.FileHeader() as header:
            return [code(f"{'library' if header.library else 'policy'} {header.name.text}"), _header(header)]
        case t.CriteriaDecl() as criteria:
            return [code(f"criteria {symbol.name}"), _listed([p.name.text for p in criteria.propositions])]
        case _:
            return [code(source(symbol, symbol.declaration))]


def _single(program: OpenProgram, fact: str) -> bool:
    kind = program.fact_type(fact)
    return kind is not None and kind.kind != "set_of"


def _phrase(phrase: t.String | None) -> str:
    return plain(phrase.text) if phrase is not None else ""


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:MAX_LISTED])
    return shown + (f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else "")


def _fact(program: OpenProgram, symbol: Symbol, fact: t.FactDecl) -> list[str]:
    values = list(program.values(symbol.name).values())
    rows = [
        f"- `{value.last}`" + (f": {plain(phrase.text)}" if phrase is not None else "")
        for value in values[:MAX_LISTED]
        if isinstance(value.declaration, t.ValueDecl | t.NodeDecl)
        for phrase in [value.declaration.phrase]
    ]
    if len(values) > MAX_LISTED:
        rows.append(f"- and {len(values) - MAX_LISTED} more")
    return [
        code(f"{symbol.name} : {type_of(fact.type)}"),
        _phrase(fact.description),
        "\n".join(rows),
        _sentences(fact.sentences),
        f"asked for as: {plain(fact.ask.text)}" if fact.ask else "",
        f"where it is unknown: `{source(symbol, fact.assume).replace('`', '')}`" if fact.assume else "",
    ]


def _sentences(sentences: tuple[t.SentenceClause | t.BandsClause, ...]) -> str:
    """What a fact says of itself, the first version of each sentence."""
    rows: list[str] = []
    for clause in sentences:
        match clause:
            case t.BandsClause(bands=bands):
                for band in bands[:MAX_LISTED]:
                    where = "else" if band.below is None else f"below {band.below.text}"
                    rows.append(f"- says, {where}: {plain(band.texts[0].text)}")
            case t.SentenceClause(kind="ask"):
                continue
            case t.SentenceClause(kind=kind, texts=texts):
                rows.append(f"- {kind}: {plain(texts[0].text)}")
    return "\n".join(rows)


def type_of(kind: t.TypeExpr) -> str:
    """A fact's type in the language's words, its values left out."""
    match kind.kind:
        case "one_of":
            return "one of { … }"
        case "set_of":
            return "set of { … }"
        case "one_of_taxonomy":
            return f"one of {kind.taxonomy.text if kind.taxonomy else ''}"
        case "number":
            return f"number {kind.low.text if kind.low else ''}..{kind.high.text if kind.high else ''}"
        case _:
            return kind.kind


def _node(symbol: Symbol, node: t.NodeDecl) -> list[str]:
    taxonomy = symbol.module.taxonomies.get(symbol.name.split(".")[0])
    path = _path(taxonomy.nodes, node) if taxonomy is not None else [node]
    severity = next((above.severity.text for above in reversed(path) if above.severity is not None), None)
    inherited = " (inherited)" if severity is not None and node.severity is None else ""
    return [
        code(" / ".join(above.name.text for above in path)),
        _phrase(node.phrase),
        f"severity {severity}{inherited}" if severity is not None else "",
        f"below it: {_listed([child.name.text for child in node.children])}" if node.children else "",
    ]


def _path(nodes: tuple[t.NodeDecl, ...], wanted: t.NodeDecl) -> list[t.NodeDecl]:
    """The nodes from the top down to the wanted one."""
    for node in nodes:
        if node.start <= wanted.start and wanted.end <= node.end:
            return [node, *([] if node is wanted else _path(node.children, wanted))]
    return []


def _rule(program: OpenProgram, symbol: Symbol) -> list[str]:
    declaration = symbol.declaration
    assert isinstance(declaration, t.RuleDecl | t.RowDecl)
    shown = source(symbol, declaration)
    clauses = declaration.clauses
    verdict = declaration.verdict.text if isinstance(declaration, t.RowDecl) else None
    lines: list[str] = []
    hazard = ""
    for clause in clauses:
        match clause:
            case t.VerdictClause(kind="verdict", verdict=name):
                verdict = verdict or name.text
            case t.ConditionClause():
                lines.append(f"  {source(symbol, clause)}")
            case t.HazardClause(node=node):
                found = program.find_node(symbol.module, node)
                phrase = found.declaration.phrase if found and isinstance(found.declaration, t.NodeDecl) else None
                hazard = f"hazard: `{node.text}`" + (f", {plain(phrase.text)}" if phrase else "")
            case _:
                pass
    title = next((plain(clause.title.text) for clause in clauses if isinstance(clause, t.TitleClause)), "")
    if isinstance(declaration, t.RuleDecl):
        head = "exception" if declaration.is_exception else "rule"
        parents = f" to {', '.join(parent.text for parent in declaration.parents)}" if declaration.parents else ""
        shown = "\n".join([f"{head} {symbol.name}{parents}", *lines, *([f"  verdict {verdict}"] if verdict else [])])
    return [code(shown), title, _verdict(verdict), hazard, _exceptions(program, symbol)]


def _verdict(verdict: str | None) -> str:
    meaning = {str(known): told.meaning for known, told in VERDICT_WORDS.items()}.get(verdict or "")
    return f"**{verdict}**: {meaning}" if meaning else ""


def _exceptions(program: OpenProgram, symbol: Symbol) -> str:
    names = program.exceptions.get(symbol.name)
    return f"exceptions to it: {_listed(names)}" if names else ""


def _header(header: t.FileHeader | None) -> str:
    if header is None:
        return ""
    values = {entry.key.text: entry.value.text for entry in header.entries}
    title, version = values.get("title", ""), values.get("version", "")
    return plain(", ".join(part for part in (title, f"version {version}" if version else "") if part))
