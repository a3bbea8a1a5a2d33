"""`septa relax springs --nonlinear --only push|pull` beside SciPy's minimisers, from the table of contacts on.

    python tests/oracle/relax_nonlinear.py target/release/septa [../shared/data]

needs numpy, scipy and tifffile. Springs and places are those of a linear run, which `relax.py` holds against voxels. The
energy, its gradient and its second derivatives are written anew here. Where displacements are small the energy is convex:
forces agree with L-BFGS to 1e-4 of the largest and energies to 1e-7. Where they are large there may be several balances: septa's
is one by its gradient, it lasts by the eigenvalues of the second derivatives, and a minimiser that begins there stays.
Loads that nothing bears are an error on both sides.

It is not among the checks that run with the others: it takes half an hour, nearly all of it SciPy's. Where one-sided springs
hardly hold a body L-BFGS stops before it comes to a balance; there septa's energy has to be less.
"""

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import scipy.optimize
import tifffile

from checking import check, tell


# Springs that carry no more than this, beside what is given alone, carry nothing.
SLACK = 1e-6


def table(path):
    with open(path) as file:
        rows = list(csv.DictReader(file))
    return {key: np.array([row[key] for row in rows]) for key in rows[0]}


def vectors(of, name):
    return np.stack([of[f"{name}-{axis}"].astype(float) for axis in range(3)], 1)


class Springs:
    """Energy and derivatives of springs between places, by displacements of all nodes."""

    def __init__(self, places, ends, stiffness, load, large, only):
        self.rest = places[ends[:, 1]] - places[ends[:, 0]]
        self.length = np.linalg.norm(self.rest, axis=1)
        self.ends, self.stiffness, self.load, self.large, self.only = ends, stiffness, load, large, only

    def drawn(self, at):
        moved = at[self.ends[:, 1]] - at[self.ends[:, 0]]
        if self.large:
            now = self.rest + moved
            length = np.linalg.norm(now, axis=1)
            # The difference of squares keeps the digits of what is small.
            elongation = (moved * (self.rest + now)).sum(1) / (self.length + length)
            along = now / length[:, None]
        else:
            length, along = self.length, self.rest / self.length[:, None]
            elongation = (moved * along).sum(1)
        carries = {"push": elongation < 0, "pull": elongation > 0}.get(self.only, np.ones(len(along), bool))
        return elongation * carries, along, length, carries

    def energy(self, at):
        elongation, along, _, _ = self.drawn(at)
        gradient = -self.load.copy()
        pull = along * (self.stiffness * elongation)[:, None]
        np.add.at(gradient, self.ends[:, 0], -pull)
        np.add.at(gradient, self.ends[:, 1], pull)
        return 0.5 * (self.stiffness * elongation**2).sum() - (self.load * at).sum(), gradient

    def curvature(self, at):
        elongation, along, length, carries = self.drawn(at)
        all_of = np.zeros((at.size, at.size))
        for (a, b), k, e, n, l, c in zip(self.ends, self.stiffness, elongation, along, length, carries):
            block = c * k * np.outer(n, n)
            if self.large:
                block += k * e / l * (np.eye(3) - np.outer(n, n))
            for i, j, sign in [(a, a, 1), (b, b, 1), (a, b, -1), (b, a, -1)]:
                all_of[3 * i : 3 * i + 3, 3 * j : 3 * j + 3] += sign * block
        return all_of


def septa_runs(septa, folder, volume, options, named="nodes"):
    out = ["-o", folder / f"{named}.csv", "--springs", folder / f"{named}_springs.csv"]
    command = [septa, "relax", "springs", volume, "--json", "--force", "--tolerance", "1e-9", *out, *options]
    return subprocess.run(command, capture_output=True, text=True)


