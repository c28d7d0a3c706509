"""From recorded episodes to rows: the ids that were sampled, never text that was tokenised again.

`samples` makes rows from credit, which says what a turn earned (an advantage, as a rule); a turn
without credit is not trained. Each turn is a row of its own, or turns of one agent stand in one row
as long as each prompt goes on from the tokens of the turn before: then the shared tokens are there
once. A turn is trained in one row only, also where a search or debate branches.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from ..episodes import Episode, Tokens, Turn
from .checks import require_as_many, require_finite
from .sample import PreferencePair, Row, Sample

T = TypeVar("T")
SHOWN = 8
"""Turns that an error names."""
Credit = Mapping[str, float | Sequence[float]]
"""By turn id: what every token of its completion earned, or what each of them did."""
Policy = Callable[[Turn], str]
"""The name of the weights (a model or an adapter) that a turn trains."""


def spoken_by(turn: Turn) -> str:
    """The model that wrote a turn, as the policy that it trains."""
    return turn.model


def samples(
    episode: Episode,
    credit: Credit,
    *,
    join: bool = False,
    group: str | None = None,
    policy: Policy = spoken_by,
) -> list[Sample]:
    """The rows of an episode's turns that have credit, in the order of the record.

    Args:
        episode: the record.
        credit: what turns earned. A turn that it leaves out is not trained.
        join: let turns of one agent and policy share a row where a prompt goes on from the tokens
            of an earlier turn, exactly.
        group: what the rows are compared with; by default the task's id.
        policy: the weights that a turn trains; by default the model's name.

    Raises:
        ValueError: a turn with credit is not in the episode or has no tokens, or a number is not
            finite, or there are not as many as tokens.
    """
    return [
        _sample(chain, credit, episode, episode.task if group is None else group, policy)
        for chain in _chains(_tokenised(episode, credit), policy, join)
    ]


def moved(
    episode: Episode,
    written: str,
    under: str,
    credit: float | Sequence[float],
    *,
    group: str | None = None,
    policy: Policy = spoken_by,
) -> Sample:
    """What one turn wrote, under the prompt of another, as an off-policy row.

    So Critique-GRPO (arXiv 2506.03106) and RLTF-SD (2602.02482) teach a first attempt what was
    written after a critique, without the critique. The old log-probabilities are those under the
    prompt that it was written for; a loss that wants others has to compute them again.

    Args:
        written: the turn whose completion it is.
        under: the turn whose prompt it gets.
        credit: what every token of the completion earned, or what each of them did.

    Raises:
        ValueError: as `samples` does.
    """
    found = {turn.id: tokens for turn, tokens in _tokenised(episode, (written, under))}
    tokens = replace(found[written], prompt_ids=found[under].prompt_ids)
    turn = next(turn for turn in episode.turns if turn.id == written)
    group = episode.task if group is None else group
    row = _sample([(turn, tokens)], {written: credit}, episode, group, policy)
    return replace(row, off_policy=row.loss_mask)


def rows(
    episode: Episode,
    turns: Collection[str] | None = None,
    *,
    join: bool = False,
    policy: Policy = spoken_by,
) -> list[Row]:
    """Supervised rows, with the sampled tokens of the named turns (by default all) as targets.

    Raises:
        ValueError: a turn is not in the episode or has no tokens.
    """
    wanted = [turn.id for turn in episode.turns] if turns is None else turns
    return [
        Row(
            ids=_ids(chain),
            loss_mask=tuple(_laid(chain, lambda turn, tokens: [True] * _length(tokens), False)),
            agent=chain[0][0].agent,
            policy=policy(chain[0][0]),
            episode=name(episode),
            turns=tuple(turn.id for turn, _ in chain),
        )
        for chain in _chains(_tokenised(episode, wanted), policy, join)
    ]


def pair(
    chosen: Turn,
    rejected: Turn,
    *,
    margin: float | None = None,
    group: str = "",
    policy: Policy = spoken_by,
) -> PreferencePair:
    """Two turns that answered the same prompt, token for token.

    Raises:
        ValueError: a turn has no tokens, the prompts differ, or the completions do not.
    """
    better, worse = _tokens(chosen, "a pair"), _tokens(rejected, "a pair")
    if better.prompt_ids != worse.prompt_ids:
        raise ValueError(f"turns {chosen.id!r} and {rejected.id!r} answered different prompts")
    return PreferencePair(
        prompt_ids=better.prompt_ids,
        chosen_ids=better.completion_ids,
        rejected_ids=worse.completion_ids,
        margin=margin,
        agent=chosen.agent,
        policy=policy(chosen),
        group=group,
    )


def name(episode: Episode) -> str:
    """An episode's name, as `run/task/attempt`."""
    return f"{episode.run}/{episode.task}/{episode.attempt}"


