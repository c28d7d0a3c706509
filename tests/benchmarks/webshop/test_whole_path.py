"""The whole path: a team shops, every turn is on record, and the gold is in none of them."""

from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage

from symposia import EpisodeStore, ScriptedModel, ToolAgent, act, evaluate, make_environment

GOLD = ("asin", "name", "product_category")


async def test_a_team_shops_and_never_reads_the_gold(tmp_path: Path) -> None:
    world: Any = make_environment("webshop", products=60, rewards="approximate")
    read: list[str] = []

    def shopper(messages: list[BaseMessage]) -> str:
        read.append("\n".join(message.text for message in messages))
        plan = ("search[zzz]", "search[no such thing]", "click[next >]", "click[back to search]")
        said = sum(message.type == "ai" for message in messages)
        return f"<action>{plan[said % 4]}</action>"

    team = act(ToolAgent(ScriptedModel(shopper)), max_steps=6)
    with EpisodeStore(tmp_path) as store:
        await evaluate(team, world, limit=5, store=store, run="r", progress=False, concurrency=1)
        assert len(list(store.episodes("r"))) == 5
    assert len(read) == 30
    for number, task in enumerate(world.tasks()[:5]):
        prompts = "\n".join(read[6 * number : 6 * number + 6])
        assert prompts.count(task.prompt) >= 6
        rest = prompts.replace(task.prompt, "")
        for gold in (*(task.reference[key] for key in GOLD), *task.reference["attributes"]):
            assert gold not in rest


async def test_a_team_that_knows_how_is_told_so() -> None:
    world: Any = make_environment("webshop", products=40, rewards="approximate", human_goals=True)
    gold = {task.prompt: task.reference for task in world.tasks()}

    def shopper(messages: list[BaseMessage]) -> str:
        goal = next(goal for prompt, goal in gold.items() if prompt in messages[1].text)
        wanted = [goal["asin"], *goal["goal_options"], "Buy Now"]
        plan = [f"search[{goal['name']}]", *(f"click[{each}]" for each in wanted)]
        return f"<action>{plan[sum(message.type == 'ai' for message in messages)]}</action>"

    report = await evaluate(act(ToolAgent(ScriptedModel(shopper))), world, progress=False)
    assert report.summary.successes == len(gold)
    assert report.stops == {"solved": len(gold)}
    assert report.manifest["config"]["options"]["rewards"] == "approximate"
