import networkx as nx
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from neuroloom.core import Graph, InputError, NodeSet
from neuroloom.graphs import dense_blocks
from neuroloom.graphs._kernels_fastrp import sparse_signs
from neuroloom.graphs.fastrp import FastRP
from neuroloom.graphs.ggvec import GGVec
from neuroloom.graphs.glove import GloVe
from neuroloom.graphs.grarep import GraRep
from neuroloom.graphs.laplacian_eigenmaps import LaplacianEigenmaps
from neuroloom.graphs.lightne import LightNE, sampled_netmf
from neuroloom.graphs.netmf import NetMF
from tests.reference import factorisation_reference as reference

SMALL = [
    FastRP(8),
    GGVec(8, epochs=1),
    GloVe(8, walks=2, walk_length=10, window=3, epochs=2),
    GraRep(8, 2),
    LaplacianEigenmaps(8),
    LightNE(8),
    NetMF(8, eigenpairs=6),
]
name = pytest.mark.parametrize("method", SMALL, ids=lambda m: type(m).__name__)


def weighted(n=40, seed=0):
    draws = np.random.default_rng(seed)
    plain = nx.connected_watts_strogatz_graph(n, 4, 0.3, seed=2)
    return Graph.of([(u, v, float(draws.uniform(0.2, 3))) for u, v in plain.edges()])


def dense(graph):
    return graph.to_scipy().toarray()


def gram(vectors):
    return vectors @ vectors.T


@pytest.mark.parametrize(
    "method",
    [FastRP(32), GGVec(32, epochs=4), GloVe(32), GraRep(32), LaplacianEigenmaps(16), LightNE(32), NetMF(32)],
    ids=lambda m: type(m).__name__,
)
def test_planted_communities_are_found_and_new_nodes_join_theirs(method):
    graph = nx.planted_partition_graph(4, 40, 0.3, 0.02, seed=3)
    y = np.repeat(np.arange(4), 40)
    order = np.random.default_rng(0).permutation(160)
    old, new = np.sort(order[:140]), order[140:]
    whole = Graph.of(nx.to_scipy_sparse_array(graph, nodelist=range(160)))
    vectors = clone(method).set_params(random_state=0).fit_transform(NodeSet(whole))
    assert cross_val_score(LogisticRegression(max_iter=2000, C=10), vectors, y, cv=4).mean() > 0.9
    named = Graph.of(whole, names=[f"n{i}" for i in range(160)])
    part = Graph.of(nx.relabel_nodes(graph.subgraph(old.tolist()), {i: f"n{i}" for i in old.tolist()}))
    fitted = clone(method).set_params(random_state=0).fit(part)
    mine = np.array([int(str(node)[1:]) for node in part.names])
    head = LogisticRegression(max_iter=2000, C=10).fit(fitted.embedding_, y[mine])
    found = fitted.transform(NodeSet(named, new))
    assert head.score(found, y[new]) >= 0.9
    np.testing.assert_array_equal(found, fitted.embed_new(named).embedding_[new])
    np.testing.assert_array_equal(fitted.transform(NodeSet(named, mine)), fitted.embedding_)


@pytest.mark.parametrize(
    "method",
    [
        GraRep(60, 3, power_iterations=40),
        NetMF(20, 3, eigenpairs=None, power_iterations=80),
        LaplacianEigenmaps(10),
    ],
    ids=lambda m: type(m).__name__,
)
def test_a_twin_of_an_old_node_gets_its_vector(method):
    old = weighted()
    around = [(40, int(v), float(old.weights[old.indptr[7] + i])) for i, v in enumerate(old.neighbours(7))]
    edges = [
        (int(u), int(v), float(w))
        for (u, v), w in zip(old.edges(), old.weights[old.rows <= old.indices], strict=True)
    ]
    fitted = clone(method).set_params(random_state=0).fit(old)
    grown = Graph.of([*edges, *around, (41, 40, 1.0)])
    larger = fitted.embed_new(grown).embedding_
    np.testing.assert_allclose(larger[40], fitted.embedding_[7], atol=3e-3)
    np.testing.assert_allclose(larger[41], larger[40], atol=1e-5)  # its only neighbour is new


