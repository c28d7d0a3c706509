"""Rows computed together come out as alone: values, gradients, and whole updates."""

from __future__ import annotations

import copy
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

import random_models as rm  # noqa: E402

from symposia.training import PreferencePair, Row, Sample  # noqa: E402
from symposia.training.losses import Clip  # noqa: E402
from symposia.training.trainer import (  # noqa: E402
    NFT,
    PolicyGradient,
    Preference,
    Supervised,
    UpdateSettings,
    unit,
)
from symposia.training.trainer.batch import Batch, Layout, collate  # noqa: E402
from symposia.training.trainer.forward import (  # noqa: E402
    require_readable,
    require_shareable,
    trained_logprobs,
)
from symposia.training.trainer.packing import packs  # noqa: E402
from symposia.training.trainer.trainer import planned  # noqa: E402

VOCABULARY, CONTEXT = 16, 64
SHARING = ["llama", "qwen2", "qwen3", "gpt2", "gptj", "mixture"]
"""Rotations; biases; norms of heads; learned positions; attention in plain Python; experts."""


@cache
def model(name, **config):
    torch.manual_seed(0)
    shape = {"vocab_size": VOCABULARY, "max_position_embeddings": CONTEXT, "eos_token_id": 1}
    return getattr(rm, name)(**shape, **config).eval()


def examples_of(rows):
    """Rows with every token after the first trained."""
    return [Row(tuple(ids), (False, *[True] * (len(ids) - 1))) for ids in rows]


def forward(model, groups, share=True):
    """Of each line in its order, the log-probabilities."""
    made = collate(groups, share)
    batch = Batch(**made["batch"])
    found = trained_logprobs(model, Layout(**made["layout"]), batch.loss_mask)
    return [row[:count] for row, count in zip(found, batch.loss_mask.sum(-1).tolist())]


def plainly(model, ids, temperature=1.0):
    """What transformers itself gives for one row, written out."""
    ids = torch.tensor([ids])
    logits = model(input_ids=ids, use_cache=False).logits[0].float() / temperature
    return logits.log_softmax(-1)[:-1].gather(-1, ids[0, 1:, None])[:, 0]


def slopes(model, loss):
    model.zero_grad()
    loss.backward()
    return [p.grad.clone() for p in model.parameters() if p.grad is not None]


tokens = st.integers(0, 3)
"""Few, so that rows often begin alike."""


@st.composite
def bundles(draw):
    """Rows that share beginnings, stand there twice, or are beginnings of each other."""
    rows = draw(st.lists(st.lists(tokens, min_size=2, max_size=9), min_size=1, max_size=5))
    for row in list(rows):
        match draw(st.integers(0, 3)):
            case 1:
                rows.append(list(row))
            case 2:
                rows.append(row[: draw(st.integers(2, len(row)))])
            case 3:
                cut = draw(st.integers(1, len(row)))
                rows.append(row[:cut] + draw(st.lists(tokens, min_size=1, max_size=5)))
    return draw(st.permutations(rows))


@pytest.mark.parametrize("name", SHARING)
@settings(max_examples=12)
@given(rows=bundles())
def test_a_forest_gives_each_row_the_logprobs_and_gradients_it_has_alone(name, rows):
    made = model(name)
    units = [unit(each) for each in examples_of(rows)]
    together = forward(made, [units])
    alone = [plainly(made, row) for row in rows]
    for ours, theirs in zip(together, alone, strict=True):
        torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=1e-4)
    weights = [torch.linspace(-1, 1, len(row)) for row in together]  # so that rows count apart
    ours = slopes(made, sum((w * row).sum() for w, row in zip(weights, together)))
    theirs = slopes(made, sum((w * row).sum() for w, row in zip(weights, alone)))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=2e-4, rtol=1e-3)


@settings(max_examples=30)
@given(rows=bundles(), share=st.booleans(), width=st.integers(2, 30), total=st.integers(2, 60))
def test_however_rows_are_packed_each_stands_in_one_micro_batch_within_the_limits(
    rows, share, width, total
):
    units = [unit(each) for each in examples_of(rows)]
    batches = packs(units, width, total, share)
    assert sorted(at for groups in batches for held in groups for at in held) == list(
        range(len(units))
    )
    for groups in batches:
        made = collate([[units[at] for at in held] for held in groups], share)["layout"]
        sequences, nodes = made["ids"].shape
        assert sequences == len(groups)
        assert sequences * nodes <= total or sequences == 1
        if not share:
            assert made["mask"] is None
            continue
        assert nodes <= width or len(groups[0]) == 1
        distinct = [
            {
                tuple(units[at][0].ids[:end].tolist())
                for at in held
                for end in range(1, len(units[at][0].ids) + 1)
            }
            for held in groups
        ]
        assert made["nodes"] == sum(map(len, distinct))  # no token twice


