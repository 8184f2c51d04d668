//! One certificate for one name.

use std::sync::Arc;
use std::time::Duration;

use instant_acme::{
    AuthorizationStatus, ChallengeType, Identifier, NewOrder, Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::{Account, AcmeError};

/// How long the authority may take to look whether the name leads here, and to sign.
const PATIENCE: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_millis(250)).backoff(1.5).timeout(Duration::from_mins(1));
/// How long all of it may take, connections that hang included.
const ALL: Duration = Duration::from_secs(150);

/// A certificate that was issued. The key never leaves this machine.
pub struct Issued {
    /// The chain, as PEM.
    pub chain: String,
    /// The private key, as PEM.
    pub key: String,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued").field("chain", &self.chain).finish_non_exhaustive()
    }
}

impl Account {
    /// Orders a certificate. `show` is given what the authority must see when it connects with the protocol
    /// `acme-tls/1`, before it is told to look.
    pub async fn order(
        &self,
        host: &str,
        show: impl Fn(Arc<CertifiedKey>) + Send + Sync,
    ) -> Result<Issued, AcmeError> {
        // A connection that was never made fails by itself much earlier: what takes that long has begun.
        match tokio::time::timeout(ALL, self.order_at_leisure(host, show)).await {
            Ok(outcome) => outcome,
            Err(_elapsed) => Err(AcmeError::Late),
        }
    }

    async fn order_at_leisure(
        &self,
        host: &str,
        show: impl Fn(Arc<CertifiedKey>) + Send + Sync,
    ) -> Result<Issued, AcmeError> {
        let names = [Identifier::Dns(host.to_owned())];
        let mut order = self.inner.new_order(&NewOrder::new(&names)).await?;
        finish(&mut order, host, show).await.map_err(AcmeError::ordered)
    }
}

async fn finish(
    order: &mut Order,
    host: &str,
    show: impl Fn(Arc<CertifiedKey>) + Send + Sync,
) -> Result<Issued, AcmeError> {
    prove(order, host, show).await?;
    let ready = order.poll_ready(&PATIENCE).await;
    if !matches!(ready, Ok(OrderStatus::Ready)) {
        return Err(match why(order).await {
            Some(reason) => AcmeError::Refused(reason),
            None => ready.err().map_or_else(|| AcmeError::Refused("without a reason".to_owned()), Into::into),
        });
    }
    let key = order.finalize().await?;
    let chain = order.poll_certificate(&PATIENCE).await?;
    Ok(Issued { chain, key })
}

/// Shows what proves the name, and tells the authority to look.
async fn prove(
    order: &mut Order,
    host: &str,
    show: impl Fn(Arc<CertifiedKey>) + Send + Sync,
) -> Result<(), AcmeError> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let Some(mut challenge) = authorization.challenge(ChallengeType::TlsAlpn01) else {
            return Err(AcmeError::Refused("it does not offer to look at port 443 (tls-alpn-01)".to_owned()));
        };
        show(Arc::new(proof(host, challenge.key_authorization().digest().as_ref())?));
        challenge.set_ready().await?;
    }
    Ok(())
}

/// What the authority saw when it looked, which the order itself does not tell.
async fn why(order: &mut Order) -> Option<String> {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let state = authorization.refresh().await.ok()?;
        let problem = state.challenges.iter().find_map(|challenge| challenge.error.as_ref());
        if let Some(problem) = problem {
            return Some(problem.detail.clone().unwrap_or_else(|| problem.to_string()));
        }
    }
    None
}

/// The certificate of RFC 8737, section 3: for the name, with the digest in it, signed by itself.
fn proof(host: &str, digest: &[u8]) -> Result<CertifiedKey, AcmeError> {
    let setup = |error: &dyn std::fmt::Display| AcmeError::Setup(error.to_string());
    let mut params = CertificateParams::new(vec![host.to_owned()]).map_err(|error| setup(&error))?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|error| setup(&error))?;
    let certificate = params.self_signed(&key).map_err(|error| setup(&error))?;
    let key = rustls::crypto::aws_lc_rs::default_provider()
        .key_provider
        .load_private_key(PrivateKeyDer::from(key))
        .map_err(|error| setup(&error))?;
    // Not `from_der`, which reads the certificate as a client would, and refuses the extension that this is about.
    Ok(CertifiedKey::new(vec![CertificateDer::from(certificate)], key))
}

#[cfg(test)]
mod tests {
    use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

    use super::*;

    #[test]
    fn the_proof_is_for_the_name_and_holds_the_digest_in_a_critical_extension() {
        let proof = proof("deliver.example.org", &[7; 32]).unwrap();
        let (_, certificate) = X509Certificate::from_der(proof.cert[0].as_ref()).unwrap();
        let names = certificate.subject_alternative_name().unwrap().unwrap();
        assert_eq!(names.value.general_names, [GeneralName::DNSName("deliver.example.org")]);
        let extension = certificate
            .extensions()
            .iter()
            .find(|one| one.oid.to_id_string() == "1.3.6.1.5.5.7.1.31")
            .unwrap();
        assert!(extension.critical);
        assert_eq!(extension.value, [&[0x04, 0x20][..], &[7; 32]].concat());
    }
}
