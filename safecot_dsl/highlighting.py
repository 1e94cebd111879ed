"""The language for Pygments, and so for all that colours code with it: Sphinx, MkDocs, Jupyter, `pygmentize`, LaTeX.

Pygments finds the lexer under the names `safecot` and `safecot-fragment` where the package is installed; nothing else
of the package is imported with it. It goes by what stands next to a word, without a parser: pieces of a policy and
texts with faults are coloured too.
"""

from __future__ import annotations

from pygments.lexer import RegexLexer, bygroups, default, include, words
from pygments.token import Comment, Keyword, Name, Number, Operator, Punctuation, String, Text, Whitespace

__all__ = ["SafecotLexer"]

DECLARING = (
    "policy library import as param facts group let taxonomy phrases criteria rule exception to table columns row "
    "default unsure example property law extend override proposition class for otherwise"
).split()
CLAUSES = (
    "title hazard when unless verdict require think answer say offer then given expect by change never laxer stricter "
    "becomes gains rises falls detect assume ask says below else severity"
).split()
OPERATORS = "and or not at least of in is has any all none within empty between contains matches".split()
TYPES = "flag one set score number text".split()
SUBJECTS = "image query context".split()
STEPS = "observe intent risk contrast decide".split()
CONSTANTS = "yes no unknown".split()
VERDICTS = "comply warn clarify redirect refuse".split()

_NAME = r"[a-z][a-z0-9_]*"
_ALONE = r"(?<![.\w])"
_END = r"(?!\w)"
_NAMED = r"([a-z][a-z0-9_]*)"
_GAP = r"(\s+)"


