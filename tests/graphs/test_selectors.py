from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.embeddings import Embeddings

from symposia.agents import Answer, Candidate
from symposia.graphs.selectors import (
    Selector,
    best,
    borda,
    centroid,
    filtered,
    graded,
    majority,
    plain,
    weighted,
)


def candidate(answer: str | None, score: float | None = None) -> Candidate:
    """One that answers this; None for one that could not be read."""
    return Candidate(
        by="actor", draft=None if answer is None else Answer(answer=answer), score=score
    )


def candidates(answers: Sequence[str | None], scores: Sequence[float] = ()) -> list[Candidate]:
    return [candidate(*pair) for pair in zip(answers, scores or [None] * len(answers), strict=True)]


def test_a_majority_is_the_first_candidate_of_the_commonest_answer() -> None:
    assert majority(candidates(["a", "b", "b", "c"])) == 1


def test_of_equal_answers_the_first_wins() -> None:
    assert majority(candidates(["b", "a", "a", "b"])) == 0


def test_candidates_that_could_not_be_read_have_no_vote() -> None:
    assert majority(candidates([None, None, "a"])) == 2
    assert majority(candidates([None, None])) is None
    assert majority([]) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [("4", "4.0"), ("$1,000", "1000"), ("Paris.", " paris"), ("a  b", "A b"), ("4e2", "400")],
)
def test_the_same_answer_in_other_clothes_counts_together(one: str, other: str) -> None:
    assert plain(one) == plain(other)


@pytest.mark.parametrize(("one", "other"), [("4", "5"), ("1/2", "0.5"), ("inf", "-inf"), ("a", "")])
def test_different_answers_do_not_count_together(one: str, other: str) -> None:
    assert plain(one) != plain(other)


def test_no_number_counts_together_with_itself() -> None:
    assert plain("nan") == plain("NaN")


def test_another_key_may_say_which_answers_are_the_same() -> None:
    options = candidates(["Ada", "bob", "Alan", "Bill"])
    assert majority(options) == 0
    assert majority(options, lambda answer: answer[0].lower()) == 0
    assert majority(candidates(["x", "bob", "Bill"]), lambda answer: answer[0].lower()) == 1


def test_weights_of_the_same_answer_add_up() -> None:
    options = candidates(["a", "b", "b"], [0.5, 0.3, 0.3])
    assert weighted(graded)(options) == 1
    assert best(graded)(options) == 0


@pytest.mark.parametrize(("power", "winner"), [(0, "B"), (1, "B"), (2, "A")])
def test_borda_votes_with_the_numbers_of_the_self_certainty_paper(
    power: float, winner: str
) -> None:
    """Ranks give 16 to 14 with power 2, 4 to 6 with 1, and 1 to 3 votes with 0."""
    options = candidates(["A", "B", "B", "B"], [0.9, 0.2, 0.8, 0.1])
    chosen = borda(graded, power)(options)
    assert chosen is not None
    assert options[chosen].value == winner


@pytest.mark.parametrize("power", [-1.0, math.inf, math.nan])
def test_a_power_that_makes_no_ranking_is_refused(power: float) -> None:
    with pytest.raises(ValueError, match=f"power={power}"):
        borda(graded, power)


def test_a_filter_chooses_among_those_it_keeps_and_tells_their_place_among_all() -> None:
    options = candidates(["a", "a", "b"], [0.1, 0.1, 0.9])
    assert filtered(lambda each: graded(each) > 0.5)(options) == 2
    assert filtered(lambda each: graded(each) > 0.5, best(graded))(options) == 2


def test_a_filter_that_keeps_nobody_keeps_everybody() -> None:
    assert filtered(lambda each: False)(candidates(["a", "b", "b"])) == 1
    assert filtered(lambda each: True)(candidates([None, None])) is None


def test_one_without_a_grade_weighs_nothing() -> None:
    assert best(graded)([candidate("a"), candidate("b", 0.1)]) == 1


class Lengths(Embeddings):
    """Short words point one way, long words another."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[1.0, 0.0] if len(text) < 5 else [0.0, 1.0] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


def test_the_centroid_is_the_candidate_nearest_to_all() -> None:
    options = candidates([None, "elephant", "cat", "dog"])
    assert centroid(Lengths())(options) == 2
    assert centroid(Lengths(), lambda each: 5.0 if each.value == "elephant" else 1.0)(options) == 1
    assert centroid(Lengths())(candidates([None])) is None


votes = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", None]), st.floats(0, 1)), min_size=1, max_size=9
)
selectors = st.sampled_from(
    [
        majority,
        weighted(graded),
        borda(graded, 0.5),
        best(graded),
        filtered(lambda each: graded(each) > 0.5),
    ]
)


@given(votes)
def test_borda_with_power_0_is_the_majority(votes: list[tuple[str | None, float]]) -> None:
    options = [candidate(*vote) for vote in votes]
    assert borda(graded, 0)(options) == majority(options)


@given(votes)
def test_equal_weights_are_the_majority(votes: list[tuple[str | None, float]]) -> None:
    options = [candidate(*vote) for vote in votes]
    assert weighted(lambda each: 0.25)(options) == majority(options)


@given(votes)
def test_borda_with_a_great_power_chooses_the_answer_that_weighs_most(
    votes: list[tuple[str | None, float]],
) -> None:
    options = [candidate(*vote) for vote in votes]
    ranked = sorted(range(len(options)), key=lambda place: -graded(options[place]))
    chosen = borda(graded, 64)(options)
    if options[ranked[0]].draft is not None:
        assert chosen is not None
        assert options[chosen].value == options[ranked[0]].value


@given(votes, selectors)
def test_a_selector_chooses_somebody_readable_if_there_is_one(
    votes: list[tuple[str | None, float]], select: Selector
) -> None:
    options = [candidate(*vote) for vote in votes]
    chosen = select(options)
    if chosen is None:
        assert all(each.draft is None for each in options)
    else:
        assert options[chosen].draft is not None


@given(votes, st.randoms())
def test_a_clear_majority_does_not_depend_on_the_order(
    votes: list[tuple[str | None, float]], random: Random
) -> None:
    options = [candidate(*vote) for vote in votes]
    counts = sorted(Counter(each.value for each in options if each.draft).values(), reverse=True)
    if not counts or counts[:2] == [counts[0]] * 2:
        return
    shuffled = random.sample(options, len(options))
    one, other = majority(options), majority(shuffled)
    assert one is not None and other is not None
    assert options[one].value == shuffled[other].value
