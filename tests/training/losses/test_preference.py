import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from symposia.training.losses import Completions, preference_loss, ranking_loss  # noqa: E402

KINDS = [
    "dpo",
    "dpo_norm",
    "hinge",
    "robust",
    "exo",
    "ipo",
    "nca",
    "bco",
    "sppo",
    "apo_zero",
    "apo_down",
    "kto_pair",
    "simpo",
    "cpo",
    "orpo",
]


def side(ratio, tokens=1, logprob=-2.0):
    """Completions whose log-ratio to the reference is `ratio`, and their log-probabilities."""
    ratio = torch.as_tensor(ratio, dtype=torch.float64).reshape(-1, 1)
    logprobs = (logprob + ratio / tokens).expand(-1, tokens).clone().requires_grad_()
    reference = torch.full_like(logprobs, logprob)
    return Completions(logprobs, torch.ones_like(logprobs).detach(), reference)


def bare(given):
    return Completions(given.logprobs, given.loss_mask)


def loss(chosen, rejected, **options):
    return preference_loss(side(chosen), side(rejected), **options)[0].item()


def test_a_policy_that_is_its_reference_starts_at_log_two():
    """Agent Q's card, with the reference's log-probabilities stored: 0.6931 and -beta / 2."""
    chosen, rejected = side(0.0, tokens=3), side(0.0, tokens=3)
    found, measures = preference_loss(chosen, rejected, beta=0.3)
    found.backward()
    assert found.item() == pytest.approx(0.6931, abs=1e-4)
    torch.testing.assert_close(chosen.logprobs.grad, torch.full((1, 3), -0.15).double())
    torch.testing.assert_close(rejected.logprobs.grad, torch.full((1, 3), 0.15).double())
    assert measures["accuracy"] == 0  # a tie


def test_the_loss_falls_with_the_margin_of_log_ratios():
    assert loss(3.0, 0.0) == pytest.approx(0.554355, abs=1e-6)  # Med-REFL's card
    _, measures = preference_loss(side([3.0, -1.0]), side([0.0, 0.0]))
    assert measures["accuracy"] == 0.5
    assert measures["reward_margin"].item() == pytest.approx(0.1)


def test_an_inconsistent_judge_smooths_the_label():
    """CREAM's card: z = 1 and consistency 0.9; at 0.5 the loss is least where z = 0."""
    assert loss(10.0, 0.0, smoothing=0.1) == pytest.approx(0.4133, abs=1e-4)
    each = torch.tensor([0.1, 0.0], dtype=torch.float64)
    both = preference_loss(side([10.0, 0.0]), side([0.0, 0.0]), smoothing=each)[0]
    assert both.item() == pytest.approx((0.4133 + 0.6931) / 2, abs=1e-4)
    assert loss(0.0, 0.0, smoothing=0.5) < min(loss(z, 0.0, smoothing=0.5) for z in (-1.0, 1.0))


def test_an_optimist_adds_the_log_ratio_of_its_own_answer():
    """SELM's card is DPO and one more term: 0.6444 + 0.0002."""
    found = loss(10.0, 0.0, beta=0.01) + 0.001 * 0.01 * 20
    assert found == pytest.approx(0.6446, abs=1e-4)


def test_a_margin_asks_for_more():
    assert loss(5.0, 0.0, margin=torch.tensor([0.5])) == pytest.approx(math.log(2))
    assert loss(5.0, 0.0, kind="hinge", margin=torch.tensor([0.5])) == pytest.approx(1.0)


S = {z: 1 / (1 + math.exp(-z)) for z in (-1.5, -1.0, -0.5, 0.5, 1.0, 1.5)}


@pytest.mark.parametrize(
    ("kind", "expected", "options"),
    [
        # beta 0.5, log-ratios 2 and -1: z = 1.5, scaled 1.0 and -0.5.
        ("dpo", -math.log(S[1.5]), {}),
        ("hinge", 0.0, {}),
        ("robust", (-0.8 * math.log(S[1.5]) + 0.2 * math.log(S[-1.5])) / 0.6, {"smoothing": 0.2}),
        (
            "exo",
            S[1.5] * math.log(S[1.5] / 0.8) + S[-1.5] * math.log(S[-1.5] / 0.2),
            {"smoothing": 0.2},
        ),
        ("ipo", 4.0, {}),
        ("nca", -math.log(S[1.0]) - math.log(S[-1.0]) / 2 - math.log(S[0.5]) / 2, {}),
        ("bco", -math.log(S[1.0]) - math.log(S[0.5]), {}),
        ("sppo", 1.0, {}),
        ("apo_zero", 1 - S[1.0] + S[-0.5], {}),
        ("apo_down", S[1.0] + 1 - S[1.5], {}),
        ("kto_pair", (1 - S[1.0] + 1 - S[1.5]) / 2, {}),
    ],
)
def test_each_member_is_its_formula(kind, expected, options):
    assert loss(2.0, -1.0, kind=kind, beta=0.5, **options) == pytest.approx(expected, abs=1e-12)


