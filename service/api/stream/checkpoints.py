"""What a checkpoint's and a baseline's token hold."""

from dataclasses import dataclass

import numpy as np

from service.analysis import Baseline
from service.api.signing import Signer
from service.domain import ResumePoint
from service.protocol.messages import Checkpoint, SessionConfig
from service.representation import STEP_RATE


@dataclass(frozen=True, slots=True)
class State:
    """A session right before one of its steps."""

    config: SessionConfig
    baseline: Baseline | None
    """The one that person 1 is measured against."""
    resume: ResumePoint
    snapshot: bytes
    """Of the analysis."""


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """Makes and opens the tokens of one caller."""

    signer: Signer
    caller: str
    """The name of the caller's API key; "" where none is asked for."""
    lifetime: float
    """Seconds for which a checkpoint is accepted."""
    baseline_lifetime: float

    def make(self, state: State) -> Checkpoint:
        """The message that hands a session's state out."""
        resume = state.resume
        token = self.signer.make(
            "checkpoint",
            resume.state + state.snapshot,
            caller=self.caller,
            lifetime=self.lifetime,
            config=state.config.model_dump(),
            baseline=state.baseline.tolist() if state.baseline is not None else None,
            step=resume.step,
            replay_from=resume.replay_from,
            init_bytes=resume.init_bytes,
            state_bytes=len(resume.state),
        )
        return Checkpoint(
            token=token,
            resume_at=resume.step / STEP_RATE,
            replay_from=resume.replay_from,
            init_bytes=resume.init_bytes,
        )

    def open(self, token: str) -> State:
        """The inverse of `make`. Raises `TokenInvalid`, `TokenExpired` or `TokenForeignModel`."""
        fields, content = self.signer.open("checkpoint", token, caller=self.caller)
        state_bytes = fields["state_bytes"]
        return State(
            config=SessionConfig.model_validate(fields["config"]),
            baseline=np.array(fields["baseline"], np.float32) if fields["baseline"] is not None else None,
            resume=ResumePoint(fields["step"], fields["replay_from"], fields["init_bytes"], content[:state_bytes]),
            snapshot=content[state_bytes:],
        )

    def make_baseline(self, baseline: Baseline) -> str:
        """The token of a personal baseline."""
        content = baseline.astype("<f4").tobytes()
        return self.signer.make("baseline", content, caller=self.caller, lifetime=self.baseline_lifetime)

    def open_baseline(self, token: str) -> Baseline:
        """The inverse of `make_baseline`. Raises `TokenInvalid`, `TokenExpired` or `TokenForeignModel`."""
        _, content = self.signer.open("baseline", token, caller=self.caller)
        return np.frombuffer(content, "<f4").astype(np.float32)
