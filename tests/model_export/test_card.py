import pytest

from model_export.card import BEGIN, END, fill_card

SCORES = {
    "accuracy": 0.5,
    "interval": [0.4, 0.6],
    "mean_recall": 0.45,
    "ece": None,
    "uncertain_share": 0.1,
    "accuracy_when_certain": 0.7,
    "n": 99,
    "recall": {"happy": 0.9, "sad": 0.1},
}


def test_results_replace_what_stood_between_the_markers() -> None:
    card = f"# Card\n{BEGIN}\nold\n{END}\nrest\n"
    filled = fill_card(card, {"Speech": {"model": {"name": "x"}, "speech": {**SCORES, "corpora": {"savee": SCORES}}}})
    assert "old" not in filled
    assert "| speech | 50.0% | 40.0 to 60.0% | 45.0% | - | 10.0% | 70.0% | 99 |" in filled
    assert "| speech.corpora.savee | 90.0% | 10.0% |" in filled
    assert filled.endswith(f"{END}\nrest\n")
    assert fill_card(filled, {}).count(BEGIN) == 1


def test_a_card_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="no place"):
        fill_card("# Card\n", {})
