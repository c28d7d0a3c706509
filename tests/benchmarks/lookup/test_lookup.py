"""Questions and claims that are looked up: the grammar of actions, grading, and the data."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from official import official

from symposia import Action, ScriptedModel, ToolAgent, act, evaluate_sync, make_environment
from symposia.benchmarks.lookup.encyclopedia import Encyclopedia
from symposia.benchmarks.lookup.fever import read_label
from symposia.benchmarks.lookup.hotpotqa import exact_match, f1
from symposia.graphs import follow

ADA = (
    "Ada Lovelace was a mathematician. She was born in London. She wrote on the engine. The engine "
    "was Babbage's. She died in 1852. A crater is named after her."
)
PAGES = [{"title": "Ada Lovelace", "text": ADA}, {"title": "London", "text": "A city."}]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    Encyclopedia.build(tmp_path / "wiki.sqlite", PAGES, progress=False)
    return tmp_path / "wiki.sqlite"


@pytest.fixture
def claims(tmp_path: Path, corpus: Path):
    rows = [
        {"id": 7, "claim": "Ada Lovelace was a painter.", "label": "REFUTES"},
        {"id": 8, "claim": "What?", "label": "MAYBE"},
    ]
    (tmp_path / "paper_dev.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return make_environment("fever", data=tmp_path, corpus=corpus)


def test_a_page_is_opened_looked_through_and_answered_from(claims):
    (task,) = claims.tasks("dev")
    assert claims.faults.total() == 1
    assert claims.reset(task).text == "Claim: Ada Lovelace was a painter."
    assert "No page is open" in claims.step("lookup[engine]").text
    assert claims.step("search[ada_lovelace]").text == ADA.removesuffix(
        " A crater is named after her."
    )
    results = [claims.step("lookup[Engine]").text for _ in range(3)]
    assert results == [
        "(Result 1 / 2) She wrote on the engine.",
        "(Result 2 / 2) The engine was Babbage's.",
        "No more results.",
    ]
    last = claims.restore(claims.snapshot())
    assert (last.text, last.done) == ("No more results.", True), "five steps are the limit"


def test_a_missing_page_is_answered_by_similar_titles_and_nonsense_by_the_grammar(claims):
    claims.reset(claims.tasks("dev")[0])
    assert claims.step("search[Lovelace]").text == (
        "Could not find Lovelace. Similar: Ada Lovelace."
    )
    wrong = claims.step("open the page")
    assert wrong.text.startswith("Invalid action") and wrong.info["valid"] is False
    end = claims.step("finish[refutes.]")
    assert (end.reward, end.done, end.info["stop"]) == (1.0, True, "solved")
    assert claims.step("finish[refutes]").reward == 0, "an episode is rewarded once"


def test_a_snapshot_leads_to_the_same_future(claims):
    claims.reset(claims.tasks("dev")[0])
    claims.step("search[Ada Lovelace]")
    before = claims.snapshot()
    future = [claims.step(a) for a in ("lookup[engine]", "lookup[engine]", "finish[SUPPORTS]")]
    claims.restore(before)
    assert [claims.step(a) for a in ("lookup[engine]",) * 2 + ("finish[SUPPORTS]",)] == future


@given(st.lists(st.text(max_size=40) | st.sampled_from(["search[London]", "lookup[city]"])))
def test_no_sequence_of_actions_raises_or_is_worth_more_than_one(actions):
    atlas = make_environment("atlas", size=1)
    atlas.reset(atlas.tasks("test")[0])
    assert all(0 <= atlas.step(action).reward <= 1 for action in actions)


@pytest.mark.parametrize("ask", ["questions", "claims"])
def test_the_reader_answers_every_task_of_an_invented_country(ask):
    atlas = make_environment("atlas", ask=ask, size=24, seed=5, expert="reader")
    report = evaluate_sync(follow(), atlas, progress=False)
    assert report.summary.rate == 1
    assert atlas.tasks("test") == make_environment("atlas", ask=ask, size=24, seed=5).tasks("test")
    other = make_environment("atlas", ask=ask, size=24, seed=6).tasks("test")
    assert [t.prompt for t in atlas.tasks("test")] != [t.prompt for t in other]


def test_answers_of_an_invented_country_stand_on_its_pages():
    atlas = make_environment("atlas", size=40)
    for task in atlas.tasks("test"):
        answer, titles = task.reference
        pages = [" ".join(atlas.encyclopedia().page(title)) for title in titles]
        assert answer in ("yes", "no") or answer in " ".join(pages)


def test_the_gold_answer_is_told_only_by_the_pages():
    atlas = make_environment("atlas", ask="claims", size=9)
    for task in atlas.tasks("test"):
        seen = [
            atlas.reset(task),
            atlas.step("lookup[x]"),
            atlas.step("hm"),
            atlas.step("finish[]"),
        ]
        told = f"{task!r} {[s.text for s in seen]} {[s.info for s in seen[:-1]]}"
        assert task.reference[0] not in told.replace(atlas.instructions, "")


def test_an_agent_plays_by_the_grammar_it_is_told(claims):
    def reply(messages):
        assert "search[title]" in str(messages)
        read = "mathematician" in str(messages)
        return f"<action>{'finish[REFUTES]' if read else 'search[Ada Lovelace]'}</action>"

    report = evaluate_sync(
        act(ToolAgent(ScriptedModel(reply), output=Action)), claims, progress=False
    )
    assert report.summary.successes == 1


@pytest.mark.parametrize(
    ("answer", "gold", "exact", "overlap"),
    [
        ("The Beatles.", "beatles", True, 1.0),
        ("yes", "no", False, 0.0),
        ("yes it is", "yes", False, 0.0),
        ("in New York City", "New York", False, 2 * 2 / 6),
        ("", "x", False, 0.0),
    ],
)
def test_answers_are_compared_by_the_official_rule(answer, gold, exact, overlap):
    assert exact_match(answer, gold) is exact
    assert f1(answer, gold) == pytest.approx(overlap)


def test_labels_are_read_fail_closed():
    assert read_label(" supports. ") == "SUPPORTS"
    assert read_label("not_enough_info") == "NOT ENOUGH INFO"
    assert read_label("SUPPORTS or REFUTES") is None


def test_questions_that_bring_their_paragraphs_are_searched_in_these(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("SYMPOSIA_CACHE", str(tmp_path / "cache"))
    row = {
        "_id": "5a",
        "question": "Where was Ada born?",
        "answer": "London",
        "type": "bridge",
        "context": [["Ada Lovelace", ["Ada was a mathematician.", " She was born in London."]]],
    }
    file = tmp_path / "hotpot_dev_distractor_v1.json"
    file.write_text(json.dumps([row, {"question": "no answer"}, 3]))
    environment = make_environment("hotpotqa", data=tmp_path)
    (task,) = environment.tasks("dev")
    assert (task.id, task.kind, environment.faults.total()) == ("hotpotqa:5a", "bridge", 2)
    assert "hotpot_dev_distractor_v1.json, row 2 holds no question: KeyError" in caplog.text
    with environment.fork() as world:
        world.reset(task)
        assert world.step("search[Ada Lovelace]").text.endswith("She was born in London.")
        assert world.step("finish[london]").reward == 1


def test_questions_with_nothing_to_search_in_are_refused_with_the_mend(tmp_path):
    (tmp_path / "hotpot_dev_v1_simplified.json").write_text(
        json.dumps([{"question": "?", "answer": "!"}])
    )
    with pytest.raises(ValueError, match="no paragraphs to search in: pass corpus=FILE"):
        make_environment("hotpotqa", data=tmp_path).tasks("dev")
    with pytest.raises(ValueError, match="fever needs pages"):
        make_environment("fever")


def test_the_official_files_are_read_whole(corpus):
    questions = make_environment(
        "hotpotqa", data=official("hotpotqa/hotpot_dev_v1_simplified.json"), corpus=corpus
    )
    claims = make_environment("fever", data=official("fever/paper_dev.jsonl"), corpus=corpus)
    assert len(questions.tasks("dev")) == 7405
    assert len(claims.tasks("dev")) == 9999
    assert not questions.faults and not claims.faults
