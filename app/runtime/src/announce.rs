//! What a person reads when the process has started.

use std::fmt::Write as _;
use std::path::PathBuf;

use gateway::Trust;
use platform::qr;

use crate::seed::Seeded;
use crate::tls::Facts;

/// The facts.
#[derive(Debug, Clone)]
pub struct Announcement {
    /// Where it is reached.
    pub url: String,
    /// The one-time link of the first owner, while there is none.
    pub owner_link: Option<String>,
    /// Example people that were just made, with their passwords.
    pub seeded: Option<Seeded>,
    /// The local authority, when the certificate is one of it.
    pub tls: Option<Facts>,
    /// The data folder.
    pub data: PathBuf,
    /// Where the data would have been.
    pub instead_of: Option<PathBuf>,
}

const PRODUCTION: &str = "For real use run it as a service behind HTTPS: docs/operating/install.md.";

fn codes<'a>(page: Option<&'a str>, app: &'a str) -> Vec<(&'static str, &'a str)> {
    let page = page.map(|page| ("Phones first learn to trust this DropMate here:", page));
    page.into_iter().chain([("Then they open it here:", app)]).collect()
}

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
        if let Some(tls) = &self.tls {
            self.draw(tls, &mut text);
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
        if let Some(Facts { trust, others, alone }) = &self.tls {
            let _ = writeln!(
                text,
                "Certificate of: {}\nFingerprint (SHA-256): {}",
                trust.name, trust.fingerprint
            );
            if let Some(page) = &trust.page {
                let _ = writeln!(text, "Phones trust it through: {page}");
            }
            for other in others {
                let _ = writeln!(text, "Also at: {other}");
            }
            if let Some(alone) = alone {
                let _ = writeln!(text, "{alone}");
            }
        }
        let _ = writeln!(text, "{}\n{PRODUCTION}", self.folder());
        text
    }

    /// What somebody with a phone in the hand needs: the codes only when a phone can come here at all.
    fn draw(&self, Facts { trust, others, alone }: &Facts, text: &mut String) {
        let Trust { name, fingerprint, page, .. } = &**trust;
        if let Some(alone) = alone {
            let _ = writeln!(text, "  {alone}\n");
        } else {
            for (number, (what, url)) in codes(page.as_deref(), &self.url).into_iter().enumerate() {
                let _ = writeln!(text, "  \x1b[1m{}. {what}\x1b[0m  {url}\n", number + 1);
                for line in qr::terminal(url).unwrap_or_default().lines() {
                    let _ = writeln!(text, "  {line}");
                }
                let _ = writeln!(text);
            }
        }
        let (first, second) = fingerprint.split_at(fingerprint.len().div_ceil(2));
        let _ = writeln!(
            text,
            "  {name}, SHA-256 fingerprint:\n    {}\n    {}\n",
            first.trim_end(),
            second.trim_start()
        );
        for other in others {
            let _ = writeln!(text, "  Also at {other}");
        }
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
    use std::sync::Arc;

    use super::*;

    #[test]
    fn plain_lines_carry_no_terminal_codes() {
        let facts = Announcement {
            url: "http://127.0.0.1:8080".to_owned(),
            owner_link: Some("http://127.0.0.1:8080/setup/x".to_owned()),
            seeded: None,
            tls: None,
            data: "/data".into(),
            instead_of: None,
        };
        assert!(!facts.plain().contains('\x1b'));
        assert_eq!(facts.plain().lines().count(), 4);
        assert!(facts.pretty().contains("/setup/x"));
    }

    #[test]
    fn a_terminal_shows_codes_for_phones_and_a_file_their_addresses() {
        let trust = Trust {
            name: "DropMate local authority shop-pc 0a1b2c".to_owned(),
            certificate: Vec::new(),
            fingerprint: "0A1B 2C3D 4E5F 6071".to_owned(),
            page: Some("http://192.168.1.20:8081".to_owned()),
        };
        let others = vec!["https://10.0.0.9:8080".to_owned()];
        let mut facts = Announcement {
            url: "https://192.168.1.20:8080".to_owned(),
            owner_link: None,
            seeded: None,
            tls: Some(Facts { trust: Arc::new(trust), others, alone: None }),
            data: "/data".into(),
            instead_of: None,
        };
        let shown = facts.pretty();
        for url in ["http://192.168.1.20:8081", "https://192.168.1.20:8080"] {
            let code = qr::terminal(url).unwrap();
            assert!(code.lines().all(|line| shown.contains(line)), "{url}");
        }
        assert!(shown.contains("0A1B 2C3D\n") && shown.contains("https://10.0.0.9:8080"), "{shown}");
        let plain = facts.plain();
        assert!(plain.contains("Fingerprint (SHA-256): 0A1B 2C3D 4E5F 6071\n"), "{plain}");
        assert!(plain.contains("Phones trust it through: http://192.168.1.20:8081\n"), "{plain}");
        assert!(plain.contains("Also at: https://10.0.0.9:8080\n") && !plain.contains('▀'), "{plain}");
        facts.tls.as_mut().unwrap().alone = Some("Only this machine; --lan");
        assert!(!facts.pretty().contains('▀') && facts.pretty().contains("--lan"));
    }
}
