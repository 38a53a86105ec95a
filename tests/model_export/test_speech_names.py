from pathlib import Path

import pytest

from model_export.speech_names import read_name


@pytest.mark.parametrize(
    ("name", "corpus", "speaker", "label"),
    [
        ("Actor_02/03-01-05-02-01-01-02.opus", "ravdess", "ravdess-02", "angry"),
        ("Actor_20/01-01-08-01-02-02-20.mp4", "ravdess", "ravdess-20", "surprise"),
        ("Actor_03/03-01-02-01-01-01-03.opus", "ravdess", "ravdess-03", None),
        ("DC/DC_sa03.opus", "savee", "savee-DC", "sad"),
        ("JK/JK_su15.wav", "savee", "savee-JK", "surprise"),
        ("JE/JE_n30.wav", "savee", "savee-JE", "neutral"),
        ("AudioData/KL/su03.wav", "savee", "savee-KL", "surprise"),
        ("emodb/03a01Wa.opus", "emodb", "emodb-03", "angry"),
        ("emodb/11b02Ed.wav", "emodb", "emodb-11", "disgust"),
        ("emodb/12a05Aa.wav", "emodb", "emodb-12", "fear"),
        ("emodb/13a02Fb.wav", "emodb", "emodb-13", "happy"),
        ("emodb/14a07Na.wav", "emodb", "emodb-14", "neutral"),
        ("emodb/16b10Td.wav", "emodb", "emodb-16", "sad"),
        ("emodb/08a02La.wav", "emodb", "emodb-08", None),
    ],
)
def test_names_of_the_three_corpora_are_recognised(name: str, corpus: str, speaker: str, label: str | None) -> None:
    found = read_name(Path(name))
    assert found is not None
    assert (found.corpus, found.speaker, found.label) == (corpus, speaker, label)


def test_any_other_name_counts_by_its_prefix() -> None:
    found = read_name(Path("happy_recording_3.wav"))
    assert found is not None
    assert (found.corpus, found.label) == ("other", "happy")


@pytest.mark.parametrize("name", ["README.md", "happily_01.wav", "calm_01.wav", "03-01-05.wav", ".hidden", "a01.wav"])
def test_names_that_say_nothing_are_left_alone(name: str) -> None:
    assert read_name(Path(name)) is None


@pytest.mark.parametrize(
    ("name", "gender"),
    [
        ("03-01-05-02-01-01-02.opus", "women"),
        ("03-01-05-02-01-01-17.opus", "men"),
        ("JK_su15.wav", "men"),
        ("16b10Td.wav", "women"),
        ("03a01Wa.wav", "men"),
        ("happy_3.wav", None),
    ],
)
def test_the_gender_is_what_the_corpus_says(name: str, gender: str | None) -> None:
    found = read_name(Path(name))
    assert found is not None
    assert found.gender == gender
