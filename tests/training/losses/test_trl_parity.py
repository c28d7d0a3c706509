"""Our losses and TRL's, on the same tensors.

TRL's own methods are called: on a stand-in trainer, which holds the settings that they read and
gives them our log-probabilities, and at the end on a real one that trains a small random model.
"""

from collections import defaultdict
from functools import partial
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

from symposia.training.losses import (  # noqa: E402
    Clip,
    Completions,
    constant_length,
    entropy,
    importance_weights,
    kl_loss,
    policy_loss,
    preference_loss,
    ranking_loss,
    sequence_mean,
    sequence_sum,
    token_logprobs,
    token_mean,
)

ROWS, TOKENS, LENGTH = 4, 6, 9
MASK = torch.tensor(
    [[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 0, 1, 1, 0, 0], [1, 1, 0, 0, 0, 0]]
)


def numbers(seed, scale=1.0, rows=ROWS, tokens=TOKENS):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, tokens, generator=generator, dtype=torch.float64) * scale


OLD = numbers(0) - 3
REFERENCE = OLD + numbers(1, 0.3)
ADVANTAGES = torch.tensor([1.3, -0.8, 0.0, -1.1], dtype=torch.float64)
EACH = ADVANTAGES.unsqueeze(1).expand(ROWS, TOKENS)


def fresh():
    return (OLD + numbers(2, 0.6)).requires_grad_()


def trainer(**settings):
    """What TRL's loss methods read of their trainer, in evaluation: without accumulation."""
    same = lambda tensor, **_: tensor  # noqa: E731
    accelerator = SimpleNamespace(
        num_processes=1, device="cpu", gather=same, reduce=same, gather_for_metrics=same
    )
    return SimpleNamespace(
        **{
            "accelerator": accelerator,
            "model": SimpleNamespace(training=False),
            "aux_loss_enabled": False,
            "_metrics": {"eval": defaultdict(list)},
            "_total_train_tokens": 0,
        }
        | settings
    )


def grpo(
    logprobs, loss_type, *, level="token", delta=None, beta=0.0, weights=None, each=ADVANTAGES
):
    from trl import GRPOTrainer

    args = SimpleNamespace(delta=delta, use_bias_correction_kl=True)
    stand_in = trainer(
        args=args,
        loss_type=loss_type,
        importance_sampling_level=level,
        beta=beta,
        epsilon_low=0.2,
        epsilon_high=0.28,
        top_entropy_quantile=1.0,
        off_policy_mask_threshold=None,
        use_vllm=weights is not None,
        vllm_importance_sampling_correction=True,
        max_completion_length=LENGTH,
        _entropy_bonus_enabled=False,
        _get_per_token_logps_and_entropies=lambda *_, **__: (logprobs, numbers(9).abs(), None),
    )
    inputs = {
        "prompt_ids": torch.zeros(ROWS, 1),
        "prompt_mask": torch.ones(ROWS, 1),
        "completion_ids": torch.zeros(ROWS, TOKENS),
        "completion_mask": MASK,
        "advantages": each,
        "old_per_token_logps": OLD,
        "ref_per_token_logps": REFERENCE,
        "num_items_in_batch": MASK.sum(),
        "importance_sampling_ratio": weights,
    }
    return GRPOTrainer._compute_loss(stand_in, None, inputs)


def equal(ours, theirs, logprobs):
    """As values, and as gradients."""
    torch.testing.assert_close(ours, theirs)
    (slope,) = torch.autograd.grad(ours, logprobs, retain_graph=True)
    (expected,) = torch.autograd.grad(theirs, logprobs)
    torch.testing.assert_close(slope, expected)
    assert slope.abs().sum() > 0


REDUCTIONS = {
    "grpo": sequence_mean,
    "bnpo": token_mean,
    "dapo": partial(token_mean, total=int(MASK.sum())),
    "dr_grpo": partial(constant_length, length=LENGTH),
    "luspo": sequence_sum,
}


@pytest.mark.parametrize("each", [ADVANTAGES, numbers(5)], ids=["rows", "tokens"])
@pytest.mark.parametrize("level", ["token", "sequence"])
@pytest.mark.parametrize("loss_type", REDUCTIONS)
def test_grpo_in_every_reduction_is_that_of_trl(loss_type, level, each):
    logprobs = fresh()
    ours, _ = policy_loss(
        logprobs,
        OLD,
        each if each.dim() == 2 else EACH,
        MASK,
        clip=Clip(0.2, 0.28),
        level="token" if level == "token" else "sequence_mean",
        reduce=REDUCTIONS[loss_type],
    )
    equal(ours, grpo(logprobs, loss_type, level=level, each=each), logprobs)


def test_a_dual_clip_is_the_delta_of_trl():
    logprobs, each = fresh(), numbers(5)
    ours, measures = policy_loss(logprobs, OLD, each, MASK, clip=Clip(0.2, 0.28, dual=1.5))
    assert measures["clip_dual"] > 0
    equal(ours, grpo(logprobs, "bnpo", delta=1.5, each=each), logprobs)


