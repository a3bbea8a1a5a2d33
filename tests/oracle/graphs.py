"""`septa run` on edge lists, vertex by vertex: what NetworkX finds.

    python tests/oracle/graphs.py target/release/septa [PROGRAM ...]

needs networkx and scipy; without names of programs, all that run on a graph are asked. Graphs have
loops and parallel edges. Where NetworkX is defined on simple graphs alone, it is given the simple
graph if loops and parallel edges do not count, and else the program is asked on a simple graph too.
Integers agree exactly, floats to 1e-9. The largest graph is cut into several blocks; every
question is asked for several numbers of workers.
"""

import csv
import json
import math
import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import networkx as nx

WORKERS = ["1", "2", "3"]
# How a search is told where it starts, and which attribute of an edge is its length.
SOURCE = "--source"
LENGTH = ["--weight", "length"]
# More vertices than this are too many for the betweenness of NetworkX, and for all sources of ours.
FEW = 200


class Tally:
    """How many checks held."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, what, holds, why=""):
        self.passed += bool(holds)
        self.failed += not holds
        if not holds:
            print(f"FAILED {what} {why}")


class Septa:
    """The program, and a folder for what it reads and writes."""

    def __init__(self, program, folder):
        self.program, self.folder = program, Path(folder)

    def write(self, edges):
        """An edge list `from,to,length`."""
        path = self.folder / "graph.csv"
        rows = "".join(f"{a},{b},{length!r}\n" for a, b, length in edges)
        path.write_text("from,to,length\n" + rows)
        return path

    def run(self, name, path, options, column):
        """The values of a column by vertex, the figures, and why there are none."""
        out = self.folder / "out.csv"
        command = [self.program, "run", name, str(path), "--json", "-o", str(out), "--force", *options]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            return None, {}, done.stderr.strip()
        with open(out, newline="") as file:
            rows = list(csv.DictReader(file))
        if rows and column not in rows[0]:
            return None, {}, f"there is no column {column}, but {', '.join(rows[0])}"
        return {int(row["vertex"]): number(row[column]) for row in rows}, json.loads(done.stdout), ""


def number(text):
    """A value of a table; nothing, where there is none."""
    if text in ("", "NaN", "inf"):
        return None
    return {"true": 1.0, "false": 0.0}.get(text) if text in ("true", "false") else float(text)


def same(ours, truth, exact):
    if ours is None or truth is None:
        return ours is truth
    return ours == truth if exact else math.isclose(ours, truth, rel_tol=1e-9, abs_tol=1e-12)


def compare(tally, septa, name, what, path, column, truth, options=(), figures=None, exact=True):
    """One question, asked of several numbers of workers."""
    for workers in WORKERS:
        asked = " ".join([name, what, *options, "-w", workers])
        ours, told, error = septa.run(name, path, [*options, "-w", workers], column)
        tally.check(asked, ours is not None, error)
        if ours is None:
            return
        tally.check(asked, ours.keys() == truth.keys(), f"{len(ours)} vertices, are {len(truth)}")
        different = [v for v in truth if not same(ours.get(v), truth[v], exact)]
        why = different and f"{len(different)} differ: {different[0]}: {ours.get(different[0])}, is {truth[different[0]]}"
        tally.check(asked, not different, why)
        for figure, value in (figures or {}).items():
            tally.check(asked, told.get(figure) == value, f"{figure}: {told.get(figure)}, is {value}")


def simple(graph):
    """Without loops and parallel edges."""
    plain = nx.Graph(graph.edges())
    plain.add_nodes_from(graph)
    plain.remove_edges_from(list(nx.selfloop_edges(plain)))
    return plain


def least(values):
    """Nothing where a search does not come."""
    return lambda graph: {v: values.get(v) for v in graph}


def components(tally, septa, what, path, graph):
    parts = list(nx.connected_components(graph))
    truth = {vertex: min(part) for part in parts for vertex in part}
    compare(tally, septa, "components", what, path, "component", truth, figures={"components": len(parts)})


def pagerank(tally, septa, what, path, graph):
    options = ["--iterations", "2000", "--tolerance", "1e-13"]
    for direction, asked in ([], graph), (["--directed"], nx.MultiDiGraph(graph.given)):
        truth = nx.pagerank(asked, alpha=0.85, tol=1e-15 / max(1, len(asked)) + 1e-16, max_iter=5000, weight=None)
        compare(tally, septa, "pagerank", what, path, "pagerank", truth, [*options, *direction], exact=False)


def propagation(tally, septa, what, path, graph):
    """The rule itself: NetworkX has no synchronous one."""
    label = {vertex: vertex for vertex in graph}
    for _ in range(10):
        heard = {v: Counter(label[u] for u in graph[v] for _ in graph[v][u]) for v in graph}
        label = {v: min(heard[v], key=lambda name: (-heard[v][name], name)) for v in graph}
    compare(tally, septa, "propagation", what, path, "community", label)


def degree(tally, septa, what, path, graph):
    # NetworkX counts a loop from both its ends.
    loops = Counter(a for a, b, *_ in graph.edges if a == b)
    truth = {vertex: count - loops[vertex] for vertex, count in graph.degree()}
    compare(tally, septa, "degree", what, path, "degree", truth)
    truth = dict(nx.MultiDiGraph(graph.given).out_degree())
    compare(tally, septa, "degree", what, path, "degree", truth, ["--directed"])


def kcore(tally, septa, what, path, graph):
    plain = simple(graph)
    lines = [(a, b, 1.0) for a, b in plain.edges] + [(v, v, 1.0) for v in plain]
    compare(tally, septa, "kcore", what, septa.write(lines), "core", nx.core_number(plain))


def triangles(tally, septa, what, path, graph):
    truth = nx.triangles(simple(graph))
    compare(tally, septa, "triangles", what, path, "triangles", truth, figures={"triangles": sum(truth.values()) // 3})


def bridges(tally, septa, what, path, graph):
    points = set(nx.articulation_points(simple(graph)))
    single = Counter(tuple(sorted(edge[:2])) for edge in graph.edges)
    count = sum(single[tuple(sorted(edge))] == 1 for edge in nx.bridges(simple(graph)))
    truth = {vertex: float(vertex in points) for vertex in graph}
    compare(tally, septa, "bridges", what, path, "articulation", truth, figures={"bridges": count})


def betweenness(tally, septa, what, path, graph):
    if len(graph) <= FEW:
        plain = simple(graph)
        lines = [(a, b, 1.0) for a, b in plain.edges] + [(v, v, 1.0) for v in plain]
        truth = nx.betweenness_centrality(plain, k=None, normalized=False)
        compare(tally, septa, "betweenness", what, septa.write(lines), "betweenness", truth, exact=False)


def bfs(tally, septa, what, path, graph):
    source = min(graph)
    for direction, asked in ([], graph), (["--directed"], nx.MultiDiGraph(graph.given)):
        truth = least(nx.single_source_shortest_path_length(asked, source))(graph)
        compare(tally, septa, "bfs", what, path, "hops", truth, [SOURCE, str(source), *direction])


def distance(tally, septa, what, path, graph):
    source = min(graph)
    for direction, asked in ([], graph), (["--directed"], nx.MultiDiGraph(graph.given)):
        truth = least(nx.single_source_dijkstra_path_length(asked, source, weight="length"))(graph)
        options = [SOURCE, str(source), *LENGTH, *direction]
        compare(tally, septa, "distance", what, path, "distance", truth, options, exact=False)


PROGRAMS = [components, pagerank, propagation, degree, kcore, triangles, bridges, betweenness, bfs, distance]


def generated(seed):
    """Edges `(from, to, length)` of graphs sparse and dense, and one of several blocks."""
    chance = random.Random(seed)
    for vertices, count in [(1, 1), (2, 3), (12, 10), (60, 55), (60, 75), (150, 200), (80, 900), (40000, 52000)]:
        # Ids with gaps, in no order.
        ids = chance.sample(range(3 * vertices), vertices)
        edges = [(chance.choice(ids), chance.choice(ids), chance.randrange(1, 1000) / 8) for _ in range(count)]
        again = [(b, a, length + 1) for a, b, length in edges[: count // 10]]
        loops = [(a, a, length) for a, _, length in edges[: count // 20]]
        yield f"random {vertices} {count}", edges + again + loops
    for tree in (30, 3000):
        edges = [(chance.randrange(v), v, 1.0) for v in range(1, tree)]
        yield f"tree {tree}", edges + [(v, v + tree // 2, 2.5) for v in range(0, tree // 2, 7)]


def main():
    program, names = str(Path(sys.argv[1]).resolve()), sys.argv[2:]
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        septa = Septa(program, folder)
        for what, edges in generated(9):
            graph = nx.MultiGraph()
            graph.given = [(a, b, {"length": length}) for a, b, length in edges]
            graph.add_edges_from(graph.given)
            for ask in PROGRAMS:
                if not names or ask.__name__ in names:
                    ask(tally, septa, what, septa.write(edges), graph)
    print(f"{tally.passed} passed, {tally.failed} failed")
    sys.exit(tally.failed > 0)


if __name__ == "__main__":
    main()
