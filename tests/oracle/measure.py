"""`septa measure` column by column: regionprops_table of scikit-image 0.26, and brute force.

    python tests/oracle/measure.py target/release/septa ../shared/data

needs numpy, scipy, scikit-image, connected-components-3d and tifffile. Integers agree exactly,
lengths to 1e-9 of the diagonal of the cell's box, areas and tensors to 1e-9 of its square, volumes
to 1e-9 of its cube. Surfaces are compared with Crofton's formula over 13 directions, weighted by
the cells of SciPy's spherical Voronoi diagram; neighbours and contacts with counts over voxels.
"""

import csv
import itertools
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import tifffile
from scipy.spatial import SphericalVoronoi
from skimage import measure

VOLUMES = [
    ("ovule/ovule_labels.tif", [(0.235, 0.15, 0.15), (2.5, 0.4, 1.0)]),
    ("nuclei/mask3d.tif", [(1.0, 1.0, 1.0), (3.0, 0.7, 0.25)]),
]
EXACT = ["label", "num_pixels", *[f"bbox-{k}" for k in range(6)], "euler_number"]
# The power of the box's diagonal that each column is measured by.
POWER = {
    "area": 3,
    **{f"centroid-{k}": 1 for k in range(3)},
    "extent": 0,
    "equivalent_diameter_area": 1,
    **{f"inertia_tensor-{i}-{j}": 2 for i in range(3) for j in range(3)},
    **{f"inertia_tensor_eigvals-{k}": 2 for k in range(3)},
    "axis_major_length": 1,
    "axis_minor_length": 1,
}
PROPERTIES = sorted({name.split("-")[0] for name in [*EXACT, *POWER]})
OTHERS = [*[f"axis-{i}-{j}" for i in range(3) for j in range(3)], "euler_number_6", "n_faces", "surface_area", "mean_breadth"]
OTHERS += ["n_neighbors", "contact_area", "touches_border"]
CLOSE = 1e-9
HALF = [step for step in itertools.product((-1, 0, 1), repeat=3) if step > (0, 0, 0)]


class Tally:
    """How many checks held."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, what, holds, why=""):
        self.passed += bool(holds)
        self.failed += not holds
        if not holds:
            print(f"FAILED {what} {why}")


def ours(program, path, spacing, connectivity, folder):
    """The rows of `septa measure`, as arrays by column."""
    out = Path(folder) / "cells.csv"
    triple = ",".join(map(str, spacing))
    command = [program, "measure", str(path), "-o", str(out), "--force", "--unit", "um", "--spacing", triple]
    subprocess.run([*command, "--connectivity", str(connectivity)], check=True, capture_output=True)
    with open(out, newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [row[name] for row in rows] for name in rows[0]}


def of_scikit_image(labels, spacing):
    """regionprops_table; a length that it cannot take the root for is zero."""
    try:
        return measure.regionprops_table(labels, properties=PROPERTIES, spacing=spacing)
    except ValueError:
        rest = [name for name in PROPERTIES if not name.startswith("axis_m")]
        table = measure.regionprops_table(labels, properties=rest, spacing=spacing)
        first, second, third = (table[f"inertia_tensor_eigvals-{k}"] for k in range(3))
        table["axis_major_length"] = np.sqrt(10 * np.maximum(first + second - third, 0))
        table["axis_minor_length"] = np.sqrt(10 * np.maximum(second + third - first, 0))
        return table


def voronoi_weights(directions):
    """The share of the sphere nearest to each of 13 directions and its opposite."""
    units = np.array(directions, dtype=float)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    diagram = SphericalVoronoi(np.vstack([units, -units]))
    areas = diagram.calculate_areas()
    return (areas[:13] + areas[13:]) / areas.sum()


def crofton(cell, spacing, weights):
    """Four times the mean area of the cell's shadows, counted by the lines that cross it."""
    padded = np.pad(cell, 1).astype(np.int8)
    surface = 0.0
    for step, weight in zip(HALF, weights):
        crossings = np.count_nonzero(padded != np.roll(padded, step, axis=(0, 1, 2)))
        area_of_a_line = np.prod(spacing) / np.linalg.norm(np.multiply(step, spacing))
        surface += 4 * weight * area_of_a_line * crossings / 2
    return surface


