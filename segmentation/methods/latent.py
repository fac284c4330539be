"""Latent classes: segments of customers who give each answer with the same probability, whatever else they answer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import entr, logsumexp, softmax
from sklearn.base import BaseEstimator, ClusterMixin
from threadpoolctl import threadpool_limits

from segmentation.core.dataset import Column, Dataset, MethodName
from segmentation.customers.exploring import sample_rows
from segmentation.methods.method import LARGEST_EXACT, Optimum, largest_first
from segmentation.runs.records import Scaled, Score

PRIOR = 1.0  # customers more in each class, who answer as all do
VARIANCE_FLOOR = 0.01  # of the variance of all: below that of no class goes; nor is an answer more than certain
CLASS_STARTS, FEWEST_CLASS_STARTS, SHORT_STEPS = 100, 20, 10
QUICK_STARTS, QUICK_KEPT = 10, 2
REACHED_OFTEN, MOST_ROUNDS = 5, 5
SAME_HEIGHT = 0.01  # of log likelihood: what EM, which converges slowly, leaves between two ways to one optimum
CONVERGED, QUICKLY = 1e-5, 0.02
MOST_EM_STEPS = 2_000
PEER_STARTS = 5
STARTS_OF_ALL = 150_000  # customers times starts
Kind = Literal["answer", "category", "number"]


@dataclass(frozen=True)
class Block:
    """The columns of one feature: one of yes or no, an indicator of each category, or a number.

    width : how many columns there are
    no : the number that stands for no
    step : how far yes is from no, or an answer of a rating from the next; of an amount 0
    """

    kind: Kind
    width: int = 1
    no: float = 0.0
    step: float = 0.0


Blocks = tuple[Block, ...]


def spans(blocks: Blocks) -> Iterator[tuple[Block, slice]]:
    """Yield each block with its columns."""
    start = 0
    for block in blocks:
        yield block, slice(start, start + block.width)
        start += block.width


def of_kind(blocks: Blocks, kind: Kind) -> np.ndarray:
    """Return for each column whether it belongs to a block of this kind."""
    return np.repeat([block.kind == kind for block in blocks], [block.width for block in blocks])


def blocks_of(dataset: Dataset, scaled: Sequence[Scaled]) -> Blocks:
    """Return the blocks of features that are scaled like this."""
    return tuple(_block(dataset.columns[feature.name], feature) for feature in scaled)


def _block(column: Column, feature: Scaled) -> Block:
    if feature.categories:
        return Block("category", len(feature.categories))
    step = 0.0 if column.is_amount and column.type != "rating" else 1 / feature.spread
    return Block("answer" if column.type == "yes/no" else "number", 1, -feature.centre / feature.spread, step)


def ends_of(blocks: Blocks) -> tuple[np.ndarray, np.ndarray]:
    """Return what stands for no in each column and how far yes is from it; 0 and 1 of columns that are no answers."""
    columns = [(block.no, block.step or 1.0) if block.kind == "answer" else (0.0, 1.0) for block in blocks]
    no, step = np.repeat(columns, [block.width for block in blocks], axis=0).T
    return no, step


@dataclass(frozen=True)
class Classes:
    """Latent classes of several starts.

    weights : ndarray of shape (starts, k)
    means : ndarray of shape (starts, k, columns), of an answer or an indicator its probability
    variances : ndarray of shape (starts, k, numbers)
    """

    weights: np.ndarray
    means: np.ndarray
    variances: np.ndarray

    def __getitem__(self, starts) -> "Classes":
        return Classes(self.weights[starts], self.means[starts], self.variances[starts])


Ends = tuple[Classes, np.ndarray]  # of several starts, and the log posterior of each


class Likelihood:
    """The likelihood of a table, and the prior: each class has `PRIOR` customers more, who answer as all do.

    That keeps probabilities off 0 and 1 (Galindo Garre & Vermunt 2006) and variances off 0 (Fraley & Raftery 2007).
    """

    def __init__(self, X: np.ndarray, blocks: Blocks):
        self.no, self.step = ends_of(blocks)
        X = (X - self.no) / self.step
        X = np.where(of_kind(blocks, "number"), X, np.clip(X, 0, 1))  # tables of the gap statistic hold no answers
        self.T = np.ascontiguousarray(X.T)
        self.answers, self.numbers = of_kind(blocks, "answer"), of_kind(blocks, "number")
        self.squares = self.T[self.numbers] ** 2
        self.whole = X.mean(axis=0)
        for block, columns in spans(blocks):
            if block.kind != "number":
                most = max(block.width, 2)
                self.whole[columns] = (X[:, columns].sum(axis=0) + 1 / most) / (len(X) + 1)
        self.free = sum({"answer": 1, "number": 2}.get(block.kind, block.width - 1) for block in blocks)
        self.spread = np.maximum(X[:, self.numbers].var(axis=0), 1e-9)
        steps = np.array([block.step for block in blocks if block.kind == "number"])
        self.floor = np.maximum(VARIANCE_FLOOR * self.spread, steps**2 / (2 * np.pi))

    def parameters(self, k: int) -> int:
        """Return how many numbers k classes have of their own."""
        return k - 1 + k * self.free

    def terms(self, classes: Classes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return log(weight x density) as constant (starts, k), linear (…, columns) and square terms (…, numbers)."""
        means, variances = classes.means, classes.variances
        linear = np.log(np.where(self.numbers, 1.0, means))
        no = np.log1p(-means[..., self.answers])
        linear[..., self.answers] -= no
        linear[..., self.numbers] = means[..., self.numbers] / variances
        off = np.log(2 * np.pi * variances) + means[..., self.numbers] ** 2 / variances
        constant = np.log(classes.weights) + no.sum(axis=-1) - off.sum(axis=-1) / 2
        return constant, linear, -0.5 / variances

    def joint(self, classes: Classes) -> np.ndarray:
        """Return log(weight x density) of every customer, of shape (starts, k, n)."""
        constant, linear, square = self.terms(classes)
        return linear @ self.T + square @ self.squares + constant[..., None]

    def prior(self, classes: Classes) -> np.ndarray:
        """Return the log of the prior, but for a constant, of shape (starts,)."""
        p, whole, variances = classes.means, self.whole, classes.variances
        told = (whole * np.log(np.where(self.numbers, 1.0, p)))[..., ~self.numbers].sum(axis=(1, 2))
        no = ((1 - whole) * np.log1p(-np.where(self.answers, p, 0.0)))[..., self.answers].sum(axis=(1, 2))
        spread = (np.log(variances) + self.spread / variances).sum(axis=(1, 2)) / 2
        return PRIOR * (told + no - spread + np.log(classes.weights).sum(axis=1))

    def classes(self, shares: np.ndarray) -> Classes:
        """Return the classes in which customers are by these shares, of shape (starts, k, n)."""
        sizes = shares.sum(axis=2)
        sums = shares @ self.T.T
        n = sizes[..., None]
        means = (sums + PRIOR * self.whole) / (n + PRIOR)
        middle = sums[..., self.numbers] / np.maximum(n, 1e-9)
        apart = np.maximum(shares @ self.squares.T - n * middle**2, 0)
        variances = np.maximum((apart + PRIOR * self.spread) / (n + PRIOR), self.floor)
        means[..., self.numbers] = middle
        return Classes((sizes + PRIOR) / (sizes + PRIOR).sum(axis=1, keepdims=True), means, variances)

    def drawn(self, k: int, rng: np.random.Generator, starts: int) -> Classes:
        """Draw classes about single customers."""
        n = self.T.shape[1]
        rows = np.array([rng.choice(n, k, replace=n < k) for _ in range(starts)])
        means = self.T.T[rows]
        means = np.where(self.numbers, means, (means + self.whole) / 2)
        variances = np.broadcast_to(self.spread, (starts, k, len(self.spread))).copy()
        return Classes(np.full((starts, k), 1 / k), means, variances)

    def ascend(self, classes: Classes, steps: int, gain: float) -> Ends:
        """Run EM (Dempster, Laird & Rubin 1977) until no start gains more in a step; return log posteriors too."""
        before = np.full(len(classes.weights), -np.inf)
        for _ in range(steps):
            joint = self.joint(classes)
            each = _over_classes(joint)
            found = each.sum(axis=1) + self.prior(classes)
            if (found - before).max() < gain:
                break
            before = found
            classes = self.classes(np.exp(joint - each[:, None]))
        return classes, found

    def search(self, k: int, rng: np.random.Generator, starts: int, kept: int, gain: float) -> Ends:
        """Run a few steps from many starts and go on with the best (Biernacki, Celeux & Govaert 2003)."""
        short, found = self.ascend(self.drawn(k, rng, starts), SHORT_STEPS, 0)
        return self.ascend(short[np.argsort(-found, kind="stable")[:kept]], MOST_EM_STEPS, gain)


