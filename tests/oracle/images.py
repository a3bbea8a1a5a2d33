"""What SciPy and scikit-image make of the volumes of tests/images.rs.

    python tests/oracle/images.py > tests/images.json

needs numpy, scipy and scikit-image; the versions are written beside the figures. Inputs come from a
linear congruential generator that the test has too, so no voxel is stored; of each result every
STEP-th voxel is.
"""

import json
import sys

import numpy as np
import scipy
import skimage
from scipy import ndimage
from skimage.filters import threshold_otsu

STEP = 17
SHAPE = (7, 9, 11)
WIDE = (16, 20, 24)
TYPES = ["uint8", "int8", "uint16", "int16", "uint32", "float32", "float64"]


def words(seed, count):
    """The upper 24 bits of each state of a 64-bit generator."""
    state, out = seed, []
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out.append(state >> 40)
    return np.array(out, dtype=np.int64)


def volume(dtype, shape, seed):
    """Two populations of grey values, a third of the voxels in the upper one."""
    word = words(seed, int(np.prod(shape)))
    grey = word % 61 + np.where(word // 64 % 3 == 0, 64, 3)
    if dtype.startswith("float"):
        values = (grey + word % 1021 / 1021.0) / 7.0
    elif dtype.startswith("int"):
        values = grey - 60
    else:
        values = grey * (1 if dtype == "uint8" else 401)
    return values.astype(dtype).reshape(shape)


def sample(array):
    return [float(value) for value in array.ravel()[::STEP]]


def filters():
    for dtype in TYPES:
        for seed, name, apply in [
            (1, "box:3", lambda a: ndimage.uniform_filter(a.astype(float), 3)),
            (2, "box:9", lambda a: ndimage.uniform_filter(a.astype(float), 9)),
            (3, "gaussian:0.7", lambda a: ndimage.gaussian_filter(a.astype(float), 0.7)),
            (4, "gaussian:2.4", lambda a: ndimage.gaussian_filter(a.astype(float), 2.4)),
            (5, "median:3", lambda a: ndimage.median_filter(a, 3)),
            (6, "median:7", lambda a: ndimage.median_filter(a, 7)),
        ]:
            values = sample(apply(volume(dtype, SHAPE, seed)))
            yield {"filter": name, "dtype": dtype, "seed": seed, "values": values}


def thresholds():
    for dtype in TYPES:
        for seed in range(10, 15):
            array = volume(dtype, WIDE, seed)
            smooth = ndimage.median_filter(array, 3)
            yield {
                "dtype": dtype,
                "seed": seed,
                "otsu": float(threshold_otsu(array)),
                "otsu_of_median": float(threshold_otsu(smooth)),
            }


def histograms():
    for dtype in ["float32", "float64"]:
        counts, edges = np.histogram(volume(dtype, WIDE, 20), bins=256)
        yield {"dtype": dtype, "seed": 20, "counts": counts.tolist(), "edges": [float(edges[i]) for i in (0, 1, 100, 256)]}


def distances():
    for seed, share, spacing in [(30, 9, [1, 1, 1]), (31, 60, [1, 1, 1]), (32, 60, [2.5, 1, 0.4])]:
        mask = words(seed, int(np.prod(WIDE))).reshape(WIDE) % share != 0
        values = sample(ndimage.distance_transform_edt(mask, sampling=spacing))
        yield {"seed": seed, "share": share, "spacing": spacing, "values": values}


def main():
    figures = {
        "versions": {"numpy": np.__version__, "scipy": scipy.__version__, "skimage": skimage.__version__},
        "filters": list(filters()),
        "thresholds": list(thresholds()),
        "histograms": list(histograms()),
        "distances": list(distances()),
    }

    def short(value):
        if isinstance(value, float):
            return int(value) if value.is_integer() else float(f"{value:.12g}")
        if isinstance(value, dict):
            return {key: short(item) for key, item in value.items()}
        return [short(item) for item in value] if isinstance(value, list) else value

    # Thresholds and edges are compared to the last bit, the rest to twelve digits at most.
    exact = {key: figures[key] for key in ("thresholds", "histograms")}
    json.dump({**short(figures), **exact}, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
