import json
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media.clips import voice
from numpy.typing import NDArray

from service.domain import Sound
from service.media import MediaLimits
from service.media.samples import SETTLED, SamplePoint, Samples, read_point

LIMITS = MediaLimits()


def frame(samples: NDArray[np.float32], rate: int, form: str = "fltp", layout: str = "mono") -> av.AudioFrame:
    planes = np.repeat(samples[None].astype(np.float32), av.AudioLayout(layout).nb_channels, axis=0)
    if form == "s16":
        packed = np.round(planes.T * 32767).astype(np.int16).reshape(1, -1)
        made = av.AudioFrame.from_ndarray(packed, form, layout)
    else:
        made = av.AudioFrame.from_ndarray(np.ascontiguousarray(planes), form, layout)
    made.sample_rate = rate
    return made


class Track:
    """Pieces of sound with their times, and what comes of those from number `first` on."""

    def __init__(self, pieces: list[tuple[Fraction | None, int, int, str, str]]) -> None:
        self.pieces = pieces

    def run(self, first: int = 0, samples: Samples | None = None) -> tuple[list[Sound], list[SamplePoint]]:
        samples = samples or Samples(LIMITS)
        sounds: list[Sound] = []
        points: list[SamplePoint] = []
        begin = 0
        for number, (time, count, rate, form, layout) in enumerate(self.pieces):
            if number >= first:
                points.append(samples.point)
                sounds.extend(samples.push(frame(voice(begin, count, rate), rate, form, layout), time, 0.0))
            begin += count
        sounds.extend(samples.flush())
        return sounds, points


def by_place(sounds: list[Sound], start: int) -> dict[int, float]:
    return {sound.start + at: float(value) for sound in sounds for at, value in enumerate(sound.samples)
            if sound.start + at >= start}  # fmt: skip


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000, 44_099])
@pytest.mark.parametrize(("form", "layout"), [("fltp", "mono"), ("s16", "stereo"), ("fltp", "5.0(side)")])
def test_from_any_frame_on_the_same_samples_come_bit_by_bit(rate: int, form: str, layout: str) -> None:
    track = Track([(None, 700 + 13 * index, rate, form, layout) for index in range(30)])
    whole, points = track.run()
    for first in range(0, 30, 4):
        point = points[first]
        assert read_point(json.loads(json.dumps(point.to_json()))) == point
        start = point.begin + SETTLED if first else 0
        rest, _ = track.run(first, Samples(LIMITS, point, start))
        assert by_place(rest, start) == by_place(whole, start)
        assert all(sound.start >= start for sound in rest)


pieces = st.lists(
    st.tuples(
        st.sampled_from([None, None, 0, 0, 1, 50, 700, -100]),
        st.integers(100, 3000),
        st.sampled_from([8_000, 8_000, 44_100, 48_000]),
        st.just("fltp"),
        st.sampled_from(["mono", "mono", "stereo"]),
    ),
    min_size=2,
    max_size=10,
)


@settings(max_examples=40, deadline=None)
@given(pieces, st.data())
def test_gaps_leaps_back_and_changes_of_format_make_no_difference_to_that(
    drawn: list[tuple[int | None, int, int, str, str]], data: st.DataObject
) -> None:
    """Times are given as milliseconds by which a piece misses the end of the one before."""
    timed: list[tuple[Fraction | None, int, int, str, str]] = []
    clock = Fraction(0)
    for miss, count, rate, form, layout in drawn:
        clock += Fraction(miss or 0, 1000)
        timed.append((None if miss is None else clock, count, rate, form, layout))
        clock += Fraction(count, rate)
    track = Track(timed)
    whole, points = track.run()
    first = data.draw(st.integers(0, len(drawn) - 1))
    start = max(points[first].begin + SETTLED, data.draw(st.integers(0, 20_000)))
    rest, _ = track.run(first, Samples(LIMITS, points[first], start))
    expected = by_place(whole, start)
    # Sound that leapt back was given before the frame that reading goes on with; the same places come only once.
    assert by_place(rest, start) == {place: value for place, value in expected.items() if place >= start}


def test_no_samples_are_lost_or_made_between_frames() -> None:
    whole, _ = Track([(None, 441, 44_100, "fltp", "mono")] * 100).run()
    assert sum(len(sound.samples) for sound in whole) == 16_000
    assert all(sound.start == end for sound, end in zip(whole[1:], (one.start + len(one.samples) for one in whole),
                                                        strict=False))  # fmt: skip


@pytest.mark.parametrize(
    ("value", "level"),
    [(3e38, 32767 / 32768), (-3e38, -1.0), (1e-45, 0.0), (np.nan, 0.0), (np.inf, 0.0), (-np.inf, 0.0)],
)
def test_samples_beyond_all_measure_are_cut_and_what_is_no_number_is_silence(value: float, level: float) -> None:
    sounds = Samples(LIMITS).push(frame(np.full(1600, value, np.float32), 16_000), Fraction(0), 0.0)
    assert {float(sample) for sound in sounds for sample in sound.samples} == {level}


def test_samples_say_when_their_bytes_arrived() -> None:
    samples = Samples(LIMITS)
    (sound,) = samples.push(frame(voice(0, 1600, 16_000), 16_000), Fraction(0), 12.5)
    assert sound.arrived == 12.5
