"""B-STaR: self-training whose collection is tuned again in every iteration.

A part of the iteration's tasks are probes: they are answered at each temperature of a grid. The
others are answered at the present temperature. A process judge grades every answer; its reward is 1
if it is right, plus 0.2 times the grade, from -1 to 1. The threshold that balances best on the
probes at the present temperature decides what is kept: of each query the distinct answers above it,
best first, under a cap that rises until the set is large enough. What is kept is learnt as it was
sampled. The temperature that balances best is the next iteration's.

Paper: "B-STaR: Monitoring and Balancing Exploration and Exploitation in Self-Taught Reasoners",
arXiv 2412.17256. Departures: there the probes are played before the collection, here beside it, so
that a temperature comes into force one iteration later; they are new ones in each iteration, not a
fixed set; no reference solutions are added; and the process judge is any member of a team, by
default the policy asked as a critic, whose grade in [0, 1] is stretched to [-1, 1].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any

from langchain_core.language_models import BaseChatModel
from langgraph.graph import END, START, StateGraph

from ...agents import Actor, Candidate, Critic, TeamContext, TeamState
from ...episodes import Episode
from ...episodes.paper import Paper
from ...graphs import answer, sample
from ...graphs.team import Member, Settled, Team, seated
from ..builders import above, distinct, filled
from ..builders.written import reply_text
from ..checks import require_positive
from ..curricula import Graded, balanced, steps
from ..from_episodes import rows
from ..loop.recipe import Models, Recipe, Stage
from ..sample import Example
from ..trainer import Objective, Supervised, UpdateSettings

PAPER = Paper(
    title=(
        "B-STaR: Monitoring and Balancing Exploration and Exploitation in Self-Taught Reasoners"
    ),
    arxiv="2412.17256",
    kind="recipe",
)
TEMPERATURES = (0.5, 0.7, 0.9, 1.1)
"""Of the probes. The paper's grid is `steps(0.5, 1.2, 0.05)`: 15 samples a probe and attempt."""
THRESHOLDS = tuple(steps(-1.0, 1.0, 0.01))
GRADED = 0.2
"""Weight of the process judge's grade."""
JUDGE = "process-judge"
ACTOR = "actor"
ANSWERS = "answers"
"""Where findings have the answers and their grades."""
SOLVED = 1.0


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer that was sampled, and what it is worth."""

    episode: Episode
    place: int
    """Its place among the answers of the episode; of a probe, its temperature's."""
    text: str
    """The whole reply: two ways to one answer are two."""
    turn: str
    right: bool
    grade: float
    """In [-1, 1]."""

    @property
    def reward(self) -> float:
        return self.right + GRADED * self.grade