def compare(septa, folder, volume, axis, pull, load, large, only, case):
    word = "zyx"[axis]
    given = ["--fix", f"{word}=0"]
    given += ["--pull", f"{word}=max:{pull}"] if load is None else ["--load", f"{word}=max:{load}"]
    # What is held, and where: from a run that is held against voxels elsewhere.
    plain = septa_runs(septa, folder, volume, ["--fix", f"{word}=0", "--pull", f"{word}=max:{pull}"], "plain")
    check(plain.returncode == 0, f"{case}: {plain.stderr}")
    cells, contacts = table(folder / "plain.csv"), table(folder / "plain_springs.csv")
    labels, places = cells["label"].astype(int), vectors(cells, "centroid")
    ends = np.stack([np.searchsorted(labels, contacts[f"label_{k}"].astype(int)) for k in "ab"], 1)
    stiffness = contacts["stiffness"].astype(float)
    start = vectors(cells, "displacement")
    near, far = touching(volume, labels, axis)
    held, force = near.copy(), np.zeros_like(places)
    if load is None:
        moved = ~np.isclose(start[:, axis], 0) & far & np.isclose(start[:, axis], pull)
        held |= far
        start = np.where(moved[:, None], np.eye(3)[axis] * pull, 0.0)
    else:
        force[far & ~held, axis] = load / far.sum()
        start = np.zeros_like(places)
    springs = Springs(places, ends, stiffness, force, large, only)
    options = given + (["--nonlinear"] if large else []) + (["--only", only] if only else [])
    ran = septa_runs(septa, folder, volume, options)
    free = np.repeat(~held, 3)
    _, beginning = springs.energy(start)
    beginning = np.linalg.norm(beginning.ravel()[free])

    def scipy_from(at):
        def of(x):
            whole = at.ravel().copy()
            whole[free] = x
            energy, gradient = springs.energy(whole.reshape(-1, 3))
            return energy, gradient.ravel()[free]

        tight = {"maxiter": 50000, "maxfun": 100000, "ftol": 1e-16, "gtol": 1e-11 * beginning, "maxcor": 50}
        found = scipy.optimize.minimize(of, at.ravel()[free], jac=True, method="L-BFGS-B", options=tight)
        whole = at.ravel().copy()
        whole[free] = found.x
        return whole.reshape(-1, 3), found

    if ran.returncode != 0:
        check("holds back" in ran.stderr, f"{case}: {ran.stderr}")
        # SciPy finds no balance either: what is left of the forces stays, or nodes fly off.
        at, found = scipy_from(start)
        left = np.linalg.norm(found.jac) / beginning
        check(left > 1e-6 or np.abs(at).max() > 1e3 * np.ptp(places, axis=0).max(), f"{case}: SciPy balances, {left}")
        return "nothing bears it"
    figures, found = json.loads(ran.stdout), table(folder / "nodes.csv")
    drawn = table(folder / "nodes_springs.csv")
    at = vectors(found, "displacement")
    energy, gradient = springs.energy(at)
    left = np.linalg.norm(gradient.ravel()[free]) / max(beginning, 1e-300)
    check(beginning == 0 or left < 3e-9, f"{case}: {left:.1e} of the forces are out of balance")
    tension = stiffness * springs.drawn(at)[0]
    # Where all springs are slack what is left is rounding, and beside that nothing is exact.
    given = stiffness * springs.drawn(start)[0]
    none = SLACK * np.abs(given).max()
    slack = np.abs(tension).max() <= none
    most = max(np.abs(tension).max(), none, 1e-300)
    check(np.abs(drawn["force"].astype(float) - tension).max() <= 1e-9 * most, f"{case}: forces")
    reaction = vectors(found, "reaction")
    check(np.abs(reaction[held] - gradient[held]).max() <= 1e-9 * most, f"{case}: reactions")
    stored = 0.5 * (stiffness * springs.drawn(at)[0] ** 2).sum()
    nothing = SLACK**2 * 0.5 * (given**2 / stiffness).sum()
    check(abs(figures["energy"] - stored) <= 1e-9 * max(stored, nothing), f"{case}: energy")
    if only and slack:
        check(figures["slack_springs"] == len(tension), f"{case}: {figures['slack_springs']} slack springs, and all are")
    elif only:
        few, many = (np.count_nonzero(np.abs(tension) <= share * most) for share in (0.5 * SLACK, 2 * SLACK))
        check(few <= figures["slack_springs"] <= many, f"{case}: {figures['slack_springs']} slack springs, {few} to {many}")
    if not large:
        other, found = scipy_from(start)
        least, _ = springs.energy(other)
        if np.linalg.norm(found.jac) > 1e-7 * beginning:
            # The energy is convex, so a balance has the least there is; SciPy has stopped before it came to one.
            check(energy < least, f"{case}: energy {energy}, SciPy {least} on its way")
            return "SciPy gives up"
        check(abs(least - energy) <= max(1e-7 * abs(energy), nothing), f"{case}: energy {energy}, SciPy {least}")
        others = stiffness * springs.drawn(other)[0]
        if slack:
            check(np.abs(others).max() <= none, f"{case}: slack, and SciPy's springs carry {np.abs(others).max():.1e}")
            return "all slack"
        apart = np.abs(others - tension).max() / most
        check(beginning == 0 or apart < 1e-4, f"{case}: forces apart by {apart:.1e}")
        return "convex"
    curvature = springs.curvature(at)[np.ix_(free, free)]
    values = np.linalg.eigvalsh(curvature)
    check(values[0] >= -1e-5 * values[-1], f"{case}: does not last: {values[0]:.2e} beside {values[-1]:.2e}")
    other, _ = scipy_from(at)
    check(springs.energy(other)[0] >= energy - max(1e-9 * abs(energy), nothing), f"{case}: SciPy goes on from there")
    other, _ = scipy_from(start)
    if slack:
        return "all slack"
    return "same energy" if abs(springs.energy(other)[0] - energy) <= 1e-6 * abs(energy) else "another balance"


