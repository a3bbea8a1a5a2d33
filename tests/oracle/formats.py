"""Writes tests/formats.tsv: what tifffile reads from oddly encoded TIFF files.

    python tests/oracle/formats.py ../shared/data/tiff/images > tests/formats.tsv

Needs tifffile and imagecodecs. Voxels are the stored values, not inverted where white is zero;
packed bits are spread to the next larger unsigned type. The last column is FNV-1a (64 bits) over the
little-endian bytes of the voxels in C order; the sum is exact for integers and, of floats, rounded
to ten digits.
"""

import pathlib
import sys

import numpy as np
import tifffile

FOLDER = pathlib.Path(sys.argv[1])
COMPRESSIONS = {1, 5, 8, 32946, 32773, 50000}
PACKED = {1, 2, 4, 10, 12, 14}


def fnv(data):
    digest = 0xCBF29CE484222325
    for byte in data:
        digest = (digest ^ byte) * 0x100000001B3 % 2**64
    return f"{digest:016x}"


def why_refused(page):
    if page.samplesperpixel != 1 or int(page.photometric) not in (0, 1):
        return "colour"
    if int(page.compression) not in COMPRESSIONS:
        return "compression"
    packed = page.bitspersample not in (8, 16, 32, 64)
    if packed and page.bitspersample not in PACKED or page.dtype == np.float16:
        return "bits"
    if packed and page.predictor != 1:
        return "predictor"
    return None


def total(voxels):
    if voxels.dtype.kind == "f":
        return f"{voxels.astype(np.longdouble).sum():.9e}"
    return str(int(sum(int(v) for v in voxels.ravel())))


print("# name\tshape\ttype\tsum\tfnv1a, by: python tests/oracle/formats.py ../shared/data/tiff/images")
for path in sorted(FOLDER.rglob("*.tif*")):
    name = path.relative_to(FOLDER).as_posix()
    with tifffile.TiffFile(path) as file:
        refused = why_refused(file.pages[0])
        if refused:
            print(f"{name}\trefused\t{refused}\t\t")
            continue
        voxels = np.stack([page.asarray() for page in file.pages])
    if voxels.dtype == bool:
        voxels = voxels.astype(np.uint8)
    shape = "x".join(str(n) for n in voxels.shape)
    little = voxels.astype(voxels.dtype.newbyteorder("<"))
    print(f"{name}\t{shape}\t{voxels.dtype.name}\t{total(voxels)}\t{fnv(little.tobytes())}")
