"""What each of the paper's two ideas is worth: the network without one, the other, or both, trained alike.

The speech encoder is taken as trained by `train` and held fixed; everything after it is trained from nothing with a
short recipe, on the same sequences, and scored on actors and faces kept back. What comes in place of an idea:
the newest step of sound for the temporal alignment; the mean over time, or the last step, for the perception attention.
"""

import json
import logging
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from model_export.face_data import load_fer, split_development
from model_export.face_network import ExportedFaceEncoder
from model_export.figures import draw_ablation
from model_export.fusion_data import SequenceMaker
from model_export.fusion_material import REPORT, load_clips, scored_on, trained_on, with_faces
from model_export.fusion_network import FusionNetwork, PerceptionAttention, TemporalAlignment
from model_export.fusion_scores import WAYS, clip_sequences, predict
from model_export.fusion_stages import trained_speech
from model_export.train_fusion import BATCH, FusionRecipe, train_stage
from service.representation import WINDOW

logger = logging.getLogger(__name__)

RECIPE: Final = FusionRecipe(steps=300, peak_rate=4e-3, averaging=0.98)

SEEDS: Final = (0, 1, 2)

_T: Final = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}
"""Two-sided 95 % of Student's distribution by number of seeds."""


class NewestSound(TemporalAlignment):
    """In place of the alignment: the sound of the step itself, where it is speech."""

    def forward(self, face: Tensor, sound: Tensor, heard: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """As the alignment's."""
        now = heard[:, WINDOW - 1 :].unsqueeze(2)
        weights = torch.cat([now.new_zeros(*now.shape[:2], WINDOW - 1), now], dim=2)
        return sound[:, WINDOW - 1 :] * now + self.silence * (1 - now), weights


class Average(PerceptionAttention):
    """In place of the perception attention: every step with evidence counts alike."""

    def scores(self, hidden: Tensor) -> Tensor:
        """Zeros [B, T, 7]."""
        return super().scores(hidden) * 0


class LastStep(Average):
    """In place of the perception attention: the last step with evidence alone. Carries nothing on."""

    def forward(
        self,
        hidden: Tensor,
        scores: Tensor,  # noqa: ARG002
        kinds: Tensor,
        decay: Tensor,  # noqa: ARG002
        past: tuple[Tensor, Tensor, Tensor],
    ) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor, Tensor]]:
        """As the attention's."""
        evidence = kinds.amax(dim=2)
        steps = torch.arange(hidden.shape[1]).expand_as(evidence)
        last = torch.where(evidence > 0, steps, 0).cummax(dim=1).values
        values = torch.matmul(self.dropout(hidden), self.heads.t())
        logits = torch.gather(values, 1, last.unsqueeze(2).expand_as(values)) + self.bias
        return logits, kinds, past


class FixedEncoderNetwork(FusionNetwork):
    """A network whose speech encoder stays as it is while the rest is trained."""

    def train(self, mode: bool = True) -> "FixedEncoderNetwork":
        """Dropout and batch statistics of the speech encoder stay off."""
        super().train(mode)
        self.speech_encoder.eval()
        return self


VARIANTS: Final[dict[str, tuple[type[TemporalAlignment], type[PerceptionAttention]]]] = {
    "last step": (NewestSound, LastStep),
    "average encoding": (NewestSound, Average),
    "temporal alignment only": (TemporalAlignment, Average),
    "perception attention only": (NewestSound, PerceptionAttention),
    "both": (TemporalAlignment, PerceptionAttention),
}


def ablate(
    data_dir: Path,
    work_dir: Path,
    seed: int,
    encoder: ExportedFaceEncoder,
    recipe: FusionRecipe = RECIPE,
    seeds: tuple[int, ...] = SEEDS,
) -> dict[str, Any]:
    """Accuracy of every variant by sound, picture and both: `mean`, `interval` (95 %, over seeds) and `values`."""
    clips = load_clips(data_dir, work_dir, seed)
    known, _, _ = split_development(*load_fer(data_dir / "faces" / "fer_train.npz"))
    maker = with_faces(trained_on(clips), known, encoder, data_dir, seed)
    kept = scored_on(clips, REPORT)
    unknown = with_faces(kept, load_fer(data_dir / "faces" / "fer_valid.npz")[0], encoder, data_dir, seed)
    speech = trained_speech(clips, work_dir, seed, encoder.embedding_size)
    report: dict[str, Any] = {}
    for name in VARIANTS:
        rows = []
        for each in seeds:
            network = variant(name, speech, each)
            places = [maker.stream() for _ in range(BATCH)]
            network = train_stage(network, places, recipe, each, lambda _: name)  # noqa: B023 - called in this turn
            rows.append([_accuracy(network, unknown, len(kept), way) for way in WAYS])
        report[name] = {way: _summary(values) for way, values in zip(WAYS, np.array(rows).T.tolist(), strict=True)}
        logger.info("%s: %s", name, report[name])
    return report


def variant(name: str, speech: FusionNetwork, seed: int) -> FusionNetwork:
    """An untrained network of one variant, but for the speech encoder of `speech`."""
    torch.manual_seed(seed)
    network = FixedEncoderNetwork(speech.embedding_size)
    alignment, perception = VARIANTS[name]
    network.alignment = alignment(network.see.out_features, network.ring)
    network.perception = perception(network.hidden)
    for part, trained in ((network.speech_encoder, speech.speech_encoder), (network.remember, speech.remember)):
        part.load_state_dict(trained.state_dict())
        part.requires_grad_(False)
    return network


def as_table(report: dict[str, Any]) -> str:
    """The report in Markdown."""
    lines = ["| network | sound | picture | both |", "| --- | --- | --- | --- |"]
    for name, ways in report.items():
        cells = [f"{100 * ways[way]['mean']:.1f} ± {100 * ways[way]['interval']:.1f}%" for way in WAYS]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write_ablation(data_dir: Path, work_dir: Path, seed: int, encoder: ExportedFaceEncoder, out: Path) -> None:
    """Write `ablate` as JSON, and its table and its figure beside it."""
    report = ablate(data_dir, work_dir, seed, encoder)
    out.write_text(json.dumps(report, indent=1) + "\n")
    out.with_suffix(".md").write_text(as_table(report) + "\n")
    draw_ablation(report, out.with_suffix(".svg"))


def _accuracy(network: FusionNetwork, maker: SequenceMaker, count: int, way: str) -> float:
    sequences = clip_sequences(maker, count, way)
    return float((predict(network, sequences)[0].argmax(axis=1) == [s.whole.argmax() for s in sequences]).mean())


def _summary(values: list[float]) -> dict[str, Any]:
    half = _T[len(values)] * float(np.std(values, ddof=1)) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return {"mean": float(np.mean(values)), "interval": half, "values": values}