def test_changing_one_row_never_changes_another():
    made = model("llama")
    rows = [[2, 3, 4, 5, 6], [2, 3, 4, 7, 8], [9, 10, 11]]
    before = forward(made, [[unit(each) for each in examples_of(rows)]])
    rows[0] = [2, 3, 12, 13, 14, 15, 15]
    after = forward(made, [[unit(each) for each in examples_of(rows)]])
    for one, other in zip(before[1:], after[1:], strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)
    assert (before[0][1:3] - after[0][1:3]).abs().max() > 0.1


@pytest.mark.parametrize("name", ["mistral", "mamba", "gpt_neo"])
def test_windows_memories_and_local_layers_are_refused_unless_rows_stand_alone(name):
    made = model(name)
    with pytest.raises(ValueError, match="share_prefixes=False"):
        require_shareable(made)
    rows = [[2, 3, 4, 5, 6] * 6, [2, 3, 4, 7, 8, 9], [9, 10, 11]]  # longer than the window
    groups = [[unit(each)] for each in examples_of(rows)]
    for ours, row in zip(forward(made, groups, share=False), rows, strict=True):
        torch.testing.assert_close(ours, plainly(made, row), atol=2e-5, rtol=1e-4)


def test_a_model_that_heeds_no_mask_is_found_out():
    made = copy.deepcopy(model("llama"))
    plain = made.forward
    made.forward = lambda **given: plain(**given | {"attention_mask": None})
    with pytest.raises(ValueError, match="change each other"):
        require_shareable(made)


@pytest.mark.parametrize("name", SHARING)
def test_models_that_attend_fully_may_share(name):
    require_shareable(model(name))


def test_rows_that_the_model_cannot_read_are_refused():
    made = model("llama")

    def line(ids):
        return unit(Row(ids, (False, *[True] * (len(ids) - 1))))

    with pytest.raises(ValueError, match="reads 64 at most"):
        require_readable(made, line((2,) * 65))
    with pytest.raises(ValueError, match="token 16; the vocabulary has 16"):
        require_readable(made, line((2, 16)))
    with pytest.raises(ValueError, match="token -1"):
        require_readable(made, line((2, -1)))
    stretched = model("longrope", **{})
    stretched.config.max_position_embeddings = 200
    require_readable(stretched, line((2,) * 64))
    with pytest.raises(ValueError, match="longrope"):
        require_readable(stretched, line((2,) * 65))


def test_the_hook_on_the_output_layer_is_gone_after_an_error():
    made = copy.deepcopy(model("llama"))
    groups = [[unit(each) for each in examples_of([[2, 3, 4], [2, 3, 5]])]]
    broken = made.model.layers[1].register_forward_pre_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        forward(made, groups)
    broken.remove()
    assert not made.get_output_embeddings()._forward_pre_hooks
    assert made(input_ids=torch.tensor([[2, 3, 4]])).logits.shape == (1, 3, VOCABULARY)


def test_logprobs_are_taken_at_the_temperature():
    made = model("llama")
    units = [unit(each) for each in examples_of([[2, 3, 4, 5]])]
    collated = collate([units])
    batch = Batch(**collated["batch"])
    found = trained_logprobs(made, Layout(**collated["layout"]), batch.loss_mask, 0.5)
    torch.testing.assert_close(found[0], plainly(made, [2, 3, 4, 5], 0.5), atol=1e-5, rtol=1e-5)


GENERATOR = np.random.default_rng(7)
SHARED = [tuple(GENERATOR.integers(2, 9, 4).tolist()) for _ in range(2)]


def sample(place):
    """A row with a prompt that others have too, and a mask with a gap."""
    prompt = SHARED[place % 2]
    length = 3 + place % 4
    ids = (*prompt, *GENERATOR.integers(2, 9, length).tolist())
    mask = tuple(at >= 4 and at != 5 for at in range(len(ids)))
    old = model("llama")
    with torch.no_grad():
        logprobs = [0.0, *plainly(old, ids).tolist()]
    noise = GENERATOR.normal(0, 0.2, len(ids))
    kept = [lp + n if m else 0.0 for lp, n, m in zip(logprobs, noise, mask)]
    return Sample(
        ids=ids,
        loss_mask=mask,
        advantages=tuple(float(m) * GENERATOR.normal() for m in mask),
        old_logprobs=tuple(kept),
        off_policy=tuple(m and place == 3 for m in mask),
        reference_logprobs=tuple(lp - 0.3 if m else 0.0 for lp, m in zip(logprobs, mask)),
        extras={"right": place % 2, "share_right": 0.25 + place / 20, "weight": 0.5 + place},
    )


