"""Judges a codec on held-out speech: evaluate.py CODEC.safetensors [--count 20] [--save DIR] [--codebooks N] [--ears]

Prints one row per group: WER of the original and of the decoded sound by Whisper-base (against the text where it is
known, else against what Whisper reads in the original), STOI, PESQ-wb, log-mel distance; then the use of the codebooks.
`--ears`: how many codes of 60 held questions, heard through a microphone as in the dialogue's test, are those of the clean sound.
This is PyTorch, to choose by; judge_codec.py judges what the runtime makes.
"""
import argparse
import ctypes
import json
import pathlib
import re
import warnings

import numpy as np
import soundfile
import torch
from num2words import num2words
from scipy.signal import resample_poly

import codec as model
from places import FRAME, RATE, ROOT, TEACHERS
from sound import load


def words(text, language="en"):
    """Lower case, without marks; numbers spelled: a recogniser writes "1" or "one" as it likes. Long ones digit by digit."""
    def spelled(found):
        digits = found.group()
        parts = [digits] if len(digits) < 3 else digits
        return " " + " ".join(num2words(int(part), lang=language) for part in parts) + " "
    text = re.sub(r"\d+", spelled, text.lower().replace("’", "'"))
    return re.sub(r"[^\w' ]", " ", text).split()


class Judge:
    """Whisper-base."""

    kept, languages = "held-out.read.json", ("en", "it", "ru")

    def __init__(self, threads):
        from faster_whisper import WhisperModel
        self.model = WhisperModel(str(TEACHERS / "whisper-base"), device="cpu", compute_type="int8", cpu_threads=threads)

    def read(self, audio, language):
        at16 = resample_poly(audio, 2, 3).astype(np.float32)
        segments, _ = self.model.transcribe(at16, language=language, beam_size=1, condition_on_previous_text=False)
        return words(" ".join(segment.text for segment in segments), language)


class Moonshine:
    """A second judge, for English alone: no training here has used it (Moonshine base by `moonshine-cpp`; Jeffries et al. 2024)."""

    kept, languages = "held-out.moonshine.json", ("en",)

    def __init__(self, threads):
        try:
            from moonshine_cpp import moonshine_cpp
        except ImportError:
            raise SystemExit("The second judge is not installed: run tools/train/get-teachers again.")
        self.library = moonshine_cpp.moonshine_lib
        folder = pathlib.Path(moonshine_cpp.__file__).parent / "models" / "base-en"
        files = [str(folder / name).encode() for name in ("encoder_model.ort", "decoder_model_merged.ort", "tokenizer.bin")]
        self.model = self.library.moonshine_load_model(*files, moonshine_cpp.MOONSHINE_MODEL_TYPE_BASE)
        if self.model < 0:
            raise SystemExit(f"Moonshine's model in {folder} cannot be read: run tools/train/get-teachers again.")

    def read(self, audio, language):
        # The package's own `transcribe` does not run (0.1.4): the library is called as it calls it.
        assert language in self.languages, language
        at16, text = resample_poly(audio, 2, 3).astype(np.float32), ctypes.c_char_p()
        problem = self.library.moonshine_transcribe(
            self.model, at16.ctypes.data_as(ctypes.POINTER(ctypes.c_float)), len(at16), ctypes.byref(text))
        assert problem == 0, problem
        heard = text.value.decode()
        self.library.moonshine_free_text(text)
        return words(heard)


JUDGES = {"whisper": Judge, "moonshine": Moonshine}


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


