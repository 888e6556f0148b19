"""What the runtime and the trainings rely on, on an untrained codec; one test needs get-teachers.

python -m tools.train.codec.test_codec
"""

import os
import tempfile
import unittest

import numpy as np
import torch
from torch import Tensor

from tools.train.codec import model, recogniser, refining, refit_codebooks, teach_both, teach_decoder
from tools.train.codec.blur import Blur
from tools.train.codec.losses import EnvelopeLoss, LoudnessLoss
from tools.train.codec.model import codec_vectors
from tools.train.codec.quantizer import ResidualQuantizer
from tools.train.data.surroundings import jumping_chord
from tools.train.folders import TEACHERS
from tools.train.judge import reader


class CodecTests(unittest.TestCase):
    codec: model.Codec
    x: torch.Tensor

    @classmethod
    def setUpClass(cls) -> None:
        torch.manual_seed(0)
        cls.codec = model.Codec().eval()
        for book in cls.codec.quantizer.codebooks:
            book.embedding.normal_()
        cls.x = torch.randn(1, 1920 * 24) * 0.1

    def test_later_samples_change_no_earlier_code(self) -> None:
        other = self.x.clone()
        other[:, 1920 * 20 :] = torch.randn(1, 1920 * 4)
        one, two = self.codec.latent(self.x), self.codec.latent(other)
        self.assertTrue(torch.equal(one[:, :20], two[:, :20]))
        self.assertFalse(torch.equal(one[:, 20], two[:, 20]))

    def test_later_codes_change_no_earlier_sample(self) -> None:
        codes = self.codec.encode(self.x)
        other = codes.clone()
        other[:, 20:] = (other[:, 20:] + 1) % 1024
        one, two = self.codec.decode(codes), self.codec.decode(other)
        self.assertEqual(one.shape, self.x.shape)
        self.assertLess((one - two)[:, : 1920 * 20].abs().max(), 1e-6)
        self.assertGreater((one - two)[:, 1920 * 20 :].abs().max(), 1e-6)

    def test_the_context_is_the_only_memory_of_attention(self) -> None:
        layer = self.codec.encoder_transformer.transformer.layers[0]
        x = torch.randn(1, 24, self.codec.c.latent_width)
        other = x.clone()
        other[:, 0] = torch.randn(self.codec.c.latent_width)
        change = (layer(x) - layer(other)).detach().abs().amax((0, 2))
        self.assertGreater(change[self.codec.c.context - 1], 1e-6)
        self.assertLess(change[self.codec.c.context], 1e-6)

    def test_true_spectra_give_the_signal_back_a_hop_late(self) -> None:
        synthesis = self.codec.synthesis
        window, hop = 480, 240
        padded = torch.nn.functional.pad(self.x, (hop, 0))
        spectrum = torch.fft.rfft(padded.unfold(-1, window, hop) * synthesis.window)
        y = synthesis(torch.log(spectrum.abs()), torch.cat([spectrum.real, spectrum.imag], -1))
        self.assertLess((y[:, hop:] - self.x[:, :-hop]).abs().max(), 2e-3)

    def test_a_saved_codec_loads_as_itself(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "codec.safetensors")
            model.save(self.codec, path)
            once = model.load(path)
            model.save(once, path)
            twice = model.load(path)
        self.assertTrue(torch.equal(once.encode(self.x), twice.encode(self.x)))
        self.assertTrue(torch.equal(once.decode(once.encode(self.x)), twice.decode(twice.encode(self.x))))

    def test_a_beam_finds_what_greed_misses_and_greed_is_a_beam_of_one(self) -> None:
        torch.manual_seed(1)
        chain = ResidualQuantizer(model.Configuration(cardinality=6, codebook_width=3), 3)
        for book in chain.codebooks:
            book.embedding.normal_()
        x, places = torch.randn(40, 3), torch.cartesian_prod(*[torch.arange(6)] * 3)
        least = torch.cdist(x, chain.decode(places)).min(1)[0]
        left = {beam: chain.search(x, beam) for beam in (1, 4, 216)}
        self.assertLess((left[216][1][:, 0].norm(dim=1) - least).abs().max(), 1e-5)
        self.assertLess(left[4][1][:, 0].norm(), 0.9 * left[1][1][:, 0].norm())
        self.assertLess((chain.decode(left[4][0][:, 0]) + left[4][1][:, 0] - x).abs().max(), 1e-5)
        rest = x
        for level, book in enumerate(chain.codebooks):
            nearest = torch.cdist(rest, book.embedding).argmin(1)
            self.assertTrue(torch.equal(left[1][0][:, 0, level], nearest))
            rest = rest - book.embedding[nearest]

    def test_refitted_entries_leave_less_over_and_unchosen_ones_stay(self) -> None:
        torch.manual_seed(2)
        before = torch.randn(3, 8, 4) / torch.tensor([1.0, 2.0, 4.0])[:, None, None]
        codes = torch.randint(7, (500, 3))  # nobody chooses the last entry of a level

        def sums(entries: Tensor) -> Tensor:
            return sum(level[mine] for level, mine in zip(entries, codes.unbind(1)))

        z = sums(before + 0.1 * torch.randn_like(before)) + 0.01 * torch.randn(500, 4)
        fitted = refit_codebooks.fitted(z, codes, before, prior=0.01)
        self.assertLess((z - sums(fitted)).pow(2).mean(), 2e-4)
        self.assertGreater((z - sums(before)).pow(2).mean(), 1e-2)
        self.assertTrue(torch.allclose(fitted[:, 7], before[:, 7], atol=1e-6))
        steadfast = refit_codebooks.fitted(z, codes, before, prior=1e9)
        self.assertTrue(torch.allclose(steadfast, before, atol=1e-5))

    def test_a_saved_reader_reads_as_before_and_only_the_codec_it_was_made_for(self) -> None:
        book = self.codec.quantizer.codebooks[0]
        before, codes = reader.Reader(book.embedding, 20).eval(), torch.randint(1024, (2, 9))
        with tempfile.TemporaryDirectory() as folder:
            path, its, other = (os.path.join(folder, name) for name in ("reader", "its", "other"))
            reader.save(before, path)
            after = reader.load(path)
            model.save(self.codec, its)
            changed = model.load(its)
            changed.quantizer.codebooks[0].embedding.mul_(-1)
            model.save(changed, other)
            with self.assertRaises(SystemExit):
                reader.judge(after, other)
        self.assertLess((after(codes) - before(codes)).abs().max(), 0.05)

    def test_fewer_codebooks_decode(self) -> None:
        codes = self.codec.encode(self.x)
        for count in (1, 2, 8):
            self.assertEqual(self.codec.decode(codes[..., :count]).shape, self.x.shape)

    def test_teaching_the_decoder_leaves_the_codes(self) -> None:
        codes, sound = self.codec.encode(self.x), self.codec.decode(self.codec.encode(self.x))
        with torch.no_grad():
            for parameter in teach_decoder.mouth(self.codec).parameters():
                parameter.mul_(1.1)
        self.assertTrue(torch.equal(self.codec.encode(self.x), codes))
        self.assertGreater((self.codec.decode(codes) - sound).abs().max(), 0)

    def test_teaching_both_hears_the_quantizer_and_teaches_past_it_but_for_the_words(self) -> None:
        quantizer, latent = (
            self.codec.quantizer,
            self.codec.latent(self.x).detach().repeat(2, 1, 1).requires_grad_(True),
        )
        other = self.codec.encode(self.x.flip(1)).repeat(2, 1, 1)
        given, _ = teach_both.through(quantizer, latent, other, torch.tensor([False, True]))
        self.assertLess((given[0] - quantizer.decode(quantizer.encode(latent))[0]).abs().max(), 1e-5)
        self.assertTrue(torch.equal(given[1], quantizer.decode(other)[1]))
        (taught,) = torch.autograd.grad(given.sum(), latent)
        sound = quantizer.rvq_rest
        wanted = (sound.output_proj.weight[..., 0] @ sound.input_proj.weight[..., 0]).sum(0)
        self.assertLess((taught[0] - wanted).abs().max(), 1e-4)
        self.assertEqual(float(taught[1].abs().max()), 0)

    def test_the_recogniser_hears_what_whisper_hears_and_counts_what_differs(self) -> None:
        from faster_whisper import WhisperModel
        from faster_whisper.feature_extractor import FeatureExtractor
        from scipy.signal import resample_poly

        encoder, whisper = (
            recogniser.Encoder(),
            WhisperModel(str(TEACHERS / "whisper-base"), device="cpu", compute_type="float32"),
        )
        x = torch.zeros(1, 24000 * 30)
        x[:, : self.x.shape[1]] = self.x.cumsum(1) * 0.1
        spectrum = FeatureExtractor()(resample_poly(x[0].numpy(), 2, 3).astype(np.float32))[:, :3000]
        mine = encoder.spectrum(x)[0][:, :, :3000]
        self.assertLess(np.abs(mine[0].numpy() - spectrum).mean(), 0.01)
        given = encoder.norm(encoder(torch.from_numpy(spectrum)[None])[-1], "layer_norm")
        self.assertLess(np.abs(given[0].numpy() - np.array(whisper.encode(spectrum)).astype(np.float32)[0]).max(), 0.01)
        words, noise = recogniser.WordsLoss(), torch.randn_like(self.x)
        few, many = self.x + 0.01 * noise, (self.x + 0.1 * noise).requires_grad_(True)
        self.assertEqual(words(self.x, self.x).item(), 0)
        loss = words(many, self.x)
        self.assertLess(words(few, self.x).item(), loss.item())
        loss.backward()
        self.assertTrue(torch.isfinite(many.grad).all())
        self.assertGreater(many.grad.abs().max(), 0)

    def test_added_blocks_do_nothing_at_first(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            old, new = os.path.join(folder, "old.safetensors"), os.path.join(folder, "new.safetensors")
            model.save(self.codec, old)
            refining.deepened(old, new, encoder_blocks=5, encoder_middle_blocks=4, decoder_blocks=8)
            old, new = model.load(old), model.load(new)
        self.assertEqual((new.c.encoder_blocks, new.c.encoder_middle_blocks, new.c.decoder_blocks), (5, 4, 8))
        codes = old.encode(self.x)
        self.assertTrue(torch.equal(new.encode(self.x), codes))
        self.assertTrue(torch.equal(new.decode(codes), old.decode(codes)))
        # The rest of them waits to be of use.
        self.assertGreater(new.encoder.blocks[4].contract.weight.abs().max(), 0)

    def test_blurred_codes_sound_alike_and_keep_what_is_said(self) -> None:
        codes, blur = self.codec.encode(self.x), Blur(codec_vectors(self.codec), teach_decoder.ALIKE)
        other = blur(codes, torch.tensor(teach_decoder.DRAWN))
        self.assertTrue(torch.equal(other[..., 0], codes[..., 0]))
        self.assertTrue((blur.near[torch.arange(8), codes] == other[..., None]).any(-1).all())
        self.assertFalse(torch.equal(other, codes))

    def test_only_peaks_above_the_original_are_bursts(self) -> None:
        self.assertEqual(float(teach_decoder.burst(self.x, self.x)), 0)
        self.assertGreater(float(teach_decoder.burst(2 * self.x, self.x)), 0)

    def test_a_jumping_chord_never_stops_and_jumps(self) -> None:
        jumped = 0
        for seed in range(20):
            chord = jumping_chord(np.random.default_rng(seed), 48000)
            loud = np.sqrt((chord.reshape(-1, 2400) ** 2).mean(1))
            self.assertLessEqual(np.abs(chord).max(), 1)
            self.assertGreater(loud.min(), 0.02 * loud.max())
            spectra = np.abs(np.fft.rfft(chord.reshape(-1, 4800) * np.hanning(4800)))
            spectra /= np.linalg.norm(spectra, axis=1, keepdims=True)
            jumped += (spectra[0] @ spectra[-1]) < 0.7
        self.assertGreater(jumped, 10)

    def test_loudness_ignores_level_and_counts_what_is_added_more_than_what_is_missing(self) -> None:
        loudness = LoudnessLoss()
        noise = torch.randn_like(self.x)
        noise[:, 1920 * 12 :] = 0
        times = torch.arange(self.x.shape[1]) / 24000
        tone = 0.1 * torch.sin(2 * torch.pi * 600 * times)[None]
        self.assertLess(float(loudness(tone, tone)), 1e-4)
        self.assertLess(float(loudness(0.3 * tone, tone)), 1e-3)
        few, many, missing = tone + 0.003 * noise, tone + 0.03 * noise, tone
        self.assertLess(float(loudness(few, tone)), float(loudness(many, tone)))
        self.assertLess(float(loudness(missing, many)), float(loudness(many, missing)))
        self.assertGreater(float(loudness.opinion(tone, tone)), 4.5)
        self.assertLess(float(loudness.opinion(many, tone)), float(loudness.opinion(few, tone)))

    def test_loudness_teaches_where_the_measure_no_longer_counts(self) -> None:
        y = (0.1 * torch.randn_like(self.x)).requires_grad_(True)
        LoudnessLoss()(y, 0.01 * self.x.cumsum(1)).backward()
        self.assertTrue(torch.isfinite(y.grad).all())
        self.assertGreater(y.grad.abs().max(), 0)

    def test_envelopes_ignore_level_and_lose_words_in_noise(self) -> None:
        envelope = EnvelopeLoss()
        times = torch.arange(self.x.shape[1]) / 24000
        speech = self.x * torch.sin(2 * torch.pi * 4 * times).relu()
        self.assertLess(float(envelope(0.3 * speech, speech)), 1e-3)
        few, many = (speech + level * torch.randn_like(speech) for level in (0.01, 0.1))
        self.assertLess(float(envelope(few, speech)), float(envelope(many, speech)))

    def test_silence_is_no_disturbance(self) -> None:
        for loss in (LoudnessLoss(), EnvelopeLoss()):
            y = torch.zeros(2, 1920 * 16, requires_grad=True)
            loss(y, torch.zeros(2, 1920 * 16)).backward()
            self.assertTrue(torch.isfinite(y.grad).all())

    def test_critics_and_decoder_learn_from_separate_losses(self) -> None:
        critics, y = teach_decoder.Critics(), self.x.clone().requires_grad_(True)
        learning, deceiving, seeing = critics.losses(y, 0.5 * self.x)
        learning.backward(retain_graph=True)
        self.assertIsNone(y.grad)
        taught = [p.grad.clone() for p in critics.parameters()]
        (deceiving + seeing).backward()
        self.assertGreater(y.grad.abs().max(), 0)
        for before, parameter in zip(taught, critics.parameters()):
            self.assertTrue(torch.equal(before, parameter.grad))


if __name__ == "__main__":
    unittest.main()
