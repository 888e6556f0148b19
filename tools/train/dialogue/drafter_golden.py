"""A tiny drafter with random weights and what it drafts beside a tiny model, for the runtime's tests.

    python -m tools.train.dialogue.drafter_golden [MODEL] [DIRECTORY]

MODEL (Assets/golden/tiny-dialogue/moshi) is a directory with config.json, model.safetensors and input.safetensors;
DIRECTORY (Assets/golden/tiny-drafter) gets config.json, drafter.safetensors and trace.safetensors, each below 100 KB.
Of many seeds one is taken under which no choice is a near-tie.
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from tools.common import tensor_files
from tools.common.places import REPOSITORY
from tools.train.dialogue.drafter import FILE, Drafter, Drafting, describe, digest
from tools.train.dialogue.frozen import Frozen
from tools.train.dialogue.model import Configuration, Dialogue
from tools.train.dialogue.policies import Policy, talk

GOLDEN = REPOSITORY / "Assets" / "golden"
MODULES, WINDOW = 2, 3
POLICIES = ("base", "early", "lazy2", "lazy3", "early+lazy2")


def configuration(directory: Path) -> Configuration:
    """Sizes by config.json, of models without a schedule too."""
    c = json.loads((directory / "config.json").read_text())
    return Configuration(
        width=c["dim"],
        heads=c["num_heads"],
        layers=c["num_layers"],
        hidden=int(c["hidden_scale"] * c["dim"]) * 2 // 3,
        context=c["context"],
        depth_width=c["depformer_dim"],
        depth_heads=c["depformer_num_heads"],
        depth_layers=c["depformer_num_layers"],
        depth_hidden=c["depformer_dim_feedforward"] * 2 // 3,
        schedule=tuple(c.get("depformer_weights_per_step_schedule", range(c["dep_q"]))),
        codebooks=c["dep_q"],
        cardinality=c["card"],
        text=c["text_card"],
        max_period=c["max_period"],
    )


def narrowest(logits: list[Tensor]) -> float:
    """The smallest gap between the best and the second best."""
    best = (line.topk(2, -1).values for line in logits)
    return min(float((pair[..., 0] - pair[..., 1]).min()) for pair in best)


def random_drafter(frozen: Frozen, seed: int) -> Drafter:
    torch.manual_seed(seed)
    drafter = Drafter(frozen, MODULES, WINDOW).requires_grad_(False).eval()
    for name, tensor in drafter.views().items():
        if name.endswith("alpha"):
            tensor.uniform_(0.5, 1.5)
        elif name.endswith("proj.weight") and "layer" not in name:
            tensor.mul_(2)
    return drafter


def traced(frozen: Frozen, user: Tensor, seed: int) -> tuple[Drafter, dict[str, np.ndarray], float]:
    """A drafter, its trace under every policy, and by how little a choice was made."""
    drafter = random_drafter(frozen, seed)
    arrays: dict[str, np.ndarray] = {}
    gap = math.inf
    nothing = torch.full((user.shape[-1],), -1)  # it always speaks
    for name in POLICIES:
        said = talk(frozen, user, nothing, drafter, Policy.parsed(name))
        # The drafts again, from what was remembered: they must be the same, and here their logits are seen.
        logits: list[Tensor] = []
        drafting = Drafting(drafter, 1)
        for s in range(user.shape[1]):
            before = said["drafted"][:, s - 1] if s else None
            drafts = drafting.step(said["exact"][:, s], said["text"][:, s], said["hist"][:, s], before, logits)
            assert (drafts == said["drafts"][:, s]).all()
        probs = said["probs"].float()
        gap = min(gap, narrowest(logits), float((probs[..., 0] / probs[..., 1]).log().min()))
        arrays |= {
            f"{name}.text": said["text"][0].int().numpy(),
            f"{name}.audio": said["hist"][0].int().numpy(),
            f"{name}.drafted": said["drafted"][0].int().numpy(),
            f"{name}.drafts": said["drafts"][0].int().numpy(),
            f"{name}.g": said["g"][0].numpy(),
        }
    return drafter, arrays, gap


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, default=GOLDEN / "tiny-dialogue" / "moshi")
    parser.add_argument("directory", nargs="?", type=Path, default=GOLDEN / "tiny-drafter")
    parser.add_argument("--seeds", type=int, default=100)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    c, state = configuration(arguments.model), load_file(arguments.model / "model.safetensors")
    model = Dialogue(c, torch.randn(c.codebooks, c.cardinality, 4))
    model.take({name: tensor.float() for name, tensor in state.items()})
    frozen = Frozen(model)
    codes, _ = tensor_files.read(arguments.model / "input.safetensors")
    user = torch.from_numpy(codes["codes"].astype(np.int64))[None]
    answers = load_file(arguments.model / "output.safetensors")
    said = talk(frozen, user, torch.full((c.codebooks,), -1))
    assert (said["text"][0] == answers["text"]).all() and (said["ids"][0, :, 1:, 0] == answers["audio"]).all()
    seed = max(range(1, arguments.seeds + 1), key=lambda seed: traced(frozen, user, seed)[2])
    drafter, arrays, gap = traced(frozen, user, seed)
    arguments.directory.mkdir(parents=True, exist_ok=True)
    drafter.save(arguments.directory / FILE)
    describe(arguments.model, arguments.directory, MODULES, WINDOW, digest(state))
    tensor_files.write_arrays(arguments.directory / "trace.safetensors", arrays)
    print(f"seed {seed}: smallest gap between the best two {gap:.1e}")


if __name__ == "__main__":
    main()
