"""An update, from a version to the next: what it measures, refuses, writes, and carries on."""

from __future__ import annotations

import errno
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

import random_models as rm  # noqa: E402
from sampled_rows import content, said, sample, samples, weights  # noqa: E402

from symposia.models.local import LocalChatModel  # noqa: E402
from symposia.training import PreferencePair, Row  # noqa: E402
from symposia.training.losses import Clip  # noqa: E402
from symposia.training.trainer import (  # noqa: E402
    MismatchError,
    PolicyGradient,
    Preference,
    Supervised,
    UpdateSettings,
    unit,
)
from symposia.training.trainer import policy as policies  # noqa: E402
from symposia.training.trainer.learner import Learner, computed_logprobs  # noqa: E402
from symposia.training.trainer.policy import LoRA, Policy  # noqa: E402

QUICK = UpdateSettings(learning_rate=1e-2, device="cpu")
GRADIENT = PolicyGradient(mean="token")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return Path(rm.make_folder(tmp_path_factory.mktemp("base")))


@pytest.fixture(scope="module")
def spoken(base):
    """The base as it answers here."""
    return LocalChatModel(path=str(base), max_tokens=8, temperature=1.0)


@pytest.fixture(scope="module")
def rows(spoken):
    return samples(spoken)


@pytest.fixture(params=[LoRA(rank=4), None], ids=["lora", "full"])
def lora(request):
    return request.param


def learner(base, lora=LoRA(rank=4), settings=QUICK):
    return Learner(Policy(base, lora, "cpu"), settings)


@pytest.fixture
def begun(base, lora, tmp_path):
    made = learner(base, lora)
    made.policy.begin(tmp_path / "0", seed=1)
    return made, tmp_path


def test_rows_train_on_the_ids_and_logprobs_that_were_sampled(spoken):
    for tokens in said(spoken):
        row = sample(tokens, 1.0)
        (line,) = unit(row)
        assert tuple(line.ids) == tokens.prompt_ids + tokens.completion_ids
        assert tuple(line.ids[line.places]) == tokens.completion_ids
        assert tuple(line.sampler_logprobs) == tokens.logprobs


def test_the_trainer_reads_the_logprobs_that_the_engine_recorded(begun, rows):
    made, folder = begun
    measures = made.update(folder / "0", rows, GRADIENT, folder / "1")
    assert measures["mismatch"] < 1e-5
    assert measures["ratio"] == pytest.approx(1, abs=1e-5)
    assert measures["tokens"] == sum(len(row.ids) for row in rows)
    assert measures["computed"] < measures["tokens"]
    assert measures["grad_norm"] > 0


def test_an_update_makes_good_tokens_likelier_and_bad_ones_less(begun, rows):
    made, folder = begun
    made.update(folder / "0", rows, GRADIENT, folder / "1")
    made.policy.load(folder / "1")
    found = computed_logprobs(made.policy.model, [unit(row) for row in rows], QUICK)
    moved = [
        float((got[0] - unit(row)[0].old_logprobs).mean()) * unit(row)[0].advantages[0]
        for row, got in zip(rows, found)
    ]
    assert sum(moved) > 0.01


@pytest.mark.parametrize(
    "other",
    [
        {"temperature": 0.5},
        {"top_p": 0.5},
        {"top_k": 3},
    ],
    ids=str,
)
def test_rows_sampled_otherwise_are_refused_before_a_weight_changes(base, spoken, other, tmp_path):
    made = learner(base)
    made.policy.begin(tmp_path / "0", seed=1)
    odd = LocalChatModel(path=str(base), max_tokens=8, **{"temperature": 1.0} | other)
    odd.__dict__["engine"] = spoken.engine
    before = {n: p.clone() for n, p in made.policy.model.state_dict().items()}
    with pytest.raises(MismatchError, match="nats a token away"):
        made.update(tmp_path / "0", samples(odd), GRADIENT, tmp_path / "1")
    assert not (tmp_path / "1").exists()
    assert [each.name for each in tmp_path.iterdir()] == ["0"]
    for name, weight in made.policy.model.state_dict().items():
        assert torch.equal(weight, before[name])
    matched = replace(QUICK, temperature=0.5, max_mismatch=1e-4)
    if "temperature" in other:
        rows = samples(odd)
        measures = made.update(tmp_path / "0", rows, GRADIENT, tmp_path / "1", settings=matched)
        assert measures["mismatch"] < 1e-4