def test_lengths_divide_where_the_paper_divides():
    chosen, rejected = side(4.0, tokens=4), side(-1.0, tokens=2)
    assert preference_loss(chosen, rejected, kind="ipo", beta=0.5)[0].item() == pytest.approx(0.25)
    found = preference_loss(chosen, rejected, kind="dpo_norm", beta=1.0)[0]
    assert found.item() == pytest.approx(math.log1p(math.exp(-1.5)))


def test_members_without_a_reference_use_the_policy_alone():
    chosen, rejected = bare(side(0.0, 4, -0.5)), bare(side(0.0, 2, -1.5))
    found = preference_loss(chosen, rejected, kind="simpo", beta=2.0, margin=torch.tensor([1.0]))[0]
    assert found.item() == pytest.approx(math.log1p(math.exp(-1.0)))
    found = preference_loss(chosen, rejected, kind="cpo", beta=1.0)[0]  # -2.0 and -3.0
    assert found.item() == pytest.approx(math.log1p(math.exp(-1.0)))
    odds = math.log(math.exp(-0.5) / (1 - math.exp(-0.5)))
    odds -= math.log(math.exp(-1.5) / (1 - math.exp(-1.5)))
    found = preference_loss(chosen, rejected, kind="orpo", beta=0.1)[0]
    assert found.item() == pytest.approx(0.1 * math.log1p(math.exp(-odds)))


def test_a_certain_completion_has_no_infinite_odds():
    chosen, rejected = bare(side(0.0, 1, 0.0)), bare(side(0.0, 1, -1.0))
    found, _ = preference_loss(chosen, rejected, kind="orpo")
    found.backward()
    assert found.isfinite()
    assert chosen.logprobs.grad.isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_every_member_prefers_a_likelier_chosen_one_and_passes_a_gradient_check(kind):
    options = {"kind": kind, "beta": 0.5, "smoothing": 0.1 if kind in ("exo", "robust") else 0.0}
    given = bare if kind in ("simpo", "cpo", "orpo") else lambda side: side
    rejected = given(side([-0.5, 0.3], tokens=2))

    def found(logprobs):
        chosen = side([0.0, 0.0], tokens=3)
        chosen = given(Completions(logprobs, chosen.loss_mask, chosen.reference_logprobs))
        return preference_loss(chosen, rejected, **options)[0]

    start = side([0.2, -0.1], tokens=3).logprobs
    if kind != "kto_pair":  # its zero point is a constant for the gradient, not for the value
        assert torch.autograd.gradcheck(found, start)
    if kind != "apo_down":  # which lowers both, and the rejected one further
        (gradient,) = torch.autograd.grad(found(start), start)
        assert (gradient < 0).all()


def test_the_zero_point_of_kto_is_a_constant():
    """With both log-ratios at 0.5 and beta 1 the slopes of the two sigmoids are all there is."""
    chosen, rejected = side(0.5), side(0.5)
    preference_loss(chosen, rejected, kind="kto_pair", beta=1.0)[0].backward()
    assert chosen.logprobs.grad.item() == pytest.approx(-0.125)  # -s(0) s(-0) / 2
    assert rejected.logprobs.grad.item() == pytest.approx(0.125)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(KINDS), st.lists(st.floats(-4, 4), min_size=2, max_size=6), st.randoms())
def test_the_order_of_pairs_does_not_matter(kind, ratios, random):
    options = {"kind": kind, "smoothing": 0.1 if kind in ("exo", "robust") else 0.0}
    given = bare if kind in ("simpo", "cpo", "orpo") else lambda side: side
    others = [0.3 * ratio - 1 for ratio in ratios]
    order = random.sample(range(len(ratios)), len(ratios))
    first = preference_loss(given(side(ratios, 1, -6.0)), given(side(others, 1, -6.0)), **options)
    again = preference_loss(
        given(side([ratios[i] for i in order], 1, -6.0)),
        given(side([others[i] for i in order], 1, -6.0)),
        **options,
    )
    torch.testing.assert_close(first[0], again[0])


