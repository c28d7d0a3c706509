import math

import pytest

torch = pytest.importorskip("torch")

from symposia.training.losses import entropy, sequence_logprobs, token_logprobs  # noqa: E402


def naive(logits, ids, temperature=1.0):
    logprobs = (logits[:, :-1].double() / temperature).log_softmax(-1)
    return logprobs.gather(-1, ids[:, 1:, None]).squeeze(-1)


@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("tokens", [2, 5, 700])
def test_they_are_those_of_the_whole_distribution_and_so_is_their_gradient(tokens, temperature):
    logits = torch.randn(2, tokens, 11, dtype=torch.float64, requires_grad=True)
    ids = torch.randint(11, (2, tokens))
    found = token_logprobs(logits, ids, temperature)
    expected = naive(logits, ids, temperature)
    torch.testing.assert_close(found[:, 1:], expected)
    (ours,) = torch.autograd.grad((found[:, 1:] ** 2).sum(), logits)
    (theirs,) = torch.autograd.grad((expected**2).sum(), logits)
    torch.testing.assert_close(ours, theirs)


def test_nothing_predicts_the_first_token():
    found = token_logprobs(torch.zeros(1, 3, 4), torch.tensor([[1, 2, 3]]))
    assert found[0, 0].isnan()
    torch.testing.assert_close(found[0, 1:], torch.full((2,), -math.log(4)))
    with pytest.raises(ValueError, match=r"logprobs holds nan at \[0, 0\]"):
        sequence_logprobs(found, torch.ones(1, 3))
    summed = sequence_logprobs(found, torch.tensor([[0, 1, 1]]))
    assert summed.item() == pytest.approx(-2 * math.log(4))


def test_half_precision_is_normalised_in_single():
    logits = torch.randn(1, 6, 5000, dtype=torch.bfloat16)
    ids = torch.randint(5000, (1, 6))
    found = token_logprobs(logits, ids)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found[:, 1:].double(), naive(logits, ids), atol=1e-5, rtol=0)


def test_no_second_tensor_of_the_vocabulary_s_size_is_kept_for_the_gradient():
    logits = torch.randn(2, 2048, 64, requires_grad=True)
    ids = torch.randint(64, (2, 2048))
    kept = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    scaled = logits * 2  # as a model's head would give it
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        token_logprobs(scaled, ids).nansum()
    kept.pop(scaled.untyped_storage().data_ptr(), None)
    assert sum(kept.values()) < 0.1 * scaled.untyped_storage().nbytes()


def test_entropy_is_that_of_the_distribution():
    logits = torch.tensor([[[0.0, 0.0, 0.0, 0.0], [100.0, 0.0, 0.0, 0.0]]])
    torch.testing.assert_close(entropy(logits), torch.tensor([[math.log(4), 0.0]]))


def test_entropy_and_its_gradient_hold_where_a_grammar_forbids_tokens():
    logits = torch.tensor([[[1.0, 2.0, float("-inf")]]], requires_grad=True)
    found = entropy(logits)
    expected = torch.distributions.Categorical(logits=torch.tensor([1.0, 2.0])).entropy()
    assert found.item() == pytest.approx(expected.item())
    (gradient,) = torch.autograd.grad(found.sum(), logits)
    assert gradient.isfinite().all()
    assert gradient[0, 0, 2] == 0


def test_entropy_passes_a_gradient_check():
    logits = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(entropy, logits)


def test_what_does_not_belong_together_is_named():
    logits = torch.zeros(1, 3, 4)
    with pytest.raises(ValueError, match=r"logits have shape \(1, 3, 4\), ids \(1, 2\)"):
        token_logprobs(logits, torch.zeros(1, 2, dtype=torch.long))
    with pytest.raises(ValueError, match="ids hold -100; the vocabulary has 4 tokens"):
        token_logprobs(logits, torch.tensor([[1, -100, 2]]))
    with pytest.raises(ValueError, match="temperature is 0"):
        token_logprobs(logits, torch.tensor([[1, 2, 3]]), temperature=0)