def test_kl_in_the_loss_is_that_of_trl_with_its_correction():
    logprobs = fresh()
    policy, _ = policy_loss(logprobs, OLD, EACH, MASK, clip=Clip(0.2, 0.28), reduce=sequence_mean)
    ratio = (logprobs - OLD).exp()
    kl, _ = kl_loss(logprobs, REFERENCE, MASK, weights=ratio, reduce=sequence_mean)
    equal(policy + 0.3 * kl, grpo(logprobs, "grpo", beta=0.3), logprobs)


def test_importance_weights_enter_as_in_trl():
    logprobs = fresh()
    weights, _ = importance_weights(OLD, OLD + numbers(4, 0.5), MASK, cap=1.2)
    assert (weights == 1.2).any()
    ours, _ = policy_loss(logprobs, OLD, EACH, MASK, clip=Clip(0.2, 0.28), weights=weights)
    equal(ours, grpo(logprobs, "bnpo", weights=weights), logprobs)


def test_rloo_is_that_of_trl():
    from trl import RLOOTrainer

    logprobs = (OLD + numbers(2, 0.1)).requires_grad_()
    stand_in = trainer(
        epsilon_low=0.2,
        epsilon_high=0.2,
        _get_per_token_logps_and_entropies=lambda *_, **__: (logprobs, numbers(9).abs(), None),
    )
    inputs = {
        "prompt_ids": torch.zeros(ROWS, 1),
        "prompt_mask": torch.ones(ROWS, 1),
        "completion_ids": torch.zeros(ROWS, TOKENS),
        "completion_mask": MASK,
        "advantages": ADVANTAGES,
        "old_logps": (OLD * MASK).sum(1),
    }
    theirs = RLOOTrainer._compute_loss(stand_in, None, inputs)
    ours, _ = policy_loss(logprobs, OLD, EACH, MASK, level="sequence", reduce=sequence_mean)
    equal(ours, theirs, logprobs)


DPO_KINDS = {
    "dpo": ("sigmoid", 0.0),
    "dpo_norm": ("sigmoid_norm", 0.0),
    "hinge": ("hinge", 0.0),
    "robust": ("robust", 0.2),
    "exo": ("exo_pair", 0.2),
    "ipo": ("ipo", 0.0),
    "nca": ("nca_pair", 0.0),
    "bco": ("bco_pair", 0.0),
    "sppo": ("sppo_hard", 0.0),
    "apo_zero": ("apo_zero", 0.0),
    "apo_down": ("apo_down", 0.0),
}
COMPLETION = torch.nn.functional.pad(MASK, (1, 0))  # a prompt of one token before each
HALF = ROWS // 2


@pytest.mark.parametrize("kind", DPO_KINDS)
def test_each_preference_loss_with_a_reference_is_that_of_trl(kind):
    from trl import DPOTrainer

    theirs_called, smoothing = DPO_KINDS[kind]
    logprobs = fresh()
    seen = SimpleNamespace(
        log_probs=logprobs * MASK,
        entropy=numbers(8).abs(),
        mean_logits=numbers(7),
        is_top1=numbers(6) > 0,
    )
    reference = (REFERENCE * MASK).sum(1)
    stand_in = trainer(
        ld_alpha=None,
        precompute_ref_logps=True,
        f_divergence_type="reverse_kl",
        loss_types=[theirs_called],
        loss_weights=[1.0],
        beta=0.4,
        label_smoothing=smoothing,
        use_weighting=False,
    )
    inputs = {
        "input_ids": torch.zeros(ROWS, TOKENS + 1, dtype=torch.long),
        "attention_mask": torch.ones(ROWS, TOKENS + 1),
        "completion_mask": COMPLETION,
        "ref_chosen_logps": reference[:HALF],
        "ref_rejected_logps": reference[HALF:],
    }
    theirs = DPOTrainer._compute_loss(stand_in, lambda **_: seen, inputs, False)
    chosen = Completions(logprobs[:HALF], MASK[:HALF], REFERENCE[:HALF])
    rejected = Completions(logprobs[HALF:], MASK[HALF:], REFERENCE[HALF:])
    ours, measures = preference_loss(chosen, rejected, kind=kind, beta=0.4, smoothing=smoothing)
    # EXO's smoothing is a single-precision number in TRL.
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-7)
    (slope,) = torch.autograd.grad(ours, logprobs, retain_graph=True)
    (expected,) = torch.autograd.grad(theirs, logprobs)
    torch.testing.assert_close(slope, expected, rtol=1e-6, atol=1e-7)
    told = stand_in._metrics["eval"]
    assert measures["accuracy"].item() == told["rewards/accuracies"][0]
    if kind not in ("ipo", "dpo_norm"):  # whose rewards we give by length
        assert measures["reward_margin"].item() == pytest.approx(told["rewards/margins"][0])


