"""How good the model is: held-out games against two controls, and balanced sets of judgements.

Games are played side by side. Each keeps its keys and values between its turns, so a turn costs
only its new tokens; where neighbours differ in length the attention mask has holes.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import torch
from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.messages.utils import convert_to_openai_messages
from pydantic import BaseModel
from rich.progress import track
from transformers import DynamicCache, LlamaForCausalLM, PreTrainedTokenizerBase

from ....agents import Action, Actor, Answer, Critique, TagFormat, ToolAgent, Verdict
from ....benchmarks.alfworld.environment import ALFWorld
from ....benchmarks.alfworld.scenes import TASK_TYPES
from ....episodes import Observation
from . import conversations as make
from .arithmetic import make_problem
from .transcripts import Transcript, play

STEPS = 30
"""Actions in a game."""
GAMES_PER_TYPE = 30
SIZE = "medium"
FIRST_GAME = 1000
"""The seed from which held-out games are looked for."""
SIDE_BY_SIDE = 60
"""Games, or prompts, that share a forward pass."""
PROBLEMS = 200
"""Word problems solved, and cases of each kind judged."""
LONGEST_ACTION, LONGEST_REPLY = 24, 96
"""Tokens of a reply at most."""

_FORMAT = TagFormat()
Reply = TypeVar("Reply", bound=BaseModel)
Item = TypeVar("Item")


@dataclass
class Sampler:
    """Writes on for a batch of conversations at once, each with its own history.

    Args:
        temperature: 0 is greedy.
        seed: of the draws.
    """

    model: LlamaForCausalLM
    tokenizer: PreTrainedTokenizerBase
    temperature: float
    seed: int = 0
    _cache: Any = field(init=False)
    _mask: torch.Tensor = field(init=False)

    def start(self, rows: int) -> None:
        """Forget everything; `rows` conversations begin."""
        self._cache = DynamicCache(config=self.model.config)
        self._mask = torch.zeros(rows, 0, dtype=torch.long)
        self._random = torch.Generator().manual_seed(self.seed)

    def keep(self, rows: Sequence[int]) -> None:
        """Drop all conversations but these."""
        kept = torch.tensor(rows, dtype=torch.long)
        self._mask = self._mask[kept]
        self._cache.batch_select_indices(kept)

    @torch.inference_mode()
    def reply(self, texts: Sequence[str], most: int) -> list[str]:
        """Read one text a row, then write at most `most` tokens a row, up to the end mark."""
        pad, end = self.tokenizer.pad_token_id, self.tokenizer.eos_token_id
        told = [self.tokenizer.encode(text, add_special_tokens=False) for text in texts]
        longest = max(map(len, told))
        ids = torch.tensor([[pad] * (longest - len(row)) + row for row in told])
        logits = self._forward(ids, ids != pad)
        written: list[list[int]] = [[] for _ in texts]
        going = torch.ones(len(texts), dtype=torch.bool)
        for _ in range(most):
            tokens = self._draw(logits)
            for row in going.nonzero()[:, 0].tolist():
                written[row].append(int(tokens[row]))
            read = going.clone()
            going &= tokens != end
            logits = self._forward(tokens[:, None], read[:, None])
            if not going.any():
                break
        return [str(self.tokenizer.decode(row, skip_special_tokens=True)) for row in written]

    def _forward(self, ids: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        """Logits [rows, vocabulary] after `ids` [rows, tokens]; what is not `real` is skipped."""
        seen = self._mask.sum(-1, keepdim=True)
        self._mask = torch.cat([self._mask, real.long()], dim=-1)
        out = self.model(
            input_ids=ids,
            attention_mask=self._mask,
            position_ids=(seen + real.cumsum(-1) - 1).clamp(min=0),
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: torch.Tensor = out.logits[:, -1]
        return logits

    def _draw(self, logits: torch.Tensor) -> torch.Tensor:
        if self.temperature == 0:
            return logits.argmax(-1)
        chances = (logits / self.temperature).softmax(-1)
        return torch.multinomial(chances, 1, generator=self._random)[:, 0]


class Player(Protocol):
    """Chooses the next action in each of the games that are still going on."""

    def start(self, openings: Sequence[str]) -> None:
        """New games begin, with these first observations."""

    def act(self, games: Sequence[int], seen: Sequence[Observation]) -> list[str]:
        """An action for each game, given its number and its latest observation."""


class RandomPlayer:
    """A control: any admissible action."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)

    def start(self, openings: Sequence[str]) -> None:
        pass

    def act(self, games: Sequence[int], seen: Sequence[Observation]) -> list[str]:
        return [self._random.choice(each.admissible) for each in seen]


