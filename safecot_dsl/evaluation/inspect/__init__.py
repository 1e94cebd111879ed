"""Evaluation items as tasks of inspect_ai, scored by a policy's criteria.

    inspect eval safecot_dsl/items --model vllm/MODEL -T items=items.parquet -T policy=policy.safecot

`tasks` is what inspect_ai's entry point names: it is imported by inspect_ai alone, which need not be installed here.
"""
