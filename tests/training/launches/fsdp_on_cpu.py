"""`safecotc` under FSDP2 without a GPU, which Accelerate otherwise takes for plain data parallelism."""

import sys

import accelerate.accelerator
import accelerate.state
import torch.distributed
from accelerate.utils import DistributedType

torch.distributed.init_process_group("gloo")


def _as_on_gpus(self, cpu=False, *arguments, **options):
    return "gloo", DistributedType.MULTI_GPU


def _on_the_cpu(self):
    self.device = torch.device("cpu")


_make = accelerate.accelerator.Accelerator.__init__


def _made(self, *arguments, **options):
    _make(self, *arguments, **options)
    if self.distributed_type is not DistributedType.FSDP:  # or the test would show something else
        sys.exit(f"this is {self.distributed_type}, not FSDP")


accelerate.state.PartialState._prepare_backend = _as_on_gpus
accelerate.state.PartialState.set_device = _on_the_cpu
accelerate.accelerator.Accelerator.__init__ = _made

from safecot_dsl.cli import main  # noqa: E402

main()
