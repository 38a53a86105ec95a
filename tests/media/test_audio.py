import struct
import tracemalloc
import wave
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media.clips import Bytes, Clip, element, matroska, read_all, tone, write_clip
from numpy.typing import NDArray

from service.domain import Media, Sound
from service.errors import MediaTooLong, MediaUnreadable
from service.media import decode
from service.representation import SAMPLE_RATE


def wav(samples: NDArray[np.float32], rate: int, *, mask: int | None = None) -> bytes:
    """A 32-bit float WAV of [n, channels]; `mask` is the speaker mask of an extensible header."""
    samples = samples.reshape(len(samples), -1).astype("<f4")
    channels = samples.shape[1]
    kind = struct.pack("<HHIIHH", 3 if mask is None else 0xFFFE, channels, rate, rate * channels * 4, channels * 4, 32)
    if mask is not None:
        kind += struct.pack("<HHIH", 22, 32, mask, 3) + bytes.fromhex("000000001000800000aa00389b71")
    data = samples.tobytes()
    body = b"WAVEfmt " + struct.pack("<I", len(kind)) + kind + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000])
def test_every_sample_rate_becomes_16_khz_in_step(rate: int) -> None:
    recording = read_all(wav(tone(0, rate, rate), rate))
    ((start, end),) = recording.runs
    assert start == 0
    assert abs(end - SAMPLE_RATE) <= 1
    inner = slice(500, 15_500)  # away from the edges, where the filter meets silence
    assert np.abs(recording.samples[inner] - tone(0, SAMPLE_RATE, SAMPLE_RATE)[inner]).max() < 0.01


def test_16_khz_mono_of_16_bits_passes_unchanged() -> None:
    samples = np.random.default_rng(0).integers(-32768, 32767, 20_000, endpoint=True).astype(np.float32) / np.float32(
        32768
    )
    recording = read_all(wav(samples, SAMPLE_RATE))
    assert recording.samples.dtype == np.float32
    assert np.array_equal(recording.samples, samples)


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_samples_are_those_of_16_bits_to_the_nearest(rate: int) -> None:
    samples = np.random.default_rng(0).uniform(-1.1, 1.1, 20_000).astype(np.float32)
    whole = read_all(wav(samples, rate)).samples * 32768
    assert np.array_equal(whole, np.rint(whole))
    assert (whole.min(), whole.max()) == (-32768, 32767)
    if rate == SAMPLE_RATE:
        assert np.abs(whole / 32768 - np.clip(samples, -1, 32767 / 32768)).max() <= 0.5 / 32768