def touching(volume, labels, axis):
    voxels = tifffile.imread(volume)
    return (np.isin(labels, voxels.take(0, axis)), np.isin(labels, voxels.take(-1, axis)))


def main():
    septa = str(Path(sys.argv[1]).resolve())
    told = {}
    laws = [(True, None), (False, "push"), (False, "pull"), (True, "push"), (True, "pull")]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        volumes = []
        for seed in (1, 2, 3):
            cells = folder / f"cells{seed}.tif"
            made = [septa, "phantom", "cells", "--shape", "36,30,40", "--cells", "60", "--seed", str(seed)]
            subprocess.run([*made, "-o", cells, "--force", "-q"], check=True, stdout=subprocess.DEVNULL)
            volumes.append((f"cells {seed}", cells, 3))
            # Without half of the cells some hang by one contact, or by none.
            thinned = folder / f"thinned{seed}.tif"
            labels = tifffile.imread(cells)
            tifffile.imwrite(thinned, np.where(labels % 2 == 1, labels, 0))
            volumes.append((f"thinned {seed}", thinned, 3))
        if len(sys.argv) > 2:
            volumes.append(("ovule", Path(sys.argv[2]) / "ovule/ovule_labels.tif", 1))
        for name, volume, axes in volumes:
            for axis in range(axes):
                for large, only in laws:
                    for pull, load in [(-0.9, None), (0.7, None), (1.0, -3.0)]:
                        if load is not None and (name == "ovule" or name.startswith("thinned")):
                            continue
                        what = f"{'large' if large else 'small'} {only or 'both'}"
                        case = f"{name} axis {axis} {what} {'pull ' + str(pull) if load is None else 'load ' + str(load)}"
                        end = compare(septa, folder, volume, axis, pull, load, large, only, case)
                        told[what, end] = told.get((what, end), 0) + 1
    for (what, end), count in sorted(told.items()):
        print(f"{what}: {end}: {count}")
    tell()


main()
