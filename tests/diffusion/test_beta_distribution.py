import numpy as np
import pytest
from scipy import stats

from webui.diffusion.beta_distribution import beta_cumulative, beta_quantiles


@pytest.mark.parametrize(("alpha", "beta"), [(0.6, 0.6), (1.0, 1.0), (0.1, 3.0), (10.0, 10.0), (0.05, 0.05)])
def test_quantiles_are_those_of_scipy(alpha: float, beta: float) -> None:
    probabilities = np.linspace(0, 1, 151)
    expected = stats.beta.ppf(probabilities, alpha, beta)
    np.testing.assert_allclose(beta_quantiles(probabilities, alpha, beta), expected, atol=1e-13)


def test_the_cumulative_distribution_is_that_of_scipy() -> None:
    x = np.linspace(0, 1, 101)
    np.testing.assert_allclose(beta_cumulative(x, 0.6, 2.5), stats.beta.cdf(x, 0.6, 2.5), atol=1e-14)