_Chain = list[tuple[Turn, Tokens]]
"""Turns that stand in one row: the last one's tokens hold those of all before it."""


def _tokenised(episode: Episode, wanted: Collection[str]) -> _Chain:
    unknown = set(wanted) - {turn.id for turn in episode.turns}
    if unknown:
        shown = [repr(turn.id) for turn in episode.turns[:SHOWN]]
        more = len(episode.turns) - len(shown)
        raise ValueError(
            f"{name(episode)} has no turn {', '.join(map(repr, sorted(unknown)))}; "
            f"it has {', '.join(shown) or 'none'}{f' and {more} more' if more else ''}"
        )
    chosen = set(wanted)
    return [(t, _tokens(t, name(episode))) for t in episode.turns if t.id in chosen]


def _tokens(turn: Turn, where: str) -> Tokens:
    """The tokens of a turn that is to be trained."""
    about = f"turn {turn.id!r} of {turn.agent or 'an agent'} in {where}"
    if turn.error:
        raise ValueError(f"{about} failed ({turn.error}): leave it out")
    if turn.tokens is None:
        raise ValueError(
            f"{about} has no tokens, because {turn.model or 'its model'} does not give the ids "
            "that it sampled: record it with a local model (`tiny`, `hf:PATH`) or vLLM, or "
            "leave it out"
        )
    if not turn.tokens.completion_ids:
        raise ValueError(f"{about} sampled no token: leave it out")
    return turn.tokens


def _chains(turns: _Chain, policy: Policy, join: bool) -> list[_Chain]:
    """Turns by the row that they stand in."""
    if not join:
        return [[each] for each in turns]
    chains: list[_Chain] = []
    for turn, tokens in turns:
        before = [
            chain
            for chain in chains
            if chain[0][0].agent == turn.agent
            and policy(chain[0][0]) == policy(turn)
            and _goes_on(tokens.prompt_ids, chain[-1][1])
        ]
        if before:
            max(before, key=_width).append((turn, tokens))
        else:
            chains.append([(turn, tokens)])
    return chains


def _goes_on(prompt: tuple[int, ...], tokens: Tokens) -> bool:
    """Whether a prompt begins with all tokens of an earlier turn."""
    read = len(tokens.prompt_ids)
    end = read + len(tokens.completion_ids)
    return prompt[read:end] == tokens.completion_ids and prompt[:read] == tokens.prompt_ids


def _sample(chain: _Chain, credit: Credit, episode: Episode, group: str, policy: Policy) -> Sample:
    ids = _ids(chain)

    def earned(turn: Turn, tokens: Tokens) -> Sequence[float]:
        value = credit[turn.id]
        each = [value] * _length(tokens) if isinstance(value, (int, float)) else value
        require_as_many(f"values of credit for turn {turn.id!r}", each, "tokens", tokens.logprobs)
        require_finite(f"credit of turn {turn.id!r}, token", each)
        return each

    return Sample(
        ids=ids,
        loss_mask=tuple(_laid(chain, lambda turn, tokens: [True] * _length(tokens), False)),
        advantages=tuple(_laid(chain, earned, 0.0)),
        old_logprobs=tuple(_laid(chain, lambda turn, tokens: tokens.logprobs, 0.0)),
        off_policy=(False,) * len(ids),
        agent=chain[0][0].agent,
        policy=policy(chain[0][0]),
        group=group,
        episode=name(episode),
        turns=tuple(turn.id for turn, _ in chain),
    )


def _ids(chain: _Chain) -> tuple[int, ...]:
    last = chain[-1][1]
    return last.prompt_ids + last.completion_ids


def _width(chain: _Chain) -> int:
    last = chain[-1][1]
    return len(last.prompt_ids) + len(last.completion_ids)


def _laid(chain: _Chain, values: Callable[[Turn, Tokens], Sequence[T]], empty: T) -> list[T]:
    """The values of each turn's completion where it stands in the row, and `empty` elsewhere."""
    laid = [empty] * _width(chain)
    for turn, tokens in chain:
        start = len(tokens.prompt_ids)
        laid[start : start + _length(tokens)] = values(turn, tokens)
    return laid


def _length(tokens: Tokens) -> int:
    return len(tokens.completion_ids)
