from __future__ import annotations

from langchain_core.messages import BaseMessage

from symposia.agents import Actor, Candidate, Thought
from symposia.benchmarks import play
from symposia.episodes import Task
from symposia.graphs.searching.alpha_llm import adaptive, alpha_llm, distinct
from symposia.graphs.tree import Node, Tree
from symposia.models import ScriptedModel


def test_the_width_grows_with_the_distance_of_values() -> None:
    tree = Tree([Node(0), Node(1, 0, 1)])
    tree[0].children = [1]
    for number, mean in ((2, 0.9), (3, 0.1)):
        tree.add(Node(number, 1, 2, visits=1, total=mean))
    assert [adaptive(alpha)(tree, tree[1]) for alpha in (2, 10, 100)] == [3, 4, 10]
    assert adaptive()(tree, tree[0]) == 40
    assert adaptive(split_depth=1)(tree, tree[2]) == 1


async def test_an_option_is_written_again_until_it_is_distinct() -> None:
    drafts = ScriptedModel([f"<step>{step}</step>" for step in ("abd", "xyz", "never asked")])
    policy = distinct(Actor(drafts, output=Thought), edits=2, tries=5)
    before = [Candidate("1", draft=Thought(step="abc"))]
    update = await policy({"messages": [], "candidates": before})  # type: ignore[operator]
    assert update["draft"].step == "xyz"


async def test_the_most_distinct_option_stands_when_none_is_distinct_enough() -> None:
    drafts = ScriptedModel([f"<step>{step}</step>" for step in ("abd", "axy", "abc")])
    policy = distinct(Actor(drafts, output=Thought), edits=3, tries=3)
    before = [Candidate("1", draft=Thought(step="abc"))]
    update = await policy({"messages": [], "candidates": before})  # type: ignore[operator]
    assert update["draft"].step == "axy"


async def test_the_answer_is_the_end_that_its_critics_like_best() -> None:
    written = [0]

    def say(messages: list[BaseMessage]) -> str:
        system, text = messages[0].text, messages[-1].text
        if "Grade" in system:
            return f"<decision>accept</decision><scores>{1 if '>4<' in text else 0.1}</scores>"
        written[0] += 1
        answer = 4 if written[0] % 3 == 0 else 5
        return f"<step>{'so ' * written[0]}</step><answer>{answer}</answer>"

    team = alpha_llm(ScriptedModel(say), searches=6, ends=2, plays=1, edits=3)
    episode = await play(team, Task("t", "2 + 2?"))
    assert episode.answer == "4"
