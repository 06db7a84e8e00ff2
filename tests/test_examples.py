"""Every example runs as its first line says, and shows what it promises."""

import runpy
import sys
from pathlib import Path

import pytest

import neuroloom

EXAMPLES = Path(__file__).parent.parent / "examples"
ARGUMENTS = {
    "anomaly_stream": ["picture.png"],
    "deep_nets_of_series": ["picture.png", "1"],
    "drawn_digits": ["picture.png", "2"],
    "es_hyperneat_placement": ["picture.png"],
    "hyperneat_vision": ["picture.png"],
    "cppn_patterns": ["picture.png"],
    "cppn_target_picture": ["picture.png", "20"],
    "forecast": ["picture.png"],
    "graph_attention": ["picture.png"],
    "innovation_engine": ["picture.png", "10"],
    "invented_places": ["2"],
    "known_unknowns": ["20"],
    "learned_or_evolved": ["6000"],
    "neat_gradient_export": ["out", "3"],
    "neat_xor": ["xor.png"],
    "scales_and_ridges": ["picture.png"],
    "series_as_graphs": ["picture.png"],
    "topology_map": ["picture.png", "10"],
    "weights_of_a_topology": ["5"],
}  # for a quick run, in an empty folder
SHOWN = {
    "anomaly_stream": "still, steps 1100 to 1115: alarm after",
    "deep_nets_of_series": "on a stream of one beat",
    "drawn_digits": "flow matching  ",
    "es_hyperneat_placement": "connections were found",
    "hyperneat_vision": "21 x 21: misses by",
    "cppn_patterns": "12 patterns in",
    "cppn_target_picture": "asked for, evolution explains",
    "cartpole": "(500 is the most)",
    "graph_attention": "on the right side, 6 of them given",
    "forecast": "the last year: mean error",
    "from_neat_python": "input (1.0, 1.0), expected output 0.0, got 0",
    "innovation_engine": "mean certainty of the ten digits",
    "invented_places": "temperature 1.0:",
    "known_unknowns": "told from the quiet one by: DeepEnsemble\n",
    "learned_or_evolved": "on 100 new starts: mean",
    "neat_gradient_export": "the network says",
    "neat_xor": "--> out",
    "plastic_policy": "(20 is half)",
    "rare_classes": "most failures are found by",
    "scales_and_ridges": "two chirps: their frequencies are told to 1.0%",
    "series_as_graphs": "noise: degrees fall off at 0.41",
    "topology_map": "structures among",
    "weights_of_a_topology": "cma-es on the same structure:",
}
FILES = {
    "anomaly_stream": ["picture.png"],
    "deep_nets_of_series": ["picture.png"],
    "drawn_digits": ["picture.png"],
    "es_hyperneat_placement": ["picture.png"],
    "hyperneat_vision": ["picture.png"],
    "cppn_patterns": ["picture.png"],
    "cppn_target_picture": ["picture.png"],
    "forecast": ["picture.png"],
    "graph_attention": ["picture.png"],
    "innovation_engine": ["picture.png"],
    "neat_gradient_export": ["out/winner.onnx", "out/winner.png", "out/winner.pt2"],
    "neat_xor": ["xor.png"],
    "scales_and_ridges": ["picture.png"],
    "series_as_graphs": ["picture.png"],
    "topology_map": ["picture.png"],
}
NEEDS = {
    "anomaly_stream": ["matplotlib"],
    "deep_nets_of_series": ["matplotlib"],
    "drawn_digits": ["matplotlib"],
    "es_hyperneat_placement": ["matplotlib"],
    "hyperneat_vision": ["matplotlib"],
    "cppn_patterns": ["matplotlib"],
    "cppn_target_picture": ["matplotlib"],
    "forecast": ["matplotlib"],
    "graph_attention": ["matplotlib"],
    "innovation_engine": ["matplotlib"],
    "neat_gradient_export": ["onnx", "matplotlib"],
    "neat_xor": ["matplotlib"],
    "scales_and_ridges": ["matplotlib"],
    "series_as_graphs": ["matplotlib"],
    "topology_map": ["matplotlib"],
}


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_the_example_runs(name, tmp_path, monkeypatch, capsys):
    for package in NEEDS.get(name, []):
        pytest.importorskip(package)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *ARGUMENTS.get(name, [])])
    monkeypatch.chdir(tmp_path)
    try:
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    finally:
        if "matplotlib" in NEEDS.get(name, []):
            from matplotlib import pyplot

            pyplot.close("all")
    assert SHOWN[name] in capsys.readouterr().out
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.*") if p.is_file()) == FILES.get(
        name, []
    )
    assert len((EXAMPLES / f"{name}.py").read_text().splitlines()) < 60


def test_the_tuned_bench_runs(tmp_path):
    pytest.importorskip("optuna")
    results = neuroloom.run(EXAMPLES / "tuned.toml", tmp_path, engine="inline", tune=2)
    assert list(results.meta["methods"]) == ["svm", "svm+tuned", "knn", "knn+tuned", "ridge"]
    assert set(results.main()["status"]) == {"done"}
