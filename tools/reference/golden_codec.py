"""A Mimi of 38 thousand weights whose attention ring wraps within three frames."""

from pathlib import Path

import torch

from tools.common.sizes import FRAME
from tools.reference import official_codec
from tools.reference.speech import speech
from tools.reference.tensors import save

FRAMES = 12
SEEDS = range(1, 40)


def _weight_normalised(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Convolutions as direction and gain, the way they are trained: `weight_v`, `weight_g`, `w = g v / |v|`."""
    result = {}
    for key, value in tensors.items():
        if key.endswith((".conv.conv.weight", ".convtr.convtr.weight")):
            length = value.float().flatten(1).norm(dim=1).view(-1, 1, 1)
            stem = key.removesuffix("weight")
            result[stem + "weight_v"] = value
            result[stem + "weight_g"] = length
        else:
            result[key] = value
    return result


def _renamed(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Plural attention names, and the names that codebooks had first."""
    names = {
        "in_proj_weight": "in_projs.0.weight",
        "out_proj.weight": "out_projs.0.weight",
        "_codebook._initialized": "_codebook.inited",
        "_codebook.cluster_usage": "_codebook.cluster_size",
        "_codebook.embedding_sum": "_codebook.embed_sum",
    }
    result = {}
    for key, value in tensors.items():
        for old, new in names.items():
            if key.endswith(old):
                key = key.removesuffix(old) + new
        result[key] = value
    return result


def make(golden: Path) -> None:
    """Writes tiny-codec/: the model in three layouts, an input, and the official package's answers."""
    folder = golden / "tiny-codec"
    model = folder / "model.safetensors"
    pcm = torch.from_numpy(speech(FRAMES * FRAME, seed=11))
    for seed in SEEDS:
        mimi = official_codec.randomise(official_codec.TINY, seed, branch=(0.3, 0.8))
        tensors = official_codec.published(mimi, half_precision=True)
        official_codec.write(model, tensors, official_codec.TINY, limit=None)
        # From here on the file speaks: what is compared is what a reader finds in it.
        mimi = official_codec.load(model, official_codec.TINY, codebooks=8)
        gap = official_codec.narrowest_choice(mimi, pcm)
        codes, sound = official_codec.stream(mimi, pcm)
        variety = min(len(row.unique()) for row in codes)
        print(f"  seed {seed}: narrowest choice {gap:.1e}, distinct codes per book at least {variety} of {FRAMES}")
        if gap > 2e-3 and variety >= 7:
            break
    else:
        raise SystemExit("no seed gives a codec without near-ties")
    official_codec.write(model, tensors, official_codec.TINY, limit=100_000)
    official_codec.write(folder / "model-renamed.safetensors", _renamed(tensors), official_codec.TINY, limit=100_000)
    official_codec.write(
        folder / "model-weight-norm.safetensors", _weight_normalised(tensors), official_codec.TINY, limit=100_000
    )
    save(folder / "input.safetensors", {"pcm": pcm})
    save(folder / "output.safetensors", {"codes": codes, "pcm": sound})
    save(folder / "stages.safetensors", official_codec.stages(mimi, pcm))

    few = official_codec.load(model, official_codec.TINY, codebooks=3)
    save(
        folder / "three-codebooks.safetensors",
        {"codes": codes[:3, :4], "pcm": official_codec.decode(few, codes[:3, :4])},
    )
    again = official_codec.load(folder / "model-renamed.safetensors", official_codec.TINY, codebooks=8)
    assert torch.equal(official_codec.stream(again, pcm)[0], codes)
