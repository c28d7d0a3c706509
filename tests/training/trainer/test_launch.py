"""Updates in processes of their own come to the same version, and their errors come back."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

import random_models as rm  # noqa: E402
from sampled_rows import samples, weights  # noqa: E402

from symposia.models.local import LocalChatModel  # noqa: E402
from symposia.training.trainer import (  # noqa: E402
    InProcess,
    Job,
    Launched,
    MismatchError,
    PolicyGradient,
    UpdateSettings,
)
from symposia.training.trainer.policy import LoRA, Policy  # noqa: E402

CUT = UpdateSettings(
    learning_rate=1e-3, device="cpu", batch_tokens=60, sequence_tokens=60, epochs=2
)
"""Small enough micro-batches that each of two processes has some, and one more than the other."""
TWO = f"{sys.executable} -m torch.distributed.run --nproc-per-node 2"


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jobs")
    base = Path(rm.make_folder(folder / "base"))
    rows = samples(LocalChatModel(path=str(base), max_tokens=8, temperature=1.0))[:7]
    lora = LoRA(rank=4)
    Policy(base, lora).begin(folder / "0", seed=1)
    made = Job(
        base=base,
        lora=lora,
        start=folder / "0",
        examples=rows,
        objective=PolicyGradient(mean="token", kl=0.01),
        out=folder / "1",
        settings=CUT,
    )
    return made, InProcess()(made)


def test_two_processes_come_to_the_version_of_one(job, tmp_path):
    made, alone = job
    together = Launched(TWO)(replace(made, out=tmp_path / "1"))
    assert together.pop("processes") == 2
    assert together == pytest.approx(alone, rel=1e-3, abs=1e-5)
    for name, weight in weights(made.out).items():
        torch.testing.assert_close(weights(tmp_path / "1")[name], weight, atol=1e-4, rtol=1e-3)


def test_weights_in_shards_come_to_the_version_of_whole_ones(job, tmp_path, monkeypatch):
    """FSDP, all weights, from a version whose moments the update goes on from."""
    first = replace(job[0], lora=None, out=tmp_path / "1", start=tmp_path / "0")
    Policy(first.base).begin(first.start, seed=1)
    InProcess()(first)
    settings = replace(CUT, max_mismatch=None)
    second = replace(first, start=first.out, out=tmp_path / "2", settings=settings)
    alone = InProcess()(second)
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    monkeypatch.setenv("FSDP_VERSION", "2")
    monkeypatch.setenv("FSDP_AUTO_WRAP_POLICY", "TRANSFORMER_BASED_WRAP")
    sharded = Launched(TWO)(replace(second, out=tmp_path / "3"))
    assert sharded.pop("processes") == 2
    assert sharded == pytest.approx(alone, rel=1e-3, abs=1e-5)
    for name, weight in weights(second.out).items():
        torch.testing.assert_close(weights(tmp_path / "3")[name], weight, atol=1e-4, rtol=1e-3)
    ours, theirs = (
        torch.load(tmp_path / each / "optimizer.pt", weights_only=True)["state"]
        for each in ("2", "3")
    )
    torch.testing.assert_close(theirs, ours, atol=1e-4, rtol=1e-3)


def test_what_is_wrong_with_a_job_comes_back_as_the_error_that_it_is(job, tmp_path):
    made, _ = job
    strict = replace(made, settings=replace(CUT, max_mismatch=0.0), out=tmp_path / "1")
    with pytest.raises(MismatchError, match=r"max_mismatch=0\.0"):
        Launched(sys.executable)(strict)
    assert not (tmp_path / "1").exists()


def test_a_launcher_that_fails_says_how(job, tmp_path):
    made, _ = job
    with pytest.raises(RuntimeError, match="ended with 1"):
        Launched("false")(replace(made, out=tmp_path / "1"))


@pytest.mark.parametrize(("version", "mend"), [("1", "--fsdp_version 2"), ("2", "one process")])
def test_sharding_that_cannot_be_is_refused_rather_than_left_off(
    job, tmp_path, monkeypatch, version, mend
):
    made, _ = job
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    monkeypatch.setenv("FSDP_VERSION", version)
    with pytest.raises(ValueError, match=mend):
        InProcess()(replace(made, out=tmp_path / "1"))