class SafecotLexer(RegexLexer):
    """Policies, libraries, and pieces of them."""

    name = "SafeCoT policy"
    aliases = ["safecot", "safecot-fragment"]
    filenames = ["*.safecot"]
    mimetypes = ["text/x-safecot"]

    tokens = {
        "root": [
            (r"[ \t\n]+", Whitespace),
            include("comments"),
            (
                rf"^(policy|library){_GAP}{_NAMED}(\s*)(\{{)",
                bygroups(Keyword.Declaration, Whitespace, Name.Namespace, Whitespace, Punctuation),
                "header",
            ),
            include("texts"),
            (r"/(?!\*)(?:[^\\/\n]|\\[^\n])+/i?", String.Regex),
            include("declared"),
            include("facts"),
            include("qualified"),
            include("lists"),
            (
                rf"{_ALONE}(is|has){_GAP}(?!not\b|within\b|empty\b|(?:any|all|none)\s+of\b){_NAMED}",
                bygroups(Operator.Word, Whitespace, Name.Constant),
            ),
            (words(VERDICTS, prefix=_ALONE, suffix=_END), Keyword.Constant),
            (words(DECLARING, prefix=_ALONE, suffix=_END), Keyword.Declaration),
            (words(CLAUSES, prefix=_ALONE, suffix=_END), Keyword),
            (words(OPERATORS, prefix=_ALONE, suffix=_END), Operator.Word),
            (words(TYPES, prefix=_ALONE, suffix=_END), Keyword.Type),
            (words(SUBJECTS + STEPS, prefix=_ALONE, suffix=_END), Name.Builtin),
            (words(CONSTANTS, prefix=_ALONE, suffix=_END), Keyword.Constant),
            (rf"{_NAME}{_END}", Name),
            (r"-?[0-9]+\.[0-9]+(?![0-9A-Za-z_])", Number.Float),
            (r"-?[0-9]+(?![0-9A-Za-z_])", Number.Integer),
            (r"<=|>=|<|>|\.\.|=|\|(?!\|)", Operator),
            (r"[{}(),.:]", Punctuation),
        ],
        "comments": [
            (r"(#[ \t]*allow[ \t]*:[ \t]*SC[0-9]{4}\b)([^\n]*)", bygroups(Comment.Special, Comment.Single)),
            (r"#[^\n]*", Comment.Single),
        ],
        "header": [
            (r"[ \t\n]+", Whitespace),
            include("comments"),
            include("texts"),
            (rf"{_NAME}{_END}", Name.Attribute),
            (r"\}", Punctuation, "#pop"),
        ],
        # The name that a declaration gives
        "declared": [
            (
                rf"{_ALONE}(taxonomy){_GAP}{_NAMED}(\s*)(\{{)",
                bygroups(Keyword.Declaration, Whitespace, Name.Class, Whitespace, Punctuation),
                "nodes",
            ),
            (
                rf"{_ALONE}(rule|exception|row|table){_GAP}{_NAMED}(?=\s*(?:\{{|:|to\b))",
                bygroups(Keyword.Declaration, Whitespace, Name.Function),
            ),
            (
                rf"{_ALONE}(group|criteria|class|phrases){_GAP}{_NAMED}(?=\s*(?:\{{|=|\"|(?:when|says|none)\b))",
                bygroups(Keyword.Declaration, Whitespace, Name.Class),
            ),
            (
                rf"{_ALONE}(let|param|proposition){_GAP}{_NAMED}(?=\s*(?:=|\"))",
                bygroups(Keyword.Declaration, Whitespace, Name.Constant),
            ),
            (
                rf"{_ALONE}(import){_GAP}({_NAME}(?:\.{_NAME})*){_GAP}(as){_GAP}{_NAMED}",
                bygroups(
                    Keyword.Namespace,
                    Whitespace,
                    Name.Namespace,
                    Whitespace,
                    Keyword.Namespace,
                    Whitespace,
                    Name.Namespace,
                ),
            ),
            (
                rf"{_ALONE}(import|extend){_GAP}({_NAME}(?:\.{_NAME})*){_END}",
                bygroups(Keyword.Namespace, Whitespace, Name.Namespace),
            ),
            (rf"{_ALONE}{_NAMED}(\s*)(:)", bygroups(Name.Attribute, Whitespace, Punctuation)),
        ],
        # What stands in braces after these words and signs are names, whatever words they are.
        "lists": [
            (
                rf"{_ALONE}(of|in|gains)(\s*)(\{{)(?=\s*(?:\}}|\#|{_NAME}\s*[,}}\"]))",
                bygroups(Operator.Word, Whitespace, Punctuation),
                "members",
            ),
            (
                rf"(=)(\s*)(\{{)(?=\s*(?:\}}|\#|{_NAME}\s*[,}}]))",
                bygroups(Operator, Whitespace, Punctuation),
                "members",
            ),
            (
                rf"(=)(\s*)(?!(?:yes|no|unknown)\b){_NAMED}(?=\s*,|\s+expect\b)",
                bygroups(Operator, Whitespace, Name.Constant),
            ),
            (rf"\{{(?=\s*{_NAME}\s*(?:,\s*{_NAME}\s*)*,?\s*\}})", Punctuation, "members"),
        ],
        "members": [
            (r"[ \t\n]+", Whitespace),
            include("comments"),
            include("texts"),
            (rf"{_NAME}{_END}", Name.Constant),
            (r",", Punctuation),
            (r"\}", Punctuation, "#pop"),
            default("#pop"),
        ],
        "nodes": [
            (r"[ \t\n]+", Whitespace),
            include("comments"),
            include("texts"),
            (r"(severity)(\s+)([0-9]+(?:\.[0-9]+)?)", bygroups(Keyword, Whitespace, Number)),
            (rf"{_NAME}{_END}", Name.Constant),
            (r"\{", Punctuation, "#push"),
            (r"\}", Punctuation, "#pop"),
            default("#pop"),
        ],
        "facts": [
            (
                rf"{_ALONE}(image|query|context)(\s*)(\.(?!\.))(\s*){_NAMED}",
                bygroups(Name.Builtin, Whitespace, Punctuation, Whitespace, Name.Attribute),
            ),
        ],
        "qualified": [
            (
                rf"{_ALONE}{_NAMED}(\s*)(\.(?!\.))(\s*){_NAMED}",
                bygroups(Name.Namespace, Whitespace, Punctuation, Whitespace, Name),
            ),
        ],
        # Texts go on over lines only in three quotation marks; one that is not closed ends with its line.
        "texts": [
            (r'"""', String.Double, "long"),
            (r'"', String.Double, "short"),
        ],
        "long": [
            (r'"""', String.Double, "#pop"),
            include("inside"),
            (r'[^"\\{]+|[{"]', String.Double),
        ],
        "short": [
            (r'"', String.Double, "#pop"),
            (r"(?=\n)", Text, "#pop"),
            include("inside"),
            (r'[^"\\{\n]+|\{', String.Double),
        ],
        "inside": [
            (r'\\["\\n]|\{\{', String.Escape),
            (r"\{(?= *[a-z][a-z0-9_. ]*\})", String.Interpol, "slot"),
        ],
        "slot": [
            (r"\}", String.Interpol, "#pop"),
            (r" +", Whitespace),
            (r"among\b", Operator.Word),
            include("facts"),
            include("qualified"),
            (r"value\b|hazard\b|title\b|unknown +facts\b", Name.Variable.Magic),
            (_NAME, Name),
            (r"\.", Punctuation),
        ],
    }
