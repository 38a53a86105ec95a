"""Live sessions with the service that measures nothing: waiting for them, and what their document must hold."""

from typing import Any

import numpy as np
import pytest
from page.fake_service import FakeService
from page.visiting import Visit

from service.representation import LABELS
from service.timeline.attention import attention_weights


def wait_for_steps(fake: FakeService, visit: Visit, steps: int) -> None:
    """Wait until the service has taken in so many steps."""
    while len(fake.ends) < steps:
        visit.page.wait_for_timeout(50)


def wait_for_silence(fake: FakeService, visit: Visit) -> int:
    """Wait until no more media comes, as what was recorded before a pause still does; how many bytes came."""
    sent = -1
    while len(fake.media) > sent:
        sent = len(fake.media)
        visit.page.wait_for_timeout(1500)
    return sent


def check_document(document: dict[str, Any], fake: FakeService) -> None:
    """Every measurement once and in order, and attention as an upload's."""
    steps = len(fake.ends)
    expected = [one for step in range(steps) for one in fake.measurements(step)]
    assert [person["id"] for person in document["people"]] == sorted({one.id for one in expected})
    for person in document["people"]:
        own = [one.model_dump(mode="json") for one in expected if one.id == person["id"]]
        keys = ("time", "box", "probabilities", "speech", "speaking", "modalities")
        assert person["timeline"] == [{key: one[key] for key in keys} for one in own]
        assert person["alignment"] == [one["alignment"] for one in own]
        scores = np.array([[one["scores"][label] for label in LABELS] for one in own], np.float32)
        weights = attention_weights(scores, np.ones(len(own), np.bool_))
        for index, label in enumerate(LABELS):
            np.testing.assert_allclose(person["attention"][label], weights[:, index], atol=1e-5)
            assert sum(person["attention"][label]) == pytest.approx(1)
