"""Judging answers: by the policy's own criteria, by a model, or by both, with how far they agree.

The folder of answers is judged by :func:`safecot_dsl.evaluation.judging.judged.judge_folder`.
"""

from safecot_dsl.evaluation.judging.agreement import ORDER, Differing, JudgeAgreement, Kappa, agree, in_turn
from safecot_dsl.evaluation.judging.judgement import Judgement, Read
from safecot_dsl.evaluation.judging.model import JudgeSettings, JudgingError, ModelJudge
from safecot_dsl.evaluation.judging.reasoning import Reasoned, ReasoningChecker
from safecot_dsl.evaluation.judging.record import Judging, read_differing, read_judged, read_judging

__all__ = [
    "ORDER",
    "Differing",
    "JudgeAgreement",
    "JudgeSettings",
    "Judgement",
    "Judging",
    "JudgingError",
    "Kappa",
    "ModelJudge",
    "Read",
    "Reasoned",
    "ReasoningChecker",
    "agree",
    "in_turn",
    "read_differing",
    "read_judged",
    "read_judging",
]
