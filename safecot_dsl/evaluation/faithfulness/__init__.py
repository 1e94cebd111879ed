"""Whether verdicts follow a changed fact, and answers a changed reasoning.

- `interventions`: what is asked again, made from answers;
- `outcomes`: what came back, and the figures of it;
- `image`: pairs of requests that differ in one fact;
- `causal`: both experiments on a model at hand;
- `again`, `asking`, `record`: the second one on a folder of answers, and its files.

Here are the figures alone, which load no parser.
"""

from safecot_dsl.evaluation.faithfulness.effects import Effects, ImageEffects, Intervention, ReasoningEffects

__all__ = ["Effects", "ImageEffects", "Intervention", "ReasoningEffects"]
