"""The attention-LSTM: aligned sound and a face in, seven probabilities and the attention behind them out.

The paper (arXiv 1603.08321), of which the abstract and the introduction are at hand, has two ideas:

1. *Temporal alignment*: soft attention aligns the sound to each visual step before an LSTM reads both.
2. *Perception attention*: seven emotion embeddings, one per class, each locate by soft attention over time the moments
   that matter for their class, and re-weight them.

The equations below are ours, and so is the form in which they run forward in time with a small exact state.
"""

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from model_export.speech_network import SpeechEncoder
from service.representation import LABELS, STEP_RATE, WINDOW

HIDDEN: Final = 80
"""Width H of the LSTM and of the seven emotion embeddings."""

RING: Final = 48
"""Width D of a remembered step of sound."""

_MASKED: Final = -1e9

_BOUND: Final = 8.0
"""Largest size of a perception-attention score."""

_TINY: Final = 1e-20


class FusionOutput(NamedTuple):
    """What the network says of T steps of B people; see docs/architecture.md."""

    probabilities: Tensor
    overall: Tensor
    scores: Tensor
    alignment: Tensor
    evidence: Tensor
    next_state: Tensor


class Measured(NamedTuple):
    """What `FusionNetwork.measure` answers: as FusionOutput, with logits [B, T, 7] in place of probabilities."""

    now: Tensor
    overall: Tensor
    met: Tensor
    """[B, T, 2], the steps of sound and of pictures that are the evidence for `overall`."""
    scores: Tensor
    alignment: Tensor
    evidence: Tensor
    next_state: Tensor


def temperature(cooling: Tensor, met: Tensor) -> Tensor:
    """exp(k_0 + k_1 a + k_2 a² + k_3 exp(-n / 25)) of `cooling` k [4] for `met` [..., 2] steps of sound and pictures, n
    in all, a share a of them sound -> [...]. What a moment tells is not as certain as what a second does."""
    steps = met.sum(dim=-1)
    voice = met[..., 0] / steps.clamp(min=_TINY)
    powers = [torch.ones_like(voice), voice, voice**2, torch.exp(-steps / STEP_RATE)]
    return torch.exp(torch.matmul(torch.stack(powers, dim=-1), cooling))


class TemporalAlignment(nn.Module):
    """Soft attention of each step over the last W steps of sound (idea 1).

    With keys k and values v of the remembered sound s, and a query from the step's face f (or "no face") and newest
    sound:  a_{t,i} = softmax_i(q_t · k_i / √D) over those i in (t - W, t] that hold speech,  c_t = Σ_i a_{t,i} v_i.
    Without speech in the window c_t is a learned vector.
    """

    def __init__(self, face: int, width: int = RING) -> None:
        super().__init__()
        self.query = nn.Linear(face + width, width)
        self.key = nn.Linear(width, width)
        self.place = nn.Parameter(torch.zeros(WINDOW))
        self.silence = nn.Parameter(torch.zeros(width))
        self.width = width

    def forward(self, face: Tensor, sound: Tensor, heard: Tensor) -> tuple[Tensor, Tensor]:
        """`face` [B, T, F], `sound` [B, W - 1 + T, D], `heard` [B, W - 1 + T] -> c [B, T, D], a [B, T, W]."""
        steps, remembered = face.shape[1], sound.shape[1]
        place = torch.arange(remembered).unsqueeze(0) - torch.arange(steps).unsqueeze(
            1
        )  # [T, S], in the window 0 to W-1
        near = ((place >= 0) & (place < WINDOW)).to(sound.dtype)
        audible = near * heard.unsqueeze(1)  # [B, T, S]
        query = self.query(torch.cat([face, sound[:, WINDOW - 1 :]], dim=2))
        logits = torch.matmul(query, self.key(sound).transpose(1, 2)) / self.width**0.5
        logits = logits + self.place[place.clamp(0, WINDOW - 1)] + _MASKED * (1 - audible)
        weights = torch.softmax(logits, dim=2) * audible
        any_speech = audible.amax(dim=2, keepdim=True)
        aligned = torch.matmul(weights, sound) + (1 - any_speech) * self.silence
        window = torch.arange(steps).unsqueeze(1) + torch.arange(WINDOW).unsqueeze(0)
        return aligned, torch.gather(weights, 2, window.unsqueeze(0).expand(face.shape[0], -1, -1))