def _over_classes(joint: np.ndarray) -> np.ndarray:
    """Return the log density of every customer, of shape (starts, n)."""
    most = joint.max(axis=1)
    return most + np.log(np.exp(joint - most[:, None]).sum(axis=1))


class LatentClasses(ClusterMixin, BaseEstimator):
    """A latent class model (Lazarsfeld & Henry 1968; Vermunt & Magidson 2002), fitted by EM.

    Within a class the features are taken for independent: yes or no with a probability, a category with
    one of each, a number or a rating normal with a variance of its own.

    Parameters
    ----------
    k : int
    blocks : tuple of Block
    seed : int

    Attributes
    ----------
    weights_, means_, variances_ : what stands in `Classes`, of one start
    constant_, linear_, square_ : log(weight x density) of z is constant + linear.z + square.z^2, of shapes (k,),
        (k, columns) and (k, columns)
    labels_, cluster_centers_, inertia_ : as of K-Means, each customer in the class that is most probable
    log_likelihood_, bic_, entropy_ : entropy is 1 where every customer is surely in a class, 0 where any
    """

    def __init__(self, k: int = 2, blocks: Blocks = (), seed: int = 0):
        self.k = k
        self.blocks = blocks
        self.seed = seed

    def fit(self, X, y=None):
        """Find the best optimum."""
        best = best_latent(np.asarray(X, float), self.k, self.blocks, seed=self.seed).model
        self.__dict__.update({name: value for name, value in vars(best).items() if name.endswith("_")})
        return self

    def joint(self, X) -> np.ndarray:
        """Return log(weight x density) of each customer in each class, of shape (n, k)."""
        X = np.asarray(X, float)
        return self.constant_ + X @ self.linear_.T + X**2 @ self.square_.T

    def predict(self, X) -> np.ndarray:
        """Return the class of each customer that is most probable, from 0."""
        return self.joint(X).argmax(axis=1)

    def scores(self) -> tuple[Score, ...]:
        """Return by what a customer is placed: -2 log(weight x density)."""
        return tuple(
            Score(
                constant=-2 * constant,
                linear=(-2 * linear).tolist(),
                quadratic=np.diag(-2 * square).tolist() if square.any() else None,
            )
            for constant, linear, square in zip(self.constant_, self.linear_, self.square_, strict=True)
        )

    def predict_proba(self, X) -> np.ndarray:
        """Return the probability of each class for each customer, of shape (n, k)."""
        return softmax(self.joint(X), axis=1)