@pytest.mark.parametrize("kind", ["simpo", "cpo"])
def test_preference_losses_without_a_reference_are_those_of_trl(kind):
    trainers = pytest.importorskip("trl.experimental.cpo")
    logprobs = fresh()
    stand_in = trainer(
        alpha=0.0,
        beta=0.4,
        simpo_gamma=0.5,
        label_smoothing=0.1,
        loss_type="simpo" if kind == "simpo" else "sigmoid",
    )
    scores = (logprobs * MASK).sum(1)
    scores = scores / MASK.sum(1) if kind == "simpo" else scores
    theirs, _, _ = trainers.CPOTrainer.cpo_loss(stand_in, scores[:HALF], scores[HALF:])
    ours, _ = preference_loss(
        Completions(logprobs[:HALF], MASK[:HALF]),
        Completions(logprobs[HALF:], MASK[HALF:]),
        kind=kind,
        beta=0.4,
        margin=torch.full((HALF,), 0.5) if kind == "simpo" else None,
        smoothing=0.1,
    )
    equal(ours, theirs.mean(), logprobs)


def test_orpo_is_that_of_trl():
    trainers = pytest.importorskip("trl.experimental.orpo")
    logprobs = fresh().detach().float().requires_grad_()  # TRL takes it in single precision
    scores = (logprobs * MASK).sum(1) / MASK.sum(1)
    theirs = trainers.ORPOTrainer.odds_ratio_loss(trainer(beta=0.4), scores[:HALF], scores[HALF:])
    ours, _ = preference_loss(
        Completions(logprobs[:HALF], MASK[:HALF]),
        Completions(logprobs[HALF:], MASK[HALF:]),
        kind="orpo",
        beta=0.4,
    )
    equal(ours, -theirs[0].mean(), logprobs)  # TRL subtracts it from the likelihood's loss


def test_ranking_with_margins_is_that_of_trl():
    from trl import RewardTrainer

    scores = numbers(3)[:, 0].clone().requires_grad_()
    margin = torch.tensor([0.5, 0.0], dtype=torch.float64)
    stand_in = trainer(args=SimpleNamespace(center_rewards_coefficient=None))
    inputs = {"attention_mask": torch.ones(ROWS, 2), "margin": margin}
    outputs = SimpleNamespace(logits=scores.unsqueeze(-1))
    theirs = RewardTrainer.compute_loss(stand_in, lambda **_: outputs, inputs)
    ours, _ = ranking_loss(scores[:HALF], scores[HALF:], margin=margin)
    equal(ours, theirs, scores)


def test_log_probabilities_and_entropies_are_those_of_trl():
    from trl.trainer.utils import entropy_from_logits, selective_log_softmax

    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 5, 11, generator=generator, dtype=torch.float64)
    ids = torch.randint(11, (2, 5), generator=generator)
    theirs = selective_log_softmax(logits[:, :-1], ids[:, 1:], temperature=0.7)
    torch.testing.assert_close(token_logprobs(logits, ids, 0.7)[:, 1:], theirs)
    torch.testing.assert_close(entropy(logits), entropy_from_logits(logits))


def test_a_step_of_trl_s_own_trainer_on_a_model_has_our_loss_and_gradient(tmp_path):
    import random_models
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import DPOConfig, DPOTrainer

    folder = random_models.make_folder(tmp_path / "policy", seed=1)
    other = random_models.make_folder(tmp_path / "reference", seed=2)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    reference = AutoModelForCausalLM.from_pretrained(other, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.pad_token = tokenizer.eos_token
    rows = [
        {"prompt": "2+2=", "chosen": "4", "rejected": "five"},
        {"prompt": "The capital of Peru is", "chosen": " Lima.", "rejected": " Rome"},
    ]
    trl_trainer = DPOTrainer(
        model=model,
        ref_model=reference,
        args=DPOConfig(
            output_dir=str(tmp_path / "out"),
            beta=0.2,
            bf16=False,
            use_cpu=True,
            report_to=[],
            per_device_train_batch_size=2,
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    batch = next(iter(trl_trainer.get_train_dataloader()))
    model.eval()
    theirs = trl_trainer.compute_loss(model, dict(batch))
    theirs.backward()
    expected = [weight.grad.clone() for weight in model.parameters()]
    model.zero_grad()

    ids, seen = batch["input_ids"], {"attention_mask": batch["attention_mask"]}
    logprobs = token_logprobs(model(ids, **seen).logits, ids)
    with torch.no_grad():
        stored = token_logprobs(reference(ids, **seen).logits, ids)
    mask = batch["completion_mask"]
    ours, _ = preference_loss(
        Completions(logprobs[:2], mask[:2], stored[:2]),
        Completions(logprobs[2:], mask[2:], stored[2:]),
        beta=0.2,
    )
    torch.testing.assert_close(ours, theirs)
    ours.backward()
    for weight, gradient in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(weight.grad, gradient, rtol=1e-4, atol=1e-5)
