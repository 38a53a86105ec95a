import json
from collections.abc import Callable
from fractions import Fraction
from io import BytesIO
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media.clips import Bytes, Clip, Recording, as_a_browser_writes, blocks, read_all, voice, write_clip
from media.resuming import Whole, assert_same_from, read_marking, replay, resume_point, take

from service.domain import Media, Picture, ResumePoint, Sound
from service.errors import BodyTooLarge, MediaUnreadable, NoMedia, UnsupportedMedia
from service.media import Mark, MediaLimits, decode

LIVE = {"live": "1"}
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
ABSOLUTE = {"movflags": "frag_keyframe+empty_moov", "frag_duration": "200000"}
SEPARATE = {"movflags": "frag_keyframe+delay_moov+default_base_moof+separate_moof"}
SPEECH = {"application": "voip", "b": "12000", "frame_duration": "60"}

CLIPS = {
    "webm vp8 opus": Clip("webm", "libvpx", "libopus", muxer=LIVE),
    "webm vp9 opus": Clip("webm", "libvpx-vp9", "libopus", muxer=LIVE),
    "webm av1 opus": Clip("webm", "libsvtav1", "libopus", muxer=LIVE),
    "webm vp8 opus for speech": Clip("webm", "libvpx", "libopus", muxer=LIVE, audio_encoder=SPEECH),
    "webm 60 per second": Clip("webm", "libvpx", "libopus", video_times=[i / 60 for i in range(300)], muxer=LIVE),
    "webm 7 per second": Clip("webm", "libvpx", "libopus", video_times=[i / 7 for i in range(35)], muxer=LIVE),
    "webm sound with a gap": Clip("webm", "libvpx", "libopus", audio_gap=(1.5, 3.2), muxer=LIVE),
    "webm video with a gap": Clip(
        "webm", "libvpx", "libopus", video_times=[*(i / 25 for i in range(40)), *(4.4 + i / 25 for i in range(15))],
        muxer=LIVE,
    ),
    "webm sound that starts late": Clip("webm", "libvpx", "libopus", audio_start=1.7, muxer=LIVE),
    "webm sound alone": Clip("webm", None, "libopus", muxer=LIVE | {"cluster_time_limit": "500"}),
    "webm sound in tiny clusters": Clip("webm", None, "libopus", muxer=LIVE | {"cluster_time_limit": "60"}),
    "webm video alone": Clip("webm", "libvpx", None, muxer=LIVE),
    "webm with its index": Clip("webm", "libvpx", "vorbis", sample_rate=44_100, layout="stereo"),
    "matroska h264 opus": Clip("matroska", "libx264", "libopus", muxer=LIVE),
    "matroska h264 open groups": Clip(
        "matroska", "libx264", "libopus", muxer=LIVE, encoder={"x264-params": "open-gop=1:bframes=3"}
    ),
    "matroska h264 low delay": Clip("matroska", "libx264", "libopus", muxer=LIVE, encoder={"tune": "zerolatency"}),
    "matroska mjpeg flac": Clip("matroska", "mjpeg", "flac", sample_rate=44_100, muxer={"cluster_time_limit": "400"}),
    "matroska h264 pcm": Clip("matroska", "libx264", "pcm_s16le", sample_rate=22_050, layout="5.1", muxer=LIVE),
    "mp4 h264 aac": Clip("mp4", "libx264", "aac", muxer=FRAGMENTS),
    "mp4 h264 aac absolute offsets": Clip("mp4", "libx264", "aac", sample_rate=44_100, muxer=ABSOLUTE),
    "mp4 h264 aac separate fragments": Clip("mp4", "libx264", "aac", layout="stereo", muxer=SEPARATE),
    "mp4 vp9 opus": Clip("mp4", "libvpx-vp9", "libopus", muxer=FRAGMENTS),
}  # fmt: skip
BY_A_BROWSER = ("webm vp8 opus", "webm vp9 opus", "webm av1 opus", "webm sound alone", "webm 7 per second")
LOSSY_IN_THE_PAST = 1e-3
"""Opus and Vorbis decoders that start anew converge; those of the other codecs are exact."""


def make(name: str) -> bytes:
    clip = CLIPS[name.removesuffix(" by a browser")]
    clip.seconds, clip.pictures, clip.sound = 5.0, blocks, voice
    clip.encoder = {"g": "20"} | clip.encoder
    data = write_clip(clip)
    return as_a_browser_writes(data) if name.endswith(" by a browser") else data


