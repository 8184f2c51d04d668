//! Section `storage`: files: photographs, signatures, exports.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Problems, Secret};

/// Files: photographs, signatures, exports.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Storage {
    /// S3-compatible store: `https://key:secret@host/region`. Short name: `S3_URL`. Not set: a folder below the data folder.
    pub s3_url: Option<Secret>,
    /// Bucket in it. Short name: `STORAGE_BUCKET`.
    pub bucket: Option<String>,
    /// Largest picture that may be sent, in bytes.
    pub upload_limit_bytes: u64,
}

impl Default for Storage {
    fn default() -> Self {
        Self { s3_url: None, bucket: None, upload_limit_bytes: 12 * 1024 * 1024 }
    }
}

impl Storage {
    pub(super) fn validate(&self, p: &mut Problems) {
        p.check(
            self.s3_url.is_none() || self.bucket.is_some(),
            "storage.bucket",
            "is needed with storage.s3_url (STORAGE_BUCKET)",
        );
        p.check(
            self.bucket.is_none() || self.s3_url.is_some(),
            "storage.s3_url",
            "is needed with storage.bucket (S3_URL)",
        );
        p.check(
            self.bucket.as_deref().is_none_or(is_bucket),
            "storage.bucket",
            "is 3 to 63 lower-case letters, digits, dots and hyphens",
        );
        p.range(self.upload_limit_bytes, 64 * 1024..=64 * 1024 * 1024, "storage.upload_limit_bytes");
    }
}

/// As S3 names buckets; anything else could change the address that is asked.
fn is_bucket(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name.bytes().all(|byte| plain(byte) || byte == b'.' || byte == b'-')
        && name.bytes().next().is_some_and(plain)
        && name.bytes().last().is_some_and(plain)
        && !name.contains("..")
}
