"""Torch modules of the graph neural networks; imported only when a network is trained or used.

A layer is a module ``forward(adjacency, x)``: ``adjacency`` a :class:`Sparse` of ``n`` rows over ``c`` columns, the
first ``n`` of which are the rows; ``x`` ``(c, d)``, dense or, for the first layer, :class:`Sparse`; it gives ``(n,
width)``. An *encoder* is a module ``forward(adjacencies, x)`` over one adjacency a layer, the first one first, with
``out_width``.
"""
