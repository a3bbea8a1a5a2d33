"""What the oracles of forces share: a check that ends the run where it fails, and the count of those that held."""

import sys

held = 0


def check(good, what):
    global held
    held += 1
    if not good:
        sys.exit(f"differs: {what}")


def tell():
    print(f"{held} checks passed")