@name
def test_awkward_graphs(method):
    with pytest.raises(InputError, match="needs a graph with edges"):
        method.fit(Graph.of([], names=["a", "b"]))
    with pytest.raises(InputError, match="negative"):
        method.fit(Graph.of([(0, 1, -1.0), (1, 2, 1.0)]))
    lonely = Graph.of([("a", "b"), ("b", "c"), ("c", "c")], directed=True, names=[*"abc", "alone"])
    vectors = clone(method).set_params(random_state=0).fit(lonely).embedding_
    assert np.isfinite(vectors).all()
    assert (vectors[3] == 0).all() or isinstance(method, GloVe)
    pair = clone(method).set_params(random_state=0).fit(Graph.of([(0, 1)]))
    assert len(pair.embedding_) == 2


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (FastRP(weights=(0, 0)), "must hold a number other than 0"),
        (FastRP(weights=(1, float("nan"))), r"`weights\[1\]` must be"),
        (FastRP(sparsity=0.5), "`sparsity` must be"),
        (GGVec(learning_rate=0), "`learning_rate` must be"),
        (GGVec(exponent=-1.0), "`exponent` must be"),
        (GloVe(x_max=0), "`x_max` must be"),
        (GloVe(exponent=2.0), "`exponent` must be"),
        (GraRep(3, 4), "`dimensions` must be at least `order`, 4, but got 3"),
        (GraRep(negatives=0), "`negatives` must be"),
        (LaplacianEigenmaps(tolerance=0), "`tolerance` must be"),
        (LightNE(samples=0), "`samples` must be"),
        (LightNE(mu=3), "`mu` must be"),
        (NetMF(eigenpairs=0), "`eigenpairs` must be"),
        (NetMF(negatives=-1), "`negatives` must be"),
    ],
)
def test_parameters_are_checked(method, message):
    with pytest.raises(InputError, match=message):
        method.fit([(0, 1)])


# -- GraRep ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("negatives", [1.0, 3.0])
def test_grarep_equals_the_dense_reference(negatives):
    graph = weighted()
    fitted = GraRep(30, 3, negatives=negatives, normalise=False, power_iterations=60, random_state=0).fit(
        graph
    )
    for k in range(3):
        best, w = reference.truncated(reference.grarep_matrix(dense(graph), k + 1, negatives), 10)
        part = fitted.embedding_[:, 10 * k : 10 * k + 10]
        np.testing.assert_allclose(gram(part), gram(w), atol=5e-3)
        roots = (part**2).sum(axis=0)  # Σ, so that W (V Σ^-½)ᵀ scaled by it is the approximation
        np.testing.assert_allclose((part * roots) @ fitted.contexts_[k].T, best, atol=5e-3)


def test_grarep_parts_have_length_one_and_do_not_depend_on_whether_blocks_are_kept(monkeypatch):
    graph = weighted()
    kept = GraRep(8, 2, random_state=0).fit(graph).embedding_
    np.testing.assert_allclose(np.linalg.norm(kept.reshape(40, 2, 4), axis=2), 1, atol=1e-5)
    monkeypatch.setattr(dense_blocks, "SHARE", 0.0)
    np.testing.assert_array_equal(GraRep(8, 2, random_state=0).fit(graph).embedding_, kept)


# -- NetMF and LightNE ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("window", "negatives"), [(1, 1.0), (3, 1.0), (4, 2.5)])
def test_netmf_equals_the_closed_form(window, negatives):
    graph = weighted()
    fitted = NetMF(6, window, negatives=negatives, eigenpairs=None, power_iterations=80, random_state=0).fit(
        graph
    )
    _, wanted = reference.truncated(reference.netmf_matrix(dense(graph), window, negatives), 6)
    np.testing.assert_allclose(gram(fitted.embedding_), gram(wanted), atol=1e-2)