class PerceptionAttention(nn.Module):
    """Seven emotion embeddings e_j attend over time (idea 2).

    With s_{j,t} = 8 tanh(e_j · tanh(W h_t + b) / 8) and p_{j,t,i} = softmax_i(s_{j,i} + (t - i) · decay) over the steps
    i ≤ t with evidence (decay is 0 where nothing is forgotten):  c_{j,t} = Σ_i p_{j,t,i} h_i  and
    logit_{j,t} = u_j · c_{j,t} + b_j.

    The softmax is carried on as a numerator and a denominator, as in online softmax (Milakov and Gimelshein 2018,
    arXiv 1805.02867). Scores are bounded, so the running maximum that they keep is not needed; in its place is the
    logarithm of a common scale, which falls while forgetting goes on without new evidence, so that nothing underflows.
    Zeros are a valid beginning: a denominator of 0 stands for no past.
    """

    def __init__(self, hidden: int = HIDDEN) -> None:
        super().__init__()
        self.project = nn.Linear(hidden, hidden)
        self.embeddings = nn.Parameter(torch.randn(len(LABELS), hidden) * 0.1)
        self.heads = nn.Parameter(torch.randn(len(LABELS), hidden) * 0.1)
        self.bias = nn.Parameter(torch.zeros(len(LABELS)))
        self.dropout = nn.Dropout(0.2)

    def scores(self, hidden: Tensor) -> Tensor:
        """`hidden` [B, T, H] -> s [B, T, 7]."""
        raw = torch.matmul(torch.tanh(self.project(hidden)), self.embeddings.t())
        return _BOUND * torch.tanh(raw / _BOUND)

    def forward(
        self, hidden: Tensor, scores: Tensor, kinds: Tensor, decay: Tensor, past: tuple[Tensor, Tensor, Tensor]
    ) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor, Tensor]]:
        """`hidden` [B, T, H], `scores` [B, T, 7], `kinds` [B, T, 2] (whether there is evidence by sound, by picture),
        `decay` [B]; `past`: log scale [B, 1], denominators [B, 9] (of the seven, then of both kinds), numerator
        [B, 7, H] -> logits [B, T, 7], the sums of both kinds [B, T, 2], and the new past."""
        time = torch.arange(hidden.shape[1]).to(hidden.dtype)
        age = time.unsqueeze(1) - time.unsqueeze(0)  # [T, T], negative for the future
        fading = torch.exp(age.clamp(min=0) * decay[:, None, None]) * (age >= 0).to(hidden.dtype)  # [B, T, T]
        evidence = kinds.amax(dim=2)
        weights = torch.exp(scores) * evidence.unsqueeze(2)  # [B, T, 7]
        met = (torch.cumsum(evidence, dim=1) > 0).to(hidden.dtype).unsqueeze(2)  # [B, T, 1]
        scale, denominators, numerator = past
        faded = scale.unsqueeze(1) + (time + 1).unsqueeze(1) * decay[:, None, None]  # [B, T, 1]
        # The past keeps its size until something new stands beside it.
        kept = met * torch.exp(faded) + (1 - met)
        below = kept * denominators.unsqueeze(1) + torch.matmul(fading, torch.cat([weights, kinds], dim=2))
        values = torch.matmul(self.dropout(hidden), self.heads.t())  # u_j · h_i
        above = kept * (numerator * self.heads).sum(dim=2).unsqueeze(1) + torch.matmul(fading, weights * values)
        logits = above / below[:, :, : len(LABELS)].clamp(min=_TINY) + self.bias
        added = torch.matmul((fading[:, -1:] * weights.transpose(1, 2)), hidden)  # [B, 7, H]
        after = (
            (1 - met[:, -1]) * faded[:, -1],
            below[:, -1],
            kept[:, -1].unsqueeze(2) * numerator + added,
        )
        return logits, below[:, :, len(LABELS) :], after


