"""Test vectors for the runtime.

    python -m tools.train.codec.trace CODEC.safetensors OUT.safetensors SOUND [--frames 24]

OUT holds `input` [samples], `codes` [frames, codebooks], `pcm` [samples], and what lies between: `features`,
`latent`, `quantized`, `log_magnitude`, `phase` (one row a step). `margin` [frames, 2] says by how much codebook 0 and
the others together won: half the square of what the second best leaves over, less that of the best. Where it is near
0, another order of summation may choose the other.
"""

import argparse

import numpy as np
import torch
from torch import Tensor

from tools.common import tensor_files
from tools.common.sizes import FRAME
from tools.train.codec import model
from tools.train.sound import load


@torch.no_grad()
def trace(codec: model.Codec, x: Tensor) -> dict[str, np.ndarray]:
    """What the codec makes of samples [1, 1920 * frames] on the way to codes and back, one frame or step a row."""
    steps = {"input": x[0]}
    steps["features"] = codec.analysis(x)[0]
    latent = codec.latent(x)
    steps["latent"] = latent[0]
    codes = codec.quantizer.encode(latent)
    steps["codes"] = codes[0]
    quantized = codec.quantizer.decode(codes)
    steps["quantized"] = quantized[0]
    kept: dict[str, torch.Tensor] = {}
    codec.decoder.phase.register_forward_hook(lambda layer, inputs, output: kept.update(phase=output))
    pcm, log_magnitude = codec.synthesize(quantized)
    steps |= {"log_magnitude": log_magnitude[0], "phase": kept["phase"][0], "pcm": pcm[0]}
    margins = []
    for part in (codec.quantizer.rvq_first, codec.quantizer.rvq_rest):
        left = part.search(part.input_proj(latent)[0], max(2, codec.c.beam))[1].pow(2).sum(-1) / 2
        margins.append(left[:, 1] - left[:, 0])
    steps["margin"] = torch.stack(margins, 1)
    return {name: value.numpy().astype(np.int32 if name == "codes" else np.float32) for name, value in steps.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("codec")
    parser.add_argument("out")
    parser.add_argument("sound")
    parser.add_argument("--frames", type=int, default=24)
    arguments = parser.parse_args()
    audio = load(arguments.sound)[: arguments.frames * FRAME]
    x = torch.zeros(1, arguments.frames * FRAME)
    x[0, : len(audio)] = torch.from_numpy(audio)
    result = trace(model.load(arguments.codec), x)
    tensor_files.write_arrays(arguments.out, result)
    print({name: value.shape for name, value in result.items()}, "smallest margin", result["margin"].min())


if __name__ == "__main__":
    main()