class IdlePlayer:
    """A control: looks around and does nothing."""

    def start(self, openings: Sequence[str]) -> None:
        pass

    def act(self, games: Sequence[int], seen: Sequence[Observation]) -> list[str]:
        return ["look"] * len(games)


class ModelPlayer:
    """The model as the tool agent. A reply that cannot be read is taken as an action verbatim."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def start(self, openings: Sequence[str]) -> None:
        self._games = list(range(len(openings)))
        self._sampler.start(len(openings))
        self._unread: list[str] | None = [
            rendered(
                self._sampler.tokenizer,
                make.prompt(ToolAgent, {"messages": [make.opening(text)]}),
            )
            for text in openings
        ]

    def act(self, games: Sequence[int], seen: Sequence[Observation]) -> list[str]:
        if len(games) < len(self._games):
            self._sampler.keep([self._games.index(game) for game in games])
            self._games = list(games)
        told = self._unread or [f"<|user|>{each.text}<|end|><|assistant|>" for each in seen]
        self._unread = None
        replies = self._sampler.reply(told, LONGEST_ACTION)
        parsed = [_FORMAT.parse(reply, Action) for reply in replies]
        return [p.action if p else r for p, r in zip(parsed, replies, strict=True)]


@dataclass
class Score:
    """How many of how many, in all and by kind."""

    won: Counter[str] = field(default_factory=Counter)
    tried: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, success: bool) -> None:
        self.tried[kind] += 1
        self.won[kind] += success

    @property
    def rate(self) -> float:
        return self.won.total() / max(self.tried.total(), 1)


def held_out(per_type: int, size: str = SIZE) -> list[tuple[str, ALFWorld]]:
    """Games never trained on, `per_type` of each task type: their type and environment."""
    found: dict[str, list[ALFWorld]] = {kind: [] for kind in TASK_TYPES}
    seed = FIRST_GAME
    while any(len(games) < per_type for games in found.values()):
        game = ALFWorld(size=size, games=1, seed=seed, max_steps=STEPS)
        kind = game.tasks("generated")[0].kind
        if len(found[kind]) < per_type:
            found[kind].append(game)
        seed += 1
    return [(kind, game) for kind, games in found.items() for game in games]


def play_games(
    player: Player, games: Sequence[tuple[str, ALFWorld]], title: str = "games"
) -> Score:
    """Let `player` play each game once."""
    score = Score()
    for batch in track(list(_batches(games)), title, transient=True):
        with ExitStack() as stack:
            worlds = [stack.enter_context(game) for _, game in batch]
            seen = [world.reset(world.tasks("generated")[0]) for world in worlds]
            player.start([each.text for each in seen])
            while going := [i for i, each in enumerate(seen) if not each.done]:
                actions = player.act(going, [seen[i] for i in going])
                for i, action in zip(going, actions, strict=True):
                    seen[i] = worlds[i].step(action)
        for (kind, _), last in zip(batch, seen, strict=True):
            score.add(kind, last.reward >= 1)
    return score


def rendered(tokenizer: PreTrainedTokenizerBase, messages: Sequence[BaseMessage]) -> str:
    """Messages as the chat template writes them, ready for a reply."""
    text = tokenizer.apply_chat_template(
        convert_to_openai_messages(messages), tokenize=False, add_generation_prompt=True
    )
    assert isinstance(text, str)
    return text


def solve_sums(sampler: Sampler, problems: int = PROBLEMS) -> Score:
    """Word problems of held-out seeds; by number of steps."""
    asked = [make_problem(seed) for seed in range(problems)]
    prompts = [
        make.prompt(Actor, {"messages": [HumanMessage(question)]}) for question, _, _ in asked
    ]
    score = Score()
    for (_, steps, answer), reply in zip(asked, _answers(sampler, prompts, Answer), strict=True):
        score.add(f"{len(steps)} steps", reply is not None and reply.answer == str(answer))
    return score


def review(sampler: Sampler, cases: Sequence[make.Case]) -> Score:
    """The critic's verdicts on proposals that are right or wrong."""
    score = Score()
    replies = _answers(sampler, [make.critic_prompt(case) for case in cases], Critique)
    for case, reply in zip(cases, replies, strict=True):
        right = reply is not None and (reply.verdict == "correct") == case.stands
        score.add(_side(case), right)
    return score