def test_rows_of_other_weights_are_refused_and_recomputing_finds_it_on_all_rows(
    base, rows, tmp_path
):
    made = learner(base)
    made.policy.begin(tmp_path / "0", seed=1)
    far = replace(QUICK, learning_rate=0.3)
    made.update(tmp_path / "0", rows, GRADIENT, tmp_path / "1", settings=far)
    for how in ({}, {"old_logprobs": "recomputed"}, {"batch": 3}):
        with pytest.raises(MismatchError):
            made.update(
                tmp_path / "1", rows, GRADIENT, tmp_path / "2", settings=replace(QUICK, **how)
            )
    assert not (tmp_path / "2").exists()
    loose = replace(QUICK, max_mismatch=None)
    assert made.update(tmp_path / "1", rows, GRADIENT, tmp_path / "2", settings=loose)[
        "mismatch"
    ] > 0.1  # fmt: skip


def test_recomputed_logprobs_are_what_ratios_count_from_and_importance_puts_the_rest_right(
    base, rows, tmp_path
):
    made = learner(base)
    made.policy.begin(tmp_path / "0", seed=1)
    off = [
        replace(row, old_logprobs=tuple(lp - 0.05 if m else lp for lp, m in held))
        for row in rows
        for held in [list(zip(row.old_logprobs, row.loss_mask))]
    ]
    again = replace(QUICK, old_logprobs="recomputed")
    measures = made.update(
        tmp_path / "0", off, PolicyGradient(importance_cap=2.0), tmp_path / "1", settings=again
    )
    assert measures["mismatch"] == pytest.approx(0.05, abs=1e-4)
    assert measures["ratio"] == pytest.approx(1, abs=1e-5)
    assert measures["importance"] == pytest.approx(math.exp(0.05), abs=1e-3)
    measures = made.update(tmp_path / "0", off, GRADIENT, tmp_path / "1")
    assert measures["ratio"] == pytest.approx(math.exp(0.05), abs=1e-3)


def test_a_cap_on_importance_is_refused_where_nothing_is_recomputed(base, rows, tmp_path):
    made = learner(base)
    made.policy.begin(tmp_path / "0", seed=1)
    with pytest.raises(ValueError, match="old_logprobs='recomputed'"):
        made.update(tmp_path / "0", rows, PolicyGradient(importance_cap=2.0), tmp_path / "1")


@pytest.mark.parametrize("level", ["token", "sequence"])
def test_the_reference_is_the_base_as_it_stands_alone(begun, rows, base, level):
    made, folder = begun
    made.update(folder / "0", rows, GRADIENT, folder / "1")
    made.policy.load(folder / "1")
    units = [unit(row) for row in rows]
    with made.policy.as_base() as model:
        found = computed_logprobs(model, units, QUICK)
    alone = computed_logprobs(Policy(base).model, units, QUICK)
    now = computed_logprobs(made.policy.model, units, QUICK)
    for ours, theirs, moved in zip(found, alone, now, strict=True):
        assert ours[0] == pytest.approx(theirs[0], abs=1e-6)
        assert abs(ours[0] - moved[0]).max() > 1e-3


def test_the_divergence_is_from_the_base_or_from_the_start(begun, rows):
    made, folder = begun
    loose = replace(QUICK, max_mismatch=None)
    anchored = PolicyGradient(kl=0.1)
    made.update(folder / "0", rows, anchored, folder / "1", settings=loose)
    of_base = made.update(folder / "1", rows, anchored, folder / "2", settings=loose)
    start = replace(loose, reference="start")
    of_start = made.update(folder / "1", rows, anchored, folder / "2", settings=start)
    assert of_base["kl"] > 1e-4
    assert of_start["kl"] == pytest.approx(0, abs=1e-7)


def test_a_version_answers_in_the_engine_as_the_trainer_predicts(begun, base, spoken, rows, lora):
    made, folder = begun
    made.update(folder / "0", rows, GRADIENT, folder / "1")
    made.policy.load(folder / "1")
    if lora:
        spoken.engine.load_adapter("one", str(folder / "1"))
        answering = spoken.with_adapter("one")
    else:
        answering = LocalChatModel(path=str(folder / "1"), max_tokens=8, temperature=1.0)
    new = samples(answering)
    found = computed_logprobs(made.policy.model, [unit(row) for row in new], QUICK)
    for row, got in zip(new, found, strict=True):
        assert got[0] == pytest.approx(unit(row)[0].sampler_logprobs, abs=1e-5)
    assert made.update(folder / "1", new, GRADIENT, folder / "2")["mismatch"] < 1e-5
    if lora:
        spoken.engine.unload_adapter("one")


