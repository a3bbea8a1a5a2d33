"""Times what is installed here, for `septa bench`: python -c THIS [VOLUME.npy mask|labels].

The first line that is written tells what is installed. Then each line that is read, TOOL OP, is
answered by one: the seconds of one call, and what it counted. All lines are JSON objects.
"""
import importlib.util, json, signal, sys, time

# Whoever started this ends it.
signal.signal(signal.SIGINT, signal.SIG_IGN)
# What libraries print is no answer.
out, sys.stdout = sys.stdout, sys.stderr
MODULES = {
    "cc3d": "cc3d",
    "cc3d.contacts": "cc3d",
    "cc3d.statistics": "cc3d",
    "bioimage-cpp": "bioimage_cpp",
    "regionprops_table": "skimage",
    "scipy.cg": "scipy",
}
CROP = 128
PROPERTIES = ["label", "area", "bbox", "centroid", "inertia_tensor", "inertia_tensor_eigvals"]


def say(**what):
    print(json.dumps(what), file=out, flush=True)


def calls(volume, mask):
    """By tool: what is called for an operation, what it counts, and the voxels that are not left out."""
    import numpy as np

    def connectivity(op):
        return 26 if op.endswith("26") else 6

    def label(op):
        import cc3d
        neighbours = connectivity(op)
        return lambda: cc3d.connected_components(volume, connectivity=neighbours, binary_image=mask, return_N=True)

    def contacts(op):
        import cc3d
        neighbours = connectivity(op)
        return lambda: cc3d.contacts(volume, connectivity=neighbours, surface_area=True)

    def statistics(op):
        import cc3d
        return lambda: cc3d.statistics(volume, no_slice_conversion=True)

    def graph(op):
        import bioimage_cpp
        wide = volume if volume.dtype.itemsize >= 4 else volume.astype(np.uint32)
        return lambda: bioimage_cpp.graph.region_adjacency_graph(wide, number_of_threads=1)

    def edges(graph):
        # Background is a node of this graph, and its edges are no contacts.
        return None if (volume == 0).any() else int(graph.number_of_edges)

    def springs(op):
        # A cube of nodes and springs to 18 neighbours: the bottom is held, the top drawn out by a hundredth.
        import scipy.sparse as sparse
        from scipy.sparse.linalg import cg
        n = len(volume)
        number = np.arange(n**3).reshape(volume.shape)
        stiffness = sparse.csr_matrix((3 * n**3, 3 * n**3))
        for code in range(14, 27):
            step = np.array([code // 9 - 1, code // 3 % 3 - 1, code % 3 - 1])
            if abs(step).sum() > 2:
                continue
            here = tuple(slice(max(0, -d), n - max(0, d)) for d in step)
            there = tuple(slice(max(0, d), n - max(0, -d)) for d in step)
            a, b = number[here].ravel(), number[there].ravel()
            tensor = np.outer(step, step) / abs(step).sum()
            rows = np.concatenate([a, b, a, b])
            columns = np.concatenate([a, b, b, a])
            signs = np.repeat([1.0, 1.0, -1.0, -1.0], len(a))
            joined = sparse.csr_matrix((signs, (rows, columns)), (n**3, n**3))
            stiffness = stiffness + sparse.kron(joined, tensor, "csr")
        inside = np.repeat((number // n**2 > 0) & (number // n**2 < n - 1), 3).ravel()
        given = np.zeros(3 * n**3)
        given[3 * n**2 * (n - 1)::3] = 0.01 * (n - 1)
        right = -(stiffness @ given)[inside]
        inner = stiffness[inside][:, inside].tocsr()
        return lambda: cg(inner, right, rtol=1e-6, maxiter=100000)

    part = np.ascontiguousarray(volume[:CROP, :CROP, :CROP])
    whole = part.size == volume.size

    def properties(op):
        from skimage.measure import regionprops_table
        return lambda: regionprops_table(part, properties=PROPERTIES)

    return {
        "cc3d": (label, lambda found: int(found[1]), 1),
        "cc3d.contacts": (contacts, len, 1),
        "cc3d.statistics": (statistics, lambda found: int((found["voxel_counts"][1:] > 0).sum()), 1),
        "bioimage-cpp": (graph, edges, 1),
        "scipy.cg": (springs, lambda found: None, 1),
        "regionprops_table": (
            properties,
            lambda found: len(found["label"]) if whole else None,
            volume.size / part.size,
        ),
    }


def main():
    found = {tool: importlib.util.find_spec(module) is not None for tool, module in MODULES.items()}
    if importlib.util.find_spec("numpy") is None:
        return say(error="NumPy is not installed there")
    table = {}
    if len(sys.argv) > 1:
        import numpy as np
        table = calls(np.ascontiguousarray(np.load(sys.argv[1])), sys.argv[2] == "mask")
    say(tools=[tool for tool in found if found[tool]], missing=[tool for tool in found if not found[tool]])
    for line in sys.stdin:
        tool, op = line.split()
        try:
            prepare, count, scale = table[tool]
            call = prepare(op)
            start = time.perf_counter()
            result = call()
            seconds = time.perf_counter() - start
            say(seconds=seconds * scale, count=count(result))
        except Exception as error:
            say(error=" ".join(f"{type(error).__name__}: {error}".split())[:300])
        # What was found is given back before the next call is timed.
        result = call = None


main()
