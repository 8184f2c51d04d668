//! The certificate of the local authority: issued at every start, again before its end, and when the addresses of the
//! machine change. Its key is only in memory.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use kernel::time::{SharedClock, Timestamp};
use platform::lifecycle::{Lifecycle, Stage, TaskKind, Waited, wait};

use super::addresses;
use super::authority::Authority;
use super::names::Names;
use super::slot::Slot;

/// How often the addresses of the machine are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// The certificate, and what it is made from.
pub(crate) struct Local {
    authority: Authority,
    /// What it is for, whatever the addresses of the machine are.
    always: Names,
    /// Whether it is for the addresses of the machine too.
    with_addresses: bool,
    clock: SharedClock,
    slot: Slot,
    present: Mutex<Option<Present>>,
}

struct Present {
    /// What was asked for.
    wanted: Names,
    /// What it is for.
    names: Names,
    not_before: Timestamp,
    renew_at: Timestamp,
}

impl Local {
    /// Nothing is issued yet.
    pub fn new(authority: Authority, always: Names, with_addresses: bool, clock: SharedClock) -> Self {
        Self { authority, always, with_addresses, clock, slot: Slot::default(), present: Mutex::new(None) }
    }

    /// Who issues it.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Where connections find it.
    pub fn slot(&self) -> &Slot {
        &self.slot
    }

    /// Whether it is for this host.
    pub fn covers(&self, host: &str) -> bool {
        let present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        present.as_ref().is_some_and(|present| present.names.covers(host))
    }

    /// Issues a certificate if there is none, if it nears its end, or if these addresses are not those that it is for.
    pub fn refresh(&self, addresses: &[IpAddr]) -> Result<bool> {
        let mut wanted = self.always.clone();
        if self.with_addresses {
            wanted = wanted.with_addresses(addresses.iter().copied());
        }
        let now = self.clock.now();
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        let good = |present: &Present| {
            present.wanted == wanted && now < present.renew_at && present.not_before <= now
        };
        if present.as_ref().is_some_and(good) {
            return Ok(false);
        }
        let (names, outside) = wanted.within(self.authority.permitted());
        if !outside.is_empty() {
            tracing::warn!(
                left_out = outside.join(", "),
                "The local authority was not made for all names of this machine; the certificate is without them"
            );
        }
        let leaf = self.authority.issue(&names, now)?;
        self.slot.put(Some(leaf.key));
        tracing::info!(%names, renewal = %leaf.renew_at, "a certificate of the local authority was issued");
        *present = Some(Present { wanted, names, not_before: leaf.not_before, renew_at: leaf.renew_at });
        Ok(true)
    }

    /// Keeps it fresh.
    pub fn start(self: Arc<Self>, lifecycle: &Lifecycle) {
        lifecycle.spawn(Stage::Http, "local certificate", TaskKind::Restart, move |stop| {
            let local = Arc::clone(&self);
            async move {
                while wait(LOOK, &stop).await == Waited::Elapsed {
                    local.refresh(&addresses::of_this_machine())?;
                }
                Ok::<_, anyhow::Error>(())
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use kernel::random::Random;
    use kernel::time::{ManualClock, SignedDuration};
    use rustls::pki_types::CertificateDer;
    use x509_parser::prelude::{FromDer as _, X509Certificate};

    use super::*;

    struct Test {
        local: Local,
        clock: ManualClock,
        _home: tempfile::TempDir,
    }

    fn test() -> Test {
        let home = tempfile::tempdir().unwrap();
        let clock = ManualClock::at("2026-11-20T12:00:00Z".parse().unwrap());
        let always = Names::beside().with_machine("shop-pc");
        let authority = Authority::load_or_make(
            home.path(),
            "shop-pc",
            &always,
            kernel::time::Clock::now(&clock),
            &Random::seeded(1),
        );
        let local = Local::new(authority.unwrap(), always, true, Arc::new(clock.clone()));
        Test { local, clock, _home: home }
    }

    fn ips(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn shown(local: &Local) -> CertificateDer<'static> {
        local.slot().get().unwrap().cert[0].clone()
    }

    #[test]
    fn another_address_of_the_machine_brings_another_certificate() {
        let Test { local, .. } = test();
        assert!(local.refresh(&ips(&["192.168.1.20"])).unwrap());
        let first = shown(&local);
        assert!(!local.refresh(&ips(&["192.168.1.20"])).unwrap(), "nothing has changed");
        assert_eq!(shown(&local), first);
        assert!(local.covers("192.168.1.20") && !local.covers("10.0.0.9"));
        assert!(local.refresh(&ips(&["10.0.0.9", "192.168.1.20"])).unwrap());
        assert_ne!(shown(&local), first);
        assert!(local.covers("10.0.0.9") && local.covers("shop-pc.local") && local.covers("localhost"));
        assert!(local.refresh(&ips(&["10.0.0.9"])).unwrap());
        assert!(!local.covers("192.168.1.20"));
    }

    #[test]
    fn an_address_that_the_authority_may_not_vouch_for_is_left_out_and_asked_for_once() {
        let Test { local, .. } = test();
        let addresses = ips(&["192.168.1.20", "203.0.113.7"]);
        assert!(local.refresh(&addresses).unwrap());
        assert!(local.covers("192.168.1.20") && !local.covers("203.0.113.7"));
        assert!(!local.refresh(&addresses).unwrap());
    }

    #[test]
    fn it_is_renewed_when_a_third_of_its_life_is_left() {
        let Test { local, clock, _home } = test();
        local.refresh(&[]).unwrap();
        let first = shown(&local);
        clock.advance(SignedDuration::from_hours(24 * 263));
        assert!(!local.refresh(&[]).unwrap(), "more than a third is left");
        clock.advance(SignedDuration::from_hours(24 * 2));
        assert!(local.refresh(&[]).unwrap());
        let end = |der: &CertificateDer<'_>| {
            X509Certificate::from_der(der).unwrap().1.validity().not_after.timestamp()
        };
        assert!(end(&shown(&local)) - end(&first) > 260 * 24 * 3600);
        clock.advance(SignedDuration::from_hours(-24 * 400));
        assert!(
            local.refresh(&[]).unwrap(),
            "a clock that was put right may not leave one that is not valid yet"
        );
    }
}