class FusionNetwork(nn.Module):
    """Speech encoder, temporal alignment, LSTM and perception attention over T steps of B people.

    A face is seen as tanh(W f + w V b): b is the person's *baseline*, what the face encoder's head said of them on
    average so far (ours; the paper has nothing of the kind), and w says how much of it there is. Logits are divided
    by a temperature (Guo et al. 2017, arXiv 1706.04599) that follows what the evidence is, and how much there is of it.
    """

    cooling: Tensor

    def __init__(self, embedding_size: int, *, hidden: int = HIDDEN, ring: int = RING, face: int = 48) -> None:
        super().__init__()
        self.speech_encoder = SpeechEncoder()
        self.remember = nn.Linear(self.speech_encoder.width, ring)
        self.see = nn.Linear(embedding_size, face)
        self.compare = nn.Linear(len(LABELS), face, bias=False)
        nn.init.zeros_(self.compare.weight)
        self.nobody = nn.Parameter(torch.zeros(face))
        self.alignment = TemporalAlignment(face, ring)
        self.dropout = nn.Dropout(0.2)
        self.lstm = nn.LSTM(face + ring, hidden, batch_first=True)
        self.beside = nn.Linear(face + ring, hidden, bias=False)
        self.perception = PerceptionAttention(hidden)
        self.register_buffer("cooling", torch.zeros(4))
        self.embedding_size, self.hidden, self.ring = embedding_size, hidden, ring
        self._sound_sizes = [*self.speech_encoder.past_sizes, (WINDOW - 1) * ring]
        attention = [1, len(LABELS) + 2, len(LABELS) * hidden]
        self._sizes = [*self._sound_sizes, hidden, hidden, *attention, *attention]

    @property
    def state_size(self) -> int:
        """Floats in the state of one person."""
        return sum(self._sizes)

    @property
    def sound_state_size(self) -> int:
        """How many of the first of them depend on sound alone."""
        return sum(self._sound_sizes)

    def forward(self, *inputs: Tensor) -> FusionOutput:
        """The inputs of `measure` in order; docs/architecture.md has the shapes. The probabilities mean nothing before
        the first evidence."""
        found = self.measure(*inputs)
        return FusionOutput(
            torch.softmax(found.now, dim=2),
            torch.softmax(found.overall, dim=2),
            found.scores,
            found.alignment,
            found.evidence,
            found.next_state,
        )

    def measure(
        self,
        face: Tensor,
        face_present: Tensor,
        mel: Tensor,
        sound_present: Tensor,
        heard: Tensor,
        baseline: Tensor,
        decay: Tensor,
        state: Tensor,
    ) -> Measured:
        """What `forward` answers, and what training needs beside it."""
        batch = state.shape[0]
        parts = list(torch.split(state, self._sizes, dim=1))
        count = len(self.speech_encoder.past_sizes)
        encoded, sound = self.speech_encoder(mel, sound_present, parts[:count])
        ring = torch.cat([parts[count].reshape(batch, WINDOW - 1, self.ring), self.remember(encoded)], dim=1)
        visible = face_present.unsqueeze(2)
        usual = (baseline[:, len(LABELS) :] * self.compare(baseline[:, : len(LABELS)])).unsqueeze(1)
        seen = torch.tanh(self.see(face) + usual) * visible + self.nobody * (1 - visible)
        aligned, alignment = self.alignment(seen, ring, heard)
        kinds = torch.stack([(alignment.sum(dim=2) > 0).to(face_present.dtype), face_present], dim=2)
        h, c, *pasts = parts[count + 1 :]
        both = self.dropout(torch.cat([seen, aligned], dim=2))
        hidden, (h_after, c_after) = self.lstm(both, (h.unsqueeze(0), c.unsqueeze(0)))
        hidden = hidden + self.beside(both)
        scores = self.perception.scores(hidden)
        logits, _, now = self.perception(hidden, scores, kinds, decay, self._past(pasts[:3]))
        overall, met, whole = self.perception(hidden, scores, kinds, torch.zeros_like(decay), self._past(pasts[3:]))
        after = torch.cat(
            [
                *sound,
                ring[:, -(WINDOW - 1) :].reshape(batch, (WINDOW - 1) * self.ring),
                h_after[0],
                c_after[0],
                *(part.reshape(batch, -1) for part in (*now, *whole)),
            ],
            dim=1,
        )
        # By all there was, for both answers: what has faded has no size that is the same wherever time is cut.
        cooled = temperature(self.cooling, met).unsqueeze(2)
        return Measured(logits / cooled, overall / cooled, met, scores, alignment, kinds.amax(dim=2), after)

    def logits_of_sound(self, mel: Tensor, present: Tensor, heard: Tensor) -> Tensor:
        """Logits [B, 7] of sound from the beginning, if the LSTM said nothing and all attention were even over what was
        `heard` [B, T]: the short way by which the speech encoder is trained."""
        past = [mel.new_zeros(len(mel), size) for size in self.speech_encoder.past_sizes]
        remembered = self.remember(self.speech_encoder(mel, present, past)[0])
        mean = (remembered * heard.unsqueeze(2)).sum(dim=1) / heard.sum(dim=1, keepdim=True).clamp(min=1)
        both = self.dropout(torch.cat([self.nobody.expand(len(mel), -1), mean], dim=1))
        return torch.matmul(self.beside(both), self.perception.heads.t()) + self.perception.bias

    def _past(self, parts: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        scale, denominators, numerator = parts
        return scale, denominators, numerator.reshape(-1, len(LABELS), self.hidden)
