from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia import ScriptedModel
from symposia.benchmarks import play
from symposia.episodes import Episode, Task
from symposia.graphs.debating.spp import LEADER, Collaboration, Transcript, mentioned, spp

TASK = Task("t", "What do bees make?")
REPLY = f"""\
Participants: {LEADER} (you); Beekeeper; Cook
Start collaboration!
Beekeeper: They gather nectar.
{LEADER} (you): Nectar?
Cook: What they make of it.
Finish collaboration!
Final answer: Honey,
and wax."""


async def asked(reply: str) -> Episode:
    return await play(spp(ScriptedModel([reply])), TASK)


async def test_a_team_is_played_in_one_call_and_its_answer_is_what_follows_the_marker() -> None:
    episode = await asked(REPLY)
    assert (episode.answer, episode.total.calls) == ("Honey,\nand wax.", 1)
    assert episode.turns[0].parsed == {
        "participants": ["Beekeeper", "Cook"],
        "answer": "Honey,\nand wax.",
        "parse_ok": True,
    }


async def test_the_model_is_shown_how_to_work_and_two_examples() -> None:
    system, task = (await asked(REPLY)).turns[0].messages
    assert system["content"].count("Participants:") == 2
    assert system["content"].count("Finish collaboration!") == 3
    assert "tags" not in system["content"]
    assert task["content"] == TASK.prompt


@pytest.mark.parametrize("reply", ["Honey.", "Participants: A\nHoney", "Honey. Final answer:  "])
async def test_without_the_marker_the_whole_reply_counts_and_is_marked(reply: str) -> None:
    episode = await asked(reply)
    assert episode.answer == reply.strip()
    assert episode.turns[0].parsed["parse_ok"] is False


async def test_an_empty_reply_is_unreadable() -> None:
    episode = await asked("  \n")
    assert (episode.answer, episode.turns[0].unreadable) == ("", True)


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("Participants: AI Assistant (you), Poet, Chef.", ("Poet", "Chef")),
        ("**Participants:** Poet; AI Assistant (you)", ("Poet",)),
        ("participants : Poet", ("Poet",)),
        ("No one else: Poet", ()),
    ],
)
def test_participants_are_read_without_the_leader(line: str, names: tuple[str, ...]) -> None:
    parsed = Transcript().parse(f"{line}\nFinal answer: 4", Collaboration)
    assert parsed == Collaboration(participants=names, answer="4")


words = st.text(st.characters(categories=["L", "N"]), min_size=1)


@given(names=st.lists(words, max_size=4), answer=words)
def test_what_is_written_is_read_back(names: list[str], answer: str) -> None:
    said = Collaboration(participants=tuple(names), answer=answer)
    assert Transcript().parse(Transcript().render(said), Collaboration) == said


@given(st.text())
def test_any_text_is_read_in_some_way(text: str) -> None:
    parsed = Transcript().parse(text, Collaboration)
    assert (parsed is None) == (not text.strip())


def test_a_story_is_measured_by_the_questions_that_it_answers() -> None:
    answers = [["Paris"], ["the Nile", "Nile"], ["1969"], ["Bach"], ["oxygen", "O2"]]
    story = "In PARIS, along the nile, someone hummed Bach."
    assert mentioned(story, answers) == 0.6
    with pytest.raises(ValueError, match="answers is empty"):
        mentioned(story, [])
