//! Numbers from few observations: a median that is drawn towards what is known without them.

/// The median; of an even number the mean of the two in the middle. `None` of none.
pub(crate) fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => values.get(middle).copied(),
        _ => Some(f64::midpoint(*values.get(middle - 1)?, *values.get(middle)?)),
    }
}

/// `count` observations say `own`, everything else says `prior`, which weighs as much as `strength` observations.
pub(crate) fn towards(own: f64, count: usize, prior: f64, strength: f64) -> f64 {
    let count = real(count);
    (own * count + prior * strength) / (count + strength)
}

/// A count as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "counts of deliveries are far below 2^52")]
pub(crate) fn real(count: usize) -> f64 {
    count as f64
}

/// Whether two numbers are the same but for rounding.
#[cfg(test)]
pub(crate) fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_in_the_middle() {
        assert_eq!(median(&mut [3.0, 1.0, 100.0]), Some(3.0));
        assert_eq!(median(&mut [3.0, 1.0, 100.0, 5.0]), Some(4.0));
        assert_eq!(median(&mut []), None);
    }

    #[test]
    fn few_observations_move_a_number_a_little_and_many_decide_it() {
        assert!((towards(10.0, 1, 0.0, 9.0) - 1.0).abs() < 1e-12);
        assert!((towards(10.0, 0, 2.0, 9.0) - 2.0).abs() < 1e-12);
        assert!(towards(10.0, 10_000, 0.0, 9.0) > 9.9);
    }
}
