//! Names of parts: plain relative paths, so that no manifest can point out of its folder.

use crate::error::Error;

const MAX_LENGTH: usize = 200;

/// Segments of letters, digits, `.`, `-` and `_`; none is `.` or `..`.
pub(crate) fn check(name: &str) -> Result<(), Error> {
    let plain = |segment: &str| {
        !segment.is_empty()
            && segment != "."
            && segment != ".."
            && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
    };
    let reserved = name == crate::MANIFEST;
    if name.len() <= MAX_LENGTH && !reserved && name.split('/').all(plain) {
        Ok(())
    } else {
        Err(Error::BadName(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_relative_paths_are_names() {
        for good in ["roads/car.graph", "search/.managed.json", "a-b_c.1"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in ["", "/etc/passwd", "../up", "a/../b", "a//b", "a/", "a b", "a\\b", "manifest.json", "a\0"]
        {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }
}
