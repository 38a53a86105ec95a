"""Log-mel frames of a sound track, streaming (kaldi-native-fbank; Povey et al., "The Kaldi toolkit", ASRU 2011)."""

import kaldi_native_fbank as knf
import numpy as np
from numpy.typing import NDArray

from service.representation import MEL_BINS, MEL_LEAD, MEL_SHIFT, MEL_WINDOW, SAMPLE_RATE

LOWEST_FREQUENCY = 20.0
"""Hz; lower edge of the first filter."""

HIGHEST_FREQUENCY = 7600.0
"""Hz; upper edge of the last filter, below the roll-off of every resampler to 16 kHz."""

_BLOCK = SAMPLE_RATE
"""Samples handed to Kaldi at once, so that a long push holds no more memory than a short one."""


class LogMel:
    """Natural logarithm of the energies of 64 mel filters, 25 ms every 10 ms, `MEL_LEAD` zero samples first.

    Row j covers the samples 160 j - 960 to 160 j - 561, so the rows 4k to 4k+3 are all that step k of the 25 Hz
    grid may hear. Povey window, pre-emphasis 0.97, mean removed per frame, no dither, no energy. Samples are taken
    as they come, -1 to 1, *not* scaled to 16-bit integers as Kaldi's tools do: the floor of the logarithm,
    2^-23 (-15.94), then lies about where the rounding noise of 16-bit sound does, and digital silence looks like a
    very quiet room. How the samples are split over calls changes nothing; memory is constant.
    """

    def __init__(self) -> None:
        options = knf.FbankOptions()
        options.frame_opts.samp_freq = SAMPLE_RATE
        options.frame_opts.frame_length_ms = 1000 * MEL_WINDOW / SAMPLE_RATE
        options.frame_opts.frame_shift_ms = 1000 * MEL_SHIFT / SAMPLE_RATE
        options.frame_opts.dither = 0.0
        options.frame_opts.snip_edges = True
        options.mel_opts.num_bins = MEL_BINS
        options.mel_opts.low_freq = LOWEST_FREQUENCY
        options.mel_opts.high_freq = HIGHEST_FREQUENCY
        options.use_energy = False
        self._bank = knf.OnlineFbank(options)
        self._rows = 0
        self._bank.accept_waveform(SAMPLE_RATE, [0.0] * MEL_LEAD)

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take the next samples [n]; return the rows [m, 64] that they complete (the first call: also the lead's)."""
        blocks = [samples[at : at + _BLOCK] for at in range(0, max(1, len(samples)), _BLOCK)]
        rows = [row for block in blocks for row in self._push_block(block)]
        return np.stack(rows) if rows else np.empty((0, MEL_BINS), np.float32)

    def _push_block(self, samples: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        self._bank.accept_waveform(SAMPLE_RATE, samples.tolist())
        ready = self._bank.num_frames_ready
        # Kaldi owns the buffer behind a frame and frees it in pop(): copy.
        rows = [np.array(self._bank.get_frame(row), dtype=np.float32) for row in range(self._rows, ready)]
        self._bank.pop(ready - self._rows)
        self._rows = ready
        return rows
