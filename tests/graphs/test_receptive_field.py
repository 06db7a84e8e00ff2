"""Receptive fields: exact where all neighbours are taken, unbiased where some are drawn, one seed one draw."""

import numpy as np
import pytest
import scipy.sparse

from neuroloom.graphs.receptive_field import FieldFinder


def _matrix(n: int, density: float, seed: int, loops: bool) -> scipy.sparse.csr_array:
    made = scipy.sparse.random_array((n, n), density=density, rng=np.random.default_rng(seed), format="csr")
    made = made - scipy.sparse.diags_array(made.diagonal())
    made.eliminate_zeros()
    made = scipy.sparse.csr_array(made + (0.5 * scipy.sparse.eye_array(n) if loops else 0 * made))
    made.sort_indices()
    return made


def _finder(matrix: scipy.sparse.csr_array, seed: int = 0) -> FieldFinder:
    return FieldFinder(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), seed)


@pytest.mark.parametrize("loops", [True, False])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_an_exact_field_gives_what_the_whole_graph_gives(layers: int, loops: bool) -> None:
    matrix = _matrix(60, 0.05, 1, loops)
    x = np.random.default_rng(2).normal(size=(60, 4))
    ids = np.array([7, 59, 0, 31])
    whole = x
    for _ in range(layers):
        whole = np.tanh(matrix @ whole) + whole
    field = _finder(matrix)(ids, [None] * layers)
    part = x[field.nodes]
    for layer in field.layers:
        part = np.tanh(layer.of(matrix.data.astype(np.float64)) @ part) + part[: len(layer.indptr) - 1]
    np.testing.assert_allclose(part, whole[ids], atol=1e-6)  # shares are float32
    reached = np.eye(60)[ids].sum(0)
    for _ in range(layers):
        reached = reached + (matrix.T != 0) @ reached
    assert sorted(field.nodes) == np.flatnonzero(reached).tolist()
    np.testing.assert_array_equal(field.nodes[:4], ids)


def test_no_node_and_nodes_without_neighbours() -> None:
    matrix = scipy.sparse.csr_array((3, 3))
    empty = _finder(matrix)(np.array([], dtype=np.int64), [None, 2])
    assert len(empty.nodes) == 0
    assert [layer.indptr.tolist() for layer in empty.layers] == [[0], [0]]
    alone = _finder(matrix)(np.array([2]), [1])
    assert alone.nodes.tolist() == [2]
    assert alone.layers[0].indptr.tolist() == [0, 0]


def test_drawn_neighbours_are_some_of_the_row_with_the_diagonal_and_stand_for_all() -> None:
    matrix = _matrix(50, 0.3, 3, loops=True)
    find, ids = _finder(matrix, seed=5), np.array([4, 11, 30])
    sums = np.zeros(len(ids))
    draws = 4000
    counts = np.zeros(matrix.nnz)
    for epoch in range(draws):
        layer = find(ids, [3], epoch).layers[0]
        for i, row in enumerate(ids):
            entries = layer.entries[layer.indptr[i] : layer.indptr[i + 1]]
            assert len(entries) == len(set(entries)) == 4
            assert (matrix.indptr[row] <= entries).all()
            assert (entries < matrix.indptr[row + 1]).all()
            assert row in matrix.indices[entries]
            counts[entries] += 1
        sums += layer.of(matrix.data).sum(axis=1)
    whole = matrix.sum(axis=1)[ids]
    np.testing.assert_allclose(sums / draws, whole, rtol=0.03)
    for row in ids:  # each neighbour as often as the next
        span = slice(matrix.indptr[row], matrix.indptr[row + 1])
        others = counts[span][matrix.indices[span] != row]
        share = 3 / len(others)
        assert abs(others / draws - share).max() < 5 * np.sqrt(share * (1 - share) / draws)


def test_what_is_drawn_for_a_node_hangs_on_seed_epoch_and_node_alone() -> None:
    matrix = _matrix(80, 0.2, 4, loops=False)
    together = _finder(matrix, 9)(np.array([3, 40, 79]), [2], epoch=6).layers[0]
    alone = _finder(matrix, 9)(np.array([40]), [2], epoch=6).layers[0]
    np.testing.assert_array_equal(together.entries[together.indptr[1] : together.indptr[2]], alone.entries)
    others = [
        _finder(matrix, 8)(np.array([40]), [2], epoch=6).layers[0],
        _finder(matrix, 9)(np.array([40]), [2], epoch=7).layers[0],
    ]
    assert any(set(other.entries) != set(alone.entries) for other in others)


def test_a_finder_leaves_no_trace_of_the_field_before() -> None:
    matrix = _matrix(40, 0.1, 5, loops=True)
    find = _finder(matrix)
    find(np.arange(40), [None, None])
    again, fresh = find(np.array([1, 2]), [None]), _finder(matrix)(np.array([1, 2]), [None])
    np.testing.assert_array_equal(again.nodes, fresh.nodes)
    np.testing.assert_array_equal(again.layers[0].indices, fresh.layers[0].indices)