def test_netmf_by_hand():
    """Two nodes and an edge: P = [[0, 1], [1, 0]], vol = 2, so M = 2 / T Σ P^r, at T = 3 [[2, 4], [4, 2]] / 3."""
    fitted = NetMF(2, 3, eigenpairs=None, random_state=0).fit([(0, 1)])
    values = np.sort((fitted.embedding_**2).sum(axis=0))[::-1]
    np.testing.assert_allclose(values, [np.log(4 / 3), np.log(4 / 3)], rtol=1e-5)


def test_netmf_by_eigenpairs_equals_the_dense_reference():
    graph = weighted(60)
    fitted = NetMF(5, 8, eigenpairs=12, power_iterations=80, random_state=0).fit(graph)
    _, wanted = reference.truncated(reference.netmf_approximate_matrix(dense(graph), 8, 1.0, 12), 5)
    np.testing.assert_allclose(gram(fitted.embedding_), gram(wanted), atol=2e-2)


def test_lightne_samples_netmfs_matrix():
    graph = weighted()
    indptr, columns, values = sampled_netmf(graph, 4, 4000.0, 1.0, 0)
    made = np.zeros((40, 40))
    made[np.repeat(np.arange(40), np.diff(indptr)), columns] = values
    wanted = reference.netmf_matrix(dense(graph), 4, 1.0)
    np.testing.assert_allclose(made, made.T, atol=1e-6)
    np.testing.assert_allclose(made, wanted, atol=0.1)
    assert np.sqrt(((made - wanted) ** 2).mean()) < 0.015


def test_lightne_samples_hubs_less_without_bias():
    """A star's edges between hubs and leaves all count; the mean over seeds of a thin sample is the exact sum."""
    graph = Graph.of([(0, i) for i in range(1, 9)] + [(1, i) for i in range(9, 17)] + [(0, 1)])
    walk = reference.walk_matrix(dense(graph))
    degree = dense(graph).sum(axis=1)
    exact = (
        degree.sum()
        / 2
        * np.diag(1 / degree)
        @ (np.diag(degree) @ (walk + walk @ walk))
        @ np.diag(1 / degree)
    )
    total = np.zeros((17, 17))
    for seed in range(2500):
        indptr, columns, values = sampled_netmf(graph, 2, 1.0, 1e-6, seed)  # b tiny: no entry falls below 1
        total[np.repeat(np.arange(17), np.diff(indptr)), columns] += np.exp(values) * 1e-6
    np.testing.assert_allclose(total / 2500, exact, rtol=0.25, atol=0.02 * exact.max())


# -- FastRP ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("normalise", [True, False])
def test_fastrp_equals_the_definition(normalise):
    graph = weighted()
    fitted = FastRP(12, (0.5, 0.0, 2.0), -0.7, normalise=normalise, random_state=3).fit(graph)
    projection = sparse_signs(np.arange(40), 12, 3.0, np.ones(40), np.uint64(fitted.seed_))
    wanted = reference.fastrp(dense(graph), projection, (0.5, 0.0, 2.0), -0.7, normalise)
    np.testing.assert_allclose(fitted.embedding_, wanted, atol=1e-5)


def test_projections_are_very_sparse_signs():
    made = sparse_signs(np.arange(4000), 50, 4.0, np.full(4000, 2.0), np.uint64(1))
    assert set(np.unique(made)) == {-4.0, 0.0, 4.0}
    np.testing.assert_allclose([(made == 4).mean(), (made == -4).mean()], 1 / 8, atol=0.004)
    np.testing.assert_allclose(gram(made[:9]) / 50, 4 * np.eye(9), atol=2.5)
    np.testing.assert_array_equal(
        made[[7, 3]], sparse_signs(np.array([7, 3]), 50, 4.0, np.full(2, 2.0), np.uint64(1))
    )


def test_products_of_projections_are_those_of_the_walks_powers():
    graph = weighted()
    vectors = FastRP(20000, (0, 1), 0.0, normalise=False, random_state=0).fit(graph).embedding_
    two = np.linalg.matrix_power(reference.walk_matrix(dense(graph)), 2)
    np.testing.assert_allclose(gram(vectors) / 20000, gram(two), atol=0.03)