def breadth_along(cell, normal):
    """The Euler numbers of all sections normal to a direction, summed: points, less edges, plus tiles.

    Rectangles around voxels are closed, so that two are joined where they share a corner. Of triangles
    the corners are voxels; how they are joined is no question.
    """
    padded = np.pad(cell, 2)
    at = lambda *step: np.roll(padded, [-move for move in step], axis=(0, 1, 2))
    along = [axis for axis in range(3) if normal[axis]]
    unit = np.eye(3, dtype=int)
    if len(along) == 3:
        sides = [normal[a] * unit[a] - normal[b] * unit[b] for a, b in ((0, 1), (1, 2), (2, 0))]
        edges = sum(np.count_nonzero(padded & at(*side)) for side in sides)
        tiles = sum(np.count_nonzero(padded & at(*a) & at(*(a + b))) for a, b in (sides[:2], -np.array(sides[:2])))
        return np.count_nonzero(padded) - edges + tiles
    if len(along) == 1:
        first, second = (unit[axis] for axis in range(3) if axis not in along)
    else:
        first = next(unit[axis] for axis in range(3) if axis not in along)
        second = normal[along[0]] * unit[along[0]] - normal[along[1]] * unit[along[1]]
    # Closed rectangles: a vertex where any of four is, an edge where any of two is.
    vertices = np.count_nonzero(padded | at(*first) | at(*second) | at(*(first + second)))
    edges = np.count_nonzero(padded | at(*first)) + np.count_nonzero(padded | at(*second))
    return vertices - edges + np.count_nonzero(padded)


def mean_breadth(cell, spacing, weights):
    """Breadths along 13 normals, each the sum over its planes times their distance, averaged."""
    distances = 1 / np.linalg.norm(np.array(HALF) / spacing, axis=1)
    return sum(w * d * breadth_along(cell, step) for w, d, step in zip(weights, distances, HALF))


def pairs(labels, step):
    """The two labels of all voxels that are `step` apart."""
    here, there = [], []
    for axis, move in enumerate(step):
        length = labels.shape[axis]
        here.append(slice(max(0, -move), length - max(0, move)))
        there.append(slice(max(0, move), length + min(0, move)))
    return labels[tuple(here)].ravel(), labels[tuple(there)].ravel()


def contacts(labels, spacing, connectivity):
    """Neighbours of each cell in the stencil, and the area of its faces with other cells."""
    reach = {6: 1, 18: 2, 26: 3}[connectivity]
    neighbors = {label: set() for label in np.unique(labels) if label}
    areas = dict.fromkeys(neighbors, 0.0)
    for step in HALF:
        if np.abs(step).sum() > reach:
            continue
        a, b = pairs(labels, step)
        met = (a != b) & (a != 0) & (b != 0)
        meetings, count = np.unique(np.stack([a[met], b[met]]), axis=1, return_counts=True)
        for (one, other), faces in zip(meetings.T, count):
            neighbors[one].add(other)
            neighbors[other].add(one)
            if np.abs(step).sum() == 1:
                face = np.prod(spacing) / np.dot(np.abs(step), spacing)
                areas[one] += faces * face
                areas[other] += faces * face
    return neighbors, areas


def axes_agree(cell, spacing, found):
    """Unit eigenvectors of the covariance, longest first, largest component positive."""
    points = np.argwhere(cell) * spacing
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(points.T, bias=True)))
    values, vectors = values[::-1], vectors[:, ::-1].T
    whole = values.sum()
    for k, (truth, axis) in enumerate(zip(vectors, found)):
        if abs(np.linalg.norm(axis) - 1) > CLOSE:
            return f"axis {k} is not of length one"
        # Of two components that are equally large either may be the positive one.
        if max(axis) < max(np.abs(axis)) - 1e-12:
            return f"axis {k} points the other way"
        apart = min((abs(values[k] - other) for j, other in enumerate(values) if j != k), default=0)
        # The direction is as uncertain as rounding over the gap to the next eigenvalue.
        if apart > 1e-6 * whole and 1 - abs(np.dot(truth, axis)) > 1e-9:
            return f"axis {k} is {axis}, not {truth}"
    return ""


