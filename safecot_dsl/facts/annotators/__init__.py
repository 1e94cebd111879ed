"""Facts that labels do not give: read from pictures, found in texts, told by likeness, or asked of a model.

```python
annotators = open_annotators(settings, policy, base_dir=folder, cache=Cache("annotations.sqlite"))
items = annotators.annotate(items)
print(annotators.report)
```
"""

from safecot_dsl.facts.annotators.annotate import Annotators, open_annotators
from safecot_dsl.facts.annotators.calibration import Bin, Calibration, TrustedBand, calibrate
from safecot_dsl.facts.annotators.comparison import Comparison, FactComparison, compare
from safecot_dsl.facts.annotators.digest import annotators_digest
from safecot_dsl.facts.annotators.questions import answer_schema
from safecot_dsl.facts.annotators.report import AnnotationReport, AnnotatorReport, CountedItems, FactCounts, merged
from safecot_dsl.facts.annotators.sensitivity import FactSensitivity, SensitivityReport, Swap, sensitivity
from safecot_dsl.facts.annotators.settings import Annotator, Embedding, Model, Nsfw, Ocr, Pattern

__all__ = [
    "AnnotationReport",
    "Annotator",
    "AnnotatorReport",
    "Annotators",
    "Bin",
    "Calibration",
    "Comparison",
    "CountedItems",
    "Embedding",
    "FactComparison",
    "FactCounts",
    "FactSensitivity",
    "Model",
    "Nsfw",
    "Ocr",
    "Pattern",
    "SensitivityReport",
    "Swap",
    "TrustedBand",
    "annotators_digest",
    "answer_schema",
    "calibrate",
    "compare",
    "merged",
    "open_annotators",
    "sensitivity",
]
