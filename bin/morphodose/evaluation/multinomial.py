"""Ridge-penalised multinomial logistic regression on thousands of features, in single precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]
#: Least eigenvalue of the preconditioner, as a share of its greatest diagonal element: rounding of the
#: scatter matrix must not make it singular. It changes the way to the solution, not the solution.
FLOOR = 1e-6


@dataclass
class MultinomialRidge:
    """Multinomial logistic regression with a ridge penalty, classes of equal weight.

    The optimum is that of scikit-learn's ``LogisticRegression(C=C, class_weight="balanced")``: the losses of
    the cells, weighted so that each class counts as much, and half the sum of the squared coefficients
    divided by `C`; intercepts are not penalised. Correlated features make plain L-BFGS slow, and scikit-learn
    keeps the features in double precision. Here L-BFGS works on coefficients that are multiplied by the
    Cholesky factor of the Hessian at 0, which is the same for each class (Böhning 1992, Annals of the
    Institute of Statistical Mathematics 44:197).

    Attributes
    ----------
    C : float
        Inverse strength of the penalty.
    max_iter : int
        Most iterations.
    tol : float
        Greatest element of the gradient in preconditioned coefficients, of the mean loss of a cell.
    classes_ : (K,) array of int
        Classes of the training cells, sorted.
    coef_, intercept_ : (D, K) and (K,) arrays
    n_iter_ : int
    converged_ : bool
        Whether `tol` was reached.
    """

    C: float = 0.01
    max_iter: int = 200
    tol: float = 1e-4

    def fit(self, matrix: Matrix, true: npt.NDArray[np.integer]) -> MultinomialRidge:
        """Fit to features (N, D) of standardised cells and their classes (N,)."""
        from scipy.linalg import solve_triangular
        from scipy.optimize import minimize

        self.classes_, code, counts = np.unique(true, return_inverse=True, return_counts=True)
        matrix = np.ascontiguousarray(matrix, dtype=np.float32)
        cells, features, classes = *matrix.shape, len(self.classes_)
        # balanced: of each class the weights sum to the same; of all, to 1
        weight = 1.0 / (classes * counts[code])
        penalty = 1.0 / (self.C * cells)
        factor = _factor(matrix, penalty, classes)
        target = np.zeros((cells, classes))
        target[np.arange(cells), code] = 1.0

        def objective(packed: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
            free = packed.reshape(features + 1, classes)
            known = solve_triangular(factor, free, lower=True, trans="T", check_finite=False)
            slopes, intercepts = known[:-1], known[-1]
            logits = (matrix @ slopes.astype(np.float32)).astype(np.float64) + intercepts
            logits -= logits.max(axis=1, keepdims=True)
            share = np.exp(logits)
            total = share.sum(axis=1, keepdims=True)
            share /= total
            loss = weight @ (np.log(total[:, 0]) - logits[np.arange(cells), code])
            residual = (share - target) * weight[:, None]
            gradient = np.empty_like(known)
            gradient[:-1] = matrix.T @ residual.astype(np.float32)
            gradient[:-1] += penalty * slopes
            gradient[-1] = residual.sum(axis=0)
            back = solve_triangular(factor, gradient, lower=True, check_finite=False)
            return float(loss + 0.5 * penalty * np.sum(slopes**2)), back.ravel()

        found = minimize(
            objective,
            np.zeros((features + 1) * classes),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": self.max_iter, "gtol": self.tol, "ftol": 0.0, "maxcor": 20},
        )
        known = solve_triangular(factor, found.x.reshape(features + 1, classes), lower=True, trans="T")
        self.coef_, self.intercept_ = known[:-1].astype(np.float32), known[-1].astype(np.float32)
        self.n_iter_ = int(found.nit)
        self.converged_ = bool(np.abs(found.jac).max(initial=0.0) <= self.tol)
        return self

    def predict_proba(self, matrix: Matrix) -> Matrix:
        """Probability of each class, (N, K)."""
        logits = matrix @ self.coef_ + self.intercept_
        logits -= logits.max(axis=1, keepdims=True)
        share: Matrix = np.exp(logits)
        return share / share.sum(axis=1, keepdims=True)


def _factor(matrix: Matrix, penalty: float, classes: int) -> npt.NDArray[np.float64]:
    """Lower Cholesky factor (D + 1, D + 1) of the Hessian at 0, of one class; the intercept last."""
    cells, features = matrix.shape
    hessian = np.empty((features + 1, features + 1))
    hessian[:-1, :-1] = matrix.T @ matrix
    hessian[-1, :-1] = hessian[:-1, -1] = matrix.sum(axis=0, dtype=np.float64)
    hessian[-1, -1] = cells
    hessian /= cells * classes
    np.einsum("ii->i", hessian)[:-1] += penalty
    np.einsum("ii->i", hessian)[:] += FLOOR * hessian.diagonal().max()
    return np.linalg.cholesky(hessian)