def decide(sampler: Sampler, cases: Sequence[make.Case], reviewed: bool) -> Score:
    """The judge's decisions, with a true review or with none."""
    prompts = [make.judge_prompt(case, case.review if reviewed else None) for case in cases]
    score = Score()
    for case, reply in zip(cases, _answers(sampler, prompts, Verdict), strict=True):
        right = reply is not None and (reply.decision == "accept") == case.stands
        score.add(_side(case), right)
    return score


def sum_cases(number: int = PROBLEMS) -> list[make.Case]:
    """Solutions of held-out problems, about half of them wrong."""
    rng = random.Random("held-out sums")
    return [make.sum_case(seed, rng) for seed in range(number, 2 * number)]


def action_cases(number: int = PROBLEMS, size: str = SIZE) -> list[make.Case]:
    """Proposed actions in held-out games, about half of them wrong."""
    rng = random.Random("held-out actions")
    cases: list[make.Case] = []
    seed = 0
    while len(cases) < number:
        with ALFWorld(size=size, games=1, seed=seed, max_steps=STEPS) as game:
            transcript: Transcript | None = play(game, seed, rng)
        if transcript is not None:
            cases.append(make.action_case(transcript, rng))
        seed += 1
    return cases


@dataclass
class Results:
    """Everything that is reported, by name."""

    games: dict[str, Score] = field(default_factory=dict)
    judgements: dict[str, Score] = field(default_factory=dict)


def evaluate(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerBase,
    per_type: int = GAMES_PER_TYPE,
    problems: int = PROBLEMS,
) -> Results:
    """The whole report."""
    games = held_out(per_type)
    greedy, sampled = Sampler(model, tokenizer, 0.0), Sampler(model, tokenizer, 1.0)
    players: dict[str, Player] = {
        "tiny, greedy": ModelPlayer(greedy),
        "tiny, temperature 1": ModelPlayer(sampled),
        "random admissible action": RandomPlayer(),
        "no action (`look`)": IdlePlayer(),
    }
    results = Results()
    for name, player in players.items():
        results.games[name] = play_games(player, games, name)
    sums, actions = sum_cases(problems), action_cases(problems)
    tests: dict[str, Callable[[], Score]] = {
        "word problems solved, greedy": lambda: solve_sums(greedy, problems),
        "word problems solved, temperature 1": lambda: solve_sums(sampled, problems),
        "critic on solutions": lambda: review(greedy, sums),
        "judge on solutions, no review": lambda: decide(greedy, sums, reviewed=False),
        "judge on solutions, true review": lambda: decide(greedy, sums, reviewed=True),
        "critic on actions": lambda: review(greedy, actions),
        "judge on actions, no review": lambda: decide(greedy, actions, reviewed=False),
        "judge on actions, true review": lambda: decide(greedy, actions, reviewed=True),
    }
    for name, test in track(tests.items(), "judgements", transient=True):
        results.judgements[name] = test()
    return results


def _answers(
    sampler: Sampler, prompts: Sequence[list[BaseMessage]], output: type[Reply]
) -> Iterator[Reply | None]:
    for batch in _batches(prompts):
        sampler.start(len(batch))
        told = [rendered(sampler.tokenizer, messages) for messages in batch]
        for reply in sampler.reply(told, LONGEST_REPLY):
            yield _FORMAT.parse(reply, output)


def _batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), SIDE_BY_SIDE):
        yield items[start : start + SIDE_BY_SIDE]


def _side(case: make.Case) -> str:
    return "right ones" if case.stands else "wrong ones"
