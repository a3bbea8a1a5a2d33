"""`septa relax bone` beside SciPy: the matrix assembled whole, solved directly or, of larger bodies, by
conjugate gradients to 1e-11; from the voxels on.

    python tests/oracle/bone.py target/release/septa ../shared/data

needs numpy, scipy and tifffile. A voxel's stiffness is made here by its own quadrature, or spring by spring. The body
is what 6-neighbours join to both plates. Apparent moduli agree to 1e-6, strain energies of voxels to 1e-5 of the
largest, mean stresses (forces at corners times their places, over the volume) to 1e-5 of the largest; crops of
trabecular bone (Otsu) and random greys.
"""

import itertools
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import scipy.ndimage as ndimage
import scipy.sparse as sparse
import scipy.sparse.linalg as linalg
import tifffile

from checking import check, tell

CORNERS = np.array(list(itertools.product((0, 1), repeat=3)))


def hexahedron(nu):
    """The stiffness of a unit cube of modulus 1: trilinear shapes, three Gauss points along each axis."""
    points, weights = np.polynomial.legendre.leggauss(3)
    elastic = np.zeros((6, 6))
    elastic[:3, :3] = nu
    elastic[np.arange(3), np.arange(3)] = 1 - nu
    elastic[np.arange(3, 6), np.arange(3, 6)] = (1 - 2 * nu) / 2
    elastic /= (1 + nu) * (1 - 2 * nu)
    stiffness = np.zeros((24, 24))
    for at in itertools.product(range(3), repeat=3):
        place = (points[list(at)] + 1) / 2
        strain = np.zeros((6, 24))
        for n, corner in enumerate(CORNERS):
            values = np.where(corner, place, 1 - place)
            slopes = np.where(corner, 1.0, -1.0)
            d = [slopes[a] * np.prod(np.delete(values, a)) for a in range(3)]
            strain[0, 3 * n], strain[1, 3 * n + 1], strain[2, 3 * n + 2] = d
            strain[3, 3 * n], strain[3, 3 * n + 1] = d[1], d[0]
            strain[4, 3 * n], strain[4, 3 * n + 2] = d[2], d[0]
            strain[5, 3 * n + 1], strain[5, 3 * n + 2] = d[2], d[1]
        stiffness += np.prod(weights[list(at)]) / 8 * strain.T @ elastic @ strain
    return stiffness


def springs():
    """The stiffness of the 28 springs between the corners of a unit cube, isotropic and of modulus 1."""
    k = np.array([2.0, 1.0, 0.375]) / 3.75 / [4, 2, 1]
    stiffness = np.zeros((24, 24))
    for a, b in itertools.combinations(range(8), 2):
        apart = CORNERS[b] - CORNERS[a]
        between = np.zeros(24)
        direction = apart / np.linalg.norm(apart)
        between[3 * a : 3 * a + 3], between[3 * b : 3 * b + 3] = -direction, direction
        stiffness += k[np.abs(apart).sum() - 1] * np.outer(between, between)
    return stiffness


def joined(mask, axis):
    labels, _ = ndimage.label(mask)
    both = np.intersect1d(labels.take(0, axis), labels.take(-1, axis))
    return np.isin(labels, both[both > 0])


def solve(moduli, element, axis, strain, along, rough):
    shape = np.array(moduli.shape)
    nodes = np.arange(np.prod(shape + 1)).reshape(shape + 1)
    voxels = np.argwhere(moduli > 0)
    corners = np.stack([nodes[tuple((voxels + corner).T)] for corner in CORNERS], 1)
    freedoms = (3 * corners[:, :, None] + np.arange(3)).reshape(len(voxels), 24)
    values = moduli[tuple(voxels.T)][:, None, None] * element
    rows = np.repeat(freedoms, 24, 1).ravel()
    columns = np.tile(freedoms, (1, 24)).ravel()
    size = 3 * nodes.size
    matrix = sparse.csr_matrix((values.ravel(), (rows, columns)), (size, size))
    displacement, held = np.zeros(size), np.zeros(size, bool)
    for face, way in ((0, 0.0), (-1, strain * shape[axis])):
        there = nodes.take(face, axis).ravel()
        for a in range(3) if rough else [axis]:
            held[3 * there + a] = True
        displacement[3 * there + along] = way
    used = np.zeros(size, bool)
    used[freedoms.ravel()] = True
    free = np.flatnonzero(used & ~held)
    load = -(matrix @ displacement)[free]
    inside = matrix[free][:, free].tocsc()
    if len(free) < 5000:
        displacement[free] = linalg.spsolve(inside, load)
    else:
        scale = sparse.diags(1 / inside.diagonal())
        found, left = linalg.cg(inside, load, rtol=1e-11, maxiter=50_000, M=scale)
        check(left == 0, "SciPy found no balance")
        displacement[free] = found
    force = (matrix @ displacement)[3 * nodes.take(-1, axis).ravel() + along].sum()
    area = np.prod(np.delete(shape, axis))
    moved = displacement[freedoms]
    energies = np.zeros(moduli.shape)
    energies[tuple(voxels.T)] = 0.5 * moduli[tuple(voxels.T)] * np.einsum("vi,ij,vj->v", moved, element, moved)
    forces = moduli[tuple(voxels.T)][:, None, None] * (moved @ element).reshape(-1, 8, 3)
    stresses = np.zeros((*moduli.shape, 3, 3))
    stresses[tuple(voxels.T)] = np.einsum("vni,nj->vij", forces, CORNERS - 0.5)
    return force / area / strain, energies, stresses


