"""Perception attention of a live session, as an upload gives it, from what went out step by step."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from service.protocol.messages import Measurement, Normaliser, SessionPerson
from service.representation import LABELS, Label


def session_attention(measurements: Iterable[Measurement], person: SessionPerson) -> dict[Label, list[float]]:
    """`attention` of that person's `measurements`; others' are passed over.

    Raises ValueError where attention was off or the person is without evidence.
    """
    if person.normaliser is None:
        raise ValueError(f"no attention for person {person.id}")
    own = [one for one in measurements if one.id == person.id]
    scores = [[one.scores[label] for label in LABELS] for one in own if one.scores is not None]
    if len(scores) < len(own):
        raise ValueError("measurements without scores")
    return attention(scores, [bool(one.modalities) for one in own], person.normaliser)


def attention(
    scores: ArrayLike, evidence: ArrayLike, normaliser: Mapping[Label, Normaliser]
) -> dict[Label, list[float]]:
    """Per emotion, one weight for each of one person's steps.

    `scores` [n, 7] are in the order of the labels; `evidence` [n] says whether a measurement named any modality. The
    weights are the softmax over time, exp(s - m) / l over the steps with evidence (arXiv 1603.08321), and sum to 1:
    where the session's `interval` left steps out, they are shares among those that were reported.
    """
    columns = np.asarray(scores, np.float64).reshape(-1, len(LABELS))
    largest = np.array([normaliser[label].m for label in LABELS])
    total = np.array([normaliser[label].l for label in LABELS])
    weights = np.where(np.asarray(evidence, bool)[:, None], np.exp(columns - largest) / total, 0.0)
    reported = weights.sum(axis=0)
    shares = weights / np.where(reported > 0, reported, 1.0)
    return dict(zip(LABELS, np.round(shares, 9).T.tolist(), strict=True))
