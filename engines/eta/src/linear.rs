//! Least squares with a prior, for a handful of unknowns.

/// One observation: `weight * (y - x . b)^2`.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) x: Vec<f64>,
    pub(crate) y: f64,
}

/// Beyond so many median deviations an observation counts less: a courier who stood at the doctor's.
const HUBER: f64 = 1.5;
/// Rounds of counting less.
const ROUNDS: usize = 15;
/// Errors are ratios or their logarithms: below this nobody is an outlier.
const FINEST: f64 = 0.03;
/// A median absolute deviation, in standard deviations of a normal distribution.
const MAD: f64 = 1.4826;

/// The coefficients near `prior`, where each of them is worth `strength` observations; robust against outliers.
pub(crate) fn fit(rows: &[Row], prior: &[f64], strength: f64) -> Vec<f64> {
    let mut weights = vec![1.0; rows.len()];
    let mut found = prior.to_vec();
    for _ in 0..ROUNDS {
        found = solve(rows, &weights, prior, strength);
        let errors: Vec<f64> = rows.iter().map(|row| row.y - dot(&row.x, &found)).collect();
        let mut sizes: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
        let Some(scale) = crate::shrink::median(&mut sizes) else { break };
        let limit = HUBER * (MAD * scale).max(FINEST);
        for (weight, error) in weights.iter_mut().zip(&errors) {
            *weight = if error.abs() <= limit { 1.0 } else { limit / error.abs() };
        }
    }
    found
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The normal equations of the deviation from the prior, which are positive definite because of it.
fn solve(rows: &[Row], weights: &[f64], prior: &[f64], strength: f64) -> Vec<f64> {
    let size = prior.len();
    let mut matrix = vec![vec![0.0; size]; size];
    let mut right = vec![0.0; size];
    for (diagonal, line) in matrix.iter_mut().enumerate() {
        line[diagonal] = strength;
    }
    for (row, weight) in rows.iter().zip(weights) {
        let rest = row.y - dot(&row.x, prior);
        for i in 0..size {
            right[i] += weight * row.x[i] * rest;
            for (cell, x) in matrix[i].iter_mut().zip(&row.x) {
                *cell += weight * row.x[i] * x;
            }
        }
    }
    let step = cholesky(matrix, right);
    prior.iter().zip(step).map(|(prior, step)| prior + step).collect()
}

/// Solves `matrix * x = right` for a positive definite matrix.
fn cholesky(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let size = right.len();
    for i in 0..size {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| matrix[i][k] * matrix[j][k]).sum();
            let rest = matrix[i][j] - sum;
            matrix[i][j] = if i == j { rest.max(f64::MIN_POSITIVE).sqrt() } else { rest / matrix[j][j] };
        }
    }
    for i in 0..size {
        let sum: f64 = (0..i).map(|k| matrix[i][k] * right[k]).sum();
        right[i] = (right[i] - sum) / matrix[i][i];
    }
    for i in (0..size).rev() {
        let sum: f64 = (i + 1..size).map(|k| matrix[k][i] * right[k]).sum();
        right[i] = (right[i] - sum) / matrix[i][i];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(of: impl Fn(f64, f64) -> f64) -> Vec<Row> {
        let at = |number: u32| {
            let (a, b) = (f64::from(number % 7), f64::from(number % 5));
            Row { x: vec![a, b, 1.0], y: of(a, b) }
        };
        (0..200).map(at).collect()
    }

    #[test]
    fn a_law_is_found_in_spite_of_some_who_do_not_keep_it() {
        let mut rows = rows(|a, b| 2.0 * a - b + 3.0);
        for row in rows.iter_mut().step_by(11) {
            row.y += 500.0;
        }
        let found = fit(&rows, &[0.0, 0.0, 0.0], 1e-6);
        for (found, truth) in found.iter().zip([2.0, -1.0, 3.0]) {
            assert!((found - truth).abs() < 0.05, "{found} instead of {truth}");
        }
    }

    #[test]
    fn without_observations_the_prior_stands() {
        assert_eq!(fit(&[], &[1.0, 2.0], 5.0), [1.0, 2.0]);
        let rows = rows(|a, b| 2.0 * a - b + 3.0);
        let held = fit(&rows, &[1.0, 1.0, 1.0], 1e9);
        assert!(held.iter().all(|value| (value - 1.0).abs() < 1e-3), "{held:?}");
    }
}
