"""Attention over padded batches: weights, padding, gradients."""

from __future__ import annotations

import pytest
from numpy.testing import assert_allclose

torch = pytest.importorskip("torch", reason="needs the extra torch")
from sklearn_sparsemax.torch import Attention, sparsemax  # noqa: E402
from sklearn_sparsemax.torch._attention import ATTENTIONS  # noqa: E402

every_attention = pytest.mark.parametrize("attention", ATTENTIONS)


@pytest.fixture
def batch():
    torch.manual_seed(0)
    states = torch.randn(4, 6, 3, dtype=torch.float64)
    query = torch.randn(4, 5, dtype=torch.float64)
    lengths = torch.tensor([6, 4, 1, 5])
    return states, query, torch.arange(6) < lengths[:, None]


def module(attention, **options):
    torch.manual_seed(1)
    return Attention(3, 5, 7, attention=attention, **options).double()


@every_attention
def test_weights_are_those_of_each_sequence_alone(attention, batch):
    states, query, mask = batch
    model = module(attention)
    context, weights = model(states, query, mask)
    assert weights.shape == (4, 6)
    assert (weights[~mask] == 0).all()
    for i, n in enumerate(mask.sum(dim=1)):
        alone, its_weights = model(states[i : i + 1, :n], query[i : i + 1])
        assert_allclose(weights[i, :n].detach(), its_weights[0].detach(), rtol=1e-12, atol=1e-15)
        assert_allclose(context[i].detach(), alone[0].detach(), rtol=1e-12)
        expected = sum(w * h for w, h in zip(its_weights[0], states[i, :n], strict=True))
        assert_allclose(context[i].detach(), expected.detach(), rtol=1e-12)


def test_weights_are_the_function_of_the_scores_that_they_are_called_after(batch):
    states, query, _ = batch
    for attention, function in (
        ("logistic", torch.sigmoid),
        ("softmax", lambda z: z.softmax(dim=-1)),
        ("sparsemax", sparsemax),
    ):
        model = module(attention)
        hidden = torch.stack(
            [
                torch.tanh(
                    model.of_states.weight @ states[:, t].T
                    + model.of_states.bias[:, None]
                    + model.of_query.weight @ query.T
                )
                for t in range(states.shape[1])
            ]
        )
        scores = (model.score.weight @ hidden)[:, 0].T
        _, weights = model(states, query)
        assert_allclose(weights.detach(), function(scores).detach(), rtol=1e-12, atol=1e-15)


def test_without_attention_the_last_state_counts(batch):
    states, query, mask = batch
    context, weights = Attention(3, attention="none")(states, query, mask)
    for i, n in enumerate(mask.sum(dim=1)):
        assert_allclose(context[i], states[i, n - 1])
        assert weights[i].sum() == weights[i, n - 1] == 1
    assert not list(Attention(3, attention="none").parameters())


@every_attention
def test_a_sequence_of_padding_alone_has_no_weights_and_no_gradient(attention, batch):
    states, query, mask = batch
    mask[2] = False
    states.requires_grad_()
    context, weights = module(attention)(states, query, mask)
    assert (weights[2] == 0).all()
    assert (context[2] == 0).all()
    context.square().sum().backward()
    assert torch.isfinite(states.grad).all()
    assert (states.grad[2] == 0).all()
    assert (states.grad[~mask] == 0).all()


@every_attention
def test_gradients(attention, batch):
    states, query, mask = batch
    states.requires_grad_()
    query.requires_grad_()
    model = module(attention)
    assert torch.autograd.gradcheck(lambda h, q: model(h, q, mask)[0], (states, query))


@every_attention
def test_half_precision(attention, batch):
    states, query, mask = (tensor.to(torch.bfloat16) for tensor in batch)
    context, weights = module(attention).to(torch.bfloat16)(states, query, mask.bool())
    assert context.dtype == weights.dtype == torch.bfloat16
    assert torch.isfinite(context).all()


def test_it_is_traced_without_breaks(batch):
    states, query, mask = batch
    model = module("sparsemax")
    traced = torch.compile(model, fullgraph=True, backend="eager")
    assert_allclose(traced(states, query, mask)[1].detach(), model(states, query, mask)[1].detach())


def test_errors(batch):
    states, query, mask = batch
    with pytest.raises(ValueError, match="attention is 'hard'; one of"):
        Attention(3, attention="hard")
    with pytest.raises(TypeError, match=r"mask is of torch\.int64; torch.bool is needed"):
        module("softmax")(states, query, mask.long())
    with pytest.raises(ValueError, match=r"mask has the shape \(4, 5\).*\(4, 6\)"):
        module("softmax")(states, query, mask[:, :5])


def test_it_tells_what_it_is():
    assert "attention='softmax'" in repr(Attention(3, attention="softmax"))
