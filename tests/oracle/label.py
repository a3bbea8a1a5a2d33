"""`septa label` voxel by voxel: the components of SciPy and cc3d, and their numbers.

    python tests/oracle/label.py target/release/septa ../shared/data

needs numpy, scipy, scikit-image, connected-components-3d and tifffile. Components are numbered by
their first voxel in raster order, as SciPy numbers them; those of cc3d are renumbered so. Every
case is asked for with several cuts into blocks and numbers of workers.
"""

import itertools
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import cc3d
import numpy as np
import tifffile
from scipy import ndimage
from skimage.filters import threshold_otsu

CUTS = [["--block", "7", "-w", "3"], ["--block", "32", "-w", "2"], ["--block", "whole", "-w", "1"], []]
CONNECTIVITIES = [6, 18, 26]


class Tally:
    """How many checks held."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, what, holds, why=""):
        self.passed += bool(holds)
        self.failed += not holds
        if not holds:
            print(f"FAILED {what} {why}")


def components(mask, connectivity):
    """SciPy's labels; numbers run with the first voxel in raster order."""
    structure = ndimage.generate_binary_structure(3, {6: 1, 18: 2, 26: 3}[connectivity])
    return in_raster_order(ndimage.label(mask, structure)[0], must_be=True)


def equal_valued(labels, connectivity):
    """cc3d's components of equal values."""
    dense = np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
    dense = dense + (0 if (labels == 0).any() else 1)
    return in_raster_order(cc3d.connected_components(dense.astype(np.uint32), connectivity=connectivity))


def in_raster_order(labels, must_be=False):
    """The same components, numbered from 1 by their first voxel; 0 stays 0."""
    names, first = np.unique(labels, return_index=True)
    names, first = names[names != 0], first[names != 0]
    names = names[np.argsort(first)]
    assert not must_be or (names == np.arange(1, len(names) + 1)).all(), "SciPy numbers in raster order"
    number = np.zeros(int(labels.max()) + 1, dtype=np.int64)
    number[names] = np.arange(1, len(names) + 1)
    return number[labels]


def without_small(labels, least):
    """The components of at least so many voxels, numbered anew."""
    keep = np.bincount(labels.ravel()) >= least
    return in_raster_order(np.where(keep[labels], labels, 0))


class Septa:
    """The program, and a folder for what it writes."""

    def __init__(self, program, folder):
        self.program, self.folder = program, Path(folder)

    def label(self, volume, options):
        out = self.folder / "labels.npy"
        command = [self.program, "label", str(volume), "-o", str(out), "--force", "--json", *options]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            return None, {}, done.stderr.strip()
        return np.load(out), json.loads(done.stdout), ""


def compare(tally, septa, name, volume, options, expected, cuts=CUTS, threshold=None):
    """One question, asked once for each cut."""
    sizes = np.bincount(expected.ravel())[1:]
    for cut in cuts:
        what = " ".join([name, *options, *cut])
        ours, figures, error = septa.label(volume, [*options, *cut])
        tally.check(what, ours is not None, error)
        if ours is None:
            continue
        tally.check(what, ours.shape == expected.shape, f"shape {ours.shape}")
        different = int(np.count_nonzero(ours != expected))
        tally.check(what, different == 0, f"{different} voxels differ")
        told = (figures["components"], figures["largest"])
        truth = (len(sizes), int(sizes.max(initial=0)))
        tally.check(what, told == truth, f"told {told}, are {truth}")
        if threshold is not None:
            tally.check(what, figures["threshold"] == threshold, f"threshold {figures['threshold']}")


def of_mask(tally, septa, name, path, array):
    """Binary, background and small components of a volume."""
    for connectivity in CONNECTIVITIES:
        option = ["--connectivity", str(connectivity)]
        full = components(array != 0, connectivity)
        compare(tally, septa, name, path, option, full)
        compare(tally, septa, name, path, [*option, "--background"], components(array == 0, connectivity))
        for least in (2, 50):
            kept = without_small(full, least)
            compare(tally, septa, name, path, [*option, "--min-voxels", str(least)], kept, CUTS[:2])


def of_grey(tally, septa, name, path, array):
    """What Otsu's threshold parts, above it and below."""
    threshold = float(threshold_otsu(array))
    for connectivity in CONNECTIVITIES:
        option = ["--connectivity", str(connectivity), "--threshold", "otsu"]
        above = components(array > threshold, connectivity)
        compare(tally, septa, name, path, option, above, threshold=threshold)
        kept = without_small(above, 50)
        compare(tally, septa, name, path, [*option, "--min-voxels", "50"], kept, CUTS[:2])
        compare(tally, septa, name, path, [*option, "--background"], components(array <= threshold, connectivity))


def of_labels(tally, septa, name, path, array):
    """Components of equal values."""
    for connectivity in CONNECTIVITIES:
        option = ["--connectivity", str(connectivity), "--multilabel"]
        expected = equal_valued(array, connectivity)
        compare(tally, septa, name, path, option, expected)
        compare(tally, septa, name, path, [*option, "--min-voxels", "5"], without_small(expected, 5), CUTS[:2])


def generated(seed):
    """Volumes of odd shapes, densities and types; of every kind some are full and some empty."""
    random = np.random.default_rng(seed)
    shapes = [(1, 1, 1), (1, 1, 40), (1, 33, 17), (40, 1, 1), (9, 8, 7), (33, 34, 35), (2, 64, 3)]
    types = itertools.cycle([np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.uint64, np.int64])
    for shape, dtype in zip(shapes, types):
        for density in (0.0, 0.25, 0.31, 0.6, 1.0):
            yield ((random.random(shape) < density) * random.integers(1, 100, shape)).astype(dtype)
        yield random.integers(0, 3, shape).astype(dtype)
        yield random.integers(1, 3, shape).astype(dtype)


def large_values():
    """Labels that only the widest types tell apart."""
    random = np.random.default_rng(11)
    for dtype in (np.uint32, np.uint64):
        values = np.array([0, 1, np.iinfo(dtype).max, np.iinfo(dtype).max - 1], dtype=dtype)
        yield values[random.integers(0, 4, (11, 12, 13))]


def main():
    program, data = str(Path(sys.argv[1]).resolve()), Path(sys.argv[2])
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        septa = Septa(program, folder)
        for name in ("embryo/images_nsn/8_cell_stage.tif", "embryo/images_nsn/16_cell_stage.tif"):
            of_mask(tally, septa, name, data / name, tifffile.imread(data / name))
        for name in ("nuclei/img3d.tif", "ovule/ovule_raw.tif", "embryo/images_raw/16_cell_stage.tif"):
            of_grey(tally, septa, name, data / name, tifffile.imread(data / name))
        slices = sorted((data / "trabecular").glob("*.tif"))
        of_grey(tally, septa, "trabecular", data / "trabecular", np.stack([tifffile.imread(path) for path in slices]))
        for name in ("nuclei/mask3d.tif", "ovule/ovule_labels.tif"):
            array = tifffile.imread(data / name)
            of_mask(tally, septa, name, data / name, array)
            of_labels(tally, septa, name, data / name, array)
        path = Path(folder) / "generated.npy"
        for number, array in enumerate([*generated(5), *large_values()]):
            np.save(path, array)
            name = f"generated {number} {array.shape} {array.dtype}"
            of_mask(tally, septa, name, path, array)
            of_labels(tally, septa, name, path, array)
    print(f"{tally.passed} passed, {tally.failed} failed")
    sys.exit(tally.failed > 0)


if __name__ == "__main__":
    main()
