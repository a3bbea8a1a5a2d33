"""`septa relax springs` beside a dense solution with NumPy, from the voxels on.

    python tests/oracle/relax.py target/release/septa [../shared/data]

needs numpy and tifffile. Centroids and faces are counted here, the stiffness is assembled whole, and
displacements are those of least energy by least squares. Forces agree to 1e-6 of the largest; displacements
where no mechanism moves; cells that mechanisms move are those of the null space.
"""

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import tifffile

from checking import check, tell


def body(labels, spacing):
    """Labels, centroids, and the stiffness, ends and directions of springs."""
    names = np.unique(labels[labels > 0])
    size = np.array(labels.shape)
    flat = labels.ravel()
    order = np.searchsorted(names, flat)
    inside = flat > 0
    count = np.bincount(order[inside], minlength=len(names))
    grids = np.indices(labels.shape).reshape(3, -1)
    centroids = np.stack([np.bincount(order[inside], g[inside], len(names)) / count for g in grids], 1) * spacing
    area = {}
    for axis in range(3):
        low = labels.take(range(size[axis] - 1), axis).ravel()
        high = labels.take(range(1, size[axis]), axis).ravel()
        meet = (low != high) & (low > 0) & (high > 0)
        pairs, faces = np.unique(np.sort(np.stack([low[meet], high[meet]]), 0), axis=1, return_counts=True)
        for (a, b), n in zip(pairs.T, faces):
            area[a, b] = area.get((a, b), 0) + n * np.prod(spacing) / spacing[axis]
    springs = []
    for (a, b), contact in sorted(area.items()):
        i, j = np.searchsorted(names, [a, b])
        between = centroids[j] - centroids[i]
        length = np.linalg.norm(between)
        springs.append((i, j, contact / length, between / length))
    return names, centroids, springs


def touching(labels, names, axis, far):
    face = labels.take(-1 if far else 0, axis)
    return np.isin(names, face)


