//! What a person reads when the process has started.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::seed::Seeded;

/// The facts.
#[derive(Debug, Clone)]
pub struct Announcement {
    /// Where it is reached.
    pub url: String,
    /// The one-time link of the first owner, while there is none.
    pub owner_link: Option<String>,
    /// Example people that were just made, with their passwords.
    pub seeded: Option<Seeded>,
    /// The data folder.
    pub data: PathBuf,
    /// Where the data would have been.
    pub instead_of: Option<PathBuf>,
}

const PRODUCTION: &str = "For real use run it as a service behind HTTPS: docs/operating/install.md.";

impl Announcement {
    /// For a terminal.
    pub fn pretty(&self) -> String {
        let mut text = format!("\n  \x1b[1mDropMate is running at {}\x1b[0m\n\n", self.url);
        // Writing to a string cannot fail.
        if let Some(link) = &self.owner_link {
            let _ = writeln!(text, "  Become the owner (once, within 30 minutes):\n  \x1b[4m{link}\x1b[0m\n");
        }
        if let Some(seeded) = &self.seeded {
            let _ = writeln!(text, "{seeded}");
        }
        let _ = writeln!(text, "  {}", self.folder());
        let _ = writeln!(text, "  {PRODUCTION}\n  Ctrl-C stops it.\n");
        text
    }

    /// For a file or a pipe: one fact a line, `name: value`.
    pub fn plain(&self) -> String {
        let mut text = format!("DropMate is running at: {}\n", self.url);
        if let Some(link) = &self.owner_link {
            let _ = writeln!(text, "Owner link (once, within 30 minutes): {link}");
        }
        if let Some(seeded) = &self.seeded {
            let _ = write!(text, "{seeded}");
        }
        let _ = writeln!(text, "{}\n{PRODUCTION}", self.folder());
        text
    }

    fn folder(&self) -> String {
        match &self.instead_of {
            None => format!("Data is kept in: {}", self.data.display()),
            Some(usual) => format!(
                "Data is kept in: {} (PostgreSQL's account cannot enter {})",
                self.data.display(),
                usual.display()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_lines_carry_no_terminal_codes() {
        let facts = Announcement {
            url: "http://127.0.0.1:8080".to_owned(),
            owner_link: Some("http://127.0.0.1:8080/setup/x".to_owned()),
            seeded: None,
            data: "/data".into(),
            instead_of: None,
        };
        assert!(!facts.plain().contains('\x1b'));
        assert_eq!(facts.plain().lines().count(), 4);
        assert!(facts.pretty().contains("/setup/x"));
    }
}
