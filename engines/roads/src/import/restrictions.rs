//! Turn restrictions: relations that forbid or demand a turn, at a node or over ways.
//! Rules: <https://wiki.openstreetmap.org/wiki/Relation:restriction>.

use osm::{Data, Kind, Relation};

use crate::profile::Profile;
use crate::time::{Schedule, conditional};

/// Where the restriction holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Via {
    Node(i64),
    Ways(Vec<i64>),
}

/// One restriction that the vehicle obeys.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Restriction {
    /// Ways.
    pub(super) from: Vec<i64>,
    pub(super) via: Via,
    /// Ways.
    pub(super) to: Vec<i64>,
    /// `only_*`: every other turn is forbidden; else this one is.
    pub(super) only: bool,
    /// Holds at these times only.
    pub(super) schedule: Option<Schedule>,
}

/// The restrictions for a vehicle.
pub(super) fn read(data: &Data, profile: &Profile) -> Vec<Restriction> {
    if profile.restriction.is_empty() {
        return Vec::new();
    }
    data.relations().flat_map(|relation| read_one(profile, &relation)).collect()
}

fn read_one(profile: &Profile, relation: &Relation<'_>) -> Vec<Restriction> {
    let tags = &relation.tags;
    let is_restriction = tags.get("type").is_some_and(|kind| kind.starts_with("restriction"));
    let excepted = tags.get("except").is_some_and(|except| {
        except.split([';', ',']).any(|mode| profile.except.iter().any(|known| known == mode.trim()))
    });
    if !is_restriction || excepted {
        return Vec::new();
    }
    let Some((from, via, to)) = members(relation) else { return Vec::new() };
    let make = |kind: &str, schedule: Option<Schedule>| {
        let only = kind.starts_with("only_");
        (only || kind.starts_with("no_")).then(|| Restriction {
            from: from.clone(),
            via: via.clone(),
            to: to.clone(),
            only,
            schedule,
        })
    };
    let mut found = Vec::new();
    for key in &profile.restriction {
        found.extend(tags.get(key).and_then(|kind| make(kind, None)));
        if let Some(text) = tags.get(&format!("{key}:conditional")) {
            found.extend(conditional(text).into_iter().filter_map(|(kind, when)| make(kind, Some(when))));
        }
    }
    found
}

fn members(relation: &Relation<'_>) -> Option<(Vec<i64>, Via, Vec<i64>)> {
    let (mut from, mut to, mut ways, mut node) = (Vec::new(), Vec::new(), Vec::new(), None);
    for member in relation.members {
        match (relation.role(member), member.kind) {
            ("from", Kind::Way) => from.push(member.id),
            ("to", Kind::Way) => to.push(member.id),
            ("via", Kind::Way) => ways.push(member.id),
            ("via", Kind::Node) => node = Some(member.id),
            _ => {}
        }
    }
    let via = match node {
        Some(node) => Via::Node(node),
        None if ways.is_empty() => return None,
        None => Via::Ways(ways),
    };
    if from.is_empty() || to.is_empty() { None } else { Some((from, via, to)) }
}
