//! From an extract to the file of features.

use mapfolder::Writer;
use osm::areas::{self, Incomplete};
use osm::{Data, Relation, Way};

use crate::error::Error;
use crate::geometry::{Geometry, Polygon};
use crate::mercator::{Rect, Spot};
use crate::schema::{self, Element, Levels};
use crate::{coast, feature::Feature, pack};

/// Name of the file in the map folder.
pub const PART: &str = "tiles/features";

/// What an import made, for the one who started it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Number of features in all layers.
    pub features: usize,
    /// Size of the file in bytes.
    pub bytes: usize,
    /// Areas of several ways that the extract cuts off: they are not drawn.
    pub incomplete_areas: usize,
    /// Whether there is sea on this map.
    pub has_sea: bool,
    /// What could not be used, in plain words.
    pub warnings: Vec<String>,
}

/// Writes the features of the extract into the map folder. `progress` gets the share that is done, from 0 to 1.
pub fn import(data: &Data, folder: &mut Writer, progress: &mut dyn FnMut(f32)) -> Result<Summary, Error> {
    let (bytes, summary) = features(data, progress)?;
    folder.put(PART, &bytes)?;
    progress(1.0);
    Ok(summary)
}

/// The same without a folder: the bytes of the file.
pub fn features(data: &Data, progress: &mut dyn FnMut(f32)) -> Result<(Vec<u8>, Summary), Error> {
    let rect = Rect::of(data.bounds());
    let mut writer = pack::Writer::new(rect);
    let mut summary = Summary::default();
    surface(data, rect, &mut writer, &mut summary);
    progress(0.1);
    let mut sink = |feature: &Feature<'_>, geometry: &Geometry| writer.add(feature, geometry);
    for node in data.nodes() {
        let point = Some(Spot::of(node.point));
        schema::features(
            &Element { tags: node.tags, point, lines: None, areas: None, level: None },
            &mut sink,
        );
    }
    progress(0.2);
    let levels = Levels::of(data);
    for way in data.ways() {
        schema::features(&element_of_way(data, &way, &levels), &mut sink);
    }
    progress(0.7);
    for relation in
        data.relations().filter(|relation| relation.tags.is("type", "multipolygon") || is_park(relation))
    {
        match areas::of_relation(data, &relation) {
            Ok(area) => schema::features(&element_of_area(relation.tags, &area), &mut sink),
            Err(Incomplete::NotAnArea) => {}
            Err(Incomplete::Missing | Incomplete::Open) => summary.incomplete_areas += 1,
        }
    }
    progress(0.8);
    summary.features = writer.len();
    let bytes = writer.finish()?;
    summary.bytes = bytes.len();
    Ok((bytes, summary))
}

fn surface(data: &Data, rect: Rect, writer: &mut pack::Writer, summary: &mut Summary) {
    let surface = coast::close(coast::join(data), rect);
    summary.has_sea = !surface.sea.is_empty();
    summary.warnings.extend(surface.warnings.iter().cloned());
    schema::surface(surface, &mut |feature, geometry| writer.add(feature, geometry));
}

/// Of the boundaries only those around nature are areas to draw.
fn is_park(relation: &Relation<'_>) -> bool {
    let tags = relation.tags;
    tags.is("type", "boundary") && matches!(tags.get("boundary"), Some("national_park" | "protected_area"))
}

fn element_of_area<'a>(tags: osm::Tags<'a>, area: &areas::Area) -> Element<'a> {
    let polygons = area.polygons.iter().map(Polygon::of).filter(|polygon| polygon.outer.len() > 2).collect();
    Element { tags, point: None, lines: None, areas: Some(polygons), level: None }
}

fn element_of_way<'a>(data: &Data, way: &Way<'a>, levels: &Levels) -> Element<'a> {
    let is_area = way.is_closed() && !way.tags.is_empty() && !way.tags.is("area", "no");
    let areas = if is_area { areas::of_way(data, way) } else { None };
    let element = areas.map(|area| element_of_area(way.tags, &area));
    Element {
        tags: way.tags,
        point: None,
        lines: lines(data, way),
        areas: element.and_then(|element| element.areas),
        level: levels.of_way(way.id),
    }
}

/// The way as a line, in several parts where the extract lacks nodes.
fn lines(data: &Data, way: &Way<'_>) -> Option<Vec<Vec<Spot>>> {
    let mut parts = vec![Vec::new()];
    for node in way.nodes {
        match (data.point(*node), parts.last_mut()) {
            (Some(point), Some(part)) => part.push(Spot::of(point)),
            _ => parts.push(Vec::new()),
        }
    }
    parts.iter_mut().for_each(Vec::dedup);
    parts.retain(|part| part.len() > 1);
    (!parts.is_empty()).then_some(parts)
}
