import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from cli.conftest import MakePerson, MakeResult
from PIL import Image

from service.cli import report_png
from service.cli.report import write_report
from service.cli.report_html import write_html
from service.cli.report_moments import attended_moments
from service.cli.report_png import write_png
from service.cli.report_text import NOTICE, report_text
from service.cli.report_thumbnails import Thumbnails, cut_face, encode_jpeg
from service.media import decode
from service.representation import LABELS
from service.timeline.models import AnalysisResult


def _thumbnails(result: AnalysisResult) -> Thumbnails:
    image = np.full((72, 128, 3), 90, np.uint8)
    moments = [moment for person in result.people for moment in attended_moments(person)]
    return {(moment.person, moment.number): encode_jpeg(cut_face(image, moment.box)) for moment in moments}


def _html(result: AnalysisResult, thumbnails: Thumbnails, name: str = "clip.mp4") -> str:
    stream = io.BytesIO()
    write_html(stream, result, thumbnails, report_text(name, result, ("A remark.",)))
    return stream.getvalue().decode()


def _png(result: AnalysisResult, thumbnails: Thumbnails, name: str = "clip.mp4") -> bytes:
    stream = io.BytesIO()
    write_png(stream, result, thumbnails, report_text(name, result, ()))
    return stream.getvalue()


@pytest.fixture(scope="module")
def result(make_person: MakePerson, make_result: MakeResult) -> AnalysisResult:
    return make_result(
        make_person(1),
        make_person(2, expressed="uncertain", voice=False, start=1.5),
        make_person(3, expressed=None),
    )


@pytest.fixture(scope="module")
def page(result: AnalysisResult) -> str:
    """The page with thumbnails."""
    return _html(result, _thumbnails(result))


class _Reader(HTMLParser):
    """What a page holds: element counts, ids, references."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.elements.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.references += [value for name, value in attrs if name in ("src", "href", "xlink:href") and value]
        if tag == "img":
            self.images.append(values)
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in ("meta", "img", "br"):
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_draws_every_person_with_evidence_and_their_moments(result: AnalysisResult, page: str) -> None:
    read = _Reader(page)
    assert read.elements.count("svg") == 2
    assert read.elements.count("section") == 3
    assert len(read.images) == sum(len(attended_moments(person)) for person in result.people) > 1
    assert all(str(image["src"]).startswith("data:image/jpeg;base64,") and image["alt"] for image in read.images)
    assert read.open == []


def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing(page: str) -> None:
    read = _Reader(page)
    assert "script" not in read.elements
    assert "://" not in page
    assert not re.search(r"url\((?!#)|@import", page)
    assert all(reference.startswith(("#", "data:image/jpeg;")) for reference in read.references)


def test_every_id_is_there_once_and_every_reference_leads_to_one(page: str) -> None:
    read = _Reader(page)
    assert len(set(read.ids)) == len(read.ids)
    inner = {reference[1:] for reference in read.references if reference.startswith("#")}
    assert inner
    assert inner | set(re.findall(r"url\(#([^)]+)\)", page)) <= set(read.ids)


def test_the_page_says_what_the_numbers_are_and_who_gave_them(page: str) -> None:
    assert NOTICE in page
    assert "expressed emotion" in NOTICE
    assert "attune-test, version 1.2.3" in page
    assert "A remark." in page
    assert "speech 2.0 s" in page
    assert "Person 2: uncertain" in page
    assert "Person 3: no evidence" in page
    for label in LABELS:
        assert f">{label}</text>" in page, "each curve is named"
        assert f"var(--{label})" in page


def test_a_file_name_cannot_add_markup(result: AnalysisResult) -> None:
    name = "<img src=x onerror=alert(1)>.mp4"
    text = _html(result, {}, name)
    assert "<img" not in text
    assert "&lt;img" in text


def test_nobody_is_said_on_the_page_and_in_the_picture(make_result: MakeResult) -> None:
    nobody = make_result(has_audio=False)
    assert "Nobody: no face for long enough and no speech" in _html(nobody, {})
    assert Image.open(io.BytesIO(_png(nobody, {}))).size[0] == 1500


def test_the_picture_holds_the_thumbnails(result: AnalysisResult) -> None:
    bare = Image.open(io.BytesIO(_png(result, {})))
    full = Image.open(io.BytesIO(_png(result, _thumbnails(result))))
    assert full.size[1] > bare.size[1] > bare.size[0]
    colours = full.convert("RGB").getcolors(1 << 24) or []
    assert {colour: count for count, colour in colours}.get((90, 90, 90), 0) > 4 * 100 * 100


def test_a_crowd_does_not_make_an_endless_picture(
    make_person: MakePerson, make_result: MakeResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_png, "PEOPLE", 1)
    crowd = make_result(*(make_person(k, seconds=1.0) for k in range(1, 4)), seconds=1.0)
    one = make_result(crowd.people[0], seconds=1.0)
    assert Image.open(io.BytesIO(_png(crowd, {}))).size == Image.open(io.BytesIO(_png(one, {}))).size


def test_any_file_name_can_be_drawn(make_result: MakeResult) -> None:
    assert _png(make_result(), {}, r"$\frac$ 日本 \udcff.mp4")


def test_the_same_result_gives_the_same_bytes(make_person: MakePerson, make_result: MakeResult) -> None:
    result = make_result(make_person())
    thumbnails = _thumbnails(result)
    assert _html(result, thumbnails) == _html(result, thumbnails)
    assert _png(result, thumbnails) == _png(result, thumbnails)


def test_a_single_step_can_be_drawn(make_person: MakePerson, make_result: MakeResult) -> None:
    one = make_result(make_person(seconds=0.04, start=0.0), seconds=0.04)
    assert len(one.people[0].timeline) == 1
    assert "<svg" in _html(one, {})


def test_standard_input_is_reported_without_thumbnails(result: AnalysisResult, tmp_path: Path) -> None:
    out = tmp_path / "out.html"
    remarks = write_report(str(out), "-", result, decode)
    assert len(remarks) == 1
    assert remarks[0] in out.read_text()
    assert "<img" not in out.read_text()
    assert "Standard input" in out.read_text()