def tensors(path, shape):
    """The stresses in a `.vti`, as matrices of z, y, x."""
    head, raw = path.read_bytes().split(b'<AppendedData encoding="raw">\n_', 1)
    offset = int(head.split(b'Name="stress_tensor" offset="')[1].split(b'"')[0])
    xx, yy, zz, xy, yz, xz = np.frombuffer(raw, "<f4", 6 * np.prod(shape), offset + 8).reshape(-1, 6).T
    whole = [[zz, yz, xz], [yz, yy, xy], [xz, xy, xx]]
    return np.moveaxis(np.array(whole, float), 2, 0).reshape(*shape, 3, 3)


def main():
    septa, data = sys.argv[1], Path(sys.argv[2])
    scan = np.stack([tifffile.imread(page) for page in sorted((data / "trabecular").glob("*.tif"))])
    random = np.random.default_rng(5)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)

        def compare(what, volume, body, element, axis, along, options, strain=0.01):
            source, out, drawn = folder / "volume.npy", folder / "energy.npy", folder / "drawn.vti"
            np.save(source, volume)
            command = [septa, "relax", "bone", source, "-o", out, "--force", "--json", "-q"]
            command += ["--axis", "zyx"[axis], "--strain", strain, "--vtk", drawn, "--tensor", *options]
            made = subprocess.run([str(word) for word in command], capture_output=True, text=True)
            check(made.returncode == 0, f"{what}: {made.stderr}")
            figures = json.loads(made.stdout)
            modulus, energies, stresses = solve(body, element, axis, strain, along, "smooth" not in options)
            found = figures["shear_modulus" if along != axis else "modulus"]
            check(abs(found - modulus) <= 1e-6 * abs(modulus), f"{what}: {found} for {modulus}")
            check(figures["voxels"] == np.count_nonzero(body), f"{what}: voxels")
            told = np.load(out)
            check(np.abs(told - energies).max() <= 1e-5 * energies.max(), f"{what}: energies")
            apart = np.abs(tensors(drawn, volume.shape) - 0.5 * (stresses + stresses.swapaxes(3, 4))).max()
            check(apart <= 1e-5 * np.abs(stresses).max(), f"{what}: stresses")

        # A crop of 40^3 of the bone, at the threshold that septa finds in the whole.
        told = subprocess.run(
            [septa, "segment", data / "trabecular", "-o", folder / "mask.npy", "--threshold", "otsu", "--json", "-q"],
            capture_output=True, text=True, check=True,
        )
        threshold = json.loads(told.stdout)["threshold"]
        for at in ((0, 0, 0), (80, 60, 100)):
            crop = scan[tuple(slice(a, a + 40) for a in at)]
            for axis, along, element, options in (
                (0, 0, springs(), ["--element", "springs"]),
                (0, 0, hexahedron(0.25), ["--poisson", "0.25"]),
                (2, 1, hexahedron(0.3), ["--shear", "y"]),
            ):
                body = joined(crop > threshold, axis).astype(float)
                options = [*options, "--threshold", threshold]
                compare(f"bone at {at}, {options}", crop, body, element, axis, along, options)
        for case in range(6):
            shape = random.integers(4, 12, 3)
            grey = random.integers(0, 5, shape).astype(np.uint8)
            grey[:, 1, 1] = grey[1, :, 1] = grey[1, 1, :] = 2
            axis = case % 3
            power = random.choice([1.0, 2.0])
            body = np.where(joined(grey > 0, axis), grey.astype(float) ** power, 0.0)
            options = ["--grey", power, "--plates", "rough"]
            compare(f"grey {case}", grey, body, hexahedron(0.3), axis, axis, options, -0.02)
    tell()


main()
