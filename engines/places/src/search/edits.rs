//! How many letters differ: insertions, deletions, substitutions and swaps of neighbours each count one (optimal string
//! alignment).

/// The number of edits between two words.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    between(&a, &b, usize::MAX).unwrap_or(usize::MAX)
}

/// The number of edits when there are at most `most`.
pub(super) fn distance_within(a: &str, b: &str, most: usize) -> Option<usize> {
    // A letter has one to four bytes.
    if a.len().max(b.len()) > 4 * (a.len().min(b.len()) + most) {
        return None;
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    between(&a, &b, most)
}

/// The same over letters. Cheap when the lengths alone say that there are more, and stops as soon as there are.
pub(super) fn between(a: &[char], b: &[char], most: usize) -> Option<usize> {
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let width = b.len() + 1;
    let (mut before, mut last, mut row) =
        (vec![0; width], (0..width).collect::<Vec<usize>>(), vec![0; width]);
    for (i, ca) in a.iter().enumerate() {
        row[0] = i + 1;
        let mut fewest = row[0];
        for (j, cb) in b.iter().enumerate() {
            let mut best = (last[j] + usize::from(ca != cb)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *ca == b[j - 1] && a[i - 1] == *cb {
                best = best.min(before[j - 1] + 1);
            }
            row[j + 1] = best;
            fewest = fewest.min(best);
        }
        // A swap looks one row further back.
        if fewest > most.saturating_add(1) {
            return None;
        }
        std::mem::swap(&mut before, &mut last);
        std::mem::swap(&mut last, &mut row);
    }
    Some(last[b.len()]).filter(|distance| *distance <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_is_one_edit() {
        assert_eq!(distance("street", "stret"), 1);
        assert_eq!(distance("street", "sterte"), 2);
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn far_words_are_not_counted() {
        assert_eq!(distance_within("a", "abcdef", 2), None);
        assert_eq!(distance_within("abcd", "abce", 1), Some(1));
    }
}