def pair(place):
    prompt = SHARED[place % 2]
    chosen, rejected = (tuple(GENERATOR.integers(2, 9, 2 + (place + k) % 3)) for k in (0, 1))
    return PreferencePair(
        prompt_ids=prompt,
        chosen_ids=tuple(map(int, chosen)),
        rejected_ids=(*map(int, rejected), 9),
        chosen_reference=(-1.5,) * len(chosen),
        rejected_reference=(-2.0,) * (len(rejected) + 1),
        margin=float(place),
    )


SAMPLES, PAIRS = [sample(place) for place in range(9)], [pair(place) for place in range(6)]
OBJECTIVES = [
    PolicyGradient(mean="token", kl=0.1, positive_nll=0.2),
    PolicyGradient(mean="sequence", level="sequence_mean", clip=Clip(0.1, 0.2)),
    PolicyGradient(mean="sequence_sum", length=7.0, level="sequence"),
    PolicyGradient(mean="sequence_sum", clip=None, importance_cap=1.2),
    Supervised("token"),
    Supervised("sequence"),
    NFT(mean="token"),
    NFT(mean="sequence", prompt_weight="grpo"),
    *(Preference(kind) for kind in ("dpo", "ipo", "simpo", "orpo", "hinge")),
    Preference("dpo", margins=True, nll=0.5),
]


def gradient(objective, examples, **chosen):
    """Of a whole update's loss, by its micro-batches."""
    made = model("llama")
    chosen = UpdateSettings(**chosen)
    (micros,) = planned([unit(each) for each in examples], objective.per, chosen, seed=0)
    total = 0.0
    for groups, share in micros:
        held = collate(groups, chosen.share_prefixes)
        batch = Batch(**held["batch"])
        logprobs = trained_logprobs(made, Layout(**held["layout"]), batch.loss_mask)
        total = total + share * objective(logprobs, batch)[0]
    return len(micros), total.detach(), slopes(made, total)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=repr)
def test_an_update_is_the_same_however_it_is_cut(objective):
    examples = PAIRS if isinstance(objective, Preference) else SAMPLES
    one, loss, expected = gradient(objective, examples, sequence_tokens=4096, batch_tokens=4096)
    assert one == 1
    assert sum(float(each.abs().sum()) for each in expected) > 0
    for how in (
        {"sequence_tokens": 16, "batch_tokens": 40},
        {"sequence_tokens": 2, "batch_tokens": 2},
        {"share_prefixes": False, "batch_tokens": 40},
        {"share_prefixes": False, "batch_tokens": 4096},
    ):
        count, cut, found = gradient(objective, examples, **how)
        assert count > 1 or how["batch_tokens"] == 4096
        torch.testing.assert_close(cut, loss, atol=1e-5, rtol=1e-4)
        for ours, theirs in zip(found, expected, strict=True):
            torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-3)


@settings(max_examples=20)
@given(width=st.integers(2, 30), total=st.integers(2, 60), share=st.booleans())
def test_the_two_sides_of_a_pair_follow_each_other_in_one_micro_batch(width, total, share):
    chosen = UpdateSettings(sequence_tokens=width, batch_tokens=total, share_prefixes=share)
    (micros,) = planned([unit(each) for each in PAIRS], "row", chosen, seed=0)
    seen = []
    for groups, part in micros:
        made = collate(groups, share)
        held = [each for group in groups for each in group]
        assert part == pytest.approx(len(held) / len(PAIRS))
        counts = Batch(**made["batch"]).loss_mask.sum(-1).tolist()
        assert counts == [len(line.places) for each in held for line in each]
        seen += [tuple(line.ids.tolist() for line in each) for each in held]
    assert len(seen) == len(PAIRS)
    wanted = [[[*p.prompt_ids, *p.chosen_ids], [*p.prompt_ids, *p.rejected_ids]] for p in PAIRS]
    assert sorted(map(list, seen)) == sorted(wanted)


def test_steps_take_every_row_once_an_epoch_in_another_order():
    units = [unit(each) for each in SAMPLES]
    chosen = UpdateSettings(batch=4, epochs=2)
    steps = list(planned(units, "token", chosen, seed=3))
    assert len(steps) == 6
    number = {id(each): at for at, each in enumerate(units)}
    orders = []
    for epoch in (steps[:3], steps[3:]):
        parts = [sum(part for _, part in micros) for micros in epoch]
        assert parts == pytest.approx([1, 1, 1])
        seen = [[number[id(u)] for g, _ in micros for held in g for u in held] for micros in epoch]
        assert sorted(at for step in seen for at in step) == list(range(9))
        assert [len(each) for each in seen] == [4, 4, 1]
        orders.append([sorted(each) for each in seen])
    assert orders[0] != orders[1]
    again = list(planned(units, "token", chosen, seed=3))
    assert [len(micros) for micros in again] == [len(micros) for micros in steps]
