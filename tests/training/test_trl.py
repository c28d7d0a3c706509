"""TRL's trainers take our rows as they are, and their first step has our loss."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

import random_models as rm  # noqa: E402

from symposia.training import PreferencePair, Row  # noqa: E402
from symposia.training.trainer import (  # noqa: E402
    InProcess,
    Job,
    Preference,
    Supervised,
    UpdateSettings,
)
from symposia.training.trainer.policy import Policy  # noqa: E402
from symposia.training.trl import PairTrainer, to_dpo, to_sft  # noqa: E402

ROWS = [
    Row((5, 6, 7, 8, 9), (False, False, True, True, True)),
    Row((5, 6, 20, 21), (False, True, False, True)),
    Row((30, 31, 32), (False, True, True)),
]
PAIRS = [
    PreferencePair((5, 6, 7), (8, 9), (10,)),
    PreferencePair((5, 6), (11,), (12, 13, 14), margin=1.0),
]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return Path(rm.make_folder(tmp_path_factory.mktemp("base")))


def options(folder):
    return {
        "output_dir": str(folder / "out"),
        "per_device_train_batch_size": 4,
        "max_steps": 1,
        "learning_rate": 1e-3,
        "logging_steps": 1,
        "report_to": [],
        "save_strategy": "no",
        "use_cpu": True,
        "bf16": False,
        "disable_tqdm": True,
        "gradient_checkpointing": False,
    }


def given(base):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    return {"model": model, "processing_class": tokenizer}


def ours(base, folder, rows, objective):
    Policy(base).begin(folder / "0", seed=0)
    settings = UpdateSettings(learning_rate=1e-3, device="cpu")
    return InProcess()(
        Job(base, None, folder / "0", rows, objective, folder / "1", settings=settings)
    )


def losses(trainer):
    return [line["loss"] for line in trainer.state.log_history if "loss" in line]


def test_sft_trains_a_step_on_our_rows_and_its_loss_is_ours(base, tmp_path):
    from trl import SFTConfig, SFTTrainer

    trainer = SFTTrainer(
        args=SFTConfig(**options(tmp_path)), train_dataset=to_sft(ROWS), **given(base)
    )
    batch = next(iter(trainer.get_train_dataloader()))
    assert sorted(map(len, to_sft(ROWS)["input_ids"])) == [3, 4, 5]
    assert int((batch["labels"] != -100).sum()) == sum(sum(row.loss_mask) for row in ROWS)
    trainer.train()
    (theirs,) = losses(trainer)
    assert ours(base, tmp_path, ROWS, Supervised())["loss"] == pytest.approx(theirs, abs=1e-4)


def test_dpo_trains_a_step_on_our_pairs_and_its_loss_is_ours(base, tmp_path):
    from trl import DPOConfig

    far = Path(rm.make_folder(tmp_path / "reference", seed=3))
    trainer = PairTrainer(
        args=DPOConfig(beta=0.2, **options(tmp_path)),
        train_dataset=to_dpo(PAIRS),
        ref_model=given(far)["model"],
        **given(base),
    )
    batch = next(iter(trainer.get_train_dataloader()))
    assert int(batch["completion_mask"].sum()) == 2 + 1 + 1 + 3
    trainer.train()
    (theirs,) = losses(trainer)
    pairs = [_with_reference(pair, given(far)["model"]) for pair in PAIRS]
    found = ours(base, tmp_path, pairs, Preference("dpo", beta=0.2))["loss"]
    assert abs(found - 0.693) > 1e-3
    assert found == pytest.approx(theirs, abs=1e-4)


def _with_reference(pair, model):
    from dataclasses import replace

    def logprobs(completion):
        ids = torch.tensor([[*pair.prompt_ids, *completion]])
        with torch.no_grad():
            found = model(input_ids=ids).logits.log_softmax(-1)[0, :-1]
        chosen = found.gather(-1, ids[0, 1:, None])[:, 0]
        return tuple(chosen[len(pair.prompt_ids) - 1 :].tolist())

    return replace(
        pair,
        chosen_reference=logprobs(pair.chosen_ids),
        rejected_reference=logprobs(pair.rejected_ids),
    )


def test_what_trl_would_not_heed_is_refused(base, tmp_path):
    from trl import DPOConfig

    with pytest.raises(ValueError, match=r"row 0 has weight 0.5"):
        to_sft([Row((5, 6), (False, True), extras={"weight": 0.5})])
    for empty in (to_sft, to_dpo):
        with pytest.raises(ValueError, match="there are no"):
            empty([])
    with pytest.raises(ValueError, match="see to_dpo"):
        PairTrainer(args=DPOConfig(**options(tmp_path)), train_dataset=to_sft(ROWS), **given(base))
