"""Teaches the codec's encoder to hear through a telephone, a room and noise; what the codes mean stays as it is.

    adapt_encoder.py CODEC.safetensors OUT.safetensors --minutes 15 [--workers 2] [--half]

The encoder as it was gives the target: for a clean sound its own latents, for the same sound on the telephone those of the
clean one, and in a room or noise the clean meaning (codebook 0) with the acoustic latents as they were. Quantizer and decoder
are not touched, so codes made before, and models trained on them, stay valid.
"""
import argparse
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import codec as model
import workers
from course import Course
from dialogue_data import QUESTIONS
from places import FRAME
from sampler import Sampler, band_limit, coloured_noise, room, telephone

AVERAGE = 0.998


class Sounds:
    """Pairs of a clean sound and how a microphone gives it, [samples] each."""

    def __init__(self, frames):
        self.corpus, self.frames = Sampler(frames), frames
        self.questions = [np.memmap(path, np.int16, "r") for path in sorted(QUESTIONS.glob("*.raw")) if path.stem != "choose"]

    def clean(self, chance):
        if chance.random() < 0.4:
            return self.corpus.crop(chance)[0]
        clips, count = self.questions[int(chance.integers(len(self.questions)))], self.frames * FRAME
        first = int(chance.integers(len(clips) - count))
        audio = clips[first:first + count].astype(np.float32) / 32768
        # A silence before or after, as between questions.
        edge = int(chance.integers(count // 2))
        if chance.random() < 0.5:
            audio[:edge] = 0
        return audio * 10 ** (chance.uniform(-12, 5) / 20)

    def pair(self, chance):
        """Clean sound, what is heard of it, and whether its acoustic latents too shall be those of the clean sound."""
        clean = np.clip(self.clean(chance), -1, 1).astype(np.float32)
        draw, heard = chance.random(), clean
        if draw < 0.3:
            return clean, heard, True
        line = draw < 0.65
        if chance.random() < (0.3 if line else 0.6):
            heard = room(chance, heard)
        if chance.random() < (0.4 if line else 0.8):
            loud = np.sqrt(np.mean(heard ** 2)) + 1e-4
            heard = heard + coloured_noise(chance, len(heard)) * loud * 10 ** (-chance.uniform(8, 35) / 20)
        if line:
            heard = telephone(chance, heard)
        elif chance.random() < 0.3:
            heard = band_limit(chance, heard)
        return clean, np.clip(heard, -1, 1).astype(np.float32), line

    def batch(self, size, seed):
        chance = np.random.default_rng(seed)
        return tuple(np.stack(part) for part in zip(*(self.pair(chance) for _ in range(size))))


def ears(codec):
    return nn.ModuleList([codec.encoder, codec.encoder_transformer])


def distances(quantizer, latent):
    """What the quantizer sees: [batch, frames, 32] for codebook 0 and for the others."""
    return quantizer.rvq_first.input_proj(latent), quantizer.rvq_rest.input_proj(latent)


def loss_of(codec, teacher, clean, heard, is_whole):
    """`is_whole` [batch]: whether all latents shall be the clean sound's, or codebook 0's alone."""
    quantizer = codec.quantizer
    with torch.no_grad():
        meaning, detail = distances(quantizer, teacher.latent(clean))
        _, as_heard = distances(quantizer, teacher.latent(heard))
        detail = torch.where(is_whole[:, None, None], detail, as_heard)
        book = quantizer.codebooks[0].embedding
        wanted = quantizer.codebooks[0].nearest(meaning.flatten(0, 1))
        scale = (book - book.mean(0)).pow(2).sum(1).mean(), (detail - detail.mean((0, 1))).pow(2).sum(-1).mean()
    mine, fine = distances(quantizer, codec.latent(heard))
    # How near codebook 0's entries are, as likelihoods: the right one must win.
    near = (mine.flatten(0, 1) @ book.t() - book.pow(2).sum(1) / 2) * (12 / scale[0])
    parts = {"meaning": (mine - meaning).pow(2).sum(-1).mean() / scale[0], "first": F.cross_entropy(near, wanted),
             "detail": (fine - detail).pow(2).sum(-1).mean() / scale[1],
             "same": (near.argmax(-1) == wanted).float().mean()}
    return parts["meaning"] + 0.2 * parts["first"] + parts["detail"], parts


def work(rank, arguments, meeting):
    torch.set_num_threads(1)
    torch.manual_seed(rank)
    codec, teacher = model.load(arguments.codec), model.load(arguments.codec)
    codec.train()
    codec.half = teacher.half = arguments.half
    codec.requires_grad_(False)
    trained = ears(codec).requires_grad_(True)
    parameters = list(trained.parameters())
    average = [p.detach().clone() for p in parameters]
    optimizer = torch.optim.AdamW(parameters, arguments.rate, betas=(0.9, 0.98), weight_decay=0, fused=True)
    sounds, course = Sounds(arguments.frames), Course(rank, meeting, arguments.minutes)
    while course.goes_on():
        step = course.step
        for group in optimizer.param_groups:
            group["lr"] = arguments.rate * min(1, (step + 1) / 100) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * course.part)))
        loss, parts = loss_of(codec, teacher, *map(torch.from_numpy, sounds.batch(arguments.batch, (7, rank, step))))
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        if meeting:
            meeting.average_gradients(rank, step, parameters)
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(average, parameters, 1 - min(AVERAGE, (1 + step) / (10 + step)))
        if course.took(parts):
            save(codec, parameters, average, arguments.out)
    if rank == 0:
        save(codec, parameters, average, arguments.out)


@torch.no_grad()
def save(codec, parameters, average, path):
    kept = [p.clone() for p in parameters]
    torch._foreach_copy_(parameters, average)
    model.save(codec, path + ".part")
    pathlib.Path(path + ".part").rename(path)
    torch._foreach_copy_(parameters, kept)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("codec")
    parser.add_argument("out")
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batch", type=int, default=4, help="crops per worker and step")
    parser.add_argument("--frames", type=int, default=32, help="of 80 ms per crop")
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--half", action="store_true")
    arguments = parser.parse_args()
    workers.run(work, arguments, lambda: sum(p.numel() for p in ears(model.load(arguments.codec)).parameters()))


if __name__ == "__main__":
    main()
