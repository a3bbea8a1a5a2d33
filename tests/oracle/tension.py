"""`septa relax tension` beside a plain inference with NumPy and SciPy, from the voxels on.

    python tests/oracle/tension.py target/release/septa

needs numpy and scipy. Labels are drawn here from closed forms. The contacts are gathered here, a circle or sphere
is fitted to the centres of their faces by least squares of distances, with `scipy.optimize`, and the angles at the
junctions are those of its normals where three labels meet; tensions are the null vector of the balance, by
singular values. Both are held against the closed form and against each other.
"""

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy import optimize

from checking import check, tell


def places(shape, spacing):
    """The place of every voxel from the middle."""
    grids = np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * s for n, s in zip(shape, spacing)], indexing="ij")
    return np.stack(grids, -1)


def along_and_across(place, axis, shift):
    axis = np.array(axis, float) / np.linalg.norm(axis)
    place = place - np.array(shift)
    along = place @ axis
    return along, (place**2).sum(-1) - along**2


def bubbles(place, first, second, axis, shift):
    """A double bubble of two outer radii, the first the larger: 0 outside, 1, 2."""
    along, across = along_and_across(place, axis, shift)
    distance = np.sqrt(first**2 + second**2 - first * second)
    before = (distance**2 + first**2 - second**2) / (2 * distance)
    inside = across + (along + before) ** 2 < first**2
    inside |= across + (along - distance + before) ** 2 < second**2
    radius = 1 / (1 / second - 1 / first)
    middle = np.sqrt(radius**2 - (first**2 - before**2))
    beyond = across + (along - middle) ** 2 < radius**2
    return np.where(inside, 1 + beyond, 0).astype(np.uint8)


def lens(place, radius, angle, axis, shift):
    """A lens (3) between two cells (1, 2) whose contact is flat."""
    along, across = along_and_across(place, axis, shift)
    half = np.radians(angle / 2)
    sphere, away = radius / np.sin(half), radius / np.tan(half)
    inside = (across + (along + away) ** 2 < sphere**2) & (across + (along - away) ** 2 < sphere**2)
    return np.where(inside, 3, 1 + (along > 0)).astype(np.uint8)


def contacts(labels, spacing):
    """The centres of the faces of each contact, and how often its normal points along each axis."""
    spacing = np.array(spacing)
    found = {}
    for axis in range(3):
        count = labels.shape[axis]
        if count == 1:
            continue
        low, high = labels.take(range(count - 1), axis), labels.take(range(1, count), axis)
        at = np.argwhere(low != high).astype(float)
        a, b = low[low != high], high[low != high]
        at[:, axis] += 0.5
        for pair in np.unique(np.sort(np.stack([a, b], 1), 1), axis=0):
            here = (np.minimum(a, b) == pair[0]) & (np.maximum(a, b) == pair[1])
            points, signs = found.setdefault(tuple(map(int, pair)), ([], []))
            points.append(at[here] * spacing)
            sign = np.zeros((here.sum(), 3))
            sign[:, axis] = np.where(a[here] == pair[0], 1, -1)
            signs.append(sign)
    return {pair: (np.concatenate(points), np.concatenate(signs)) for pair, (points, signs) in found.items()}


def fitted(points, signs, axes):
    """Curvature and normals of the circle or sphere that lies nearest, from the smaller label to the other.

    Its distance from x is n x + c x^2 / 2 - d over the length of the gradient of that.
    """
    middle = points.mean(0)[axes]
    inner = points[:, axes] - middle
    scale = np.sqrt((inner**2).sum(1).mean())
    inner /= scale
    _, _, turned = np.linalg.svd(inner - inner.mean(0), full_matrices=False)
    dimensions = len(axes)

    def parts(values):
        gradient = values[:dimensions] + values[dimensions] * inner
        value = inner @ values[:dimensions] + values[dimensions] * (inner**2).sum(1) / 2 - values[-1]
        return value, gradient

    def distance(values):
        value, gradient = parts(values)
        return np.append(value / np.linalg.norm(gradient, axis=1), np.linalg.norm(values[:-1]) - 1)

    best = None
    for start in ([*turned[-1], 0.0, 0.0], [*turned[-1], 0.5, 0.0], [*(0 * turned[-1]), 1.0, 0.5]):
        tried = optimize.least_squares(distance, start, xtol=1e-14, ftol=1e-14, gtol=1e-14)
        best = tried if best is None or tried.cost < best.cost else best
    values = best.x
    _, gradient = parts(values)
    if (gradient * signs[:, axes]).sum() < 0:
        values = -values
    length = np.sqrt(values[:dimensions] @ values[:dimensions] + 2 * values[dimensions] * values[-1])
    curvature = (dimensions - 1) * values[dimensions] / length / scale

    def normal(place):
        gradient = values[:dimensions] + values[dimensions] * (place[axes] - middle) / scale
        return gradient / np.linalg.norm(gradient)

    return curvature, normal


def meetings(labels, spacing):
    """The middles of the edges of voxels around which three labels lie."""
    found = []
    for axis in range(3):
        u, v = [other for other in range(3) if other != axis]
        if labels.shape[u] == 1 or labels.shape[v] == 1:
            continue
        corners = [np.roll(labels, (-i, -j), (u, v)) for i, j in [(0, 0), (0, 1), (1, 0), (1, 1)]]
        ordered = np.sort(np.stack(corners), 0)
        distinct = 1 + (np.diff(ordered, axis=0) != 0).sum(0)
        inside = [slice(None)] * 3
        inside[u] = inside[v] = slice(0, -1)
        at = np.argwhere(distinct[tuple(inside)] == 3).astype(float)
        at[:, u] += 0.5
        at[:, v] += 0.5
        found.append(at * spacing)
    return np.concatenate(found)


