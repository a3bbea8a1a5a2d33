"""`septa watch tcp://...` heard by another implementation of ZeroMQ (pyzmq, libzmq).

Usage: watch.py SEPTA, built with the feature zmq. Sends random volumes by REQ and by PUSH, whole and in
parts, of several types and byte orders, and counts the voxels of each label with NumPy.
"""

import csv
import json
import os
import socket
import subprocess
import sys
import tempfile

import numpy as np
import zmq

septa = os.path.abspath(sys.argv[1])
random = np.random.default_rng(1)
passed = failed = 0


def check(what, ours, theirs):
    global passed, failed
    if ours == theirs:
        passed += 1
    else:
        failed += 1
        print(f"FAILED {what}: septa {ours}, NumPy {theirs}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def head(name, array, dtype, **more):
    return json.dumps({"scan": name, "shape": array.shape, "dtype": dtype, **more}).encode()


def counts(folder):
    """Voxels of each label at each time."""
    with open(os.path.join(folder, "cells.csv")) as table:
        rows = list(csv.DictReader(table))
    found = {}
    for row in rows:
        found.setdefault(float(row["time"]), {})[int(row["label"])] = int(row["num_pixels"])
    return found


def counted(array):
    values, numbers = np.unique(array, return_counts=True)
    return {int(value): int(number) for value, number in zip(values, numbers) if value}


def watch(folder, port, *more):
    address = f"tcp://127.0.0.1:{port}"
    return subprocess.Popen([septa, "watch", address, "-o", folder, "--labels", "-q", *more])


with tempfile.TemporaryDirectory() as desk:
    context = zmq.Context()
    shape = (11, 12, 13)
    for kind, pattern in [("asking", zmq.REQ), ("pushing", zmq.PUSH)]:
        port = free_port()
        folder = os.path.join(desk, kind)
        more = ["--pull"] if pattern == zmq.PUSH else []
        dtypes = ["uint8", "<u2", ">u4", "int32", "<i8"]
        process = watch(folder, port, "--scans", str(2 * len(dtypes)), *more)
        sender = context.socket(pattern)
        sender.setsockopt(zmq.RCVTIMEO, 60_000)
        sender.connect(f"tcp://127.0.0.1:{port}")
        volume = np.zeros(shape, dtype=np.int64)
        expected = {}
        for time, dtype in enumerate(dtypes):
            whole = random.integers(0, 9, shape).astype(dtype)
            start = [int(random.integers(0, edge - 2)) for edge in shape]
            part = random.integers(0, 9, (2, 2, 2)).astype(dtype)
            for name, array, at in [("whole", whole, None), ("part", part, start)]:
                place = {} if at is None else {"offset": at, "time": time + 0.5}
                sender.send_multipart([head(f"{name}_{time}", array, dtype, **place), array.tobytes()])
                if pattern == zmq.REQ:
                    answer = sender.recv_json()
                    check(f"{kind} {name} {dtype} is taken", (answer["taken"], answer["repeated"]), (True, False))
                if at is None:
                    volume = array.astype(np.int64)
                else:
                    volume[tuple(slice(a, a + 2) for a in at)] = array
                expected[time if at is None else time + 0.5] = counted(volume)
        check(f"{kind} ends", process.wait(timeout=60), 0)
        found = counts(folder)
        for time, labels in expected.items():
            check(f"{kind} at {time}", found.get(float(time)), labels)

    # What is no scan is answered, and changes nothing.
    port = free_port()
    folder = os.path.join(desk, "refusing")
    process = watch(folder, port, "--scans", "1")
    sender = context.socket(zmq.REQ)
    sender.setsockopt(zmq.RCVTIMEO, 60_000)
    sender.connect(f"tcp://127.0.0.1:{port}")
    array = random.integers(0, 9, shape).astype("uint8")
    for frames in [
        [b"voxels"],
        [b"{}", b""],
        [head("t1", array, "uint8"), array.tobytes()[1:]],
        [head("t1", array, "complex64"), array.tobytes()],
        [head("untimed", array, "uint8"), array.tobytes()],
        [head("t1", array, "uint8", spacing=[0, 1, 1]), array.tobytes()],
    ]:
        sender.send_multipart(frames)
        answer = sender.recv_json()
        check(f"refuses {frames[0][:30]}", (answer["taken"], bool(answer["error"])), (False, True))
    sender.send_multipart([head("t1", array, "uint8"), array.tobytes()])
    check("takes what is right", sender.recv_json()["taken"], True)
    # Scans that never came right are told of at the end.
    check("ends with what was wrong", process.wait(timeout=60), 3)
    check("after refusals", counts(folder), {1.0: counted(array)})
    context.destroy(linger=0)

print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
