"""DPO and GRPO steps on the miniature, beside TRL's `DPOTrainer` and `GRPOTrainer`."""
