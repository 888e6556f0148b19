"""Judges a codec on held-out speech: evaluate.py CODEC.safetensors [--count 20] [--save DIR] [--codebooks N]

Prints one row per group: WER of the original and of the decoded sound by Whisper-base (against the text where it is
known, else against what Whisper reads in the original), STOI, PESQ-wb, log-mel distance; then the use of the codebooks.
With --pairs DIR it judges DIR/NAME.wav (decoded by the runtime, aligned) against the held-out NAME.flac instead.
"""
import argparse
import json
import pathlib
import re
import warnings

import numpy as np
import soundfile
import torch
from scipy.signal import resample_poly

import codec as model
from places import FRAME, RATE, ROOT, TEACHERS
from sound import load

ONES = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen").split()
TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()


def spell(number):
    if number < 20:
        return ONES[number]
    if number < 100:
        return TENS[number // 10] + ("" if number % 10 == 0 else " " + ONES[number % 10])
    return " ".join(ONES[int(digit)] for digit in str(number))


def words(text):
    text = re.sub(r"\d+", lambda found: f" {spell(int(found.group()))} ", text.lower().replace("’", "'"))
    return re.sub(r"[^\w' ]", " ", text).split()


class Judge:
    def __init__(self, threads):
        from faster_whisper import WhisperModel
        self.model = WhisperModel(str(TEACHERS / "whisper-base"), device="cpu", compute_type="int8", cpu_threads=threads)

    def read(self, audio, language):
        at16 = resample_poly(audio, 2, 3).astype(np.float32)
        segments, _ = self.model.transcribe(at16, language=language, beam_size=1, condition_on_previous_text=False)
        return words(" ".join(segment.text for segment in segments))


def mel_distance(x, y):
    bank, shape = model.mel_bank(1024, 80, RATE), torch.hann_window(1024)
    mel = lambda a: torch.log(torch.fft.rfft(torch.from_numpy(a).unfold(-1, 1024, 256) * shape).abs() @ bank + 1e-3)
    return float((mel(x) - mel(y)).abs().mean())


def through(codec, audio, codebooks=None):
    """Encoded, decoded, and moved back by the codec's delay; and the codes."""
    frames = -(-(len(audio) + codec.c.delay) // FRAME)
    x = torch.zeros(1, frames * FRAME)
    x[0, :len(audio)] = torch.from_numpy(audio)
    codes = codec.encode(x)
    y = codec.decode(codes[..., :codebooks])[0].numpy()
    return y[codec.c.delay:][:len(audio)], codes[0].numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("codec")
    parser.add_argument("--count", type=int, default=20, help="clips of each group")
    parser.add_argument("--codebooks", type=int)
    parser.add_argument("--pairs")
    parser.add_argument("--save")
    parser.add_argument("--no-words", action="store_true", help="without Whisper")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    import jiwer
    from pesq import pesq
    from pystoi import stoi
    torch.set_num_threads(arguments.threads)
    codec = model.load(arguments.codec)
    held = json.loads((ROOT / "held-out.json").read_text())
    known_path = ROOT / "held-out.read.json"
    known = json.loads(known_path.read_text()) if known_path.exists() else {}
    judge = None if arguments.no_words else Judge(arguments.threads)
    all_codes = []
    for group in ("assistant", "unseen", "recorded"):
        clips = [clip for clip in held if clip["group"] == group]
        clips = clips[::max(1, len(clips) // arguments.count)][:arguments.count]
        language = "it" if group == "recorded" else "en"
        rows, truth, heard, heard_before = [], [], [], []
        for clip in clips:
            x = load(ROOT / "held-out" / clip["file"])
            name = pathlib.Path(clip["file"]).stem
            if arguments.pairs:
                y = load(pathlib.Path(arguments.pairs) / f"{name}.wav")[:len(x)]
                y = np.pad(y, (0, len(x) - len(y)))
            else:
                y, codes = through(codec, x, arguments.codebooks)
                all_codes.append(codes)
            if arguments.save:
                pathlib.Path(arguments.save).mkdir(parents=True, exist_ok=True)
                soundfile.write(pathlib.Path(arguments.save) / f"{name}.wav", y.clip(-1, 1), RATE)
            x16, y16 = resample_poly(x, 2, 3), resample_poly(y, 2, 3)
            try:
                quality = pesq(16000, x16, y16, "wb")
            except Exception:
                quality = float("nan")
            rows.append((stoi(x16, y16, 16000), quality, mel_distance(x, y)))
            if judge:
                if clip["file"] not in known:
                    known[clip["file"]] = " ".join(judge.read(x, language))
                before = known[clip["file"]].split()
                reference = words(clip["text"]) or before
                if not reference:
                    continue
                truth.append(" ".join(reference))
                heard_before.append(" ".join(before) or "_")
                heard.append(" ".join(judge.read(y, language)) or "_")
        known_path.write_text(json.dumps(known, indent=0))
        mean = np.nanmean(np.array(rows), 0)
        row = dict(group=group, clips=len(rows), stoi=round(mean[0], 3), pesq=round(mean[1], 2), mel=round(mean[2], 3))
        if judge:
            row |= dict(words=sum(len(t.split()) for t in truth), wer=round(100 * jiwer.wer(truth, heard), 1),
                        wer_original=round(100 * jiwer.wer(truth, heard_before), 1))
        print(json.dumps(row), flush=True)
    if all_codes:
        codes = np.concatenate(all_codes)
        used, perplexity = [], []
        for level in codes.T:
            share = np.bincount(level, minlength=codec.c.cardinality) / len(level)
            used.append(int((share > 0).sum()))
            perplexity.append(round(float(np.exp(-(share[share > 0] * np.log(share[share > 0])).sum()))))
        print(json.dumps(dict(frames=len(codes), entries_used=used, perplexity=perplexity)))


if __name__ == "__main__":
    main()