def inferred(labels, spacing):
    """Tensions of three contacts that meet everywhere together, and their curvatures."""
    axes = [axis for axis in range(3) if labels.shape[axis] > 1]
    shapes = {pair: fitted(*faces, axes) for pair, faces in contacts(labels, spacing).items()}
    a, b, c = sorted(set(label for pair in shapes for label in pair))
    rows = []
    for place in meetings(labels, spacing):
        normals = np.stack([shapes[a, b][1](place), shapes[b, c][1](place), -shapes[a, c][1](place)], 1)
        if len(axes) == 3:
            left, _, _ = np.linalg.svd(normals)
            normals = left[:, :2].T @ normals
        rows.append(normals / np.linalg.norm(normals, axis=0))
    null = np.linalg.svd(np.concatenate(rows))[2][-1]
    tensions = dict(zip([(a, b), (b, c), (a, c)], null / null.mean()))
    return tensions, {pair: shape[0] for pair, shape in shapes.items()}


def run(septa, folder, labels, spacing):
    path = folder / "labels.npy"
    np.save(path, labels)
    command = [septa, "relax", "tension", path, "--json", "--force", "--spacing", ",".join(map(str, spacing))]
    done = subprocess.run([*command, "-o", folder / "contacts.csv", "--cells", folder / "cells.csv"],
                          capture_output=True, text=True)
    check(done.returncode == 0, done.stderr)
    rows = list(csv.DictReader(open(folder / "contacts.csv")))
    found = {(int(row["label_a"]), int(row["label_b"])): row for row in rows}
    pressures = {int(row["label"]): float(row["pressure"]) for row in csv.DictReader(open(folder / "cells.csv"))}
    return json.loads(done.stdout), found, pressures


def compare(septa, folder, labels, spacing, truth, pressures, within, case):
    figures, found, told = run(septa, folder, labels, spacing)
    tensions, curvatures = inferred(labels, np.array(spacing))
    check(figures["contacts"] == len(truth) and found.keys() == truth.keys(), f"{case}: contacts {found.keys()}")
    largest = max(abs(curvature) for curvature in curvatures.values())
    for pair, exact in truth.items():
        ours, plain = float(found[pair]["tension"]), tensions[pair]
        check(abs(ours / exact - 1) < within, f"{case}: {pair}: {ours}, not {exact}")
        check(abs(plain / exact - 1) < within, f"{case}: {pair}: the plain way gives {plain}, not {exact}")
        check(abs(ours - plain) < within, f"{case}: {pair}: {ours}, the plain way {plain}")
        bent = float(found[pair]["curvature"])
        check(abs(bent - curvatures[pair]) < 0.03 * largest, f"{case}: {pair}: curvature {bent}, {curvatures[pair]}")
        faces = len(contacts(labels, spacing)[pair][0])
        check(int(found[pair]["n_faces"]) == faces, f"{case}: {pair}: faces")
    for label, exact in pressures.items():
        scale = max(map(abs, pressures.values()))
        check(abs(told[label] - exact) < 0.02 * scale, f"{case}: pressure of {label}: {told[label]}, not {exact}")


def main():
    septa = str(Path(sys.argv[1]).resolve())
    rng = np.random.default_rng(1)
    lami = np.sin(np.radians([100, 130, 130]))
    lami /= lami.mean()
    angles = dict(zip([(1, 2), (1, 3), (2, 3)], lami))
    alike = {(0, 1): 1, (0, 2): 1, (1, 2): 1}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for case in range(6):
            spacing = [(1, 1, 1), (1, 1, 1.5), (1, 0.7, 1)][case % 3]
            axis, shift = [0, *rng.normal(size=2)], [0, *rng.uniform(-1, 1, 2)]
            place = places((1, *(int(300 / s) for s in spacing[1:])), spacing)
            flat = lens(place, 90, 100, axis, shift)
            pressure = angles[1, 3] * np.sin(np.radians(50)) / 90
            compare(septa, folder, flat, spacing, angles, {1: 0, 2: 0, 3: pressure}, 0.015, f"lens {case} {axis}")
            flat = bubbles(place, 90, 65, axis, shift)
            compare(septa, folder, flat, spacing, alike, {0: 0, 1: 1 / 90, 2: 1 / 65}, 0.015, f"pair {case} {axis}")
        for case in range(4):
            spacing = [(1, 1, 1), (1.5, 1, 1)][case % 2]
            axis, shift = rng.normal(size=3), rng.uniform(-1, 1, 3)
            place = places([int(72 / s) for s in spacing], spacing)
            solid = lens(place, 24, 100, axis, shift)
            pressure = angles[1, 3] * 2 * np.sin(np.radians(50)) / 24
            compare(septa, folder, solid, spacing, angles, {1: 0, 2: 0, 3: pressure}, 0.02, f"lens {case} {axis}")
            solid = bubbles(place, 21, 15, axis, shift)
            compare(septa, folder, solid, spacing, alike, {0: 0, 1: 2 / 21, 2: 2 / 15}, 0.02, f"bubbles {case} {axis}")
    tell()


main()