@pytest.fixture(scope="module", params=[*CLIPS, *(f"{name} by a browser" for name in BY_A_BROWSER)])
def marked(request: pytest.FixtureRequest) -> tuple[str, bytes, Whole]:
    data = make(request.param)
    return request.param, data, read_marking(data)


def resumed(data: bytes, whole: Whole, step: int, sizes: tuple[int, ...] = (777,)) -> tuple[Recording, Whole]:
    """What comes out when reading begins again at the mark of `step`; and that with marks of its own."""
    _, mark = whole.marks[step]
    media = replay(data, mark)
    with decode(Bytes(media, sizes), resume=resume_point(step, mark)) as reader:
        items = list(reader)
        return Recording(items, reader.info), Whole(Recording(items, reader.info), reader.counts, {})


def cut(recording: Recording, start: int) -> Recording:
    """Without the samples before `start`."""
    items: list[Media] = []
    for item in recording.items:
        if isinstance(item, Sound):
            item = Sound(max(start, item.start), item.samples[max(0, start - item.start) :])
        items.append(item)
    return Recording(items, recording.info)


def tolerance(name: str) -> float:
    return LOSSY_IN_THE_PAST if "opus" in name or "webm" in name else 0.0


def test_what_follows_a_mark_is_the_same_as_without_interruption(marked: tuple[str, bytes, Whole]) -> None:
    name, data, whole = marked
    steps = sorted(whole.marks)
    assert len(steps) > 20
    assert steps[-1] > 110
    for step in steps[:: max(1, len(steps) // 8)]:
        start, _ = whole.marks[step]
        recording, again = resumed(data, whole, step)
        assert_same_from(step, start, whole.recording, recording, tolerance(name))
        assert again.counts == whole.counts


def test_marks_move_on_and_are_small(marked: tuple[str, bytes, Whole]) -> None:
    _, _, whole = marked
    marks = [whole.marks[step][1] for step in sorted(whole.marks)]
    places = [mark.replay_from for mark in marks]
    assert places == sorted(places)
    assert len(set(places)) >= 2
    assert all(len(json.dumps(mark.state)) < 600 for mark in marks)
    assert {mark.init_bytes for mark in marks} == {places[0]}
    assert places[0] < 5000


@pytest.fixture(scope="module")
def browser() -> tuple[bytes, Whole]:
    data = make("webm vp8 opus by a browser")
    return data, read_marking(data)


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_from_whatever_mark_and_however_the_replay_is_cut_it_goes_on_the_same(
    browser: tuple[bytes, Whole], data: st.DataObject
) -> None:
    media, whole = browser
    step = data.draw(st.sampled_from(sorted(whole.marks)))
    sizes = tuple(data.draw(st.lists(st.integers(1, 9000), min_size=1, max_size=5)))
    recording, again = resumed(media, whole, step, sizes)
    assert_same_from(step, whole.marks[step][0], whole.recording, recording, LOSSY_IN_THE_PAST)
    assert again.counts == whole.counts


@pytest.mark.parametrize("name", ["webm vp8 opus by a browser", "mp4 h264 aac absolute offsets", "matroska mjpeg flac"])
@pytest.mark.parametrize(("lag", "back"), [(0, 26), (3, 60), (45, 31)])
def test_a_resumed_session_can_be_resumed_again_and_again(name: str, lag: int, back: int) -> None:
    data = make(name)
    whole = read_marking(data, lag=lag, back=back)
    resume: ResumePoint | None = None
    source = data
    generations = 0
    for step in (40, 42, 65, 78):
        with decode(Bytes(source), resume=resume) as media:
            for item in media:
                done = getattr(item, "step", -1) >= step + lag or getattr(item, "start", -1) >= 640 * (step + lag)
                mark = media.mark(step, 640 * max(0, step - back)) if done else None
                if mark is not None:
                    break
            else:
                pytest.fail("no mark")
        resume = resume_point(step, mark)
        source = replay(data, mark)
        generations += 1
        with decode(Bytes(source), resume=resume) as media:
            items = list(media)
            assert media.counts == whole.counts
            start = 640 * max(0, step - back)
            assert_same_from(step, start, whole.recording, Recording(items, media.info), tolerance(name))
    assert generations == 4


def test_a_replay_costs_no_more_than_the_last_seconds_and_whole_recordings_only_their_end(
    browser: tuple[bytes, Whole],
) -> None:
    data, whole = browser
    last = max(whole.marks)
    assert len(replay(data, whole.marks[last][1])) < len(data) * 0.6


@pytest.mark.parametrize(
    ("container", "video", "audio", "muxer"),
    [
        ("mp4", "libx264", "aac", {}),
        ("mp4", "libx264", "aac", {"movflags": "faststart"}),
        ("avi", "mpeg4", "pcm_s16le", {}),
        ("mpegts", "libx264", "aac", {}),
        ("flv", "libx264", "aac", {}),
        ("ogg", None, "libopus", {}),
        ("wav", None, "pcm_s16le", {}),
    ],
)
def test_other_containers_give_no_marks(container: str, video: str | None, audio: str, muxer: dict[str, str]) -> None:
    assert read_marking(write_clip(Clip(container, video, audio, muxer=muxer))).marks == {}


def test_before_it_is_entered_a_reader_has_no_mark_and_no_counts() -> None:
    media = decode(Bytes(write_clip(Clip("webm", "libvpx", "libopus"))))
    assert media.mark(0, 0) is None
    assert media.counts.received == 0


def test_a_step_too_long_ago_gives_no_mark() -> None:
    times = [i / 25 for i in range(1000)]
    data = write_clip(Clip("webm", "libvpx", None, video_times=times, size=(16, 16), muxer=LIVE))
    with decode(Bytes(data)) as media:
        pictures = list(islice(media, 900))
        assert getattr(pictures[-1], "step", None) == 899
        assert media.mark(700, 0) is not None
        assert media.mark(300, 0) is None


@pytest.mark.parametrize("name", ["webm vp8 opus by a browser", "mp4 h264 aac absolute offsets"])
def test_media_that_are_not_those_of_the_checkpoint_are_refused(name: str) -> None:
    data = make(name)
    whole = read_marking(data)
    step = sorted(whole.marks)[-10]
    _, mark = whole.marks[step]
    other = resume_point(step, mark)
    head = data[: mark.init_bytes]
    for wrong in (head, head + data[mark.replay_from + 1 :], data[mark.replay_from :], head + data[-5000:]):
        with pytest.raises((MediaUnreadable, NoMedia, UnsupportedMedia)), decode(Bytes(wrong), resume=other) as media:
            list(media)


def test_a_checkpoint_of_another_kind_of_container_is_refused() -> None:
    whole = read_marking(make("webm vp8 opus"))
    step = sorted(whole.marks)[10]
    resume = resume_point(step, whole.marks[step][1])
    for other in (write_clip(Clip("mp4")), write_clip(Clip("wav", None, "pcm_s16le"))):
        with pytest.raises(MediaUnreadable), decode(Bytes(other), resume=resume) as media:
            list(media)


def test_a_limit_of_bytes_is_one_of_the_whole_recording_however_often_it_was_resumed(
    browser: tuple[bytes, Whole],
) -> None:
    data, whole = browser
    step = max(whole.marks)
    resume = resume_point(step, whole.marks[step][1])
    source = replay(data, whole.marks[step][1])
    with decode(Bytes(source), MediaLimits(max_bytes=len(data)), resume=resume) as media:
        list(media)
    with (
        pytest.raises(BodyTooLarge),
        decode(Bytes(source), MediaLimits(max_bytes=len(data) - 1), resume=resume) as media,
    ):
        list(media)


class Noted(Bytes):
    """Bytes of which byte i arrived at 1000 + i."""

    def arrival(self, offset: int) -> float:
        assert 0 <= offset < len(self.data)
        return 1000.0 + offset


def test_arrivals_are_those_of_the_bytes_that_held_the_media_also_after_resuming(browser: tuple[bytes, Whole]) -> None:
    data, whole = browser
    with decode(Noted(data)) as media:
        first = {item.step: item.arrived - 1000 for item in media if isinstance(item, Picture)}
    step = sorted(whole.marks)[-5]
    _, mark = whole.marks[step]
    with decode(Noted(replay(data, mark)), resume=resume_point(step, mark)) as media:
        second = {one.step: one.arrived - 1000 for one in media if isinstance(one, Picture) and one.step >= step}
    assert list(first.values()) == sorted(first.values())
    moved = mark.replay_from - mark.init_bytes
    assert {number: offset + moved for number, offset in second.items()} == {number: first[number] for number in second}


def test_a_real_start_of_the_media_is_kept_though_the_replay_begins_later() -> None:
    """Time 0 is where the first stream began, which a replay cannot know."""
    clip = Clip("webm", "libvpx", "libopus", seconds=4.0, video_start=3.0, audio_start=3.0, muxer=LIVE)
    clip.pictures, clip.sound, clip.encoder = blocks, voice, {"g": "20"}
    data = write_clip(clip)
    whole = read_marking(data)
    assert whole.recording.steps[0] == 0
    step = max(whole.marks)
    recording, _ = resumed(data, whole, step)
    assert_same_from(step, whole.marks[step][0], whole.recording, recording, LOSSY_IN_THE_PAST)
    assert Fraction(str(whole.marks[step][1].state["origin"])) == 3


def test_samples_of_a_replay_before_the_place_asked_for_are_not_given(browser: tuple[bytes, Whole]) -> None:
    data, whole = browser
    step = max(whole.marks)
    start, _ = whole.marks[step]
    recording, _ = resumed(data, whole, step)
    assert recording.sounds[0].start == start
    assert np.isfinite(recording.samples).all()
    assert len(read_all(data).samples) > len(recording.samples)


@pytest.mark.parametrize("kind", ["webm", "mp4"])
def test_sound_that_stopped_long_ago_is_not_asked_for_again_and_may_come_back(kind: str) -> None:
    clip = Clip("webm", "libvpx", "libopus", audio_gap=(2.0, 10.0), encoder={"g": "20"}, muxer=LIVE)
    if kind == "mp4":
        clip = Clip("mp4", "libx264", "aac", audio_gap=(2.0, 10.0), encoder={"g": "20"}, muxer=FRAGMENTS)
    clip.seconds, clip.pictures, clip.sound = 13.0, blocks, voice
    data = write_clip(clip)
    whole = read_marking(data)
    places = [mark.replay_from for _, (_, mark) in sorted(whole.marks.items())]
    assert places == sorted(places)
    places = [whole.marks[step][1].replay_from for step in (160, 200, 240)]
    assert len(set(places)) == 3
    for step in (160, 240, max(whole.marks)):
        start, _ = whole.marks[step]
        recording, again = resumed(data, whole, step)
        # The decoder starts anew where the sound comes back; that of AAC is renewed every two seconds.
        back = 250 * 640 + (16_000 if kind == "webm" else 33_000)
        assert_same_from(step, start, whole.recording, recording, 1.0)
        assert_same_from(step, max(start, back), whole.recording, cut(recording, max(start, back)), LOSSY_IN_THE_PAST)
        assert again.counts == whole.counts


def test_sound_that_came_back_after_resuming_keeps_its_place_when_that_is_resumed() -> None:
    clip = Clip("webm", "libvpx", "libopus", audio_gap=(2.0, 9.0), encoder={"g": "20"}, muxer=LIVE)
    clip.seconds, clip.pictures, clip.sound = 12.0, blocks, voice
    data = write_clip(clip)
    whole = read_marking(data)
    places = [mark.replay_from for _, (_, mark) in sorted(whole.marks.items())]
    assert places == sorted(places)
    _, first = whole.marks[210]
    with decode(Bytes(replay(data, first), (1000,)), resume=resume_point(210, first)) as media:
        marks: dict[int, tuple[int, Mark]] = {}
        seen = -1
        for item in media:
            seen = take(media, item, seen, 3, 12, marks)
    later = [step for step in sorted(marks) if step > 228]
    assert len(later) > 40
    for step in [*sorted(marks)[::9], *later[:3]]:
        start, _ = marks[step]
        recording, again = resumed(data, Whole(whole.recording, whole.counts, marks), step)
        clear = max(start, 225 * 640 + 8_000)
        assert_same_from(step, clear, whole.recording, cut(recording, clear), LOSSY_IN_THE_PAST)
        assert again.counts == whole.counts


def remuxed(path: Path, container: str, options: dict[str, str]) -> bytes:
    """The packets of a real recording as a live recorder would write them."""
    output = BytesIO()
    with av.open(str(path), "r") as source, av.open(output, "w", format=container, options=options) as target:
        streams = {one.index: target.add_stream_from_template(one) for one in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    return output.getvalue()


@pytest.mark.data
@pytest.mark.parametrize(("container", "options"), [("mp4", FRAGMENTS), ("matroska", LIVE)])
@pytest.mark.parametrize("name", ["ravdess_surprise_a.mp4", "no_face_with_sound.mp4", "several_faces_song.mp4"])
def test_real_recordings_go_on_the_same_bit_by_bit(
    clip: Callable[[str], Path], name: str, container: str, options: dict[str, str]
) -> None:
    data = remuxed(clip(name), container, options)
    whole = read_marking(data)
    steps = sorted(whole.marks)
    for step in (steps[len(steps) // 2], steps[-5]):
        recording, again = resumed(data, whole, step)
        assert_same_from(step, whole.marks[step][0], whole.recording, recording, 0.0)
        assert again.counts == whole.counts
