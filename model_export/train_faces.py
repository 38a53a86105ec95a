"""Training of the face encoder: cycles of a small student, taught by wider networks between them."""

import copy
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from model_export.face_augment import augment
from model_export.face_data import Faces, class_weights, join, load_fer, split_development
from model_export.face_network import TEACHER_WIDTHS, WIDE_WIDTHS, WIDTHS, FaceEncoder
from model_export.face_votes import clear_majority
from model_export.face_widen import widen
from model_export.press_faces import cut_press_faces
from service.representation import LABELS

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FaceRecipe:
    """How one encoder is trained."""

    widths: tuple[int, ...] = WIDTHS
    epochs: int = 40
    batch: int = 128
    peak_rate: float = 3e-3
    weight_decay: float = 0.02
    dropout: float = 0.2
    averaging: float = 0.998
    """Decay per step of the moving average of the weights."""
    teacher_share: float = 0.0
    """Weight of the teachers' distribution in the target."""


TEACHER = FaceRecipe(widths=TEACHER_WIDTHS, epochs=18, dropout=0.4, weight_decay=0.05)
FIRST = FaceRecipe(epochs=15, teacher_share=0.6)
STUDENT = FaceRecipe(epochs=20, teacher_share=0.5, peak_rate=2e-3)
"""A second cycle from where the first ended."""

LAST = FaceRecipe(epochs=36, peak_rate=2e-3)
"""A third, without the teacher, which the student has overtaken by then."""

WIDE = FaceRecipe(widths=WIDE_WIDTHS, epochs=32, peak_rate=2e-3, dropout=0.3, weight_decay=0.05, teacher_share=0.3)
"""A second teacher, widened from the student and taught by it: what the student says of a picture and its mirror image
together is better than what it says of one."""

FINAL = FaceRecipe(epochs=45, peak_rate=2e-3, dropout=0.1, teacher_share=0.6)
"""A fourth cycle of the student, taught by its last self and the wide teacher together."""