def rows(tally, labels, spacing, table, name):
    """What is compared cell by cell."""
    weights = voronoi_weights(np.array(HALF) * spacing)
    normal_weights = voronoi_weights(np.array(HALF) / spacing)
    for row, region in enumerate(measure.regionprops(labels)):
        what = f"{name} cell {region.label}"
        cell = region.image
        box = np.array(cell.shape) * spacing
        value = lambda column: float(table[column][row])
        euler = measure.euler_number(np.pad(cell, 1), connectivity=1)
        tally.check(what, int(table["euler_number_6"][row]) == euler, f"euler_number_6 is {euler}")
        surface = crofton(cell, spacing, weights)
        wrong = abs(value("surface_area") - surface)
        tally.check(what, wrong <= CLOSE * np.dot(box, box), f"surface {surface}, off by {wrong}")
        breadth = mean_breadth(cell, np.array(spacing), normal_weights)
        wrong = abs(value("mean_breadth") - breadth)
        tally.check(what, wrong <= CLOSE * box.sum() * cell.size, f"breadth {breadth}, off by {wrong}")
        padded = np.pad(cell, 1)
        faces = sum(np.count_nonzero(np.diff(padded, axis=axis)) for axis in range(3))
        tally.check(what, int(table["n_faces"][row]) == faces, f"n_faces is {faces}")
        why = axes_agree(cell, spacing, [[value(f"axis-{i}-{j}") for j in range(3)] for i in range(3)])
        tally.check(what, not why, why)
        start, end = np.array(region.bbox[:3]), np.array(region.bbox[3:])
        border = bool((start == 0).any() or (end == labels.shape).any())
        tally.check(what, table["touches_border"][row] == str(border).lower(), "touches_border")


def flat(labels):
    """Which cells lie in one plane, by the rank of their voxels' whole-numbered places."""
    ranks = [np.linalg.matrix_rank(region.coords - region.coords[0]) for region in measure.regionprops(labels)]
    return np.array(ranks) < 3


def compare(tally, program, folder, path, labels, spacing):
    name = f"{path.name} {spacing}"
    table = ours(program, path, spacing, 6, folder)
    tally.check(name, sorted(table) == sorted([*EXACT, *POWER, *OTHERS]), f"columns {sorted(table)}")
    theirs = of_scikit_image(labels, spacing)
    box = np.stack([theirs[f"bbox-{k + 3}"] - theirs[f"bbox-{k}"] for k in range(3)]) * np.array(spacing)[:, None]
    diagonal = np.sqrt((box**2).sum(axis=0))
    for column in EXACT:
        same = [int(value) for value in table[column]] == theirs[column].tolist()
        tally.check(name, same, f"{column}: {table[column]} {theirs[column]}")
    for column, power in POWER.items():
        truth = theirs[column]
        if column == "axis_minor_length":
            # The root of rounding noise is what scikit-image gives for the thickness of a cell
            # whose voxels lie in one plane; it is nothing.
            noise = (truth / diagonal) ** 2
            tally.check(name, (noise[flat(labels)] < 1e-13).all(), f"thickness of flat cells: {noise}")
            truth = np.where(flat(labels), 0.0, truth)
        wrong = np.abs(np.array(table[column], float) - truth) / diagonal**power
        worst = int(np.argmax(wrong))
        told = f"{column} of cell {table['label'][worst]}: {table[column][worst]}, not {truth[worst]}"
        tally.check(name, (wrong <= CLOSE).all(), f"{told}: off by {wrong[worst]:.1e}")
    rows(tally, labels, spacing, table, name)
    for connectivity in (6, 18, 26):
        table = ours(program, path, spacing, connectivity, folder)
        neighbors, areas = contacts(labels, spacing, connectivity)
        for row, label in enumerate(map(int, table["label"])):
            what = f"{name} cell {label} connectivity {connectivity}"
            tally.check(what, int(table["n_neighbors"][row]) == len(neighbors[label]), "n_neighbors")
            wrong = abs(float(table["contact_area"][row]) - areas[label])
            tally.check(what, wrong <= CLOSE * diagonal[row] ** 2, f"contact_area off by {wrong}")


def main():
    program, data = str(Path(sys.argv[1]).resolve()), Path(sys.argv[2])
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        for name, spacings in VOLUMES:
            labels = tifffile.imread(data / name)
            for spacing in spacings:
                compare(tally, program, folder, data / name, labels, spacing)
    print(f"{tally.passed} passed, {tally.failed} failed")
    sys.exit(tally.failed > 0)


if __name__ == "__main__":
    main()