@pytest.mark.parametrize(("channels", "mask"), [(2, None), (2, 3), (3, 0), (4, 0), (6, 0x3F), (8, 0x63F), (5, None)])
def test_several_channels_become_one_no_louder_than_each(channels: int, mask: int | None) -> None:
    samples = np.repeat(tone(0, 16_000, 16_000)[:, None], channels, axis=1)
    mixed = read_all(wav(samples, 16_000, mask=mask)).samples
    assert np.abs(mixed).max() <= 0.51
    assert np.sqrt(np.mean(mixed**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.25)


def test_a_voice_on_one_of_two_channels_is_heard() -> None:
    samples = np.zeros((16_000, 2), np.float32)
    samples[:, 1] = tone(0, 16_000, 16_000)
    assert np.abs(read_all(wav(samples, 16_000)).samples).max() == pytest.approx(0.25, abs=0.01)


def test_what_is_no_number_becomes_silence_and_what_is_too_loud_is_cut() -> None:
    samples = tone(0, 16_000, 16_000)
    samples[[100, 5000]] = np.nan
    samples[200], samples[201] = np.inf, -np.inf
    samples[300], samples[301] = 1e30, -7
    got = read_all(wav(samples, 16_000)).samples
    assert (got[[100, 5000, 200, 201]] == 0).all()
    assert (got[300], got[301]) == (32767 / 32768, -1)
    assert np.abs(got[6000:] - samples[6000:]).max() <= 0.5 / 32768


def test_what_is_no_number_does_not_spread_when_the_rate_changes() -> None:
    samples = tone(0, 48_000, 48_000)
    samples[24_000] = np.nan
    got = read_all(wav(samples, 48_000)).samples
    assert np.isfinite(got).all()
    assert np.abs(got[8500:15_000] - tone(8500, 6500, SAMPLE_RATE)).max() < 0.01


@pytest.mark.parametrize("rate", [1, 100, 3_999, 400_000, 4_000_000])
def test_a_sample_rate_out_of_range_is_refused(rate: int) -> None:
    with pytest.raises(MediaUnreadable):
        read_all(wav(np.zeros(5000, np.float32), rate))


def test_an_impulse_keeps_its_place() -> None:
    samples = np.zeros(48_000, np.float32)
    samples[24_000] = 1
    assert int(np.argmax(read_all(wav(samples, 48_000)).samples)) == 8000


@pytest.mark.parametrize(("container", "codec"), [("matroska", "pcm_s16le"), ("mp4", "aac"), ("mov", "pcm_s16le")])
@pytest.mark.parametrize("start", [0.5, 1.3])
def test_a_sound_track_that_starts_late_keeps_its_time(container: str, codec: str, start: float) -> None:
    recording = read_all(write_clip(Clip(container, audio=codec, seconds=2.0, audio_start=start)))
    assert recording.steps[0] == 0
    assert recording.runs[0][0] == pytest.approx(start * SAMPLE_RATE, abs=SAMPLE_RATE * 0.025)
    assert recording.info.duration == pytest.approx(start + 2.0, abs=0.05)


def test_a_sound_track_that_starts_early_keeps_its_time() -> None:
    recording = read_all(write_clip(Clip("matroska", audio="pcm_s16le", seconds=2.0, video_start=0.8)))
    assert recording.steps[0] == 20
    assert recording.runs[0][0] == 0


def test_sound_before_the_start_of_the_media_is_cut() -> None:
    """An edit list may make the video begin after the sound has begun."""
    data = bytearray(write_clip(Clip("mov", audio="pcm_s16le", seconds=2.0)))
    start = data.rindex(b"elst") + 12
    media_time = struct.unpack_from(">i", data, start + 4)[0]
    assert media_time == 0
    struct.pack_into(">i", data, start + 4, 24_000)
    recording = read_all(bytes(data))
    ((first, end),) = recording.runs
    assert first == 0
    assert end == pytest.approx(1.5 * SAMPLE_RATE, abs=700)
    assert recording.info.frames == 50


def test_a_long_recording_is_read_in_little_memory() -> None:
    source = Bytes(wav(np.zeros(16_000 * 120, np.float32), 16_000))
    tracemalloc.start()
    with decode(source) as media:
        count = sum(len(item.samples) for item in media if isinstance(item, Sound))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 16_000 * 120
    assert peak < 4_000_000


def test_a_real_gap_in_the_sound_keeps_its_time() -> None:
    recording = read_all(write_clip(Clip("matroska", audio="pcm_s16le", seconds=3.0, audio_gap=(1.0, 2.0))))
    (first, second) = recording.runs
    assert np.abs(np.array([first, second]) - [[0, SAMPLE_RATE], [2 * SAMPLE_RATE, 3 * SAMPLE_RATE]]).max() < 400


def test_a_gap_shorter_than_40_ms_is_closed() -> None:
    recording = read_all(write_clip(Clip("matroska", audio="pcm_s16le", seconds=2.0, audio_gap=(1.0, 1.02))))
    assert len(recording.runs) == 1


def test_times_rounded_to_milliseconds_make_no_gap() -> None:
    recording = read_all(write_clip(Clip("matroska", None, "libmp3lame", seconds=10.0, sample_rate=44_100)))
    assert len(recording.runs) == 1
    assert len(recording.samples) == pytest.approx(10 * SAMPLE_RATE, abs=800)


def test_a_gap_costs_no_memory_and_no_samples() -> None:
    recording = read_all(write_clip(Clip("matroska", audio="pcm_s16le", seconds=1000.0, audio_gap=(0.5, 999.5),
                                         video_times=[0.0, 0.04])))  # fmt: skip
    assert len(recording.runs) == 2
    assert len(recording.samples) < 1.1 * SAMPLE_RATE


BLOCK = 100
"""Milliseconds of sound in each block of `timed`."""


def timed(times: list[int]) -> bytes:
    """A Matroska recording of blocks of 16 kHz sound at these milliseconds, the samples of block i all i + 1."""
    sound = element("B5", struct.pack(">d", 16_000.0)) + element("9F", b"\1") + element("6264", b"\x10")
    track = element("83", b"\2") + element("86", b"A_PCM/INT/LIT") + element("E1", sound)
    return matroska(track, [(time, struct.pack("<h", i + 1) * (16 * BLOCK)) for i, time in enumerate(times)])


def test_sound_that_goes_back_is_given_once() -> None:
    recording = read_all(timed([0, 100, 200, 150, 250, 350]))
    assert recording.runs == [(0, 16 * 450)]
    order = np.round(recording.samples[::1600] * 32768).astype(int).tolist()
    assert order == [1, 2, 3, 5, 6]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-1, 5000), min_size=1, max_size=8))
def test_any_times_give_sound_that_never_overlaps_nor_starts_before_zero(times: list[int]) -> None:
    recording = read_all(timed(times))
    end = 0
    for sound in recording.sounds:
        assert sound.start >= end
        end = sound.start + len(sound.samples)
    assert sum(len(sound.samples) for sound in recording.sounds) <= 16 * BLOCK * len(times)


@pytest.mark.parametrize("leap", [10**7, 10**12, 2**53, 2**62])
def test_a_leap_in_time_beyond_the_limit_is_too_long_and_costs_nothing(leap: int) -> None:
    sounds: list[Media] = []
    with decode(Bytes(timed([0, 100, leap, leap + 100]))) as media, pytest.raises(MediaTooLong):
        sounds.extend(media)
    assert len(sounds) == 2


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(100, 3000), min_size=1, max_size=6), st.sampled_from([8_000, 44_100, 48_000]))
def test_any_length_of_sound_comes_out_whole(lengths: list[int], rate: int) -> None:
    samples = tone(0, sum(lengths), rate)
    recording = read_all(wav(samples, rate))
    assert abs(len(recording.samples) - len(samples) * SAMPLE_RATE / rate) <= 1


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF000])
def test_wav_of_a_recorder_that_did_not_know_the_length_is_read(size: int) -> None:
    data = bytearray(wav(tone(0, 8000, 16_000), 16_000))
    data[4:8] = struct.pack("<I", size)
    start = data.index(b"data") + 4
    data[start : start + 4] = struct.pack("<I", size)
    assert len(read_all(bytes(data)).samples) == 8000


def test_wav_of_eight_bits_is_read() -> None:
    file = BytesIO()
    with wave.open(file, "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(1)
        output.setframerate(16_000)
        output.writeframes(bytes([128, 255, 0, 128]) * 400)
    assert np.array_equal(read_all(file.getvalue()).samples[:4], np.array([0, 127 / 128, -1, 0], np.float32))