def test_an_update_is_a_function_of_its_folder_rows_and_seed(begun, rows, base, lora):
    made, folder = begun
    made.update(folder / "0", rows, GRADIENT, folder / "1")
    made.update(folder / "1", rows, GRADIENT, folder / "2", settings=replace(QUICK, batch=3,
                max_mismatch=None), seed=5)  # fmt: skip
    fresh = learner(base, lora)
    fresh.update(folder / "1", rows, GRADIENT, folder / "again", settings=replace(QUICK, batch=3,
                 max_mismatch=None), seed=5)  # fmt: skip
    assert content(folder / "2") == content(folder / "again")
    fresh.update(folder / "1", rows, GRADIENT, folder / "other", settings=replace(QUICK, batch=3,
                 max_mismatch=None), seed=6)  # fmt: skip
    assert content(folder / "2") != content(folder / "other")


def test_the_optimizers_moments_go_on_and_this_updates_settings_hold(begun, rows):
    made, folder = begun
    loose = replace(QUICK, max_mismatch=None, learning_rate=1e-3)
    made.update(folder / "0", rows, GRADIENT, folder / "1", settings=loose)
    first = torch.load(folder / "1" / "optimizer.pt", weights_only=True)
    decay = replace(loose, weight_decay=0.3, learning_rate=1e-4)
    made.update(folder / "1", rows, GRADIENT, folder / "2", settings=decay)
    second = torch.load(folder / "2" / "optimizer.pt", weights_only=True)
    assert {float(each["step"]) for each in first["state"].values()} == {1}
    assert {float(each["step"]) for each in second["state"].values()} == {2}
    assert max(group["weight_decay"] for group in second["param_groups"]) == 0.3
    assert {group["initial_lr"] for group in second["param_groups"]} == {1e-4}
    fresh = replace(loose, keep_optimizer=False)
    made.update(folder / "1", rows, GRADIENT, folder / "3", settings=fresh)
    assert not (folder / "3" / "optimizer.pt").exists()
    apart = [
        float((weights(folder / "2")[name] - weights(folder / "3")[name]).abs().max())
        for name in weights(folder / "2")
    ]
    assert max(apart) > 1e-5


def test_a_version_of_another_kind_is_refused_and_the_model_stays(base, rows, tmp_path):
    made = learner(base)
    made.policy.begin(tmp_path / "0", seed=1)
    other = Path(rm.make_folder(tmp_path / "wide", hidden_size=64))
    for number, (folder, lora) in enumerate(
        [
            (base, LoRA(rank=8)),
            (base, LoRA(rank=4, alpha=64)),
            (base, LoRA(rank=4, targets=("q_proj",))),
            (other, LoRA(rank=4)),
        ]
    ):
        odd = tmp_path / f"odd{number}"
        Policy(folder, lora).begin(odd, seed=1)
        with pytest.raises(ValueError, match=r"does not fit|has r=8, not 4|lora_alpha=64"):
            made.update(odd, rows, GRADIENT, tmp_path / "1")
    with pytest.raises(ValueError, match="holds no adapter"):
        made.update(base, rows, GRADIENT, tmp_path / "1")
    whole = learner(base, None)
    with pytest.raises(ValueError, match="does not fit"):
        whole.update(other, rows, GRADIENT, tmp_path / "1")
    with pytest.raises(ValueError, match="holds no model"):
        whole.update(tmp_path / "0", rows, GRADIENT, tmp_path / "1")
    assert not (tmp_path / "1").exists()
    assert made.update(tmp_path / "0", rows, GRADIENT, tmp_path / "1")["mismatch"] < 1e-5


def test_a_damaged_version_is_refused(base, rows, tmp_path):
    whole = learner(base, None)
    whole.policy.begin(tmp_path / "0", seed=1)
    file = tmp_path / "0" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ValueError, match="cannot be read"):
        whole.update(tmp_path / "0", rows, GRADIENT, tmp_path / "1")


def test_a_mixture_of_experts_trains_whole(tmp_path):
    base = Path(rm.make_folder(tmp_path / "base", model=rm.mixture))
    made = learner(base, None)
    made.policy.begin(tmp_path / "0", seed=1)
    row = Row((5, 6, 7, 8), (False, True, True, True))
    one = made.update(tmp_path / "0", [row], Supervised(), tmp_path / "1")
    two = made.update(tmp_path / "1", [row], Supervised(), tmp_path / "2")
    assert two["nll"] < one["nll"]


