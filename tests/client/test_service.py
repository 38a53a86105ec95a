"""The client and the real service, which is killed in mid-sentence."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path

import httpx
import numpy as np
import pytest
from client.sessions import Outcome
from live.replicas import Replica, replicas
from live.streaming import frame_messages

from service.cli.watch_file import play
from service.client import Session, SessionUpdate, connect
from service.protocol.frames import FrameMessage, unpack
from service.protocol.messages import Measurement
from service.timeline.models import AnalysisResult

PATIENCE = 240.0


Media = Sequence[bytes | FrameMessage]


@pytest.fixture(scope="module")
def services() -> Iterator[list[Replica]]:
    with replicas(2) as found:
        yield found


@pytest.fixture(scope="module")
def recording(sample: Path) -> list[bytes]:
    """The first seven seconds of the sample as a live container."""
    return [chunk for due, chunk in play(str(sample)) if due < 7]


@pytest.fixture(scope="module")
def frames(sample: Path) -> list[FrameMessage]:
    """The first five seconds of the sample as pictures and sound."""
    messages = map(unpack, frame_messages(sample.read_bytes()))
    return list(takewhile(lambda message: message.time < 5e9, messages))


async def watch(services: list[Replica], media: Media, kills: dict[int, Replica]) -> Outcome:
    """Stream `media`; when so many measurements have come, kill a replica, and start it again."""
    outcome = Outcome()
    framed = isinstance(media[0], FrameMessage)
    config = SessionUpdate(input="frames" if framed else "container")
    restarts: list[asyncio.Task[None]] = []
    async with (
        asyncio.timeout(PATIENCE),
        connect([one.url for one in services], config, patience=PATIENCE) as session,
    ):
        all_killed = asyncio.Event()
        feeding = asyncio.create_task(feed(session, media, all_killed))
        async for event in session:
            outcome.events.append(event)
            if not kills:
                all_killed.set()
            if isinstance(event, Measurement) and (service := kills.pop(len(outcome.events), None)) is not None:
                service.kill()
                restarts.append(asyncio.create_task(asyncio.to_thread(service.start)))
        await feeding
        outcome.summary = await session.close()
        outcome.attention = {one.id: session.attention(one.id) for one in outcome.summary.people}
        # One outage where the second server dies before the session has come to it.
        assert bool(restarts) <= session.reconnections <= len(restarts)
        await asyncio.gather(*restarts)
    return outcome


async def feed(session: Session, media: Media, all_killed: asyncio.Event) -> None:
    """Send it all, the end of it only when nobody is to be killed any more."""
    for number, item in enumerate(media):
        if number == len(media) * 9 // 10:
            await all_killed.wait()
        if isinstance(item, bytes):
            await session.send(item)
        elif item.kind == "picture":
            await session.send_picture(item.payload, item.time / 1e9)
        else:
            await session.send_sound(item.payload, item.time / 1e9, rate=item.rate)
    await session.close()


def assert_equal(found: Outcome, expected: Outcome, tolerance: float) -> None:
    """The same events in the same order, with the same numbers within `tolerance`."""
    assert [type(one) for one in found.events] == [type(one) for one in expected.events]
    for one, other in zip(found.events, expected.events, strict=True):
        if isinstance(one, Measurement) and isinstance(other, Measurement):
            assert (one.id, one.time, one.speech, one.speaking, one.modalities) == (
                other.id,
                other.time,
                other.speech,
                other.speaking,
                other.modalities,
            )
            assert one.probabilities == pytest.approx(other.probabilities, abs=tolerance)
            assert one.scores == pytest.approx(other.scores, abs=tolerance * 10)
    assert found.summary is not None
    assert expected.summary is not None
    assert found.summary.media == expected.summary.media
    for person, other_person in zip(found.summary.people, expected.summary.people, strict=True):
        assert person.id == other_person.id
        assert person.summary.probabilities == pytest.approx(other_person.summary.probabilities, abs=tolerance)
        for label, weights in found.attention[person.id].items():
            assert np.allclose(weights, expected.attention[person.id][label], atol=tolerance)


def test_a_recording_goes_on_exactly_on_another_replica_and_on_one_started_again(
    services: list[Replica], recording: list[bytes]
) -> None:
    first, second = services
    whole = asyncio.run(watch([second], recording, {}))
    assert len(whole.events) > 160
    assert_equal(asyncio.run(watch([first, second], recording, {80: first, 130: second})), whole, 1e-3)


def test_pictures_and_sound_go_on_exactly_on_a_server_started_again(
    services: list[Replica], frames: list[FrameMessage]
) -> None:
    whole = asyncio.run(watch(services[:1], frames, {}))
    assert len(whole.events) > 115
    assert_equal(asyncio.run(watch(services[:1], frames, {85: services[0]})), whole, 1e-5)


def test_the_attention_is_that_of_an_upload(services: list[Replica], recording: list[bytes]) -> None:
    outcome = asyncio.run(watch(services[:1], recording, {}))
    answer = httpx.post(
        f"http://127.0.0.1:{services[0].port}/v1/analyses",
        content=b"".join(recording),
        headers={"Content-Type": "application/octet-stream"},
        timeout=PATIENCE,
        trust_env=False,
    )
    people = AnalysisResult.model_validate_json(answer.content).people
    assert set(outcome.attention) == {person.id for person in people}
    for person in people:
        for label, weights in person.attention.items():
            assert outcome.attention[person.id][label] == pytest.approx(weights, abs=1e-5)
