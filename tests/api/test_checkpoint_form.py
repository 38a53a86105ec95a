"""What a checkpoint holds is what its form's number stands for: replicas of other versions rely on it."""

import json
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from api.frames_input import talking_head
from api.harness import Running
from api.talking import Talk, stream, stream_frames
from media.clips import Clip, write_clip

from service.api.state import CHECKPOINT_FORM
from service.protocol.messages import Checkpoint

FORM = {
    2: """
fields.baseline null
fields.config.alignment flag
fields.config.attention flag
fields.config.baseline null
fields.config.faces text
fields.config.horizon number
fields.config.input text
fields.config.interval number
fields.config.late text
fields.config.max_delay number
fields.init_bytes number
fields.replay_from number
fields.state_bytes number
fields.step number
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
state.media.audio.after number
state.media.audio.at[] number
state.media.audio.from number
state.media.audio.point[0] null
state.media.audio.point[1] number
state.media.audio.point[2] number
state.media.audio.point[3] null
state.media.audio.point[4] number
state.media.container text
state.media.origin text
state.media.pictures.at number
state.media.pictures.end text
state.media.pictures.number number
state.media.pictures.seam.counts[] number
state.media.pictures.seam.held null
state.media.pictures.seam.step number
state.media.pictures.second[] number
state.media.pictures.size[] number
state.media.pictures.time null
state.media.sound.at number
state.media.sound.from number
state.media.sound.point[0] null
state.media.sound.point[1] number
state.media.sound.point[2] number
state.media.sound.point[3] null
state.media.sound.point[4] number
state.media.sound.time null
state.media.streams[] number
state.media.video.end text
state.media.video.key.number number
state.media.video.key.position number
state.media.video.key.pts number
state.media.video.seam.counts[] number
state.media.video.seam.held null
state.media.video.seam.step number
state.media.video.size[] number
state.perception.merger[] number
state.perception.pictures.faces.key number
state.perception.pictures.faces.largest null
state.perception.pictures.faces.lips list
state.perception.pictures.faces.lips[][0] number
state.perception.pictures.faces.lips[][1][0] number
state.perception.pictures.faces.lips[][1][1] text
state.perception.pictures.faces.lips[][2][0] number
state.perception.pictures.faces.lips[][2][1] text
state.perception.pictures.faces.lips[][3][0] number
state.perception.pictures.faces.lips[][3][1] text
state.perception.pictures.faces.scene number
state.perception.pictures.faces.scenes.last list
state.perception.pictures.faces.scenes.last[][0] number
state.perception.pictures.faces.scenes.last[][1] number
state.perception.pictures.faces.scenes.last[][2] text
state.perception.pictures.faces.scenes.newest number
state.perception.pictures.faces.scenes.scene number
state.perception.pictures.faces.tracker.people number
state.perception.pictures.faces.tracker.tracks list
state.perception.pictures.faces.tracker.tracks[][0][] number
state.perception.pictures.faces.tracker.tracks[][1] number
state.perception.pictures.faces.tracker.tracks[][2] number
state.perception.pictures.faces.tracker.tracks[][3] number
state.perception.pictures.faces.tracker.tracks[][4] number
state.perception.pictures.faces.tracker.tracks[][5] number
state.perception.pictures.faces.tracker.tracks[][6] number
state.perception.pictures.faces.tracker.tracks[][7] number
state.perception.pictures.faces.tracker.tracks[][8] number
state.perception.pictures.faces.tracker.tracks[][9] number
state.perception.pictures.frame number
state.perception.pictures.measured number
state.perception.sound[0] number
state.perception.sound[1] null
"""
}


_KINDS = {str: "text", bool: "flag", list: "list", type(None): "null"}


def names(part: Any, path: str) -> Iterator[str]:
    """The path of everything that has a name, or a place of its own in a list of unlike things."""
    if isinstance(part, dict):
        for name, inner in part.items():
            yield from names(inner, f"{path}.{name}")
    elif isinstance(part, list) and part:
        forms = [sorted(names(inner, "")) for inner in part]
        if all(form == forms[0] for form in forms):
            yield from (f"{path}[]{form}" for form in forms[0])
        else:
            yield from (f"{path}[{place}]{name}" for place, form in enumerate(forms) for name in form)
    else:
        yield f"{path} {_KINDS.get(type(part), 'number')}"


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
    recording = write_clip(Clip("matroska", video="mpeg4", audio="pcm_s16le", seconds=3, size=(400, 300)))
    return [stream_frames(running, talking_head(75)), stream(running, recording)]


def test_whoever_changes_what_a_checkpoint_holds_raises_the_number_of_its_form(
    running: Running, sessions: list[Talk]
) -> None:
    found = set()
    for session in sessions:
        found |= form_of(running, session.all(Checkpoint)[-1].token)
    assert max(FORM) == CHECKPOINT_FORM
    assert sorted(found) == FORM[CHECKPOINT_FORM].split("\n")[1:-1], "raise CHECKPOINT_FORM, and write its names here"
