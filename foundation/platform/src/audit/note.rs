//! Anchors on their way out of the database: dated and signed, so that a note can be told from a forged one.

use hmac::Mac;
use kernel::time::Timestamp;

use super::{Anchor, AuditKey};
use crate::Result;

/// Keeps the signature of a note apart from the MAC of a link.
const KIND: &str = "dropmate audit anchors";

/// Where all chains stood at some time.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnchorNote {
    /// Business time.
    at: Timestamp,
    /// Which key signed it.
    key_id: String,
    anchors: Vec<Anchor>,
    /// HMAC-SHA256 over the rest, as hexadecimal digits.
    signature: String,
}

impl AnchorNote {
    /// Dates and signs.
    pub fn sign(key: &AuditKey, at: Timestamp, anchors: Vec<Anchor>) -> Result<Self> {
        let signature = hex::encode(mac(key, key.id(), at, &anchors)?.finalize().into_bytes());
        Ok(Self { at, key_id: key.id().to_owned(), anchors, signature })
    }

    /// What it says; `None` when this key did not sign it, or somebody changed it.
    pub fn open(self, key: &AuditKey) -> Result<Option<Vec<Anchor>>> {
        let signature = hex::decode(&self.signature).unwrap_or_default();
        let mac = mac(key, &self.key_id, self.at, &self.anchors)?;
        Ok(mac.verify_slice(&signature).is_ok().then_some(self.anchors))
    }
}

fn mac(key: &AuditKey, id: &str, at: Timestamp, anchors: &[Anchor]) -> Result<hmac::Hmac<sha2::Sha256>> {
    let mut mac = key.keyed(KIND);
    mac.update(&serde_json::to_vec(&(id, at.to_string(), anchors))?);
    Ok(mac)
}

#[cfg(test)]
mod tests {
    use kernel::ids::Uuid;

    use super::*;

    fn key(byte: u8) -> AuditKey {
        AuditKey::new("a1", vec![byte; 32].into())
    }

    fn anchors() -> Vec<Anchor> {
        vec![Anchor { org_id: Uuid::nil(), sequence: 7, mac: "ab".repeat(32) }]
    }

    fn note() -> AnchorNote {
        AnchorNote::sign(&key(5), "2026-11-20T12:00:00Z".parse().unwrap(), anchors()).unwrap()
    }

    #[test]
    fn a_note_survives_its_way_through_a_file() {
        let text = serde_json::to_string(&note()).unwrap();
        let read: AnchorNote = serde_json::from_str(&text).unwrap();
        assert_eq!(read.open(&key(5)).unwrap(), Some(anchors()));
    }

    #[test]
    fn a_changed_note_and_one_of_another_key_do_not_open() {
        assert_eq!(note().open(&key(6)).unwrap(), None);
        let mut fewer = note();
        fewer.anchors[0].sequence = 6;
        let mut later = note();
        later.at = "2026-11-21T12:00:00Z".parse().unwrap();
        let unsigned = AnchorNote { signature: "not hexadecimal".to_owned(), ..note() };
        for changed in [fewer, later, unsigned] {
            assert_eq!(changed.open(&key(5)).unwrap(), None);
        }
    }
}
