"""What tokens hold comes out as it was put in, exactly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from service.analysis import Baseline
from service.api.signing import Signer
from service.api.stream.checkpoints import Checkpoints, State
from service.domain import ResumePoint
from service.errors import TokenInvalid
from service.protocol.messages import SessionConfig

CHECKPOINTS = Checkpoints(Signer(bytes(32), model={}), "caller", lifetime=60, baseline_lifetime=60)
FLOATS = arrays(np.float32, 8, elements=st.floats(-8, 1, width=32))


@given(
    st.builds(ResumePoint, st.integers(0, 2**31), st.integers(0, 2**50), st.integers(0, 2**20), st.binary(max_size=50)),
    st.binary(max_size=50),
    st.none() | FLOATS,
    st.sampled_from([SessionConfig(), SessionConfig(input="frames", horizon=None, late="drop", interval=0.1)]),
)
def test_a_state_survives_the_way_to_the_client_and_back(
    resume: ResumePoint, snapshot: bytes, baseline: Baseline | None, config: SessionConfig
) -> None:
    told = CHECKPOINTS.make(State(config, baseline, resume, snapshot))
    assert told.resume_at == pytest.approx(resume.step / 25)
    assert (told.replay_from, told.init_bytes) == (resume.replay_from, resume.init_bytes)
    back = CHECKPOINTS.open(told.token)
    assert (back.config, back.resume, back.snapshot) == (config, resume, snapshot)
    assert (back.baseline is None) == (baseline is None)
    if baseline is not None and back.baseline is not None:
        np.testing.assert_array_equal(back.baseline, baseline)
        assert back.baseline.dtype == np.float32


@given(FLOATS)
def test_a_baseline_survives_the_way_and_is_no_checkpoint(baseline: Baseline) -> None:
    token = CHECKPOINTS.make_baseline(baseline)
    np.testing.assert_array_equal(CHECKPOINTS.open_baseline(token), baseline)
    assert len(token) < 1024
    with pytest.raises(TokenInvalid):
        CHECKPOINTS.open(token)
