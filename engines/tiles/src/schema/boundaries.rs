//! Layer `boundaries`: ways that are part of administrative boundaries.

use std::collections::HashMap;

use osm::{Data, Kind};

use super::{Element, Sink, whole};
use crate::feature::{Feature, Layer};

/// Administrative level of a boundary: 2 is a country, 8 a municipality.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level {
    level: i64,
    is_disputed: bool,
}

/// The most important level for each way that is part of a boundary.
pub struct Levels(HashMap<i64, Level>);

impl Levels {
    pub fn of(data: &Data) -> Self {
        let mut levels: HashMap<i64, Level> = HashMap::new();
        for relation in data.relations().filter(|relation| relation.tags.is("type", "boundary")) {
            let tags = relation.tags;
            let is_administrative =
                matches!(tags.get("boundary"), Some("administrative" | "disputed" | "claim"));
            let level = whole(tags.get("admin_level")).filter(|level| (1..=8).contains(level));
            let Some(level) = level.filter(|_| is_administrative) else { continue };
            let is_disputed = tags.is("boundary", "disputed")
                || tags.is("disputed", "yes")
                || tags.get("disputed_by").or(tags.get("claimed_by")).is_some();
            for member in relation.members.iter().filter(|member| member.kind == Kind::Way) {
                let known = levels.entry(member.id).or_insert(Level { level, is_disputed });
                known.level = known.level.min(level);
                known.is_disputed |= is_disputed;
            }
        }
        Self(levels)
    }

    pub fn of_way(&self, id: i64) -> Option<Level> {
        self.0.get(&id).copied()
    }
}

pub fn features(element: &Element<'_>, sink: &mut Sink<'_>) {
    let tags = element.tags;
    // Out at sea a boundary is a line in the water, which no courier crosses.
    if tags.is("natural", "coastline") || tags.is("maritime", "yes") {
        return;
    }
    let (Some(Level { level, is_disputed }), Some(geometry)) = (element.level, element.line()) else {
        return;
    };
    let (kind, min_zoom) = match level {
        ..=2 => ("country", 6),
        3..=4 => ("region", 6),
        5..=6 => ("county", 8),
        _ => ("locality", 10),
    };
    let is_disputed = is_disputed || tags.is("disputed", "yes") || tags.is("boundary", "disputed");
    let feature = Feature::new(Layer::Boundaries, kind, min_zoom)
        .number("kind_detail", level)
        .number("sort_rank", if is_disputed { 288 } else { 289 })
        .flag_from("disputed", is_disputed, 0);
    sink(&feature, &geometry);
}
