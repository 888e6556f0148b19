"""A complete model directory of 200 KB, and the whole way through it: sound in, codes, text, sound out."""

import shutil
from pathlib import Path

import sentencepiece
import torch

import codec
import dialogue
from golden_dialogue import MOSHI
from speech import speech
from tensors import narrow, save

SEED = 21


def make(golden: Path):
    folder = golden / "tiny-model"
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = golden / "tokenizer.model"
    shutil.copy(tokenizer, folder)
    pieces = sentencepiece.SentencePieceProcessor(str(tokenizer)).get_piece_size()
    source = golden / "tiny-codec" / "model.safetensors"
    shutil.copy(source, folder / "codec.safetensors")

    config = MOSHI | {"dim": 16, "card": codec.TINY.entries, "text_card": pieces}
    model = dialogue.build(config)
    dialogue.randomise(model, SEED)
    dialogue.write(folder, config, narrow(dialogue.published(model)), limit=100_000)

    pcm = torch.from_numpy(speech(12 * codec.SAMPLES_PER_FRAME, seed=11))
    mimi = codec.load(source, codec.TINY, codebooks=8)
    heard, _ = codec.stream(mimi, pcm)
    result = dialogue.trace(dialogue.load(folder), heard.T)
    ready = result["output"][result["output"][:, 0] >= 0]
    print(f"  {pieces} pieces, narrowest choice {dialogue.narrowest_choice(result):.1e}")
    save(
        golden / "tiny-model-answers.safetensors",
        {
            "codes": heard,
            "text": result["text"],
            "output": result["output"],
            "pcm": codec.decode(mimi, ready.T),
        },
    )
