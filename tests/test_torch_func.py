"""The functions of tensors within `torch.func`, forwards and backwards, and what the loss takes."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from numpy.testing import assert_allclose  # noqa: E402
from torch.autograd import forward_ad, gradcheck, gradgradcheck  # noqa: E402
from torch.func import (  # noqa: E402
    functional_call,
    grad,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    vjp,
    vmap,
)
from torch.nn import functional  # noqa: E402

import sklearn_sparsemax as package  # noqa: E402
from sklearn_sparsemax.torch import (  # noqa: E402
    Attention,
    SparsemaxLoss,
    sparsemax,
    sparsemax_loss,
)


def scores_of(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def distributions_of(*shape, seed=1):
    return torch.from_numpy(np.random.default_rng(seed).dirichlet(np.ones(shape[-1]), shape[:-1]))


Z, V = scores_of(7, 5), scores_of(7, 5, seed=2)
CLASSES = torch.tensor([0, 1, 2, 3, 4, 0, 1])
LABELS = torch.eye(5, dtype=torch.bool)[CLASSES] | torch.eye(5, dtype=torch.bool)[CLASSES.flip(0)]
DISTRIBUTIONS = distributions_of(7, 5)

every_target = pytest.mark.parametrize(
    "target", [CLASSES, LABELS, DISTRIBUTIONS], ids=["classes", "label sets", "distributions"]
)


def jacobian(z):
    return torch.from_numpy(package.sparsemax_jacobian(z.numpy()))


# --- the transform ------------------------------------------------------------------------


def test_jvp_and_vjp():
    p, tangent = jvp(sparsemax, (Z,), (V,))
    assert torch.equal(p, sparsemax(Z))
    expected = torch.einsum("nij,nj->ni", jacobian(Z), V)
    assert_allclose(tangent, expected, atol=1e-14)
    _, pull = vjp(sparsemax, Z)
    assert_allclose(pull(V)[0], expected, atol=1e-14)
    assert expected.abs().max() > 0.1


@pytest.mark.parametrize("differentiate", [jacfwd, jacrev])
def test_jacobians(differentiate):
    assert_allclose(differentiate(sparsemax)(Z[0]), jacobian(Z[0]), atol=1e-14)
    assert_allclose(vmap(differentiate(sparsemax))(Z), jacobian(Z), atol=1e-14)


@pytest.mark.parametrize("in_dim", [0, 1, -1])
def test_vmap_over_any_dimension(in_dim):
    batch = Z.movedim(0, in_dim)
    assert torch.equal(vmap(sparsemax, in_dims=in_dim)(batch), sparsemax(Z))
    mask = torch.rand(7, 5) < 0.7
    expected = sparsemax(Z, mask=mask)
    mapped = vmap(lambda z, m: sparsemax(z, mask=m), in_dims=(in_dim, 0))(batch, mask)
    assert torch.equal(mapped, expected)


def test_forward_mode():
    with forward_ad.dual_level():
        dual = sparsemax(forward_ad.make_dual(Z, V))
        tangent = forward_ad.unpack_dual(dual).tangent
    assert_allclose(tangent, torch.einsum("nij,nj->ni", jacobian(Z), V), atol=1e-14)


@pytest.mark.parametrize("dim", [0, 1, 2, -1, -2, -3])
@pytest.mark.parametrize("shape", [(4,), (3, 4), (1, 4), (2, 3, 4), (2, 1, 1), (3, 1)])
def test_a_mask_of_fewer_dimensions(dim, shape):
    """It broadcasts as NumPy's arrays do, whatever the dimension of the probabilities."""
    z = scores_of(2, 3, 4)
    mask = torch.from_numpy(np.random.default_rng(3).random(shape) < 0.6)
    p = sparsemax(z, dim, mask=mask)
    whole = mask.expand(z.shape)
    assert torch.equal(p, sparsemax(z, dim, mask=whole.clone()))
    assert (p[~whole] == 0).all()
    assert_allclose(p.sum(dim), whole.any(dim).double(), atol=1e-14)


def test_attention_within_torch_func():
    attention = Attention(4).double()
    states, query = scores_of(2, 3, 4), scores_of(2, 4, seed=1)

    def total(states):
        context, weights = attention(states, query)
        return context.square().sum() + weights.square().sum()

    gradient = grad(total)(states)
    step = 1e-6 * scores_of(2, 3, 4, seed=9)
    difference = ((total(states + step) - total(states - step)) / 2).detach()
    assert_allclose((gradient * step).sum().detach(), difference, rtol=1e-5)
    assert_allclose(jvp(total, (states,), (step,))[1].detach(), difference, rtol=1e-5)


