"""Two ranks with FSDP2's shards on CPUs: run by test_two_processes.py, fails by an assertion.

accelerate does not shard on CPUs; `fully_shard` does. So what RL does with shards is tried on a
model that is sharded by hand: gather them for a rollout, several backward passes, one whole model.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
import traceback
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from safetensors.torch import load_file
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from transformers import AutoModelForCausalLM

from pipeline.launchers.peers import ALONE
from stages.kinds.pretrain.kind import ModelShape
from stages.models.folder import WEIGHTS
from stages.rl import policy_weights
from stages.tiny.model import build_model
from stages.tiny.tokenizer import build_tokenizer
from stages.training import parallel

PASSES = 3


def main(rank: int) -> None:
    tokenizer = build_tokenizer(["1 + 2 = 3"] * 20, vocab_size=300)
    shape = ModelShape("qwen2", 32, 64, num_layers=2, num_heads=4, num_kv_heads=2)
    models = []
    for _ in range(2):
        torch.manual_seed(0)
        models.append(build_model(shape, tokenizer))
    plain, model = models
    mesh = init_device_mesh("cpu", (2,))
    for layer in model.model.layers:
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)
    ids = torch.arange(8)[None]
    with parallel.whole_weights(model), torch.inference_mode():
        for _ in range(1 + 3 * rank):  # another number of passes in each process
            assert torch.equal(model(input_ids=ids).logits, plain(input_ids=ids).logits)
    with parallel.whole_weights(model):
        if rank == 0:
            folder = Path(tempfile.mkdtemp())
            policy_weights.write(model, tokenizer, folder, torch.float32)
            engine = AutoModelForCausalLM.from_pretrained(folder)
            sent, saved = policy_weights.tensors(model, torch.float32), load_file(folder / WEIGHTS)
            assert sent.keys() == saved.keys()
            assert all(torch.equal(sent[name], tensor) for name, tensor in saved.items())
            shutil.rmtree(folder)
            assert type(engine) is type(plain)
            assert torch.equal(engine(input_ids=ids).logits, plain(input_ids=ids).logits)
    for number in range(PASSES):
        model.set_requires_gradient_sync(number == PASSES - 1)
        batch = ids + number + PASSES * rank
        model(input_ids=batch, labels=batch).loss.backward()
    for number in range(2 * PASSES):
        (plain(input_ids=ids + number, labels=ids + number).loss / 2).backward()
    for ours, theirs in zip(model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours.grad.full_tensor(), theirs.grad, rtol=1e-4, atol=1e-6)
    state = get_model_state_dict(
        model, options=StateDictOptions(full_state_dict=True, cpu_offload=True)
    )
    if rank == 0:
        whole = parallel.plain_like(model)
        whole.load_state_dict(state)
        pairs = zip(whole.parameters(), plain.parameters(), strict=True)
        assert all(torch.equal(ours, theirs) for ours, theirs in pairs)


def listening() -> Iterator[str]:
    """The addresses at which this process listens."""
    own = {os.readlink(path) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()}
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in own:
                words = bytes.fromhex(fields[1].split(":")[0])
                address = b"".join(words[i : i + 4][::-1] for i in range(0, len(words), 4))
                yield socket.inet_ntop(family, address)


if __name__ == "__main__":
    folder = Path(tempfile.mkdtemp())
    ranks = ALONE.ranks(2, folder)
    children = []
    for number in range(2):
        if pid := os.fork():
            children.append(pid)
            continue
        os.environ |= ranks[number].environment()
        code = 1
        try:
            torch.set_num_threads(1)
            parallel.join(timedelta(minutes=2))
            assert set(listening()) <= {"127.0.0.1"}
            main(number)
            dist.destroy_process_group()
            code = 0
        except BaseException:
            traceback.print_exc()
        os._exit(code)
    status = max(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children)
    shutil.rmtree(folder)
    sys.exit(status)
