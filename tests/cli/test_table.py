import io

from cli.conftest import MakePerson, MakeResult
from rich.console import Console

from service.cli.table import error_text, result_table, speech_seconds
from service.errors import EmptyBody


def _shown(renderable: object) -> str:
    out = io.StringIO()
    Console(file=out, width=120).print(renderable)
    return out.getvalue()


def test_the_table_says_what_each_person_expresses_and_on_what_evidence(
    make_person: MakePerson, make_result: MakeResult
) -> None:
    people = [make_person(1), make_person(2, expressed="uncertain", voice=False), make_person(3, expressed=None)]
    result = make_result(*people)
    shown = _shown(result_table("clip [red].mp4", result))
    assert "clip [red].mp4" in shown
    assert "1280 × 720" in shown
    assert "speech 2.0 s" in shown
    first, second, third = (line for line in shown.splitlines() if line.strip()[:1] in {"1", "2", "3"})
    assert "happy" in first
    assert "71%" in first
    assert "face + voice" in first
    assert "0.4–4.0 s" in first
    assert "uncertain" in second
    assert "voice" not in second
    assert "no evidence" in third
    assert "%" not in third


def test_a_recording_without_anybody_says_so(make_result: MakeResult) -> None:
    shown = _shown(result_table("x.mp4", make_result(has_audio=False)))
    assert "Nobody: no face for long enough and no speech" in shown
    assert "no sound" in shown


def test_an_error_is_one_line_with_its_code() -> None:
    assert _shown(error_text("a\nb.mp4", EmptyBody("No byte.\nNone."))) == "a\\nb.mp4  empty_body: No byte.\\nNone.\n"


def test_speech_is_summed(make_result: MakeResult) -> None:
    assert speech_seconds(make_result()) == 2.0
    assert speech_seconds(make_result(has_audio=False)) == 0.0
