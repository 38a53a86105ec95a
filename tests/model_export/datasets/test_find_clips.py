"""Data sets as they lie on people's disks, made here of empty files: what is found, and under which label."""

from pathlib import Path

import pytest

from model_export.datasets import DATASETS, find_clips
from model_export.datasets.clip import DatasetClip


def _make(root: Path, *keys: str) -> Path:
    for key in keys:
        path = root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def _found(name: str, root: Path) -> dict[str, tuple[str, str | None, str | None]]:
    return {clip.key: (clip.label, clip.speaker, clip.split) for clip in find_clips(name, root)}


def test_afew_has_its_own_splits_and_a_test_part_without_labels(tmp_path: Path) -> None:
    _make(
        tmp_path,
        "Train_AFEW/Angry/000046280.avi",
        "Train_AFEW/AlignedFaces_LBPTOP_Points/Angry/000046280.mat",
        "Val_AFEW/Happy/011603980.AVI",
        "Test_AFEW/Test_vid_Distribute/000000.avi",
        "Val_AFEW/Surprise/notes.txt",
    )
    assert _found("afew", tmp_path) == {
        "Train_AFEW/Angry/000046280.avi": ("angry", None, "train"),
        "Val_AFEW/Happy/011603980.AVI": ("happy", None, "val"),
    }


def test_a_part_of_afew_is_not_taken_for_the_whole(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Train and Val"):
        find_clips("afew", _make(tmp_path, "Angry/000046280.avi"))


def test_ravdess_is_found_by_actor_without_calm_and_without_silent_copies(tmp_path: Path) -> None:
    _make(
        tmp_path,
        "Actor_01/01-01-05-01-01-01-01.mp4",
        "Actor_01/02-01-05-01-01-01-01.mp4",
        "Actor_01/01-01-02-01-01-01-01.mp4",
        "Actor_02/01-01-08-02-01-01-02.mp4",
    )
    assert {key: found[:2] for key, found in _found("ravdess", tmp_path).items()} == {
        "Actor_01/01-01-05-01-01-01-01.mp4": ("angry", "ravdess-01"),
        "Actor_02/01-01-08-02-01-01-02.mp4": ("surprise", "ravdess-02"),
    }


CREMAD = ("VideoFlash/1001_DFA_ANG_XX.flv", "VideoFlash/1001_IEO_FEA_HI.flv", "VideoFlash/1002_TSI_HAP_XX.flv")


def test_cremad_has_the_emotion_that_was_intended_in_its_names(tmp_path: Path) -> None:
    _make(tmp_path, *CREMAD, "AudioWAV/1001_DFA_ANG_XX.wav", "mp4/1001_DFA_ANG_XX.mp4")
    found = _found("cremad", tmp_path)
    assert sorted((label, speaker) for label, speaker, _ in found.values()) == [
        ("angry", "cremad-1001"),
        ("fear", "cremad-1001"),
        ("happy", "cremad-1002"),
    ]


def test_cremad_has_the_emotion_that_most_perceived_in_a_table_and_ties_are_left_out(tmp_path: Path) -> None:
    _make(tmp_path, *CREMAD)
    table = tmp_path / "processedResults" / "summaryTable.csv"
    table.parent.mkdir()
    table.write_text(
        '"","FileName","VoiceVote","VoiceLevel","FaceVote","FaceLevel","MultiModalVote","MultiModalLevel"\n'
        '"1","1001_DFA_ANG_XX","A","60","D","70","D","65"\n'
        '"2","1001_IEO_FEA_HI","F","60","F","70","F:S","65:40"\n'
        '"3","1002_TSI_HAP_XX","N","60","H","70","H","65"\n'
    )
    assert {key: found[0] for key, found in _found("cremad-perceived", tmp_path).items()} == {
        CREMAD[0]: "disgust",
        CREMAD[2]: "happy",
    }


def test_cremad_without_its_table_has_no_perceived_emotions(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"summaryTable\.csv"):
        find_clips("cremad-perceived", _make(tmp_path, *CREMAD))


def test_enterface_is_read_by_its_folders_also_where_a_level_is_missing(tmp_path: Path) -> None:
    _make(
        tmp_path,
        "enterface database/subject 1/anger/sentence 1/s1_an_1.avi",
        "enterface database/subject 12/happiness/sentence 3/s_3_ha_3.avi",
        "enterface database/subject 6/sadness/s6_sa_1.avi",
        "enterface database/extra/anger/x.avi",
    )
    assert {found[:2] for found in _found("enterface", tmp_path).values()} == {
        ("angry", "enterface-01"),
        ("happy", "enterface-12"),
        ("sad", "enterface-06"),
    }


def test_any_folder_named_after_an_emotion_is_a_label(tmp_path: Path) -> None:
    _make(tmp_path, "Happiness/a.webm", "mine/FEARFUL/deep/b.mkv", "calm/c.mp4", "d.mp4")
    assert {key: found[0] for key, found in _found("folders", tmp_path).items()} == {
        "Happiness/a.webm": "happy",
        "mine/FEARFUL/deep/b.mkv": "fear",
    }


def test_where_there_are_no_splits_every_fifth_speaker_is_chosen_on(tmp_path: Path) -> None:
    names = [f"Actor_{actor:02}/01-01-05-01-01-0{take}-{actor:02}.mp4" for actor in range(1, 12) for take in (1, 2)]
    found = _found("ravdess", _make(tmp_path, *names))
    held = {speaker for _, speaker, split in found.values() if split == "val"}
    assert held == {"ravdess-05", "ravdess-10"}
    assert {speaker for _, speaker, split in found.values() if split == "train"}.isdisjoint(held)


def test_without_speakers_every_fifth_clip_of_a_label_is_chosen_on(tmp_path: Path) -> None:
    names = [f"{label}/{number}.mp4" for label in ("happy", "sad") for number in range(10)]
    found = _found("folders", _make(tmp_path, *names))
    held = [label for label, _, split in found.values() if split == "val"]
    assert sorted(held) == ["happy", "happy", "sad", "sad"]


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_a_folder_without_the_data_set_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=str(tmp_path)):
        find_clips(name, tmp_path)
    with pytest.raises(ValueError, match="no folder"):
        find_clips(name, tmp_path / "absent")


def test_an_unknown_data_set_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="afew, ravdess"):
        find_clips("iemocap", tmp_path)


def test_clips_are_told_apart_by_their_key(tmp_path: Path) -> None:
    _make(tmp_path, "a/happy/1.mp4", "b/happy/1.mp4")
    clips: list[DatasetClip] = find_clips("folders", tmp_path)
    assert len({clip.key for clip in clips}) == 2