def batches(count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Row numbers of one epoch in random order, the last incomplete batch left out."""
    order = torch.randperm(count, generator=generator)
    for start in range(0, count - size + 1, size):
        yield order[start : start + size]


def update_average(average: torch.nn.Module, network: torch.nn.Module, decay: float) -> None:
    """Moves `average` towards `network` in place; buffers such as batch statistics are copied averaged too."""
    with torch.no_grad():
        for slow, fast in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
            if slow.dtype.is_floating_point:
                slow.lerp_(fast, 1 - decay)
            else:
                slow.copy_(fast)


def predict(encoder: FaceEncoder, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Logits [N, 7] of the encoder's head in evaluation mode."""
    encoder.eval()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        parts = [encoder(torch.from_numpy(images[i : i + 512]))[1] for i in range(0, len(images), 512)]
    return torch.cat(parts).float().numpy()


def teach(teachers: Sequence[FaceEncoder], images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The teachers' distributions [N, 7] from the mean of their logits over each picture and its mirror image.

    They are given once per picture, not per augmented view: a third less work, and the student has to learn that
    what augmentation does to a picture does not change what it shows.
    """
    views = (images, np.ascontiguousarray(images[:, :, ::-1]))
    logits = np.mean([predict(teacher, view) for view in views for teacher in teachers], axis=0)
    return torch.softmax(torch.from_numpy(logits), dim=1).numpy()


def clear_score(encoder: FaceEncoder, images: NDArray[np.uint8], votes: NDArray[np.uint8]) -> tuple[float, float]:
    """(accuracy, mean recall) on clear-majority faces, one crop each."""
    rows, labels = clear_majority(votes)
    right = predict(encoder, images[rows]).argmax(axis=1) == labels
    recalls = [right[labels == label].mean() for label in range(len(LABELS)) if (labels == label).any()]
    return float(right.mean()), float(np.mean(recalls))


def train_encoder(
    faces: Faces,
    recipe: FaceRecipe,
    seed: int,
    development: tuple[Faces, NDArray[np.uint8]],
    teachers: Sequence[FaceEncoder] = (),
    start: FaceEncoder | None = None,
) -> FaceEncoder:
    """Trains with one cycle of AdamW, from the weights of `start` where given; -> the moving average of the weights,
    in evaluation mode."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    encoder = FaceEncoder(recipe.widths, recipe.dropout)
    if start is not None:
        encoder.load_state_dict(start.state_dict())
    encoder.body.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(encoder)
    images, targets = torch.from_numpy(faces.images), torch.from_numpy(faces.targets)
    if teachers:
        targets = torch.lerp(targets, torch.from_numpy(teach(teachers, faces.images)), recipe.teacher_share)
    weights = torch.from_numpy(class_weights(faces.targets))
    optimiser = torch.optim.AdamW(encoder.parameters(), lr=recipe.peak_rate, weight_decay=recipe.weight_decay)
    steps = recipe.epochs * (len(faces) // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.peak_rate, total_steps=steps, pct_start=0.2)
    for epoch in range(recipe.epochs):
        began, losses = time.monotonic(), []
        encoder.train()
        for rows in batches(len(faces), recipe.batch, generator):
            crops, target = augment(images[rows], generator), targets[rows]
            importance = (target * weights).sum(dim=1)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = encoder(crops)[1]
            loss = (importance * functional.cross_entropy(logits.float(), target, reduction="none")).mean()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            update_average(average, encoder, recipe.averaging)
            losses.append(loss.item())
        held_out, votes = development
        accuracy, recall = clear_score(average, held_out.images, votes)
        logger.info(
            "epoch %d: loss %.3f, development accuracy %.3f, mean recall %.3f, %.0f s",
            epoch + 1, np.mean(losses), accuracy, recall, time.monotonic() - began,
        )  # fmt: skip
    return average.eval()


def train_faces(
    data_dir: Path,
    work_dir: Path,
    seed: int,
    *,
    teacher: FaceRecipe = TEACHER,
    first: FaceRecipe = FIRST,
    student: FaceRecipe = STUDENT,
    last: FaceRecipe = LAST,
    wide: FaceRecipe = WIDE,
    final: FaceRecipe = FINAL,
) -> Path:
    """Trains the teachers and the student in its cycles, each unless its checkpoint is there; -> the student's."""
    trained = work_dir / f"face_final_{seed}.pt"
    if trained.exists():
        return trained
    faces, votes = load_fer(data_dir / "faces" / "fer_train.npz")
    known, development, development_votes = split_development(faces, votes)
    held_out = (development, development_votes)
    press, _ = cut_press_faces(data_dir / "faces" / "press_faces.zip", work_dir / "press_faces.npz")
    more = join(known, press)

    def stage(
        name: str, recipe: FaceRecipe, teachers: Sequence[FaceEncoder] = (), start: FaceEncoder | None = None
    ) -> FaceEncoder:
        path = work_dir / f"face_{name}_{seed}.pt"
        if path.exists():
            encoder = FaceEncoder(recipe.widths, recipe.dropout)
            encoder.load_state_dict(torch.load(path, weights_only=True))
            return encoder.eval()
        material = known if name == "teacher" else more
        logger.info("training the face encoder, stage %s, on %d faces", name, len(material))
        encoder = train_encoder(material, recipe, seed, held_out, teachers, start)
        torch.save(encoder.state_dict(), path)
        return encoder

    taught = stage("teacher", teacher)
    begun = stage("first", first, [taught])
    learnt = stage("student", student, [taught], begun)
    ripe = stage("last", last, start=learnt)
    widened = widen(ripe, wide.widths, wide.dropout, torch.Generator().manual_seed(seed))
    wise = stage("wide", wide, [ripe], widened)
    stage("final", final, [ripe, wise], ripe)
    return trained
