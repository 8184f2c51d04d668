//! The services of this build.

use std::collections::BTreeSet;

use platform::permissions::Permission;
use platform::service::Manifest;

use crate::rooms::ROOMS;
use crate::usage::usage;

/// Their names, as `--services` takes them.
pub const SERVICES: [&str; 7] = [
    identity::NAME,
    storefront::NAME,
    orders::NAME,
    drivers::NAME,
    dispatch::NAME,
    tracking::NAME,
    gateway::NAME,
];

/// What each declares.
pub fn manifests() -> Vec<Manifest> {
    let rooms = ROOMS.iter().map(|room| (room.manifest)());
    std::iter::once(identity::manifest()).chain(rooms).chain([gateway::manifest()]).collect()
}

/// The whole permission table.
pub fn permissions() -> Vec<Permission> {
    manifests().iter().flat_map(|manifest| manifest.permissions.iter().copied()).collect()
}

/// What one process runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Everything: calls stay inside the process.
    Everything,
    /// Some; the others are elsewhere.
    Part(BTreeSet<&'static str>),
}

impl Selection {
    /// Reads the names after `--services`.
    pub fn of(selected: &[String]) -> anyhow::Result<Self> {
        if selected.iter().any(|name| name == "all") {
            return Ok(Self::Everything);
        }
        let mut part = BTreeSet::new();
        for name in selected {
            let known = SERVICES.into_iter().find(|service| service == name);
            let unknown =
                || usage(format!("there is no service {name:?}; there are: all, {}", SERVICES.join(", ")));
            part.insert(known.ok_or_else(unknown)?);
        }
        Ok(if part.len() == SERVICES.len() { Self::Everything } else { Self::Part(part) })
    }

    /// What a part is called in files and messages: its services with hyphens between them.
    pub fn name(&self) -> Option<String> {
        match self {
            Self::Everything => None,
            Self::Part(part) => Some(part.iter().copied().collect::<Vec<_>>().join("-")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Result<Selection, String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Selection::of(&names).map_err(|error| error.to_string())
    }

    #[test]
    fn every_service_is_everything_and_some_are_a_part() {
        assert_eq!(of(&["all"]), Ok(Selection::Everything));
        assert_eq!(of(&SERVICES), Ok(Selection::Everything));
        assert_eq!(of(&["gateway"]), Ok(Selection::Part(["gateway"].into())));
        assert!(of(&["ordres"]).unwrap_err().contains("there are: all, identity, storefront, orders"));
    }
}