class BSTaR(Recipe):
    """Self-training with a balanced search for temperature and reward threshold.

    Args:
        judge: grades each answer (a critique or a verdict with scores; the least of them counts);
            by default the policy itself, as a critic.
        temperatures: that are tried on the probes.
        thresholds: of the reward, that are tried on the probes.
        temperature: of the first iteration. It has to be the plan's, which is not used after that.
        probes: share of an iteration's tasks that are probes.
        enough: right answers that a query is to have: n* of the balance score.
        target: rows of an iteration, if there are as many; None takes all above the threshold.

    Raises:
        ValueError: there is nothing to try, or a number is out of range.
    """

    name = "b-star"
    summary = "self-training, with temperature and reward threshold balanced anew each iteration"
    paper = PAPER

    def __init__(
        self,
        *,
        judge: BaseChatModel | Member | None = None,
        temperatures: Sequence[float] = TEMPERATURES,
        thresholds: Sequence[float] = THRESHOLDS,
        temperature: float = 1.0,
        probes: float = 0.25,
        enough: int = 8,
        target: int | None = None,
    ) -> None:
        if not temperatures or not thresholds:
            raise ValueError("there are no temperatures or no thresholds to try")
        for each in (temperature, *temperatures):
            require_positive("temperature", each)
        if not 0 < probes < 1:
            raise ValueError(f"probes={probes}: a share of the tasks, between 0 and 1")
        if enough < 1 or (target is not None and target < 1):
            raise ValueError(f"enough={enough}, target={target}: both must be at least 1")
        self.judge, self.temperature, self.probes = judge, temperature, probes
        self.temperatures, self.thresholds = tuple(temperatures), tuple(thresholds)
        self.enough, self.target = enough, target

    def team(self, models: Models, stage: Stage) -> Team:
        model = models["policy"]
        given = getattr(model, "temperature", None)
        if given not in (None, self.temperature):
            raise ValueError(
                f"the plan samples at temperature {given}, and b-star begins at "
                f"{self.temperature}: give both the same"
            )
        judge = seated(Critic, model if self.judge is None else self.judge, name=JUDGE)
        grid = [actor_at(model, each) for each in self.tried(stage)]
        probed = {task.id for task in self.probed(stage)}
        return routed(
            lambda state: state["task"].id in probed,
            sample(grid, review=judge, name="probe"),
            sample(actor_at(model, self.present(stage)), 1, review=judge, name="answer"),
        )

    def tested(self, models: Models) -> Team:
        return answer(Actor(models["policy"]))

    async def rows(self, episodes: Sequence[Episode], stage: Stage) -> Sequence[Example]:
        probed = {task.id for task in self.probed(stage)}
        samples = [each for episode in episodes for each in await answers(episode, stage)]
        tried = self.tried(stage)
        probes: dict[float, dict[str, list[Graded]]] = {
            temperature: {task: [] for task in sorted(probed)} for temperature in tried
        }
        for each in samples:
            if each.episode.task in probed:
                graded = Graded(each.reward, each.right, each.text)
                probes[tried[each.place]][each.episode.task].append(graded)
        by_temperature = {at: list(queries.values()) for at, queries in probes.items()}
        present = self.present(stage)
        now = balanced({present: by_temperature[present]}, self.thresholds, enough=self.enough)
        best = balanced(
            {at: by_temperature[at] for at in self.temperatures},
            self.thresholds,
            enough=self.enough,
        )
        stage.memory["temperature"] = best.temperature
        tuned = {"temperature": present, "threshold": now.threshold, "score": now.score}
        stage.memory["balance"] = [*stage.memory.get("balance", ()), tuned]
        new = [each for each in samples if each.episode.task not in probed]
        return self.learnt(new, now.threshold)

    def learnt(self, samples: Sequence[Answered], threshold: float) -> list[Example]:
        """The rows of what is kept."""
        good = list(compress(samples, above([each.reward for each in samples], threshold)))
        good.sort(key=lambda each: -each.reward)
        unlike = list(compress(good, distinct([(x.episode.task, x.text) for x in good])))
        if self.target is not None and unlike:
            tasks = [each.episode.task for each in unlike]
            unlike = list(compress(unlike, filled(tasks, self.target)))
        return [
            row
            for each in unlike
            for row in rows(each.episode, [each.turn], policy=lambda turn: "policy")
        ]

    def objective(self, policy: str, stage: Stage) -> Objective:
        return Supervised()

    def settings(self, chosen: UpdateSettings, stage: Stage) -> UpdateSettings:
        return replace(chosen, temperature=1.0)

    def present(self, stage: Stage) -> float:
        """The temperature of the stage's collection."""
        return float(stage.memory.get("temperature", self.temperature))

    def tried(self, stage: Stage) -> list[float]:
        """The temperatures of the probes, the present one among them."""
        return list(dict.fromkeys((*self.temperatures, self.present(stage))))

    def probed(self, stage: Stage) -> Sequence[Any]:
        """The tasks that are probes.

        Raises:
            ValueError: too few tasks are played for probes and others.
        """
        if len(stage.tasks) < 2:
            raise ValueError(f"{len(stage.tasks)} task: probes and others need at least 2 a stage")
        count = min(max(round(len(stage.tasks) * self.probes), 1), len(stage.tasks) - 1)
        return stage.tasks[:count]


def actor_at(model: BaseChatModel, temperature: float) -> Actor:
    """An actor whose model answers at a temperature.

    Raises:
        ValueError: the model's temperature cannot be set.
    """
    if "temperature" not in type(model).model_fields:
        raise ValueError(f"{type(model).__name__} has no temperature to set")
    return Actor(model.model_copy(update={"temperature": temperature}), name=ACTOR)


def routed(probes: Callable[[TeamState], bool], probe: Team, play: Team) -> Team:
    """A team that plays tasks and probes, and leaves all answers and their grades in its record."""

    async def note(state: TeamState) -> dict[str, Any]:
        told = [
            {"branch": each.branch, "answer": each.value, "grade": grade_of(each)}
            for each in state.get("candidates", ())
            if each.draft is not None
        ]
        return {"findings": {ANSWERS: told}}

    async def kind(state: TeamState) -> str:
        return "probe" if probes(state) else "play"

    graph = StateGraph(TeamState, context_schema=TeamContext, output_schema=Settled)
    graph.add_node("probe", probe)
    graph.add_node("play", play)
    graph.add_node("note", note)
    graph.add_conditional_edges(START, kind, ["probe", "play"])
    graph.add_edge("probe", "note")
    graph.add_edge("play", "note")
    graph.add_edge("note", END)
    return graph.compile(name="b-star")


def grade_of(candidate: Candidate) -> float:
    """What the process judge thinks of an answer: of several scores the least, stretched from
    [0, 1] to [-1, 1]. What it says nothing readable about is graded lowest."""
    scores = candidate.verdict.scores if candidate.verdict else ()
    least = min(scores) if scores else candidate.score or 0.0
    return 2 * least - 1


async def answers(episode: Episode, stage: Stage) -> list[Answered]:
    """The readable answers of an episode, and whether the environment says that they are right."""
    if stage.score is None:
        raise ValueError("b-star scores single answers: this world does not take them")
    spoken = {turn.branch: turn for turn in episode.turns if turn.agent == ACTOR}
    found = []
    for told in episode.findings.get(ANSWERS, ()):
        turn = spoken[told["branch"]]
        right = await stage.score(episode.task, told["answer"]) >= SOLVED
        place = int(turn.branch.rpartition("/")[2])
        found.append(Answered(episode, place, reply_text(turn), turn.id, right, told["grade"]))
    return found
