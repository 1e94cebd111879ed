"""SafeCoT-DSL: safety policies as programs for vision-language models.

    import safecot_dsl as sc

    policy = sc.load("household_chemicals.safecot")
    sc.decide(policy, {"image.objects": ["bleach", "ammonia"], "query.intent": "mix"}).verdict

What stands in `__all__` is the public API (`docs/reference/python.md`). Importing the package loads none of it: each
name is looked up when it is used.
"""

__version__ = "0.1.0"

__all__ = [
    "UNKNOWN",
    "Case",
    "CaseError",
    "Decision",
    "Diagnostic",
    "DiagnosticsError",
    "Explanation",
    "FactsError",
    "FolderError",
    "FrameError",
    "Grade",
    "MissingExtraError",
    "NoSuchCaseError",
    "Policy",
    "RenderedText",
    "RewardError",
    "SafecotError",
    "SourcedSentence",
    "Span",
    "UndecidedError",
    "UsageError",
    "Verdict",
    "cases",
    "check",
    "decide",
    "decide_table",
    "explain",
    "grade",
    "load",
    "render",
    "rewards",
]

TYPE_CHECKING = False  # `typing` would be most of what importing the package costs
if TYPE_CHECKING:
    from safecot_dsl import rewards as rewards
    from safecot_dsl.api import (
        UNKNOWN,
        Case,
        CaseError,
        Decision,
        Diagnostic,
        DiagnosticsError,
        Explanation,
        FactsError,
        FolderError,
        FrameError,
        Grade,
        MissingExtraError,
        NoSuchCaseError,
        Policy,
        RenderedText,
        RewardError,
        SafecotError,
        SourcedSentence,
        Span,
        UndecidedError,
        UsageError,
        Verdict,
        cases,
        check,
        decide,
        decide_table,
        explain,
        grade,
        load,
        render,
    )


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    if name in ("render", "rewards"):  # folders of this name; that of `render` can be called (safecot_dsl.api.texts)
        import_module("safecot_dsl.api")
        return import_module(f"safecot_dsl.{name}")
    return getattr(import_module("safecot_dsl.api"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
