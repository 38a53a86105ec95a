"""What a checkpoint holds is what its form's number stands for: replicas of other versions rely on it."""

import json
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from api.frames_input import talking_head
from api.harness import Running
from api.talking import Talk, stream, talk
from media.clips import Clip, write_clip

from service.api.state import CHECKPOINT_FORM
from service.protocol.messages import Checkpoint

FORM = {
    1: """
fields.baseline
fields.config.alignment
fields.config.attention
fields.config.baseline
fields.config.faces
fields.config.horizon
fields.config.input
fields.config.interval
fields.config.late
fields.config.max_delay
fields.init_bytes
fields.replay_from
fields.state_bytes
fields.step
snapshot.1.analyser.cast.met i4
snapshot.1.analyser.cast.people i4
snapshot.1.analyser.clock i8
snapshot.1.analyser.heard u1
snapshot.1.analyser.past f4
snapshot.1.analyser.people i4
snapshot.1.analyser.sound f4
snapshot.1.analyser.speaker.loudness f4
snapshot.1.analyser.speaker.motion f4
snapshot.1.analyser.speaker.people i4
snapshot.1.analyser.speaker.speaker i4
snapshot.1.analyser.speaker.sums f4
snapshot.1.analyser.unclaimed u1
snapshot.1.timeline.flags u1
snapshot.1.timeline.interval i4
snapshot.1.timeline.largest f8
snapshot.1.timeline.overall f4
snapshot.1.timeline.people i4
snapshot.1.timeline.speech i8
snapshot.1.timeline.total f8
snapshot.1.timeline.utterance.flags u1
snapshot.1.timeline.utterance.open i8
snapshot.1.timeline.utterance.people i4
snapshot.1.timeline.utterance.sums f8
state.media.audio.after
state.media.audio.at
state.media.audio.from
state.media.audio.point
state.media.container
state.media.origin
state.media.pictures.at
state.media.pictures.end
state.media.pictures.number
state.media.pictures.seam.counts
state.media.pictures.seam.held
state.media.pictures.seam.step
state.media.pictures.second
state.media.pictures.size
state.media.pictures.time
state.media.sound.at
state.media.sound.from
state.media.sound.point
state.media.sound.time
state.media.streams
state.media.video.end
state.media.video.key.number
state.media.video.key.position
state.media.video.key.pts
state.media.video.seam.counts
state.media.video.seam.held
state.media.video.seam.step
state.media.video.size
state.perception.merger
state.perception.pictures.faces.largest
state.perception.pictures.faces.lips
state.perception.pictures.faces.scene
state.perception.pictures.faces.scenes.last
state.perception.pictures.faces.scenes.newest
state.perception.pictures.faces.scenes.scene
state.perception.pictures.faces.tracker.people
state.perception.pictures.faces.tracker.tracks
state.perception.pictures.faces.turn
state.perception.pictures.frame
state.perception.pictures.measured
state.perception.sound
"""
}


def names(part: Any, path: str) -> Iterator[str]:
    """The path of everything that has a name."""
    if isinstance(part, dict):
        for name, inner in part.items():
            yield from names(inner, f"{path}.{name}")
    else:
        yield path


def form_of(service: Running, token: str) -> set[str]:
    """The names of all that a token holds, and the types of its arrays."""
    fields, content = service.service.signer.open("checkpoint", token, caller="")
    state, snapshot = content[: fields["state_bytes"]], content[fields["state_bytes"] :]
    [length] = struct.unpack_from("<I", snapshot)
    version, arrays = json.loads(snapshot[4 : 4 + length])
    return {
        *names(fields, "fields"),
        *names(json.loads(state), "state"),
        *(f"snapshot.{version}.{name} {kind}" for name, kind, *_ in arrays),
    }


@pytest.fixture(scope="module")
def sessions(running: Running) -> list[Talk]:
    """One of each input."""
    with talk(running) as frames:
        frames.say("session.update", input="frames")
        for message in talking_head(75):
            frames.socket.send(message)
        frames.say("session.close")
        assert frames.hear_out() == 1000
    recording = write_clip(Clip("matroska", video="mpeg4", audio="pcm_s16le", seconds=3, size=(400, 300)))
    return [frames, stream(running, recording)]


def test_whoever_changes_what_a_checkpoint_holds_raises_the_number_of_its_form(
    running: Running, sessions: list[Talk]
) -> None:
    found = set()
    for session in sessions:
        found |= form_of(running, session.all(Checkpoint)[-1].token)
    assert max(FORM) == CHECKPOINT_FORM
    assert sorted(found) == FORM[CHECKPOINT_FORM].split("\n")[1:-1], "raise CHECKPOINT_FORM, and write its names here"
