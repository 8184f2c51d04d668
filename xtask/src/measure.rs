//! Percentiles of lengths.

/// The value below which `percent` of the values lie (nearest rank); 0 for none. Sorts the values.
pub(crate) fn percentile(values: &mut [usize], percent: usize) -> usize {
    values.sort_unstable();
    let rank = (values.len() * percent).div_ceil(100);
    values.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn nearest_rank() {
        let mut values = [9, 1, 5, 3, 7];
        assert_eq!(percentile(&mut values, 50), 5);
        assert_eq!(percentile(&mut values, 90), 9);
        assert_eq!(percentile(&mut [], 50), 0);
    }
}
