"""Quantiles of the beta distribution, in float64; all that one schedule would need scipy for."""

import math

import numpy as np
from numpy.typing import NDArray

# Halvings of [0, 1]; float64 has no finer numbers near 1, and near 0 the quantile is exact to 1e-19.
HALVINGS = 64
# Terms of the continued fraction; it converges within 60 for parameters up to 10.
FRACTION_TERMS = 200
TINY = 1e-300
PRECISION = 1e-15


def beta_quantiles(probabilities: NDArray[np.float64], alpha: float, beta: float) -> NDArray[np.float64]:
    """Where the cumulative beta distribution reaches each probability (n,) in [0, 1]."""
    low, high = np.zeros_like(probabilities), np.ones_like(probabilities)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        is_below = beta_cumulative(middle, alpha, beta) < probabilities
        low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
    middle = (low + high) / 2
    return np.where(probabilities <= 0, 0.0, np.where(probabilities >= 1, 1.0, middle))


def beta_cumulative(x: NDArray[np.float64], alpha: float, beta: float) -> NDArray[np.float64]:
    """The regularised incomplete beta function at x (n,), each in [0, 1]."""
    is_upper = x > (alpha + 1) / (alpha + beta + 2)
    # The fraction converges fast only below the mean; above it the mirrored function is used.
    y = np.where(is_upper, 1 - x, x)
    a, b = np.where(is_upper, beta, alpha), np.where(is_upper, alpha, beta)
    scale = math.lgamma(alpha + beta) - math.lgamma(alpha) - math.lgamma(beta)
    with np.errstate(divide="ignore"):
        front = np.exp(scale + a * np.log(y) + b * np.log1p(-y)) / a
    lower = front * continued_fraction(y, a, b)
    return np.where(is_upper, 1 - lower, lower)


def continued_fraction(
    x: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method."""
    c = np.ones_like(x)
    d = 1 / nonzero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, FRACTION_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        change = np.ones_like(x)
        for term in (even, odd):
            d = 1 / nonzero(1 + term * d)
            c = nonzero(1 + term / c)
            value, change = value * (c * d), c * d
        if np.all(np.abs(change - 1) < PRECISION):
            break
    return value


def nonzero(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values, with a tiny number in place of 0."""
    return np.where(np.abs(values) < TINY, TINY, values)
