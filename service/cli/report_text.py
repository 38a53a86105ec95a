"""The words of a report, the same on the page and in the picture."""

from dataclasses import dataclass

from service.cli.sources import STDIN, printable
from service.cli.table import describe_evidence, describe_expressed, describe_media, most_probable
from service.timeline.models import AnalysisResult, Person

NOTICE = (
    "These numbers estimate expressed emotion: how a face and a voice come across to this model. "
    "They do not tell what anybody feels."
)


@dataclass(frozen=True, slots=True)
class Text:
    """Everything that a report says in words. Nothing is escaped for HTML."""

    title: str
    media: str
    people: dict[int, tuple[str, str]]
    """What each person expresses and the details, by id."""
    notice: str
    model: str
    remarks: tuple[str, ...]


def report_text(source: str, result: AnalysisResult, remarks: tuple[str, ...]) -> Text:
    """The words for the report on one input."""
    name = "Standard input" if source == STDIN else printable(source).rsplit("/", 1)[-1]
    model = result.model
    return Text(
        title=name,
        media=f"{describe_media(result)} · {_people(len(result.people))}",
        people={person.id: _person(person) for person in result.people},
        notice=NOTICE,
        model=f"Model {model.name}, version {model.version}, run on {model.provider.upper()}.",
        remarks=remarks,
    )


def _people(count: int) -> str:
    return {0: "nobody", 1: "1 person"}.get(count, f"{count} people")


def _person(person: Person) -> tuple[str, str]:
    summary = person.summary
    title = f"Person {person.id}: {describe_expressed(summary)}"
    if summary.confidence is None:
        return title, ""
    details = f"confidence {summary.confidence:.0%} · from {describe_evidence(summary)} · {most_probable(summary)}"
    return title, details
