//! What the system allows this process.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises the number of files that may be open to what is allowed: every socket is one, and shells start programs with 1,024.
pub(crate) fn raise_open_files() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
        if soft < hard {
            setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
        }
        Ok((soft, hard))
    });
    match raised {
        Ok((soft, hard)) => tracing::debug!(soft, hard, "open files"),
        Err(error) => tracing::warn!(%error, "the number of open files could not be raised"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_files_as_are_allowed_may_be_open() {
        raise_open_files();
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert_eq!(soft, hard);
        raise_open_files();
    }
}
