"""Symmetric matrices: roots, repairs, shrinkage, and their packed form."""

import numpy as np

from protocol.transform import CLOCK_SLOTS, Matrix, cosines

DCT = cosines()


def symmetric(matrix: Matrix) -> Matrix:
    """Return the symmetric part."""
    return np.asarray((matrix + matrix.T) / 2)


def at_least(matrix: Matrix, floor: float = 0.0) -> Matrix:
    """Raise a symmetric matrix's eigenvalues to at least `floor`."""
    values, vectors = np.linalg.eigh(symmetric(matrix))
    return np.asarray((vectors * np.maximum(values, floor)) @ vectors.T)


def power(matrix: Matrix, exponent: float, least: float = 1e-9) -> Matrix:
    """Raise a positive semidefinite matrix to a power, eigenvalues ≥ `least` of the largest."""
    values, vectors = np.linalg.eigh(symmetric(matrix))
    lifted = np.maximum(values, least * values.max())
    return np.asarray((vectors * lifted**exponent) @ vectors.T)


def shrink(matrix: Matrix, weight: float) -> Matrix:
    """Mix a covariance of few homes with its smoothed variances by frequency; has full rank."""
    spectrum = np.maximum(np.diag(DCT @ matrix @ DCT.T), 0)
    totals = np.concatenate(([0.0], np.cumsum(spectrum)))
    frequency = np.arange(CLOCK_SLOTS)
    low = np.maximum(frequency - frequency // 4 - 1, 0)
    high = np.minimum(frequency + frequency // 4 + 2, CLOCK_SLOTS)
    smooth = (totals[high] - totals[low]) / (high - low)
    smooth[:2] = spectrum[:2]
    return at_least((1 - weight) * matrix + weight * (DCT.T * smooth) @ DCT)


def pack(matrix: Matrix) -> bytes:
    """Return a symmetric matrix's upper triangle, float64 little-endian."""
    return matrix[np.triu_indices(len(matrix))].astype("<f8").tobytes()


def unpack(data: bytes, size: int) -> Matrix:
    """Return the symmetric float64[size, size] that `pack` encoded."""
    matrix = np.zeros((size, size))
    matrix[np.triu_indices(size)] = np.frombuffer(data, "<f8")
    return np.asarray(matrix + np.triu(matrix, 1).T)


def packed_bytes(size: int) -> int:
    """Return how many bytes `pack` returns for a matrix."""
    return 4 * size * (size + 1)