# --- the loss -----------------------------------------------------------------------------


@every_target
@pytest.mark.parametrize(
    "options", [{}, {"label_smoothing": 0.1}, {"weight": torch.arange(1.0, 6)}]
)
def test_the_loss_within_torch_func(target, options):
    def loss(z, q):
        return sparsemax_loss(z[None], q[None], **options)

    p = sparsemax(Z)
    q = DISTRIBUTIONS if target is DISTRIBUTIONS else LABELS / LABELS.sum(1, keepdim=True)
    q = torch.eye(5, dtype=torch.float64)[CLASSES] if target is CLASSES else q
    smoothing = options.get("label_smoothing", 0)
    q = (1 - smoothing) * q + smoothing / 5
    assert_allclose(vmap(grad(loss))(Z, target), p - q, atol=1e-14)
    assert_allclose(vmap(jacfwd(loss))(Z, target), p - q, atol=1e-14)
    assert_allclose(vmap(hessian(loss))(Z, target), jacobian(Z), atol=1e-14)
    assert_allclose(jvp(lambda z: loss(z, target[0]), (Z[0],), (V[0],))[1], (p - q)[0] @ V[0])
    both = vmap(loss)(Z, target)
    assert_allclose(both.mean(), sparsemax_loss(Z, target, label_smoothing=smoothing))


@every_target
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_derivatives_of_any_order_and_mode(target, smoothing):
    z = Z.clone().requires_grad_()

    def losses(z):
        return sparsemax_loss(z, target, label_smoothing=smoothing, reduction="none")

    assert gradcheck(losses, (z,), check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(losses, (z,), check_fwd_over_rev=True)


def test_the_loss_has_a_gradient_by_its_target():
    """The derivative of Omega*(z) + Omega(q) - <q, z>, up to a common number."""
    z, q = Z.clone().requires_grad_(), DISTRIBUTIONS.clone().requires_grad_()

    def losses(z, q):
        return sparsemax_loss(z, q, reduction="none")

    assert gradcheck(losses, (z, q), check_forward_ad=True)
    losses(z, q).sum().backward()
    along = q.grad - (DISTRIBUTIONS - Z)
    assert_allclose(along, along[:, :1].expand(7, 5), atol=1e-13)


def test_a_student_learns_from_a_teacher():
    """Both sides of a distillation get a gradient."""
    teacher = scores_of(7, 5, seed=5).requires_grad_()
    student = Z.clone().requires_grad_()
    sparsemax_loss(student, torch.softmax(teacher, dim=-1)).backward()
    assert teacher.grad.abs().max() > 1e-3
    assert student.grad.abs().max() > 1e-3


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8])
def test_classes_of_any_integer_type(dtype):
    assert torch.equal(sparsemax_loss(Z, CLASSES.to(dtype)), sparsemax_loss(Z, CLASSES))


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("ignored", [[], [0, 3], list(range(7))])
@pytest.mark.parametrize("weighted", [False, True])
def test_reductions_are_those_of_cross_entropy(dim, reduction, ignored, weighted):
    """With the loss of a row in the place of its cross-entropy."""
    target = CLASSES.clone()
    target[ignored] = -100
    weight = torch.arange(1.0, 6, dtype=torch.float64) if weighted else None
    scores = Z.clone().requires_grad_()
    loss = sparsemax_loss(
        scores if dim == 1 else scores.T, target, dim, weight=weight, reduction=reduction
    )
    rows = torch.from_numpy(package.sparsemax_loss(Z.numpy(), CLASSES.numpy(), reduction="none"))
    # log-probabilities whose cross-entropy are these losses
    stand_in = torch.zeros(7, 5, dtype=torch.float64).scatter(1, CLASSES[:, None], -rows[:, None])
    expected = functional.nll_loss(stand_in, target, weight=weight, reduction=reduction)
    assert_allclose(loss.detach(), expected, rtol=1e-12)
    if loss.isfinite().all():
        loss.sum().backward()
        assert (scores.grad[ignored] == 0).all()
        assert scores.grad.isfinite().all()


def test_another_ignore_index():
    target = CLASSES.clone()
    target[2] = 4
    expected = sparsemax_loss(Z[[0, 1, 3, 5, 6]], target[[0, 1, 3, 5, 6]])
    assert_allclose(sparsemax_loss(Z, target, ignore_index=4), expected)


