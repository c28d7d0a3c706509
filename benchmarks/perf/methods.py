"""What helps when: teams at an equal number of calls, on a simulated model of known skill.

The model answers a question right with chance p. Questions differ in how hard they are: `spread` is
the correlation between two answers to the same question, 0 where all are equally hard. A wrong
answer is the question's own popular mistake half of the time. As a critic or a judge the model is
right with chance q, whoever it judges. In a debate it takes over what most of the others say with
chance 1/2, else it answers anew. A deceptive judge calls right answers wrong, names the popular
mistake, and is believed with chance 1/2. Everything else (prompts, parsing, graphs) is real.

It prints whether the table shows what is known: a vote beats a single answer where p > 1/2, and
also a weak model's where mistakes are scattered; a debate does not beat the vote at as many calls;
judges help as far as they are right; a deceptive one costs accuracy after one critique.

With --model the methods play generated arithmetic with a real model instead.

    python benchmarks/perf/methods.py
    python benchmarks/perf/methods.py --calls
    python benchmarks/perf/methods.py --model tiny --questions 50
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from symposia.agents import Actor, Critic, Judge
from symposia.benchmarks import play
from symposia.benchmarks.reports import wilson
from symposia.episodes import Episode, Task
from symposia.graphs import Team, answer, debate, refine, sample
from symposia.graphs.selecting import self_check
from symposia.graphs.selectors import best, graded
from symposia.graphs.teams import TEAMS
from symposia.models import ScriptedModel, load_model

BUDGET = 9
"""Calls for each question."""
WRONG = 9
"""Different wrong answers to a question."""
POPULAR = 0.5
CONFORMS = 0.5
BELIEVES = 0.5
SETTINGS = ((0.6, 0.0), (0.6, 0.3), (0.4, 0.0), (0.4, 0.3))
"""Skill p and spread."""
JUDGES = (0.6, 0.9)
"""q."""
ANSWER = re.compile(r"<answer>(\d+)</answer>")


@dataclass(frozen=True, slots=True)
class Oracle:
    """A simulated model: the right answer of question i is i, the mistakes are other numbers."""

    skill: float
    spread: float
    judge: float
    dice: random.Random

    def model(self) -> ScriptedModel:
        return ScriptedModel(self.say, name="oracle")

    def deceiver(self) -> ScriptedModel:
        return ScriptedModel(self.deceive, name="deceiver")

    def say(self, messages: list[BaseMessage]) -> str:
        system, question = messages[0].text, question_of(messages)
        if "critic" in system:
            right = self.judged(messages, question)
            return f"<verdict>{'correct' if right else 'incorrect'}</verdict>"
        if "judge" in system:
            right = self.judged(messages, question)
            decision = "accept" if right else "revise"
            return f"<decision>{decision}</decision><scores>{float(right)}</scores>"
        return f"<answer>{self.answered(messages, question)}</answer>"

    def deceive(self, messages: list[BaseMessage]) -> str:
        question = question_of(messages)
        if last_answer(messages[-1].text) != question:
            return "<verdict>correct</verdict>"
        return f"<verdict>incorrect</verdict><suggestion>{popular(question)}</suggestion>"

    def judged(self, messages: list[BaseMessage], question: int) -> bool:
        truth = last_answer(messages[-1].text) == question
        return truth if self.dice.random() < self.judge else not truth

    def answered(self, messages: list[BaseMessage], question: int) -> int:
        told = messages[-1].text
        if (found := re.search(r"<suggestion>(\d+)</suggestion>", told)) and self.dice.random() < (
            BELIEVES
        ):
            return int(found[1])
        if "The others replied" in told and self.dice.random() < CONFORMS:
            heard = [int(each) for each in ANSWER.findall(told)]
            return max(heard, key=heard.count)
        if self.dice.random() < chance(question, self.skill, self.spread):
            return question
        if self.dice.random() < POPULAR:
            return popular(question)
        return question + 1000 * self.dice.randint(2, WRONG)


def chance(question: int, skill: float, spread: float) -> float:
    """How likely this question is answered right: the same for all, or drawn from a beta
    distribution with mean `skill` and this correlation of two answers."""
    if not spread:
        return skill
    strength = 1 / spread - 1
    return random.Random(f"hard/{question}").betavariate(skill * strength, (1 - skill) * strength)


def popular(question: int) -> int:
    """The mistake that is made most."""
    return question + 1000


def question_of(messages: Sequence[BaseMessage]) -> int:
    found = re.search(r"Question (\d+)", "\n".join(each.text for each in messages))
    assert found
    return int(found[1])


def last_answer(text: str) -> int:
    return int(ANSWER.findall(text)[-1])


Build = Callable[[BaseChatModel], Team]


def methods(budget: int = BUDGET) -> dict[str, Build]:
    """Teams that make at most `budget` calls."""
    half = budget // 2
    return {
        "single": lambda model: answer(Actor(model)),
        "majority": lambda model: sample(Actor(model), budget),
        "self-check": lambda model: self_check(model, half),
        "best of n, judged": lambda model: sample(
            Actor(model), half, review=Judge(model), select=best(graded)
        ),
        "refine": lambda model: refine(Actor(model), Critic(model), rounds=half),
        "debate": lambda model: debate([Actor(model)] * 3, rounds=budget // 3),
    }


async def scored(
    build: Build, models: Callable[[int], BaseChatModel], tasks: Sequence[Task]
) -> tuple[int, int]:
    """How many tasks were answered right, and the calls it took."""
    episodes: list[Episode] = []
    for first in range(0, len(tasks), 64):
        batch = tasks[first : first + 64]
        episodes += await asyncio.gather(
            *(play(build(models(first + i)), task) for i, task in enumerate(batch))
        )
    right = sum(
        episode.answer.strip() == str(task.reference)
        for task, episode in zip(tasks, episodes, strict=True)
    )
    return right, sum(episode.total.calls for episode in episodes)


async def simulated(questions: int, seed: int) -> list[dict[str, Any]]:
    tasks = [Task(f"q{i}", f"Question {i}: what is it?", reference=i) for i in range(questions)]
    teams = {**methods(), "deceptive judge": deceived}
    rows: list[dict[str, Any]] = []
    with Progress(console=Console(stderr=True), transient=True) as bar:
        job = bar.add_task("teams", total=len(SETTINGS) * len(JUDGES) * len(teams))
        for (skill, spread), judge, name in product(SETTINGS, JUDGES, teams):
            about = f"{seed}/{skill}/{spread}/{judge}/{name}"
            models = partial(oracle, about, skill, spread, judge)
            right, calls = await scored(teams[name], models, tasks)
            rows.append(row(name, right, questions, calls, p=skill, spread=spread, q=judge))
            bar.advance(job)
    return rows


def oracle(about: str, skill: float, spread: float, judge: float, number: int) -> BaseChatModel:
    """The simulated model that answers question `number`."""
    return Oracle(skill, spread, judge, random.Random(f"{about}/{number}")).model()


def deceived(model: BaseChatModel) -> Team:
    """One critique by a judge who misleads."""
    liar = Oracle(0.0, 0.0, 0.0, random.Random(0)).deceiver()
    return refine(Actor(model), Critic(liar), rounds=1)


async def real(spec: str, questions: int, seed: int) -> list[dict[str, Any]]:
    from symposia.benchmarks import make_environment

    world = make_environment("arithmetic", seed=seed)
    tasks = list(world.tasks(world.default_split))[:questions]
    model = load_model(spec)
    rows = []
    for name, build in methods().items():
        right, calls = await scored(build, lambda number: model, tasks)
        rows.append(row(name, right, len(tasks), calls, model=spec))
    return rows


def row(name: str, right: int, questions: int, calls: int, **setting: Any) -> dict[str, Any]:
    low, high = wilson(right, questions)
    rate = right / questions
    return {**setting, "team": name, "accuracy": rate, "low": low, "high": high,
            "calls": calls / questions}  # fmt: skip


def findings(rows: Sequence[dict[str, Any]]) -> dict[str, bool]:
    """Whether the table shows what is known."""

    def rate(team: str, p: float, spread: float, q: float) -> float:
        return next(
            each["accuracy"]
            for each in rows
            if (each["team"], each["p"], each["spread"], each["q"]) == (team, p, spread, q)
        )

    even = [(0.6, 0.0, q) for q in JUDGES]
    weak = [(0.4, 0.0, q) for q in JUDGES]
    everywhere = [(p, spread, q) for p, spread in SETTINGS for q in JUDGES]
    return {
        "a vote beats one answer where p > 1/2": all(
            rate("majority", *at) > rate("single", *at) for at in even
        ),
        "a debate at equal calls does not beat the vote": all(
            rate("debate", *at) <= rate("majority", *at) + 0.05 for at in everywhere
        ),
        "a good judge helps more than a poor one": all(
            rate("best of n, judged", p, s, 0.9) > rate("best of n, judged", p, s, 0.6)
            for p, s in SETTINGS
        ),
        "a good judge beats the vote where p < 1/2": all(
            rate("best of n, judged", 0.4, s, 0.9) > rate("majority", 0.4, s, 0.9)
            for s in (0.0, 0.3)
        ),
        "a deceptive judge costs accuracy": all(
            rate("deceptive judge", *at) < rate("single", *at) for at in everywhere
        ),
        "a vote among scattered mistakes helps a weak model": all(
            rate("majority", *at) > rate("single", *at) for at in weak
        ),
    }


async def counted() -> list[dict[str, Any]]:
    """Calls and tokens of every named team that answers questions, at its defaults, with a model
    that always gives the same readable reply."""
    rows = []
    for spec in TEAMS.values():
        if spec.acts:
            continue
        episode = await play(spec.build(ScriptedModel(obliging)), Task("t", "What is 2 + 2?"))
        usage = episode.total
        rows.append(
            {
                "team": spec.name,
                "calls": usage.calls,
                "tokens read": usage.prompt_tokens,
                "tokens written": usage.completion_tokens,
                "ends": episode.outcome.error or episode.outcome.stop,
            }
        )
    return rows


def obliging(messages: list[BaseMessage]) -> str | AIMessage:
    """A readable reply in whatever form the system's message asks for: the first choice of every
    field, or a number."""
    hints = re.findall(r"<(\w+)>([^<]*)</\1>(\?|\*)?", messages[0].text)
    said = []
    for name, hint, _ in hints:
        value = "1" if name in NUMBERS else "4" if hint == "..." else hint.split(" or ")[0]
        said.append(f"<{name}>{value}</{name}>")
    return "".join(said) or "4"


NUMBERS = ("score", "scores", "winner", "confidence", "reward", "step", "first_error_step")


def pivoted(rows: Sequence[dict[str, Any]]) -> Table:
    """A row a team, a column a setting."""
    table = Table("team", *(f"p {p} spread {s} q {q}" for (p, s), q in product(SETTINGS, JUDGES)))
    table.add_column("calls")
    for team in dict.fromkeys(each["team"] for each in rows):
        own = [each for each in rows if each["team"] == team]
        calls = sum(each["calls"] for each in own) / len(own)
        shown = (f"{each['accuracy']:.0%} ({each['low']:.0%}-{each['high']:.0%})" for each in own)
        table.add_row(team, *shown, f"{calls:.1f}")
    return table


def plain(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(*rows[0])
    for each in rows:
        cells = (f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in each.values())
        table.add_row(*cells)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", help="play arithmetic with this model instead")
    parser.add_argument("--calls", action="store_true", help="count calls of the named teams")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.calls:
        rows = asyncio.run(counted())
    elif given.model:
        rows = asyncio.run(real(given.model, given.questions, given.seed))
    else:
        rows = asyncio.run(simulated(given.questions, given.seed))
    known = findings(rows) if not (given.calls or given.model) else {}
    if given.json:
        print(json.dumps({"rows": rows, "findings": known}))
        return
    Console().print(pivoted(rows) if known else plain(rows))
    for finding, holds in known.items():
        print(f"{'seen' if holds else 'NOT SEEN'}: {finding}")


if __name__ == "__main__":
    main()