# -- Laplacian eigenmaps --------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["dense", "lanczos"])
def test_eigenmaps_solve_the_generalised_problem(monkeypatch, solver):
    from neuroloom.graphs import laplacian_eigenmaps

    if solver == "lanczos":
        monkeypatch.setattr(laplacian_eigenmaps, "DENSE", 0)
    graph = weighted()
    fitted = LaplacianEigenmaps(6, tolerance=1e-9).fit(graph)
    values, vectors = reference.laplacian_spectrum(dense(graph))
    np.testing.assert_allclose(fitted.eigenvalues_, values[1:7], atol=1e-6)
    volume = dense(graph).sum()
    cosine = np.einsum("ij,i,ij->j", fitted.embedding_, dense(graph).sum(axis=1), vectors[:, 1:7])
    np.testing.assert_allclose(abs(cosine), np.sqrt(volume), rtol=1e-4)
    largest = np.abs(fitted.embedding_).argmax(axis=0)
    assert (fitted.embedding_[largest, np.arange(6)] > 0).all()


@pytest.mark.parametrize("solver", ["dense", "lanczos"])
def test_components_are_smooth_on_their_own(monkeypatch, solver):
    from neuroloom.graphs import laplacian_eigenmaps

    if solver == "lanczos":
        monkeypatch.setattr(laplacian_eigenmaps, "DENSE", 0)
    path, ring = [(i, i + 1) for i in range(9)], [(10 + i, 10 + (i + 1) % 7) for i in range(7)]
    fitted = LaplacianEigenmaps(4, tolerance=1e-9).fit(Graph.of([*path, *ring], names=list(range(18))))
    wanted = np.sort(
        [*(1 - np.cos(np.pi * np.arange(1, 10) / 9)), *(1 - np.cos(2 * np.pi * np.arange(1, 7) / 7))]
    )
    np.testing.assert_allclose(fitted.eigenvalues_, wanted[:4], atol=1e-6)
    first = fitted.embedding_[:, 0]  # the path's slowest wave, 0 elsewhere
    np.testing.assert_allclose(abs(first[:10] / first[0]), abs(np.cos(np.pi * np.arange(10) / 9)), atol=1e-4)
    assert abs(first[10:]).max() < 1e-5
    assert (fitted.embedding_[17] == 0).all()


def test_only_the_smoothest_quarter_of_the_functions_is_used():
    assert LaplacianEigenmaps(128).fit(weighted()).embedding_.shape == (40, 10)
    pairs = Graph.of([(2 * i, 2 * i + 1) for i in range(10)])  # ten functions beside the trivial ones
    assert LaplacianEigenmaps(128).fit(pairs).embedding_.shape == (20, 5)


# -- GGVec and GloVe ------------------------------------------------------------------------------------------


def test_ggvec_descends_as_the_definition_says():
    from neuroloom.graphs._kernels_ggvec import ggvec_epoch
    from neuroloom.graphs._kernels_random import alias_rows

    graph, draws = weighted(12), np.random.default_rng(0)
    w = draws.normal(0, 0.3, (12, 5)).astype(np.float32)
    b = draws.normal(0, 0.1, 12).astype(np.float32)
    noise = alias_rows(np.array([0, 12]), np.arange(1.0, 13))
    order = np.concatenate([draws.permutation(12), draws.permutation(12)])
    targets = graph.weights.astype(np.float32)
    rows = [slice(graph.indptr[i], graph.indptr[i + 1]) for i in range(12)]
    wanted = reference.ggvec(
        [graph.indices[r] for r in rows], [targets[r] for r in rows], order, noise, 3, w, b, 0.1, 1.5, 9, 4
    )
    args = (graph.indptr, graph.indices.astype(np.int32), targets, *noise)
    loss = ggvec_epoch(order, *args, 3, w, b, 0.1, 1.5, np.uint64(9), 4)
    np.testing.assert_allclose(loss, wanted[0], rtol=1e-4)
    np.testing.assert_allclose(w, wanted[1], atol=1e-4)
    np.testing.assert_allclose(b, wanted[2], atol=1e-4)