def test_what_a_member_cannot_use_is_refused():
    pair = side(0.0), side(0.0)
    with pytest.raises(ValueError, match="no kind 'ppo'; there are dpo, dpo_norm, hinge"):
        preference_loss(*pair, kind="ppo")
    with pytest.raises(ValueError, match="simpo has no reference: see the chosen"):
        preference_loss(*pair, kind="simpo")
    with pytest.raises(ValueError, match="dpo needs a reference: see the rejected"):
        preference_loss(pair[0], bare(pair[1]))
    with pytest.raises(ValueError, match="ipo has no margin; these have: cpo, dpo"):
        preference_loss(*pair, kind="ipo", margin=torch.ones(1))
    with pytest.raises(ValueError, match=r"smoothing of 0\.1.* cannot be for hinge"):
        preference_loss(*pair, kind="hinge", smoothing=0.1)
    with pytest.raises(ValueError, match=r"smoothing of 0\.0 cannot be for exo"):
        preference_loss(*pair, kind="exo")
    with pytest.raises(ValueError, match=r"smoothing of 0\.5 cannot be for robust"):
        preference_loss(*pair, kind="robust", smoothing=0.5)
    with pytest.raises(ValueError, match=r"smoothing has shape \(2,\) for 1 pairs"):
        preference_loss(*pair, smoothing=torch.zeros(2))
    with pytest.raises(ValueError, match="beta is 0"):
        preference_loss(*pair, beta=0)
    with pytest.raises(ValueError, match=r"margin holds -1\.0"):
        preference_loss(*pair, margin=torch.tensor([-1.0]))


def test_sides_that_do_not_pair_are_named():
    with pytest.raises(ValueError, match="2 chosen completions and 1 rejected"):
        preference_loss(side([0.0, 0.0]), side(0.0))
    empty = Completions(torch.zeros(2, 2), torch.tensor([[1, 1], [0, 0]]), torch.zeros(2, 2))
    with pytest.raises(ValueError, match="row 1 of the rejected loss_mask leaves nothing"):
        preference_loss(side([0.0, 0.0]), empty)
    spoiled = Completions(torch.zeros(1, 1), torch.ones(1, 1), torch.full((1, 1), float("nan")))
    with pytest.raises(ValueError, match=r"rejected reference_logprobs holds nan at \[0, 0\]"):
        preference_loss(side(0.0), spoiled)


def scores(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_a_reward_model_ranks_pairs_and_more_so_with_a_margin():
    """The cards of Self-Reference and of RewardRanker."""
    zero = scores(0.0)
    assert ranking_loss(zero, zero)[0].item() == pytest.approx(0.6931, abs=1e-4)
    assert ranking_loss(zero, zero, margin=scores(1.0))[0].item() == pytest.approx(1.3133, abs=1e-4)
    assert ranking_loss(scores(1.0), zero)[0].item() == pytest.approx(0.3133, abs=1e-4)
    hard, measures = ranking_loss(scores(0.2), scores(0.9))
    assert hard.item() == pytest.approx(1.1032, abs=1e-4)
    assert measures["accuracy"] == 0


def test_a_focal_exponent_leaves_well_ranked_pairs_alone():
    sure = 1 / (1 + math.exp(-1.0))
    found = ranking_loss(scores(1.0), scores(0.0), focal=2.0)[0].item()
    assert found == pytest.approx(0.3133 * (1 - 2 * (sure - 0.5)) ** 2, abs=1e-4)
    wrong = ranking_loss(scores(0.0), scores(1.0), focal=2.0)[0].item()
    assert wrong == pytest.approx(1.3133, abs=1e-4)


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=5), st.floats(-9, 9))
def test_a_shift_of_all_scores_changes_no_ranking(values, shift):
    better, worse = scores(*values), scores(*reversed(values))
    moved = ranking_loss(better + shift, worse + shift, focal=1.0)[0]
    torch.testing.assert_close(moved, ranking_loss(better, worse, focal=1.0)[0])


def test_scores_that_cannot_be_ranked_are_named():
    with pytest.raises(ValueError, match=r"better has shape \(0,\)"):
        ranking_loss(scores(), scores())
    with pytest.raises(ValueError, match=r"worse has shape \(2,\); expected one a row: \(1,\)"):
        ranking_loss(scores(1.0), scores(1.0, 2.0))
    with pytest.raises(ValueError, match=r"worse holds inf at \[0\]"):
        ranking_loss(scores(1.0), scores(float("inf")))
    with pytest.raises(ValueError, match=r"focal is -1"):
        ranking_loss(scores(1.0), scores(0.0), focal=-1)
