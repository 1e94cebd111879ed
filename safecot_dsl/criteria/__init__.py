"""What a right response is: propositions, their detectors, classes, and the grade of a response.

Everything here reads only the artifact's :class:`~safecot_dsl.artifact.Criteria`. What is graded is the final answer;
whoever holds a whole completion takes the reasoning off first.
"""

from safecot_dsl.criteria.conditions import conjunction, evaluate
from safecot_dsl.criteria.detectors import detect, finds
from safecot_dsl.criteria.fencing import fence_mark, fenced
from safecot_dsl.criteria.grader import Grader
from safecot_dsl.criteria.grading import (
    OFF_THE_QUESTION,
    READINGS,
    REQUIREMENT_BROKEN,
    Grade,
    grade,
    grade_judged,
    response_verdict,
)
from safecot_dsl.criteria.heads import VectorReader, load_heads, vectors_at_hand
from safecot_dsl.criteria.judging import JudgePrompt, judge_prompt, read_judgement
from safecot_dsl.criteria.own import criteria_of, own_verbs
from safecot_dsl.criteria.patterns import PatternError
from safecot_dsl.criteria.reachability import TooManyPropositionsError, UnreachableClass, unreachable_classes
from safecot_dsl.criteria.text import fold, fold_quotes, has_text

__all__ = [
    "OFF_THE_QUESTION",
    "READINGS",
    "REQUIREMENT_BROKEN",
    "Grade",
    "Grader",
    "JudgePrompt",
    "PatternError",
    "TooManyPropositionsError",
    "UnreachableClass",
    "VectorReader",
    "conjunction",
    "criteria_of",
    "detect",
    "evaluate",
    "fence_mark",
    "fenced",
    "finds",
    "fold",
    "fold_quotes",
    "grade",
    "grade_judged",
    "has_text",
    "judge_prompt",
    "load_heads",
    "own_verbs",
    "read_judgement",
    "response_verdict",
    "unreachable_classes",
    "vectors_at_hand",
]
