//! The certificate of an ACME authority: ordered when there is none or when a third of its life is left, kept, shown.
//!
//! | what happened | next attempt |
//! |---|---|
//! | nothing was ordered (the directory is away, not trusted) | after 5 s, doubled up to 5 min |
//! | the authority refused | after 2 min, doubled up to 12 h: five failures an hour are what Let's Encrypt allows |
//! | it was asked too often | the same, but at least an hour |
//! | it issued | when a third of the life is left, and never before a third has passed |
//!
//! The last three are kept in the data folder, so that a process that is started again and again does not order each time.
//! While it fails, the certificate before stays in use, a warning is logged, and `/readyz` shows `certificate` as away.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use acme::{Account, AcmeError, Directory, Issued};
use anyhow::Result;
use kernel::time::{SharedClock, SignedDuration, Timestamp};
use platform::lifecycle::{Lifecycle, Readiness, Stage, TaskKind, Waited, wait};

use super::kept::{Certificate, Kept, Next};
use super::slot::Slot;

/// Its name on `/readyz`.
pub(crate) const CERTIFICATE: &str = "certificate";

/// How often is looked whether something is due.
const LOOK: Duration = Duration::from_secs(1);

/// A certificate, and how it is kept fresh.
pub(crate) struct Public {
    host: String,
    directory: Directory,
    kept: Kept,
    clock: SharedClock,
    /// What the public is shown.
    slot: Slot,
    /// What the authority is shown while it looks whether the name leads here.
    proof: Slot,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    certificate: Option<Certificate>,
    next: Option<Next>,
    /// Why the last attempt failed, if it did.
    failure: Option<String>,
}

impl Public {
    /// With what was kept.
    pub fn open(host: String, directory: Directory, kept: Kept, clock: SharedClock) -> Result<Self> {
        kept.create()?;
        let certificate = kept.certificate()?;
        let (slot, proof) = (Slot::default(), Slot::default());
        if let Some(certificate) = &certificate {
            tracing::info!(host, until = %certificate.not_after, "the certificate that was kept is used");
            slot.put(Some(Arc::clone(&certificate.key)));
        }
        let next = kept.next();
        let state = Mutex::new(State { certificate, next, failure: None });
        Ok(Self { host, directory, kept, clock, slot, proof, state })
    }

    /// What the public is shown.
    pub fn slot(&self) -> &Slot {
        &self.slot
    }

    /// What an authority is shown.
    pub fn proof(&self) -> &Slot {
        &self.proof
    }

