"""Every code that the compiler says something by: its number, what it weighs, and the heading of its page.

The pages are `docs/codes/CODE.md`, and `docs/error-codes.md` lists them; `tests/test_codes.py` holds them against this.
"""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """How much a diagnostic weighs: only an error stops the compiler."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Code(StrEnum):
    """A code, which is written as its number (`SC0101`). Numbers below 1000 are the compiler's: with an error among
    them there is no artifact. From 1000 on they are findings on a policy that compiles."""

    _value_: str
    severity: Severity
    heading: str

    def __new__(cls, number: str, severity: Severity, heading: str) -> Code:
        code = str.__new__(cls, number)
        code._value_ = number
        code.severity, code.heading = severity, heading
        return code

    @property
    def is_finding(self) -> bool:
        """Whether it is said of a policy that compiles."""
        return self >= "SC1000"

    # How it is written
    UNEXPECTED_WORD = "SC0001", Severity.ERROR, "a word or a sign is missing, misspelt or out of place"
    UNKNOWN_SIGN = "SC0002", Severity.ERROR, "a sign that the language does not have"
    UNCLOSED_TEXT = "SC0003", Severity.ERROR, "a text or a pattern is not closed, or has an unknown escape"
    MALFORMED_WORD = "SC0004", Severity.ERROR, "neither a name nor a number"
    INVISIBLE_CHARACTER = "SC0005", Severity.ERROR, "a character that is not seen"
    UNBALANCED_BRACE = "SC0006", Severity.ERROR, "a brace is not closed, or closes nothing"
    WRONG_COMPARISON = "SC0007", Severity.ERROR, "a comparison with the wrong word or sign"
    RESERVED_WORD = "SC0008", Severity.ERROR, "a word that cannot be a name here"

    # Names
    UNKNOWN_NAME = "SC0101", Severity.ERROR, "a name is not known"
    DECLARED_TWICE = "SC0102", Severity.ERROR, "a name is declared twice"
    IMPORT_NOT_FOUND = "SC0103", Severity.ERROR, "an import leads to no library"
    IMPORT_CYCLE = "SC0104", Severity.ERROR, "imports go in a circle"
    LET_CYCLE = "SC0105", Severity.ERROR, "a `let` is defined by itself"
    EXCEPTION_CYCLE = "SC0106", Severity.ERROR, "exceptions go in a circle"
    AMBIGUOUS_NAME = "SC0107", Severity.ERROR, "a name that several declare"

    # Types and values
    TYPE_MISMATCH = "SC0201", Severity.ERROR, "a condition or a value does not fit the type of the fact"
    UNKNOWN_VALUE = "SC0202", Severity.ERROR, "a value that the fact does not have"
    NUMBER_OUT_OF_RANGE = "SC0203", Severity.ERROR, "a number out of its range"
    INVALID_PATTERN = "SC0204", Severity.ERROR, "a pattern that RE2 rejects"
    DESCENDING_RANGE = "SC0205", Severity.ERROR, "`between` runs downwards"
    IMPOSSIBLE_COUNT = "SC0206", Severity.ERROR, "`at least` with a number that cannot be"

    # What a policy needs and may have
    REQUIRED_MISSING = "SC0301", Severity.ERROR, "something required is missing"
    GIVEN_TWICE = "SC0302", Severity.ERROR, "something that may stand once stands twice"
    NOT_IN_A_LIBRARY = "SC0303", Severity.ERROR, "something in a library that only a policy has"
    UNKNOWN_HEADER = "SC0304", Severity.ERROR, "a header that this compiler does not know"
    UNKNOWN_VERDICT = "SC0305", Severity.ERROR, "not a verdict"
    HIDDEN_STEP = "SC0306", Severity.ERROR, "a step hides the steps after it"

    # Texts
    UNFILLABLE_SLOT = "SC0401", Severity.ERROR, "a slot that cannot be filled"
    SENTENCE_OF_ANOTHER_TYPE = "SC0402", Severity.ERROR, "a sentence that a fact of this type has not"
    INCOMPLETE_BANDS = "SC0403", Severity.ERROR, "bands that leave a value out, or hold none"
    MALFORMED_SENTENCE = "SC0404", Severity.ERROR, "a sentence or a phrase that does not read as one"

    # Limits and files
    LIMIT_REACHED = "SC0501", Severity.ERROR, "a limit is reached"
    UNREADABLE_FILE = "SC0502", Severity.ERROR, "a file that cannot be read"

    # Extending, tables and laws
    NAME_TAKEN = "SC0601", Severity.ERROR, "a name that the extended policy has already"
    NOTHING_TO_OVERRIDE = "SC0602", Severity.ERROR, "nothing of that name to override"
    NOT_OVERRIDABLE = "SC0603", Severity.ERROR, "something that cannot be overridden"
    MISPLACED_EXTEND = "SC0604", Severity.ERROR, "`extend` twice, or not at the beginning"
    EXTENSION_CYCLE = "SC0605", Severity.ERROR, "policies extend one another in a circle"
    LIBRARY_EXTENDED = "SC0606", Severity.ERROR, "a library is extended"
    WRONG_CELL_COUNT = "SC0607", Severity.ERROR, "a row with more or fewer cells than columns"
    MISPLACED_CLAUSE = "SC0608", Severity.ERROR, "a clause of a table that has no place where it stands"
    EMPTY_ROW = "SC0609", Severity.ERROR, "a row that asks nothing"
    EMPTY_LAW = "SC0610", Severity.ERROR, "a law that claims nothing"

    # Allow comments
    INVALID_ALLOWANCE = "SC0701", Severity.WARNING, "a comment that means to allow a finding, and does not"
    UNUSED_ALLOWANCE = "SC0702", Severity.WARNING, "a comment that allows nothing"

    # Findings: examples, properties, laws, criteria and answers
    FAILED_EXAMPLE = "SC1001", Severity.ERROR, "an example fails"
    UNREACHABLE_CLASS = "SC1002", Severity.WARNING, "a class of responses that can never be reached"
    FAILED_PROPERTY = "SC1003", Severity.ERROR, "a property does not hold"
    FAILED_LAW = "SC1004", Severity.ERROR, "a law does not hold"
    UNDECIDED = "SC1005", Severity.WARNING, "a question was not decided"
    EVADED_PROPERTY = "SC1006", Severity.WARNING, "a property that ignorance gets around"
    MISREAD_ANSWER = "SC1007", Severity.ERROR, "an answer that its own criteria read as another verdict"
    BROKEN_REQUIREMENT = "SC1008", Severity.ERROR, "an answer that breaks what its rule requires"

    # Findings: rules, tables and over-refusal
    NEVER_APPLIES = "SC1101", Severity.WARNING, "a rule that never applies"
    NEVER_DECIDES = "SC1102", Severity.WARNING, "a rule that never decides"
    DISJOINT_EXCEPTION = "SC1103", Severity.WARNING, "an exception that never overlaps its rule"
    IDLE_UNLESS = "SC1104", Severity.WARNING, "an `unless` that changes nothing"
    STRICTER_EXCEPTION = "SC1105", Severity.WARNING, "an exception that is stricter than its rule"
    LEFT_TO_DEFAULT = "SC1106", Severity.NOTE, "how much is left to `default`"
    UNMENTIONED_HARM = "SC1107", Severity.NOTE, "kinds of harm that no rule mentions"
    UNSURE_TOO_STRICT = "SC1108", Severity.WARNING, "an `unsure` that is stricter than everything still possible"
    EVADED_REFUSAL = "SC1109", Severity.WARNING, "a refusal that ignorance softens"
    DEFAULT_ABOVE_UNSURE = "SC1110", Severity.WARNING, "a `default` that is stricter than `unsure`"
    REFUSAL_BY_IMAGE = "SC1111", Severity.WARNING, "over-refusal: a refusal that looks at the image alone"
    REFUSAL_WITHOUT_NEIGHBOUR = "SC1112", Severity.WARNING, "over-refusal: a refusal without a laxer neighbour"
    IDLE_EXCEPTION = "SC1113", Severity.WARNING, "over-refusal: an exception that never helps"
    REFUSAL_BY_QUERY = "SC1114", Severity.NOTE, "a refusal that looks at the query alone"
    CONTRADICTORY_ROWS = "SC1115", Severity.ERROR, "rows with different verdicts that apply together"
    GAP_IN_TABLE = "SC1116", Severity.NOTE, "combinations that no row takes"
    BUILT_SENTENCE = "SC1117", Severity.NOTE, "sentences that are built"
    THRESHOLD_INSIDE_BAND = "SC1118", Severity.WARNING, "a threshold inside a band"
    NEVER_SAID = "SC1119", Severity.WARNING, "a text that is never said"
    EQUIVOCAL_SENTENCE = "SC1120", Severity.WARNING, "a sentence that says two things"
    UNREAD_FACT = "SC1121", Severity.NOTE, "a fact that no rule reads"
    UNSURE_WITHHOLDS = "SC1122", Severity.WARNING, "an `unsure` that withholds what is mostly harmless"
