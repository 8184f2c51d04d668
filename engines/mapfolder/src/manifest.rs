//! What a version says about itself.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::name;

/// The format that this version writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

/// What has to be shown wherever the map is (ODbL 1.0, section 4.3).
pub const ATTRIBUTION: &str = "© OpenStreetMap contributors";

/// Tells our folders from those of others.
const KIND: &str = "dropmate-map";
const MAX_PARTS: usize = 10_000;

/// The file that an import read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Name without folder.
    pub file_name: String,
    /// BLAKE3 of the file, hexadecimal.
    pub hash: String,
    /// State of the map: seconds since 1970 (UTC), when the file says so.
    pub timestamp: Option<i64>,
    /// South, west, north, east in 1e-7 degrees.
    pub bounds_e7: [i32; 4],
    /// Has to be shown with the map.
    pub attribution: String,
}

impl Source {
    /// The source as the extract describes itself.
    pub fn of(data: &osm::Data, file_name: &str) -> Self {
        let bounds = data.bounds();
        Self {
            file_name: file_name.to_owned(),
            hash: data.header().hash.clone(),
            timestamp: data.header().timestamp,
            bounds_e7: [bounds.min.lat_e7, bounds.min.lon_e7, bounds.max.lat_e7, bounds.max.lon_e7],
            attribution: ATTRIBUTION.to_owned(),
        }
    }

    /// The area of the map.
    pub fn bounds(&self) -> osm::Bounds {
        let [south, west, north, east] = self.bounds_e7;
        osm::Bounds {
            min: osm::Point { lat_e7: south, lon_e7: west },
            max: osm::Point { lat_e7: north, lon_e7: east },
        }
    }
}

/// One file of a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Path within the version.
    pub name: String,
    /// Length.
    pub bytes: u64,
    /// BLAKE3, hexadecimal.
    pub hash: String,
}

/// What a version says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    kind: String,
    /// Format of the folder.
    pub format: u32,
    /// Where the map came from.
    pub source: Source,
    /// Every file, in the order of the names.
    pub parts: Vec<Part>,
    /// Id of the version: the hash of the manifest. Not in the file.
    #[serde(skip)]
    pub version: String,
}

/// Read before anything else, so that a newer manifest may look as it likes.
#[derive(Deserialize)]
struct Kind {
    kind: String,
    format: u32,
}

impl Manifest {
    pub(crate) fn new(source: Source, mut parts: Vec<Part>) -> Self {
        parts.sort_by(|a, b| a.name.cmp(&b.name));
        let mut manifest =
            Self { kind: KIND.to_owned(), format: FORMAT, source, parts, version: String::new() };
        manifest.version = id(&manifest.to_bytes());
        manifest
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("plain texts and numbers can be written");
        bytes.push(b'\n');
        bytes
    }

    pub(crate) fn parse(bytes: &[u8], version: &str) -> Result<Self, Error> {
        let damaged = |what| Error::damaged(crate::MANIFEST, what);
        let kind: Kind = serde_json::from_slice(bytes).or(Err(damaged("it cannot be read")))?;
        if kind.kind != KIND {
            return Err(damaged("it is not ours"));
        }
        if kind.format > FORMAT {
            return Err(Error::NewerFormat { found: kind.format, known: FORMAT });
        }
        if id(bytes) != version {
            return Err(damaged("wrong checksum"));
        }
        let mut manifest: Self = serde_json::from_slice(bytes).or(Err(damaged("it cannot be read")))?;
        if manifest.parts.len() > MAX_PARTS {
            return Err(damaged("too many parts"));
        }
        manifest.parts.iter().try_for_each(|part| name::check(&part.name))?;
        version.clone_into(&mut manifest.version);
        Ok(manifest)
    }
}

fn id(manifest: &[u8]) -> String {
    blake3::hash(manifest).to_hex()[..16].to_owned()
}