    /// Keeps it fresh.
    pub fn start(self: Arc<Self>, lifecycle: &Lifecycle) {
        let readiness = lifecycle.readiness().clone();
        readiness.expect_optional(CERTIFICATE);
        self.report(&readiness);
        lifecycle.spawn(Stage::Http, "certificate", TaskKind::Restart, move |stop| {
            let (public, readiness) = (Arc::clone(&self), readiness.clone());
            async move {
                loop {
                    if public.due() {
                        // A stop does not wait for an authority; what it orders is forgotten.
                        let attempt = stop.run_until_cancelled(public.attempt()).await;
                        attempt.transpose()?;
                    }
                    public.report(&readiness);
                    if wait(LOOK, &stop).await == Waited::Cancelled {
                        return Ok::<_, anyhow::Error>(());
                    }
                }
            }
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn due(&self) -> bool {
        let now = self.clock.now();
        self.with(|state| {
            let wanted = state.certificate.as_ref().is_none_or(|certificate| certificate.renew_at() <= now);
            wanted && state.next.is_none_or(|next| next.at <= now)
        })
    }

    fn report(&self, readiness: &Readiness) {
        let now = self.clock.now();
        let reason = self.with(|state| match (&state.certificate, &state.failure) {
            (None, None) => Some("there is none yet".to_owned()),
            (None, Some(failure)) => Some(failure.clone()),
            (Some(certificate), failure) if certificate.not_after <= now => {
                Some(format!("it has expired; {}", failure.as_deref().unwrap_or("it is being renewed")))
            }
            (Some(certificate), Some(failure)) => {
                Some(format!("not renewed, and good until {}: {failure}", certificate.not_after))
            }
            (Some(_), None) => None,
        });
        match reason {
            None => readiness.up(CERTIFICATE),
            Some(reason) => readiness.down(CERTIFICATE, reason),
        }
    }

    async fn attempt(&self) -> Result<()> {
        let outcome = self.order().await;
        self.proof.put(None);
        let now = self.clock.now();
        match outcome {
            Ok(issued) => self.issued(&issued, now),
            Err(Failure::Here(error)) => Err(error),
            Err(Failure::Acme(error)) => self.failed(&error, now),
        }
    }

    fn issued(&self, issued: &Issued, now: Timestamp) -> Result<()> {
        let certificate = self.kept.keep_certificate(&issued.chain, &issued.key)?;
        let next = after_success(&certificate, now);
        self.kept.keep_next(next)?;
        self.slot.put(Some(Arc::clone(&certificate.key)));
        tracing::info!(host = self.host, until = %certificate.not_after, "a certificate was issued");
        self.with(|state| *state = State { certificate: Some(certificate), next: Some(next), failure: None });
        Ok(())
    }

    fn failed(&self, error: &AcmeError, now: Timestamp) -> Result<()> {
        let failures = self.with(|state| state.next.map_or(0, |next| next.failures)) + 1;
        let next = Next { failures, at: now + pause(error, failures) };
        tracing::warn!(
            host = self.host,
            directory = self.directory.url,
            cause = %error,
            again = %next.at,
            "No certificate; what was there before stays in use"
        );
        if !error.nothing_ordered() {
            self.kept.keep_next(next)?;
        }
        if *error == AcmeError::NoAccount {
            self.kept.forget_account()?;
        }
        self.with(|state| {
            state.next = Some(next);
            state.failure = Some(error.to_string());
        });
        Ok(())
    }

    async fn order(&self) -> Result<Issued, Failure> {
        let account = if let Some(key) = self.kept.account().map_err(Failure::Here)? {
            Account::open(&self.directory, &key).await?
        } else {
            let (account, key) = Account::create(&self.directory).await?;
            self.kept.keep_account(&key).map_err(Failure::Here)?;
            account
        };
        Ok(account.order(&self.host, |proof| self.proof.put(Some(proof))).await?)
    }
}

enum Failure {
    /// The data folder cannot be written.
    Here(anyhow::Error),
    Acme(AcmeError),
}

impl From<AcmeError> for Failure {
    fn from(error: AcmeError) -> Self {
        Self::Acme(error)
    }
}

fn pause(error: &AcmeError, failures: u32) -> SignedDuration {
    let doubled = |first: i64, longest: i64| {
        let steps = failures.saturating_sub(1).min(20);
        SignedDuration::from_secs((first << steps).min(longest))
    };
    match error {
        error if error.nothing_ordered() => doubled(5, 5 * 60),
        AcmeError::TooOften(_) => doubled(2 * 60, 12 * 3600).max(SignedDuration::from_hours(1)),
        _ => doubled(2 * 60, 12 * 3600),
    }
}

/// Also when the authority issues something that is due at once, or a clock is wrong: no order a second.
fn after_success(certificate: &Certificate, now: Timestamp) -> Next {
    let life = certificate.not_after.duration_since(certificate.not_before);
    Next { failures: 0, at: now + life / 3 }
}

#[cfg(test)]
mod tests {
    use kernel::time::{Clock as _, ManualClock};

    use super::*;

    fn public(clock: &ManualClock, home: &std::path::Path) -> Public {
        let directory =
            Directory { url: "https://127.0.0.1:9/directory".to_owned(), root: None, contact: None };
        let kept = Kept::new(home, &directory.url, "shop.example.org");
        Public::open("shop.example.org".to_owned(), directory, kept, Arc::new(clock.clone())).unwrap()
    }

    fn clock() -> ManualClock {
        ManualClock::at("2026-11-20T12:00:00Z".parse().unwrap())
    }

    /// A certificate of 90 days that begins now.
    fn issued(now: Timestamp) -> Issued {
        let date = |moment: Timestamp| time::OffsetDateTime::from_unix_timestamp(moment.as_second()).unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["shop.example.org".to_owned()]).unwrap();
        params.not_before = date(now);
        params.not_after = date(now + SignedDuration::from_hours(24 * 90));
        let key = rcgen::KeyPair::generate().unwrap();
        Issued { chain: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
    }

    fn state(public: &Public) -> (bool, Option<String>) {
        let readiness = Readiness::default();
        readiness.expect_optional(CERTIFICATE);
        public.report(&readiness);
        let report = readiness.report();
        assert!(report.ready, "requests are served whatever the certificate is");
        let certificate = report.dependencies[CERTIFICATE].clone();
        (certificate.up, certificate.reason)
    }

    #[test]
    fn five_refusals_an_hour_are_not_exceeded() {
        let refused = AcmeError::Refused("the name does not lead here".to_owned());
        let (mut at, mut attempts) = (SignedDuration::ZERO, Vec::new());
        for failures in 1..40 {
            attempts.push(at);
            at += pause(&refused, failures);
        }
        for (index, begun) in attempts.iter().enumerate() {
            let hour =
                attempts[index..].iter().take_while(|at| **at - *begun < SignedDuration::from_hours(1));
            assert!(hour.count() <= 5, "from {begun:?}");
        }
        assert_eq!(pause(&refused, 39), SignedDuration::from_hours(12));
        assert_eq!(pause(&AcmeError::TooOften(String::new()), 1), SignedDuration::from_hours(1));
        let away = AcmeError::Unreachable(String::new());
        assert_eq!(
            (pause(&away, 1), pause(&away, 30)),
            (SignedDuration::from_secs(5), SignedDuration::from_mins(5))
        );
    }

    #[test]
    fn a_refusal_is_remembered_by_the_next_start_and_an_absence_is_not() {
        let (home, clock) = (tempfile::tempdir().unwrap(), clock());
        let first = public(&clock, home.path());
        assert!(first.due());
        first.failed(&AcmeError::Unreachable("refused".to_owned()), clock.now()).unwrap();
        assert!(!first.due() && public(&clock, home.path()).due());
        first.failed(&AcmeError::Refused("wrong answer".to_owned()), clock.now()).unwrap();
        let (up, reason) = state(&first);
        assert!(!up && reason.unwrap().contains("wrong answer"));
        let second = public(&clock, home.path());
        assert!(!second.due(), "it would be counted by the authority");
        clock.advance(SignedDuration::from_mins(4) + SignedDuration::from_secs(1));
        assert!(second.due() && first.due());
    }

    #[test]
    fn it_is_renewed_when_a_third_is_left_and_a_failure_keeps_the_one_before() {
        let (home, clock) = (tempfile::tempdir().unwrap(), clock());
        let public = self::public(&clock, home.path());
        public.issued(&issued(clock.now()), clock.now()).unwrap();
        assert!(!public.due() && state(&public).0);
        clock.advance(SignedDuration::from_hours(24 * 60 - 1));
        assert!(!public.due());
        clock.advance(SignedDuration::from_hours(1));
        assert!(public.due());
        let shown = public.slot().get().unwrap().cert.clone();
        public.failed(&AcmeError::Refused("wrong answer".to_owned()), clock.now()).unwrap();
        assert_eq!(public.slot().get().unwrap().cert, shown, "the one before is still shown");
        let (up, reason) = state(&public);
        assert!(!up && reason.unwrap().contains("good until 2027-02-18T12:00:00Z: the authority refused"));
        clock.advance(SignedDuration::from_hours(24 * 31));
        assert!(state(&public).1.unwrap().contains("it has expired"));
        public.issued(&issued(clock.now()), clock.now()).unwrap();
        assert_ne!(public.slot().get().unwrap().cert, shown);
        assert!(state(&public).0 && !public.due());
        assert!(!self::public(&clock, home.path()).due(), "a restart orders nothing");
    }

    #[test]
    fn a_certificate_that_is_due_at_once_is_not_ordered_every_second() {
        let (home, clock) = (tempfile::tempdir().unwrap(), clock());
        let public = public(&clock, home.path());
        let old = clock.now() - SignedDuration::from_hours(24 * 80);
        public.issued(&issued(old), clock.now()).unwrap();
        assert!(!public.due());
        assert!(!self::public(&clock, home.path()).due());
        clock.advance(SignedDuration::from_hours(24 * 30));
        assert!(public.due());
    }
}
