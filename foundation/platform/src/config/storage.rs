//! Section `storage`: files: photographs, signatures, exports.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Problems, Secret};

/// Files: photographs, signatures, exports.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Storage {
    /// S3-compatible store: `https://key:secret@host/region`. Short name: `S3_URL`. Not set: a folder below the data folder.
    pub s3_url: Option<Secret>,
    /// Bucket in it. Short name: `STORAGE_BUCKET`.
    pub bucket: Option<String>,
}

impl Storage {
    pub(super) fn validate(&self, p: &mut Problems) {
        p.check(
            self.s3_url.is_none() || self.bucket.is_some(),
            "storage.bucket",
            "is needed with storage.s3_url (STORAGE_BUCKET)",
        );
    }
}