def best_latent(X: np.ndarray, k: int, blocks: Blocks, *, seed: int = 0) -> Optimum:
    """Fit latent classes from many starts until the best was reached several times.

    A hundred starts (fewer for large tables) take ten steps and the best tenth of them all they need, in up to five
    rounds, until the highest posterior was reached `REACHED_OFTEN` times. StepMix (Morin et al. 2025) looks too, from
    starts of its own; where what it finds is better, that is taken. Above 10,000 customers a random sample of 10,000 is
    fitted.
    """
    some = X[sample_rows(len(X), LARGEST_EXACT, seed=seed)]
    rng, told = np.random.default_rng(np.random.SeedSequence([seed, k])), Likelihood(some, blocks)
    each = int(np.clip(STARTS_OF_ALL // len(some), FEWEST_CLASS_STARTS, CLASS_STARTS))
    with threadpool_limits(1):
        ends = [_of_stepmix(told, k, blocks, seed)]
        for _ in range(MOST_ROUNDS):
            ends.append(told.search(k, rng, each, max(each // 10, REACHED_OFTEN), CONVERGED))
            heights = np.concatenate([found for _, found in ends])
            reached = int((heights >= heights.max() - SAME_HEIGHT).sum())
            if reached >= REACHED_OFTEN:
                break
        best = max(ends, key=lambda end: end[1].max())
        return Optimum(_highest(X, best, told, blocks, seed), PEER_STARTS + each * (len(ends) - 1), reached)


def _of_stepmix(told: Likelihood, k: int, blocks: Blocks, seed: int) -> Ends:
    """Let StepMix look for the highest likelihood, and go on from there to the highest posterior."""
    from stepmix.stepmix import StepMix  # a second, which the other fits do without

    measured, columns = _as_measured(told.T.T, blocks)
    peer = StepMix(k, measurement=measured, n_init=PEER_STARTS, abs_tol=1e-6, progress_bar=0, random_state=seed % 2**32)
    shares = peer.fit(columns).predict_proba(columns)
    return told.ascend(told.classes(shares.T[None]), MOST_EM_STEPS, CONVERGED)


def _as_measured(X: np.ndarray, blocks: Blocks) -> tuple[dict, np.ndarray]:
    """Return how StepMix is told the kinds of columns, and the columns as it wants them: levels by their number."""
    kinds = {"answer": "binary", "category": "categorical", "number": "gaussian_diag"}
    measured, found = {}, []
    for at, (block, columns) in enumerate(spans(blocks)):
        measured[f"{at}"] = {"model": kinds[block.kind], "n_columns": 1}
        if block.kind == "number":
            measured[f"{at}"]["reg_covar"] = max(
                VARIANCE_FLOOR * float(X[:, columns].var()), block.step**2 / (2 * np.pi), 1e-9
            )
        found.append(np.round(X[:, columns], 9) if block.width == 1 else X[:, columns].argmax(axis=1)[:, None])
    return measured, np.hstack(found)


def quick_latent(X: np.ndarray, k: int, blocks: Blocks, rng: np.random.Generator) -> LatentClasses:
    """Return the best of ten short starts, of which two go on until a step gains next to nothing."""
    told = Likelihood(X, blocks)
    return _highest(X, told.search(k, rng, QUICK_STARTS, QUICK_KEPT, QUICKLY), told, blocks, 0)


def _highest(X: np.ndarray, ends: Ends, told: Likelihood, blocks: Blocks, seed: int) -> LatentClasses:
    """Return the classes of the highest posterior as an estimator, the largest first, ties by what they answer."""
    best = ends[0][np.array([ends[1].argmax()])]
    constant, linear, square = (part[0] for part in told.terms(best))
    constant, linear = constant - linear @ (told.no / told.step), linear / told.step
    fit = LatentClasses(len(constant), blocks, seed)
    fit.constant_, fit.linear_, fit.square_ = constant, linear, np.zeros_like(linear)
    fit.square_[:, told.numbers] = square
    sizes = np.bincount(fit.predict(X), minlength=fit.k)
    order = largest_first(sizes, best.means[0])
    fit.weights_, fit.means_, fit.variances_ = (part[order] for part in vars(best[0]).values())
    fit.constant_, fit.linear_, fit.square_ = (part[order] for part in (fit.constant_, fit.linear_, fit.square_))
    return _described(fit, X, told)


def _described(fit: LatentClasses, X: np.ndarray, told: Likelihood) -> LatentClasses:
    """Add what the classes make of a table: labels, centres, inertia, log likelihood, BIC and entropy."""
    joint = fit.joint(X)
    shares = softmax(joint, axis=1)
    fit.labels_ = joint.argmax(axis=1)
    members = np.eye(fit.k)[fit.labels_]
    sizes = members.sum(axis=0)[:, None]
    fit.cluster_centers_ = np.where(sizes > 0, members.T @ X / np.maximum(sizes, 1), fit.means_ * told.step + told.no)
    fit.inertia_ = float(((X - fit.cluster_centers_[fit.labels_]) ** 2).sum())
    fit.log_likelihood_ = float(logsumexp(joint, axis=1).sum())
    fit.bic_ = told.parameters(fit.k) * np.log(len(X)) - 2 * fit.log_likelihood_
    fit.entropy_ = 1 - float(entr(shares).sum() / (len(X) * np.log(fit.k))) if fit.k > 1 else 1.0
    return fit


@dataclass(frozen=True)
class LatentMethod:
    """Latent classes: segments of customers who answer alike, for yes or no, ratings, categories and mixed tables."""

    blocks: Blocks
    name: MethodName = "latent-class"
    nulls: tuple[str, ...] = ("columns permuted",)

    def best(self, X: np.ndarray, k: int, *, seed: int) -> Optimum:
        """Return the best optimum of many starts."""
        return best_latent(X, k, self.blocks, seed=seed)

    def once(self, X: np.ndarray, k: int, rng: np.random.Generator) -> LatentClasses:
        """Return the best of ten short starts."""
        return quick_latent(X, k, self.blocks, rng)

    def space(self, X: np.ndarray) -> np.ndarray:
        """Return the customers where two categories are as far apart as yes and no."""
        return np.where(of_kind(self.blocks, "category"), np.sqrt(0.5), 1.0) * X

    def settled(self, optima: Mapping[int, Optimum]) -> "LatentMethod":
        """Return the method itself, which chooses nothing but the segments."""
        return self