def test_the_first_version_is_the_base_also_after_updates(begun, rows, base, lora):
    made, folder = begun
    made.update(folder / "0", rows, GRADIENT, folder / "1")
    made.policy.begin(folder / "other", seed=1)
    assert content(folder / "other") == content(folder / "0")


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("at", ["weights", "tokenizer", "optimizer", "fsync", "rename"])
def test_a_full_disk_leaves_nothing_half_visible_and_a_later_run_goes_on(
    base, rows, tmp_path, monkeypatch, at
):
    made = learner(base, None)
    made.policy.begin(tmp_path / "0", seed=1)
    whole = tmp_path / "expected"
    made.update(tmp_path / "0", rows, GRADIENT, whole)

    def full(*_, **__):
        raise FULL

    with monkeypatch.context() as patch:
        match at:
            case "weights":
                patch.setattr(type(made.policy.model), "save_pretrained", full)
            case "tokenizer":
                patch.setattr(policies, "AutoTokenizer", type("T", (), {"from_pretrained": full}))
            case "optimizer":
                patch.setattr(policies.torch, "save", full)
            case "fsync":
                patch.setattr(policies.os, "fsync", full)
            case "rename":
                patch.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="No space left"):
            made.update(tmp_path / "0", rows, GRADIENT, tmp_path / "1")
    assert not (tmp_path / "1").exists()
    made.update(tmp_path / "0", rows, GRADIENT, tmp_path / "1")
    assert content(tmp_path / "1") == content(whole)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["0", "1", "expected"]


def test_a_really_full_disk_is_an_os_error(base, rows, small_disk):
    made = learner(base, None)
    made.policy.begin(small_disk / "0", seed=1)
    filler = small_disk / "filler"
    filler.write_bytes(b"0" * (shutil.disk_usage(small_disk).free - 50_000))
    with pytest.raises(OSError, match=r"could not be written|No space left"):
        made.update(small_disk / "0", rows, GRADIENT, small_disk / "1")
    assert sorted(each.name for each in small_disk.iterdir()) == ["0", "filler"]
    filler.unlink()
    made.update(small_disk / "0", rows, GRADIENT, small_disk / "1")
    assert (small_disk / "1" / "model.safetensors").is_file()


@pytest.fixture
def small_disk(tmp_path):
    import subprocess

    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True
    )
    if made.returncode:
        pytest.skip("mounting a small disk takes root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_rows_that_teach_nothing_are_refused_clearly(base, rows, tmp_path):
    made = learner(base)
    made.policy.begin(tmp_path / "0", seed=1)

    def update(given, objective=GRADIENT):
        made.update(tmp_path / "0", given, objective, tmp_path / "1")

    with pytest.raises(ValueError, match="no rows to train on"):
        update([])
    with pytest.raises(ValueError, match="first of 3 tokens is to be trained"):
        update([Row((5, 6, 7), (True, True, True))], Supervised())
    with pytest.raises(ValueError, match="empty prompt"):
        update([PreferencePair((), (5,), (6,))], Preference())
    with pytest.raises(ValueError, match="at most"):
        update([Row((5,) * 300, (False, *[True] * 299))], Supervised())
    with pytest.raises(ValueError, match="token 999; the vocabulary"):
        update([Row((5, 999), (False, True))], Supervised())
    with pytest.raises(ValueError, match=r"weights holds nan|nan"):
        update([Row((5, 6), (False, True), extras={"weight": math.nan})], Supervised())
    with pytest.raises(ValueError, match="no pairs"):
        update([Row((5, 6), (False, True))], Preference("simpo"))
    assert not (tmp_path / "1").exists()


def test_advantages_of_zero_change_no_weight(base, spoken, tmp_path):
    made = learner(base)
    made.policy.begin(tmp_path / "0", seed=1)
    still = [sample(tokens, 0.0) for tokens in said(spoken)]
    assert made.update(tmp_path / "0", still, GRADIENT, tmp_path / "1")["grad_norm"] == 0
    for name, weight in weights(tmp_path / "1").items():
        assert torch.equal(weight, weights(tmp_path / "0")[name])


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"schedule": "linear"}, "several steps"),
        ({"warmup": 1}, "1 steps"),
        ({"warmup": 3, "epochs": 3}, "3 steps"),
        ({"schedule": "polynomial"}, "constant, linear, cosine"),
        ({"old_logprobs": "stored"}, "recorded, recomputed"),
        ({"reference": "first"}, "base, start"),
        ({"max_mismatch": -1.0}, "max_mismatch"),
        ({"max_mismatch": math.nan}, "max_mismatch"),
        ({"learning_rate": math.nan}, "learning_rate"),
        ({"batch": 0}, "batch"),
    ],
    ids=str,
)
def test_settings_that_cannot_take_effect_are_refused(chosen, said):
    with pytest.raises(ValueError, match=said):
        UpdateSettings(**chosen)