def test_ggvec_tells_edges_from_other_pairs():
    graph = Graph.of(nx.planted_partition_graph(3, 20, 0.5, 0.03, seed=1))
    fitted = GGVec(16, epochs=5, random_state=0).fit(graph)
    adjacency = dense(graph) > 0
    products = gram(fitted.embedding_)[~np.eye(60, dtype=bool)]
    edge = adjacency[~np.eye(60, dtype=bool)]
    assert products[edge].mean() > products[~edge].mean() + 0.3
    losses = [record["loss"] for record in fitted.history_]
    assert losses[-1] < 0.9 * losses[0]
    with pytest.raises(InputError, match=r"training diverged at a learning rate of 1\.0; lower"):
        GGVec(64, epochs=3, learning_rate=1.0, exponent=8.0).fit(
            Graph.of([(0, 1, 9.0), (1, 2, 8.0), (0, 2, 9.0)])
        )


def test_cooccurrences_are_counted_as_on_the_walks(monkeypatch):
    from neuroloom.core.seeding import derive
    from neuroloom.graphs import glove
    from neuroloom.graphs._kernels_walks import walks_from
    from neuroloom.graphs.walks import walk_tables

    graph = Graph.of([*weighted(30).to_networkx().edges(), (30, 31), (31, 31)])
    walks = [
        walks_from(np.arange(32), 9, np.uint64(derive(4, 0)), s, walk_tables(graph), 1.0, 1.0)
        for s in (0, 1, 2)
    ]
    wanted = reference.cooccurrences(np.concatenate(walks), 4, 32)
    for pairs in (1 << 25, 500):  # all rows at once, and in groups
        monkeypatch.setattr(glove, "PAIRS", pairs)
        indptr, columns, values = glove.cooccurrences(graph, 3, 9, 4, 4)
        made = np.zeros((32, 32))
        made[np.repeat(np.arange(32), np.diff(indptr)), columns] = values
        np.testing.assert_allclose(made, wanted, rtol=1e-5)
        assert len(columns) == np.count_nonzero(wanted)


def test_glove_descends_as_the_paper_says():
    from neuroloom.graphs._kernels_glove import glove_epoch

    draws = np.random.default_rng(0)
    w, c = (draws.normal(0, 0.3, (6, 4)).astype(np.float32) for _ in range(2))
    b = draws.normal(0, 0.1, (2, 6)).astype(np.float32)
    indptr = np.array([0, 2, 3, 5, 5, 6, 8])
    columns = np.array([1, 4, 0, 5, 3, 2, 0, 1], dtype=np.int32)
    values = np.array([0.5, 12, 3, 1, 0.2, 7, 30, 2], dtype=np.float32)
    order = np.array([2, 0, 5, 1, 4, 3])
    entries = [(i, columns[e], values[e]) for i in order for e in range(indptr[i], indptr[i + 1])]
    wanted = reference.glove(entries, 10.0, 0.75, 0.1, w, c, b)
    squares = [np.ones_like(array) for array in (w, c, b)]
    loss = glove_epoch(order, indptr, columns, values, 10.0, 0.75, 0.1, w, c, b, *squares)
    np.testing.assert_allclose(loss, wanted[0], rtol=1e-4)
    for made, right in zip((w, c, b), wanted[1:], strict=True):
        np.testing.assert_allclose(made, right, atol=1e-5)


def test_glove_history_falls():
    losses = [record["loss"] for record in GloVe(8, epochs=6, random_state=0).fit(weighted()).history_]
    assert len(losses) == 6
    assert losses[-1] < 0.7 * losses[0]


def test_glove_needs_pairs_of_different_nodes():
    with pytest.raises(InputError, match="pairs of different nodes"):
        GloVe(dimensions=4, random_state=0).fit(Graph.of([(0, 0)]))
