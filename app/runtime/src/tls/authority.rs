//! The installation's own authority: made once, kept in `tls/authority.pem` (key and certificate in one file, so that
//! there is never one without the other), copied without its key to `tls/authority.crt` for people and commands.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use kernel::random::Random;
use kernel::time::{SignedDuration, Timestamp};
use platform::config::secrets;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::names::{Names, Permitted};

/// Key and certificate.
pub(crate) const FILE: &str = "authority.pem";
/// The certificate alone.
pub(crate) const PUBLIC_FILE: &str = "authority.crt";

const END: &str = "-----END CERTIFICATE-----";
const LIFE_DAYS: i64 = 3652;
/// Phones refuse certificates for servers that live longer than 398 days, whoever issued them (Apple, HT211025).
const LEAF_DAYS: i64 = 397;
/// Clocks of phones are not all right: a certificate begins a day before it was made.
const EARLIER: SignedDuration = SignedDuration::from_hours(24);

/// An authority, with its key.
pub(crate) struct Authority {
    name: String,
    certificate: CertificateDer<'static>,
    /// The same as text.
    public: String,
    issuer: Issuer<'static, KeyPair>,
    permitted: Permitted,
    not_after: Timestamp,
}

/// A certificate for a server, and when it needs a successor.
#[derive(Debug, Clone)]
pub(crate) struct Leaf {
    pub key: Arc<CertifiedKey>,
    pub not_before: Timestamp,
    /// When a third of its life is left.
    pub renew_at: Timestamp,
}

impl Authority {
    /// The one in this folder; made if there is none, or if it has expired. `host` is for people to tell installations
    /// apart, `names` what it must be able to vouch for besides everything local.
    pub fn load_or_make(
        folder: &Path,
        host: &str,
        names: &Names,
        now: Timestamp,
        random: &Random,
    ) -> Result<Self> {
        let what = || format!("the local authority in {}", folder.join(FILE).display());
        if let Some(kept) = secrets::load(folder, FILE)? {
            let authority = Self::read(kept.expose_secret()).with_context(what)?;
            if now < authority.not_after {
                return authority.published(folder);
            }
            tracing::warn!(
                name = authority.name,
                "The local authority has expired. A new one is made: phones must learn to trust it"
            );
            let old = folder.join(format!("{FILE}.expired-{}", now.as_second()));
            std::fs::rename(folder.join(FILE), old).with_context(what)?;
        }
        let made = make(host, names, now, random)?;
        // Two starts at once end with one authority.
        let kept = secrets::keep(folder, FILE, &made)?;
        Self::read(kept.expose_secret()).with_context(what)?.published(folder)
    }

    fn read(pem: &str) -> Result<Self> {
        let certificate =
            CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| anyhow!("{error}"))?;
        let key = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|_content_is_secret| anyhow!("its key cannot be read"))?;
        let key = KeyPair::try_from(&key).map_err(|_content_is_secret| anyhow!("its key cannot be used"))?;
        let permitted = Permitted::of(&certificate)?;
        let (_, parsed) = X509Certificate::from_der(&certificate).context("it is not a certificate")?;
        let name = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
        let (name, not_after) = (name.unwrap_or_default().to_owned(), moment(parsed.validity().not_after)?);
        let issuer = Issuer::from_ca_cert_der(&certificate, key)?;
        // The key stands behind it.
        let public = pem.split_inclusive(END).next().unwrap_or_default().to_owned() + "\n";
        Ok(Self { name, certificate, public, issuer, permitted, not_after })
    }

    /// Writes the certificate where people and commands find it.
    fn published(self, folder: &Path) -> Result<Self> {
        let (file, draft) =
            (folder.join(PUBLIC_FILE), folder.join(format!(".{PUBLIC_FILE}.{}", std::process::id())));
        if std::fs::read_to_string(&file).is_ok_and(|there| there == self.public) {
            return Ok(self);
        }
        std::fs::write(&draft, &self.public)
            .and_then(|()| std::fs::rename(&draft, &file))
            .with_context(|| format!("{} cannot be written", file.display()))?;
        Ok(self)
    }

    /// As phones show it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its certificate.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// What it may vouch for.
    pub fn permitted(&self) -> &Permitted {
        &self.permitted
    }

    /// SHA-256 of the certificate, in groups of four digits.
    pub fn fingerprint(&self) -> String {
        let digits = hex::encode_upper(Sha256::digest(&self.certificate));
        let groups: Vec<&str> = (0..digits.len()).step_by(4).map(|at| &digits[at..at + 4]).collect();
        groups.join(" ")
    }

    /// A certificate with a key of its own, which is nowhere but in memory.
    pub fn issue(&self, names: &Names, now: Timestamp) -> Result<Leaf> {
        let not_before = now - EARLIER;
        let not_after = (not_before + SignedDuration::from_hours(24 * LEAF_DAYS)).min(self.not_after);
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "DropMate");
        params.subject_alt_names = names.alternative_names()?;
        (params.not_before, params.not_after) = (date(not_before)?, date(not_after)?);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let key = CertifiedKey::from_der(vec![certificate.into()], PrivateKeyDer::from(key), &provider)?;
        let life = not_after.duration_since(not_before);
        Ok(Leaf { key: Arc::new(key), not_before, renew_at: not_after - life / 3 })
    }
}

fn make(host: &str, names: &Names, now: Timestamp, random: &Random) -> Result<String> {
    // A common name has at most 64 characters (X.520).
    let host: String = host.chars().take(32).collect();
    let name = format!("DropMate local authority {host} {}", hex::encode(random.bytes::<3>()));
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(Permitted::for_names(names).constraints());
    params.not_before = date(now - EARLIER)?;
    params.not_after = date(now + SignedDuration::from_hours(24 * LIFE_DAYS))?;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = params.self_signed(&key)?;
    Ok(format!("{}{}", certificate.pem(), key.serialize_pem()))
}

