"""A complete model directory of 200 KB, and the whole way through it: sound in, codes, text, sound out."""

import shutil
from pathlib import Path

import sentencepiece
import torch

from tools.common.sizes import FRAME
from tools.reference import official_codec, official_dialogue
from tools.reference.golden_dialogue import MOSHI
from tools.reference.speech import speech
from tools.reference.tensors import narrow, save

SEED = 21


def make(golden: Path) -> None:
    """Writes tiny-model/ and what it answers to the sound of tiny-codec."""
    folder = golden / "tiny-model"
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = golden / "tokenizer.model"
    shutil.copy(tokenizer, folder)
    pieces = sentencepiece.SentencePieceProcessor(str(tokenizer)).get_piece_size()
    source = golden / "tiny-codec" / "model.safetensors"
    shutil.copy(source, folder / "codec.safetensors")

    config = MOSHI | {"dim": 16, "card": official_codec.TINY.entries, "text_card": pieces}
    model = official_dialogue.build(config)
    official_dialogue.randomise(model, SEED)
    official_dialogue.write(folder, config, narrow(official_dialogue.published(model)), limit=100_000)

    pcm = torch.from_numpy(speech(12 * FRAME, seed=11))
    mimi = official_codec.load(source, official_codec.TINY, codebooks=8)
    heard, _ = official_codec.stream(mimi, pcm)
    result = official_dialogue.trace(official_dialogue.load(folder), heard.T)
    ready = result["output"][result["output"][:, 0] >= 0]
    print(f"  {pieces} pieces, narrowest choice {official_dialogue.narrowest_choice(result):.1e}")
    save(
        golden / "tiny-model-answers.safetensors",
        {
            "codes": heard,
            "text": result["text"],
            "output": result["output"],
            "pcm": official_codec.decode(mimi, ready.T),
        },
    )
