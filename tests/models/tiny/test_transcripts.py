"""Household episodes and what is learnt from them."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from symposia.agents import Action, TagFormat
from symposia.benchmarks.alfworld.environment import ALFWorld
from symposia.benchmarks.alfworld.scenes import TRAINING_SEEDS
from symposia.models.tiny.make import conversations as make
from symposia.models.tiny.make.transcripts import Transcript, play

SEED = TRAINING_SEEDS + 7


def episode(seed: int) -> Transcript:
    with ALFWorld(size="small", games=1, seed=seed) as environment:
        transcript = play(environment, seed, random.Random(seed))
    assert transcript is not None
    return transcript


@pytest.fixture(scope="module")
def transcript() -> Transcript:
    found = (episode(seed) for seed in range(SEED, SEED + 20))
    return next(t for t in found if any(m.action != m.expert for m in t.moves))


def test_a_seed_always_gives_the_same_transcript() -> None:
    assert episode(SEED) == episode(SEED)


def test_random_actions_carry_no_loss_and_the_experts_do(transcript: Transcript) -> None:
    said = [m for m in make.act(transcript) if m.role == "assistant"]
    for message, move in zip(said, transcript.moves, strict=True):
        read = TagFormat().parse(message.text, Action)
        assert read is not None and read.action == move.action
        assert (message.weight == make.LEARN) == (move.action == move.expert)
    assert {message.weight for message in said} == {make.LEARN, make.IGNORE}


def test_what_is_looked_for_is_named_in_full_when_it_is_taken(transcript: Transcript) -> None:
    wanted = transcript.opening.split()
    said = [make.action(m.expert, s) for m, s in zip(transcript.moves, make.soughts(transcript))]
    for action in said:
        if action.value.startswith("take "):
            assert action.thought == "find " + " ".join(action.value.split()[1:3])
            assert action.thought.split()[1] in wanted
        elif action.value.startswith("move "):
            assert action.thought == ""
    assert said[0].thought.split()[1] in wanted


def test_instructions_carry_no_loss(transcript: Transcript) -> None:
    system, opening, *_ = make.act(transcript)
    assert system.weight == make.IGNORE
    assert opening.text.startswith(ALFWorld.instructions)


def test_a_bare_episode_is_the_same_without_instructions(transcript: Transcript) -> None:
    whole, bare = make.act(transcript), make.act(transcript, bare=True)
    assert bare[0].text == transcript.opening
    assert bare[1:] == whole[2:]


def test_a_list_is_said_again_and_looked_up() -> None:
    asked, again, *lookups = make.copy(random.Random(0))
    items = again.text.split(", ")
    assert asked.text.endswith(again.text)
    for question, answer in zip(lookups[::2], lookups[1::2], strict=True):
        assert (question.text[len("After ") : -1], answer.text) in pairwise(items)


def test_a_moment_is_answered_by_taking_what_is_wanted_when_it_is_there() -> None:
    moments = [m for i in range(20) for m in make.spot(random.Random(i))]
    taken = []
    for shown, reply in zip(moments[::2], moments[1::2], strict=True):
        wanted = shown.text.split()[6]
        action = TagFormat().parse(reply.text, Action)
        assert action is not None
        taken.append(action.value.startswith(f"take {wanted} "))
        assert taken[-1] == (f" a {wanted} " in shown.text)
        assert reply.weight == make.LEARN and shown.weight == make.IGNORE
    assert 20 < sum(taken) < 60


def test_a_renamed_episode_has_the_same_shape_and_stays_consistent(transcript: Transcript) -> None:
    others = {seed: transcript.renamed(random.Random(seed)) for seed in range(9)}
    seed, renamed = next((s, t) for s, t in others.items() if t != transcript)
    assert renamed == transcript.renamed(random.Random(seed))
    for before, after in zip(transcript.moves, renamed.moves, strict=True):
        assert (before.action == before.expert) == (after.action == after.expert)
        assert before.action.split()[0] == after.action.split()[0]


def test_a_wrong_action_is_reviewed_with_the_experts(transcript: Transcript) -> None:
    cases = [make.action_case(transcript, random.Random(i)) for i in range(40)]
    assert {case.stands for case in cases} == {True, False}
    for case in cases:
        assert case.stands == (case.draft == case.right)
        assert case.review.suggestion == ("" if case.stands else case.right.value)


def test_a_critique_is_learnt_from_the_critics_own_prompt(transcript: Transcript) -> None:
    case = make.action_case(transcript, random.Random(0))
    *told, reply = make.critique(case)
    assert [m.text for m in told] == [str(m.content) for m in make.critic_prompt(case)]
    assert {m.weight for m in told} == {make.IGNORE}
    assert reply.weight == make.LEARN
    assert TagFormat().parse(reply.text, type(case.review)) == case.review
