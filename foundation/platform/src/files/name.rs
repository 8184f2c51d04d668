//! What a content is called in a store.

use std::fmt;

use kernel::ids::{FileId, Uuid};

/// `service/organisation/file`, all made by the server: lower-case letters, digits, `_`, `-` and two slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectName {
    service: &'static str,
    home: Uuid,
    file: Uuid,
}

impl ObjectName {
    /// The name of a service's file; `home` is the organisation, or nil.
    pub fn new(service: &'static str, home: Uuid, file: FileId) -> Self {
        Self { service, home, file: file.uuid() }
    }

    /// The folders above it, outermost first.
    pub fn folders(&self) -> [String; 2] {
        let home = if self.home.is_nil() { "installation".to_owned() } else { self.home.to_string() };
        [self.service.to_owned(), home]
    }

    /// Its name in them.
    pub fn leaf(&self) -> String {
        self.file.to_string()
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [service, home] = self.folders();
        write!(f, "{service}/{home}/{}", self.leaf())
    }
}
