"""The parts of a live session in the browser, one by one: the ring of sent media, attention, history, waiting."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from page.fake_service import person_at
from page.visiting import Visit

from service.representation import LABELS
from service.timeline.attention import attention_weights

pytestmark = pytest.mark.browser

# One page for all examples: they leave nothing behind in it.
_SETTINGS = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(
    pieces=st.lists(st.integers(1, 40_000), min_size=1, max_size=12),
    init=st.integers(0, 90_000),
    share=st.floats(0, 1),
    room=st.sampled_from([70_000, 10**9]),
)
@_SETTINGS
def test_a_ring_gives_the_header_and_all_since_the_checkpoint_or_says_that_it_cannot(
    live: Visit, pieces: list[int], init: int, share: float, room: int
) -> None:
    total = sum(pieces)
    replay_from = round(share * total)
    init = min(init, total)  # a header is part of what was sent
    found: dict[str, Any] = live.page.evaluate(
        """async ([sizes, init_bytes, replay_from, room]) => {
          const { Ring } = await import("/js/live/ring.js");
          const ring = new Ring(room);
          let at = 0;
          for (const size of sizes) {
            ring.append(new Blob([Uint8Array.from({ length: size }, (_, i) => (at + i) % 251)]));
            at += size;
          }
          const checkpoint = { init_bytes, replay_from };
          if (!ring.covers(checkpoint)) return { start: ring.start, end: ring.end };
          ring.trim(checkpoint);
          ring.append(new Blob([Uint8Array.from({ length: 9 }, (_, i) => (at + i) % 251)]));
          const bytes = new Uint8Array(await new Blob(ring.replay(checkpoint)).arrayBuffer());
          return { start: ring.start, end: ring.end, bytes: Array.from(bytes) };
        }""",
        [pieces, init, replay_from, room],
    )
    recording = [offset % 251 for offset in range(total + 9)]
    if "bytes" in found:
        assert found["bytes"] == recording[:init] + recording[replay_from:]
        assert found["end"] == total + 9
        assert found["start"] <= replay_from
    else:
        assert found["end"] == total
        assert found["end"] - found["start"] <= max(room, pieces[-1])
        assert replay_from < found["start"] or (init > 2**16 and found["start"] > 0)


@given(total=st.integers(0, 100), most=st.integers(1, 40))
@_SETTINGS
def test_media_is_cut_to_the_size_that_a_message_may_have(live: Visit, total: int, most: int) -> None:
    sizes = live.page.evaluate(
        """async ([total, most]) => {
          const { cut } = await import("/js/live/ring.js");
          return cut(new Blob([new Uint8Array(total)]), most).map(({ size }) => size);
        }""",
        [total, most],
    )
    assert sum(sizes) == total
    assert all(0 < size <= most for size in sizes)


@given(
    rows=st.lists(
        st.tuples(st.lists(st.floats(-60, 60, width=32), min_size=7, max_size=7), st.booleans()),
        min_size=1,
        max_size=40,
    ),
    again=st.integers(0, 40),
)
@_SETTINGS
def test_attention_follows_the_uploads_also_after_steps_were_measured_again(
    live: Visit, rows: list[tuple[list[float], bool]], again: int
) -> None:
    steps = [
        person_at(step, 1, alone=True).model_dump(mode="json")
        | {"scores": dict(zip(LABELS, scores, strict=True)), "modalities": ["video"] if evidence else []}
        for step, (scores, evidence) in enumerate(rows)
    ]
    found = np.array(
        live.page.evaluate(
            """async ([steps, again]) => {
              const { History } = await import("/js/live/history.js");
              const history = new History();
              for (const step of steps) history.add({ ...step, scores: { ...step.scores, sad: 99 } });
              history.rewind(0);
              for (const step of steps) history.add(step);
              history.rewind(again / 25);
              for (const step of steps.slice(again)) history.add(step);
              const person = history.people.get(1);
              return person.length === steps.length && [0, 1, 2, 3, 4, 5, 6].map((i) => [...person.attention(i)]);
            }""",
            [steps, again],
        )
    )
    evidence = np.array([one for _, one in rows])
    if evidence.any():
        expected = attention_weights(np.array([scores for scores, _ in rows], np.float32), evidence)
        np.testing.assert_allclose(found, expected.T, atol=1e-9)
    else:
        assert not found.any()


def test_a_rewound_history_forgets_people_and_speech_of_later(live: Visit) -> None:
    steps = [person_at(step, person, alone=False).model_dump(mode="json") for step in range(100) for person in (1, 2)]
    found = live.page.evaluate(
        """async (steps) => {
          const { History } = await import("/js/live/history.js");
          const history = new History();
          for (const step of steps) if (step.id === 1 || step.time >= 2) history.add(step);
          const before = [[...history.people.keys()], history.speech.segments()];
          history.rewind(1.2);
          return [...before, [...history.people.keys()], history.speech.segments(), history.people.get(1).newest];
        }""",
        steps,
    )
    people, segments, kept, earlier, newest = found
    assert people == [1, 2]
    assert segments == [{"start": 0.76, "end": 2.36}, {"start": 3.16, "end": 3.96}]
    assert kept == [1]
    assert earlier == [{"start": 0.76, "end": pytest.approx(1.16)}]
    assert newest == pytest.approx(1.16)


def test_waiting_grows_from_try_to_try_until_something_new_is_measured(live: Visit) -> None:
    waits = live.page.evaluate(
        """async () => {
          const { Patience } = await import("/js/live/losses.js");
          const patience = new Patience();
          const waits = (number) => Array.from({ length: number }, () => patience.wait({ code: 1006, error: null }));
          patience.note(4);
          const first = waits(6);
          patience.note(4);
          const still = waits(1);
          patience.note(4.04);
          return [first, still, waits(1), patience.wait({ code: 1013, error: { retry_after: 7 } })];
        }"""
    )
    first, still, fresh, told = waits
    for wait, nominal in zip(first, [200, 400, 800, 1600, 3000, 3000], strict=True):
        assert 0.8 * nominal <= wait <= 1.2 * nominal
    assert still[0] >= 2400
    assert fresh[0] <= 240
    assert told == 7000


def test_a_service_that_leaves_is_left_without_waiting_but_not_again_and_again(live: Visit) -> None:
    first, second, fresh = live.page.evaluate(
        """async () => {
          const { Patience } = await import("/js/live/losses.js");
          const patience = new Patience();
          const loss = { code: 1012, error: { code: "draining", retry_after: 0 } };
          patience.note(4);
          const waits = [patience.wait(loss), patience.wait(loss)];
          patience.note(5);
          return [...waits, patience.wait(loss)];
        }"""
    )
    assert first == fresh == 0
    assert 320 <= second <= 480


def test_patience_ends(live: Visit) -> None:
    ended = live.page.evaluate(
        """async () => {
          const { Patience } = await import("/js/live/losses.js");
          const patience = new Patience();
          patience.wait({ code: 1006, error: null });
          const now = performance.now();
          performance.now = () => now + 121_000;
          return patience.wait({ code: 1006, error: null });
        }"""
    )
    assert ended is None


@pytest.mark.parametrize(
    ("between", "goes_on"),
    [
        ("patience.stand(); pass(119_000);", False),
        ("pass(121_000); patience.stand();", False),
        ("patience.stand(); patience.wait(loss); pass(121_000);", False),
        ("patience.stand(); pass(121_000);", True),
        ("patience.note(3.96); pass(121_000);", False),
        ("patience.note(4);  pass(121_000);", False),
        ("pass(121_000); patience.note(4.04);", True),
    ],
)
def test_patience_begins_anew_only_with_something_new_or_after_a_connection_that_stood_as_long(
    live: Visit, between: str, *, goes_on: bool
) -> None:
    waits = live.page.evaluate(
        f"""async () => {{
          const {{ Patience }} = await import("/js/live/losses.js");
          const original = performance.now.bind(performance);
          let passed = 0;
          performance.now = () => original() + passed;
          const pass = (time) => (passed += time);
          const patience = new Patience();
          const loss = {{ code: 1006, error: null }};
          patience.note(4);
          for (let i = 0; i < 6; i++) patience.wait(loss);
          pass(1500);
          {between}
          return patience.wait(loss);
        }}"""
    )
    assert (waits is not None and waits <= 240) is goes_on


def test_the_time_axis_of_the_last_minute_counts_back_from_now(live: Visit) -> None:
    marks = live.page.evaluate(
        """async () => {
          const { recentSpan } = await import("/js/span.js");
          return recentSpan(75.4, 60).marks(600).map(({ time, text }) => [time, text]);
        }"""
    )
    assert [text for _, text in marks] == ["now", *(f"\u2212{ago}\u202fs" for ago in (10, 20, 30, 40, 50, 60))]
    assert [time for time, _ in marks] == pytest.approx([75.4 - ago for ago in range(0, 61, 10)])