class Scores:
    """Of one group of clips; what the judge reads in an original is kept in a file."""

    def __init__(self, group, judge, language="en"):
        from pesq import pesq
        from pystoi import stoi
        self.pesq, self.stoi = pesq, stoi
        self.group, self.judge, self.language = group, judge, language
        self.rows, self.truth, self.heard, self.heard_before = [], [], [], []
        self.path = ROOT / (judge or Judge).kept
        self.known = json.loads(self.path.read_text()) if self.path.exists() else {}

    def add(self, name, text, x, y):
        """Original x and decoded y, aligned, of one length."""
        x16, y16 = resample_poly(x, 2, 3), resample_poly(y, 2, 3)
        try:
            quality = self.pesq(16000, x16, y16, "wb")
        except Exception:  # it finds no speech
            quality = float("nan")
        self.rows.append((self.stoi(x16, y16, 16000), quality, mel_distance(x, y)))
        if not self.judge:
            return
        if name not in self.known:
            self.known[name] = " ".join(self.judge.read(x, self.language))
        before = self.known[name].split()
        reference = words(text, self.language) or before
        if reference:
            self.truth.append(" ".join(reference))
            self.heard_before.append(" ".join(before) or "_")
            self.heard.append(" ".join(self.judge.read(y, self.language)) or "_")

    def row(self):
        import jiwer
        self.path.write_text(json.dumps(self.known, indent=0))
        mean = np.nanmean(np.array(self.rows), 0)
        row = dict(group=self.group, clips=len(self.rows), stoi=round(mean[0], 3), pesq=round(mean[1], 2), mel=round(mean[2], 3))
        if self.judge:
            row |= dict(words=sum(len(t.split()) for t in self.truth), wer=round(100 * jiwer.wer(self.truth, self.heard), 1),
                        wer_original=round(100 * jiwer.wer(self.truth, self.heard_before), 1))
        return row


def use(codes, cardinality):
    """How many entries of each codebook occur, and their perplexity."""
    used, perplexity = [], []
    for level in codes.T:
        share = np.bincount(level, minlength=cardinality) / len(level)
        used.append(int((share > 0).sum()))
        perplexity.append(round(float(np.exp(-(share[share > 0] * np.log(share[share > 0])).sum()))))
    return dict(frames=len(codes), entries_used=used, perplexity=perplexity)


def spread(items, count):
    """So many of a list, evenly from its whole length."""
    return items[::max(1, len(items) // count)][:count]


def held_out(group, count):
    clips = [clip for clip in json.loads((ROOT / "held-out.json").read_text()) if clip["group"] == group]
    return spread(clips, count)


def ears(codec):
    """The share of equal codes of each codebook, clean and through a microphone: a row to print."""
    from dialogue_data import frames_of, held
    from judge import through_microphone
    codes = lambda sound: codec.encode(torch.from_numpy(sound)[None])[0]
    sounds = [frames_of(audio) for _, audio in held(60)]
    same = [codes(clean) == codes(heard) for clean, heard in zip(sounds, through_microphone(sounds))]
    return dict(group="microphone", clips=len(same), same=[round(share, 3) for share in torch.cat(same).float().mean(0).tolist()])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("codec")
    parser.add_argument("--count", type=int, default=20, help="clips of each group")
    parser.add_argument("--codebooks", type=int)
    parser.add_argument("--save")
    parser.add_argument("--no-words", action="store_true", help="without Whisper")
    parser.add_argument("--ears", action="store_true", help="only: are codes in a room, noise and the telephone's band those of the clean sound?")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(arguments.threads)
    codec = model.load(arguments.codec)
    if arguments.ears:
        return print(json.dumps(ears(codec)))
    judge = None if arguments.no_words else Judge(arguments.threads)
    all_codes = []
    for group in ("assistant", "unseen", "recorded"):
        scores = Scores(group, judge, "it" if group == "recorded" else "en")
        for clip in held_out(group, arguments.count):
            x = load(ROOT / "held-out" / clip["file"])
            y, codes = through(codec, x, arguments.codebooks)
            all_codes.append(codes)
            if arguments.save:
                pathlib.Path(arguments.save).mkdir(parents=True, exist_ok=True)
                soundfile.write(pathlib.Path(arguments.save) / f"{pathlib.Path(clip['file']).stem}.wav", y.clip(-1, 1), RATE)
            scores.add(clip["file"], clip["text"], x, y)
        print(json.dumps(scores.row()), flush=True)
    print(json.dumps(use(np.concatenate(all_codes), codec.c.cardinality)))


if __name__ == "__main__":
    main()
