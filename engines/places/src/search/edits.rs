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

/// How often each letter occurs in a word; letters fall together by 32.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Bag([u8; 32]);

impl Bag {
    pub fn of(letters: &[char]) -> Self {
        let mut counts = [0_u8; 32];
        for letter in letters {
            let count = &mut counts[*letter as usize % 32];
            *count = count.saturating_add(1);
        }
        Self(counts)
    }

    /// Edits that there are at least: one replaces one letter by another, a swap none. Much cheaper than to count them.
    pub fn edits_at_least(&self, other: &Self) -> usize {
        let (mut lost, mut gained) = (0_u16, 0_u16);
        for (a, b) in self.0.iter().zip(&other.0) {
            lost += u16::from(a.saturating_sub(*b));
            gained += u16::from(b.saturating_sub(*a));
        }
        usize::from(lost.max(gained))
    }
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
    fn a_bag_of_letters_never_claims_more_edits_than_there_are() {
        let words = ["street", "sterte", "strasse", "", "österreich", "ostereich", "улица", "landstrasse"];
        let letters = |word: &str| word.chars().collect::<Vec<char>>();
        for (one, other) in words.iter().flat_map(|one| words.iter().map(move |other| (one, other))) {
            let least = Bag::of(&letters(one)).edits_at_least(&Bag::of(&letters(other)));
            assert!(least <= distance(one, other), "{one} / {other}: {least}");
        }
        assert_eq!(Bag::of(&letters("abc")).edits_at_least(&Bag::of(&letters("abxyz"))), 3);
    }

    #[test]
    fn far_words_are_not_counted() {
        assert_eq!(distance_within("a", "abcdef", 2), None);
        assert_eq!(distance_within("abcd", "abce", 1), Some(1));
    }
}
