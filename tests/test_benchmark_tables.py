"""Tables that benchmarks print of what they measured."""

from benchmarks.signal.ucr_table import print_tables


def test_a_result_kept_as_it_was_printed_ties_with_the_same_one_in_full(capsys):
    full = {"a": 899 / 900, "b": 59 / 73, "c": 0.95, "d": 0.8}
    printed = {"a": 0.9989, "b": 0.8082, "c": 0.9, "d": 0.85}
    stored = {(name, "ours", 0, 0): (value, 1.0, 1.0) for name, value in full.items()}
    stored |= {(name, "peer", 0, 0): (value, 2.0, 1.0) for name, value in printed.items()}
    print_tables(stored, ["ours", "peer"], "ours")
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("| peer |"))
    mean, rank, _, wins, p, *_ = (cell.strip() for cell in row.split("|")[2:])
    assert (mean, rank, wins, p) == ("0.8893", "1.50", "1 - 1", "1")