def test_no_step_has_a_learning_rate_of_zero():
    for schedule in ("constant", "linear", "cosine"):
        chosen = UpdateSettings(schedule=schedule, warmup=2, batch=1)
        rates = [chosen.rate(step, 6) for step in range(6)]
        assert rates[:3] == pytest.approx([1 / 3, 2 / 3, 1])
        assert min(rates) > 0
    assert UpdateSettings(schedule="linear", batch=1).rate(3, 4) == pytest.approx(0.25)


def test_the_rate_that_was_asked_for_is_the_one_of_each_step(base, rows, tmp_path):
    made = learner(base)
    made.policy.begin(tmp_path / "0", seed=1)
    heard = []
    chosen = replace(QUICK, batch=2, schedule="linear", warmup=1, max_mismatch=None)
    made.update(tmp_path / "0", rows, GRADIENT, tmp_path / "1", settings=chosen, heard=heard.append)
    assert [each["learning_rate"] for each in heard if "loss" in each] == pytest.approx(
        [1e-2 * chosen.rate(step, 4) for step in range(4)]
    )


def test_a_device_that_training_would_not_take_is_refused(base, rows, tmp_path):
    made = learner(base)
    made.policy.begin(tmp_path / "0", seed=1)
    with pytest.raises(ValueError, match="device='cuda:7'"):
        made.update(tmp_path / "0", rows, GRADIENT, tmp_path / "1",
                    settings=replace(QUICK, device="cuda:7"))  # fmt: skip


def test_mixed_precision_wraps_a_model_once_however_many_updates_it_makes(base, rows, tmp_path):
    half = replace(QUICK, bf16=True, old_logprobs="recomputed", learning_rate=1e-5)
    made = learner(base, settings=half)
    made.policy.begin(tmp_path / "0", seed=1)
    forward = made.policy.model.forward
    for number in range(2):
        measures = made.update(
            tmp_path / f"{number}", rows, GRADIENT, tmp_path / f"{number + 1}"
        )  # fmt: skip
        assert made.policy.model.forward == forward
        assert 0 < measures["mismatch"] < 0.1
        assert measures["ratio"] == pytest.approx(1, abs=0.02)
    assert weights(tmp_path / "2").popitem()[1].dtype == torch.float32


def test_recomputing_activations_changes_nothing(begun, rows):
    made, folder = begun
    made.update(folder / "0", rows, GRADIENT, folder / "1")
    again = replace(QUICK, gradient_checkpointing=True)
    made.update(folder / "0", rows, GRADIENT, folder / "2", settings=again)
    for name, weight in weights(folder / "1").items():
        torch.testing.assert_close(weights(folder / "2")[name], weight, atol=1e-4, rtol=1e-4)


def test_a_model_with_a_window_trains_when_rows_stand_alone(tmp_path):
    base = Path(rm.make_folder(tmp_path / "base", model=rm.mistral))
    made = learner(base)
    made.policy.begin(tmp_path / "0", seed=1)
    spoken = LocalChatModel(path=str(base), max_tokens=8, temperature=1.0)
    rows = samples(spoken)
    with pytest.raises(ValueError, match="share_prefixes=False"):
        made.update(tmp_path / "0", rows, GRADIENT, tmp_path / "1")
    alone = replace(QUICK, share_prefixes=False)
    measures = made.update(tmp_path / "0", rows, GRADIENT, tmp_path / "1", settings=alone)
    assert measures["mismatch"] < 1e-5


def test_clipping_holds_from_the_second_step_on(base, rows, tmp_path):
    made = learner(base)
    made.policy.begin(tmp_path / "0", seed=1)
    chosen = replace(QUICK, epochs=6, learning_rate=3e-2)
    heard = []
    tight = PolicyGradient(clip=Clip(0.05, 0.05), mean="token")
    made.update(tmp_path / "0", rows, tight, tmp_path / "1", settings=chosen, heard=heard.append)
    steps = [each for each in heard if "loss" in each]
    assert steps[0]["ratio"] == pytest.approx(1, abs=1e-5)
    assert steps[-1]["ratio_max"] > 1.05
    assert json.dumps(steps[-1])