fn date(moment: Timestamp) -> Result<OffsetDateTime> {
    Ok(OffsetDateTime::from_unix_timestamp(moment.as_second())?)
}

/// A moment as it stands in a certificate.
pub(crate) fn moment(time: x509_parser::time::ASN1Time) -> Result<Timestamp> {
    Ok(Timestamp::from_second(time.timestamp())?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Duration;

    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier as _;
    use rustls::pki_types::{ServerName, UnixTime};
    use rustls::{CertificateError, RootCertStore};

    use super::*;

    fn start() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    fn names() -> Names {
        Names::beside().with_machine("shop-pc").with_host("192.168.1.20")
    }

    fn authority(folder: &Path, now: Timestamp) -> Authority {
        Authority::load_or_make(folder, "shop-pc", &names(), now, &Random::seeded(1)).unwrap()
    }

    /// What a client says that trusts this authority and nothing else.
    fn verify(authority: &Authority, leaf: &Leaf, host: &str, at: Timestamp) -> Result<(), rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add(authority.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let host = ServerName::try_from(host.to_owned()).unwrap();
        let at = UnixTime::since_unix_epoch(Duration::from_secs(at.as_second().try_into().unwrap()));
        verifier.verify_server_cert(&leaf.key.cert[0], &[], &host, &[], at).map(drop)
    }

    #[test]
    fn it_is_made_once_and_only_its_owner_may_read_the_key() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("tls");
        let first = authority(&folder, start());
        let second = authority(&folder, start() + SignedDuration::from_hours(24 * 3000));
        assert_eq!(first.certificate, second.certificate);
        assert_eq!(first.name(), second.name());
        assert!(first.name().starts_with("DropMate local authority shop-pc "), "{}", first.name());
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join(FILE))), (0o700, 0o600));
        let public = std::fs::read_to_string(folder.join(PUBLIC_FILE)).unwrap();
        assert!(public.contains("BEGIN CERTIFICATE") && !public.contains("PRIVATE"));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2, "no draft stays behind");
        assert_eq!(first.fingerprint().len(), 16 * 5 - 1);
    }

    #[test]
    fn a_leaf_is_trusted_for_its_names_while_it_lives() {
        let home = tempfile::tempdir().unwrap();
        let authority = authority(home.path(), start());
        let leaf = authority.issue(&names(), start()).unwrap();
        for host in ["localhost", "shop-pc.local", "shop-pc", "192.168.1.20", "127.0.0.1", "::1"] {
            verify(&authority, &leaf, host, start()).unwrap_or_else(|error| panic!("{host}: {error}"));
        }
        assert!(verify(&authority, &leaf, "192.168.1.21", start()).is_err());
        let life = leaf.renew_at.duration_since(leaf.not_before) * 3 / 2;
        assert_eq!(life, SignedDuration::from_hours(24 * 397));
        let end = leaf.not_before + life;
        verify(&authority, &leaf, "localhost", end - SignedDuration::from_secs(1)).unwrap();
        assert!(verify(&authority, &leaf, "localhost", end + SignedDuration::from_secs(1)).is_err());
        let other = tempfile::tempdir().unwrap();
        let stranger =
            Authority::load_or_make(other.path(), "x", &names(), start(), &Random::seeded(2)).unwrap();
        assert!(verify(&stranger, &leaf, "localhost", start()).is_err());
    }

    /// The thief has the key: the certificate is signed, and refused all the same.
    #[test]
    fn a_stolen_key_cannot_speak_for_the_public_internet() {
        let home = tempfile::tempdir().unwrap();
        let authority = authority(home.path(), start());
        let stolen =
            Names::default().with_host("bank.example").with_host("93.184.216.34").with_host("10.1.1.1");
        let leaf = authority.issue(&stolen, start()).unwrap();
        for host in ["bank.example", "93.184.216.34"] {
            let refused = verify(&authority, &leaf, host, start()).unwrap_err();
            let rustls::Error::InvalidCertificate(CertificateError::Other(other)) = &refused else {
                panic!("{host}: {refused}");
            };
            assert!(other.to_string().contains("NameConstraintViolation"), "{host}: {other}");
        }
        let text = X509Certificate::from_der(&authority.certificate).unwrap().1;
        assert!(text.name_constraints().unwrap().unwrap().critical);
        assert!(text.basic_constraints().unwrap().unwrap().value.path_len_constraint == Some(0));
    }

    #[test]
    fn an_expired_authority_is_replaced_and_kept_aside() {
        let home = tempfile::tempdir().unwrap();
        let first = authority(home.path(), start());
        let near = start() + SignedDuration::from_hours(24 * (LIFE_DAYS - 10));
        let leaf = authority(home.path(), near).issue(&names(), near).unwrap();
        assert!(leaf.renew_at < first.not_after, "no certificate outlives its authority");
        let later = authority(home.path(), start() + SignedDuration::from_hours(24 * (LIFE_DAYS + 1)));
        assert_ne!(first.certificate, later.certificate);
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 3, "the old one, the new one, its copy");
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let home = tempfile::tempdir().unwrap();
        authority(home.path(), start());
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        std::fs::set_permissions(home.path().join(FILE), mode).unwrap();
        let refused =
            Authority::load_or_make(home.path(), "x", &names(), start(), &Random::seeded(1)).err().unwrap();
        assert!(refused.to_string().contains("chmod 600"), "{refused}");
    }
}