@pytest.mark.parametrize("smoothing", [0.1, 1.0])
def test_label_smoothing_is_a_distribution(smoothing):
    q = (1 - smoothing) * torch.eye(5, dtype=torch.float64)[CLASSES] + smoothing / 5
    one = sparsemax_loss(Z, CLASSES, label_smoothing=smoothing, reduction="none")
    assert_allclose(one, sparsemax_loss(Z, q, reduction="none"), rtol=1e-12)
    exact = package.sparsemax_loss(Z.numpy(), q.numpy(), reduction="none")
    assert_allclose(one, exact, rtol=1e-12)


def test_the_loss_of_a_class_loses_no_digits():
    """A loss of 1e-20 is one, not the rounding of numbers near 1."""
    z = torch.tensor([[1.0 - 1e-10, 0.0, -5.0]], dtype=torch.float64)
    exact = package.sparsemax_loss(z.numpy(), [0], reduction="none")
    assert 0 < exact[0] < 1e-19
    assert_allclose(sparsemax_loss(z, torch.tensor([0]), reduction="none"), exact, rtol=1e-6)


def test_the_module_takes_all_options():
    options = {"weight": torch.arange(1.0, 6), "ignore_index": 0, "label_smoothing": 0.2}
    module = SparsemaxLoss(**options)
    assert_allclose(module(Z, CLASSES), sparsemax_loss(Z, CLASSES, **options))
    assert set(module.state_dict()) == {"weight"}
    assert functional_call(module, {}, (Z, CLASSES)).isfinite()
    assert set(SparsemaxLoss().state_dict()) == set()


def test_traced_without_a_break():
    for target in (CLASSES, LABELS, DISTRIBUTIONS):
        model = lambda z, q: sparsemax_loss(sparsemax(2 * z), q, label_smoothing=0.1)  # noqa: E731
        traced = torch.compile(model, backend="eager", fullgraph=True)
        one, other = (Z.clone().requires_grad_() for _ in range(2))
        traced(one, target).backward()
        model(other, target).backward()
        assert_allclose(one.grad, other.grad, atol=1e-15)


# --- what is refused ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "options", "error", "words"),
    [
        (
            LABELS & (CLASSES != 3)[:, None],
            {},
            ValueError,
            r"label set of slice \(3,\) .* is empty",
        ),
        (LABELS.double(), {}, ValueError, r"Slice \(0,\) of target sums to 2.* target of bool"),
        (-DISTRIBUTIONS, {}, ValueError, r"target holds -0\.\d+; distributions are 0 or more"),
        (LABELS.long(), {}, ValueError, "label sets are of torch.bool"),
        (CLASSES + 1, {}, ValueError, r"the class 5; classes are 0 \.\.\. 4, or ignore_index=-100"),
        (CLASSES - 1, {}, ValueError, "the class -1"),
        (CLASSES[:3], {}, ValueError, r"target has the shape \(3,\)"),
        (DISTRIBUTIONS.float(), {}, TypeError, "target is of torch.float32"),
        (CLASSES, {"weight": torch.ones(4)}, ValueError, r"weight has the shape \(4,\)"),
        (CLASSES, {"weight": torch.ones(5).long()}, TypeError, "weight is of torch.int64"),
        (CLASSES, {"label_smoothing": 1.5}, ValueError, "label_smoothing is 1.5"),
        (CLASSES, {"reduction": "median"}, ValueError, "reduction is 'median'"),
    ],
)
def test_wrong_arguments(target, options, error, words):
    with pytest.raises(error, match=words):
        sparsemax_loss(Z, target, **options)


MEMORY = """
import resource, sys, torch
from sklearn_sparsemax.torch import sparsemax_loss
torch.manual_seed(0)
z = torch.randn(1500, 20_000, requires_grad=True)
y = torch.randint(20_000, (1500,))
loss = sparsemax_loss if sys.argv[1] == "ours" else torch.nn.functional.cross_entropy
sparsemax_loss(z[:2], y[:2]).backward()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
loss(z, y).backward()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="measures with the module resource")
def test_classes_take_no_more_memory_than_cross_entropy():
    """No one-hot array: 1500 x 20,000 scores of float32 are 120 MB."""
    peak = {
        name: int(
            subprocess.run(
                [sys.executable, "-c", MEMORY, name], capture_output=True, check=True, text=True
            ).stdout
        )
        for name in ("ours", "cross_entropy")
    }
    assert peak["ours"] <= 1.15 * peak["cross_entropy"]