def run(septa, folder, volume, options, works):
    command = [septa, "relax", "springs", volume, "--json", "--force", "--tolerance", "1e-10"]
    command += ["-o", folder / "nodes.csv", "--springs", folder / "springs.csv", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    if works:
        check(done.returncode == 3 and "nothing, holds back" in done.stderr, f"{options}: {done.stderr}")
        return None
    check(done.returncode == 0, f"{options}: {done.stderr}")

    def table(name):
        with open(folder / name) as file:
            rows = list(csv.DictReader(file))
        return {key: [row[key] for row in rows] for key in rows[0]}

    return json.loads(done.stdout), table("nodes.csv"), table("springs.csv")


def compare(septa, folder, labels, spacing, axis, pull, load, case):
    path = folder / "labels.npy"
    np.save(path, labels)
    names, centroids, springs = body(labels, np.array(spacing))
    word = "zyx"[axis]
    options = ["--spacing", ",".join(map(str, spacing)), "--fix", f"{word}=0"]
    near, far = (touching(labels, names, axis, end) for end in (False, True))
    last = (labels.shape[axis] - 0.5) * spacing[axis]
    nearer = np.abs(centroids[:, axis] + 0.5 * spacing[axis]) <= np.abs(centroids[:, axis] - last)
    held = np.zeros(len(names), bool)
    given = np.zeros((len(names), 3))
    force = np.zeros((len(names), 3))
    if pull is None:
        held |= near
        force[far, axis] = load / far.sum()
        options += ["--load", f"{word}=max:{load}"]
    else:
        moved = far & ~(near & nearer)
        held |= near | far
        given[moved, axis] = pull
        options += ["--pull", f"{word}=max:{pull}"]
    stiffness = np.zeros((3 * len(names),) * 2)
    for i, j, k, n in springs:
        block = k * np.outer(n, n)
        a, b = slice(3 * i, 3 * i + 3), slice(3 * j, 3 * j + 3)
        stiffness[a, a] += block
        stiffness[b, b] += block
        stiffness[a, b] -= block
        stiffness[b, a] -= block
    free = np.repeat(~held, 3)
    inner = stiffness[np.ix_(free, free)]
    right = force.ravel()[free] - (stiffness @ given.ravel())[free]
    values, vectors = np.linalg.eigh(inner)
    soft = values < 1e-9 * values.max(initial=0)
    displacement = given.ravel().copy()
    displacement[free] = vectors[:, ~soft] @ ((vectors[:, ~soft].T @ right) / values[~soft])
    idle = np.zeros(len(stiffness))
    idle[free] = np.sqrt((vectors[:, soft] ** 2).sum(1))
    idle = idle.reshape(-1, 3).max(1)
    displacement = displacement.reshape(-1, 3)
    tension = np.array([k * n @ (displacement[j] - displacement[i]) for i, j, k, n in springs])

    # Whether the load works on a mechanism.
    idle_load = np.abs(vectors[:, soft].T @ right).max(initial=0) / max(np.abs(right).max(initial=0), 1e-300)
    ran = run(septa, folder, path, options, idle_load > 1e-3)
    if ran is None:
        return
    figures, nodes, drawn = ran
    check([int(label) for label in nodes["label"]] == names.tolist(), f"{case}: cells")
    where = np.array([nodes[f"centroid-{k}"] for k in range(3)], float).T
    check(np.allclose(where, centroids, rtol=0, atol=1e-9 * np.abs(centroids).max()), f"{case}: centroids")
    ends = [(int(a), int(b)) for a, b in zip(drawn["label_a"], drawn["label_b"])]
    check(ends == [(names[i], names[j]) for i, j, _, _ in springs], f"{case}: contacts")
    stiff = np.array([k for _, _, k, _ in springs])
    check(np.allclose(np.array(drawn["stiffness"], float), stiff, rtol=1e-10), f"{case}: stiffness")
    most = np.abs(tension).max()
    check(np.abs(np.array(drawn["force"], float) - tension).max() < 1e-6 * most, f"{case}: forces")
    sure = (idle < 1e-9) | (idle > 1e-3)
    told = np.array([flag == "true" for flag in nodes["mechanism"]])
    check((told == (idle > 1e-3))[sure].all(), f"{case}: mechanisms {names[told]} and {names[idle > 1e-3]}")
    found = np.array([nodes[f"displacement-{k}"] for k in range(3)], float).T
    off = np.abs(found - displacement)[idle < 1e-9]
    check(off.max() < 1e-5 * np.abs(displacement).max(), f"{case}: displacements off by {off.max()}")
    reaction = (stiffness @ displacement.ravel()).reshape(-1, 3) - force
    found = np.array([nodes[f"reaction-{k}"] for k in range(3)], float).T
    check(np.abs(found[held] - reaction[held]).max() < 1e-6 * most, f"{case}: reactions")
    energy = 0.5 * displacement.ravel() @ stiffness @ displacement.ravel()
    check(abs(figures["energy"] - energy) < 1e-6 * energy, f"{case}: energy")
    check(figures["mechanism_cells"] == told.sum(), f"{case}: mechanism_cells")


def main():
    septa = str(Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for seed, spacing in [(1, (1, 1, 1)), (2, (0.5, 0.2, 0.2)), (3, (1, 2, 3))]:
            cells = folder / "cells.tif"
            made = [septa, "phantom", "cells", "--shape", "36,30,40", "--cells", "60", "--seed", str(seed)]
            subprocess.run([*made, "-o", cells, "--force", "-q"], check=True, stdout=subprocess.DEVNULL)
            labels = tifffile.imread(cells)
            for axis in range(3):
                compare(septa, folder, labels, spacing, axis, 0.7, None, f"cells {seed} axis {axis} pulled")
                compare(septa, folder, labels, spacing, axis, None, -3.0, f"cells {seed} axis {axis} loaded")
            # Without half of the cells some hang by one contact, or by none.
            thinned = np.where(labels % 2 == 1, labels, 0)
            for axis in range(3):
                compare(septa, folder, thinned, spacing, axis, 0.7, None, f"thinned {seed} axis {axis} pulled")
        if len(sys.argv) > 2:
            data = Path(sys.argv[2])
            ovule = tifffile.imread(data / "ovule/ovule_labels.tif")
            connectome = tifffile.imread(data / "connectome/connectome_labels.tif")[200:320, 200:320, 200:320]
            for name, labels in [("ovule", ovule), ("connectome", connectome)]:
                for axis in range(3):
                    compare(septa, folder, labels, (1, 1, 1), axis, -1.0, None, f"{name} axis {axis} pressed")
    tell()


main()
