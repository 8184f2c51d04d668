//! From an extract to the file of one profile's roads.

mod assemble;
mod component;
mod grid;
mod limits;
mod order;
mod restrictions;
mod side;
mod streets;
mod tags;
mod turns;

use mapfolder::Writer;
use osm::Data;
use restrictions::Via;

use crate::error::Error;
use crate::profile::Profile;

/// What an import found, for each profile.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// People drive on the left.
    pub left_hand: bool,
    /// In the order of the profiles.
    pub profiles: Vec<ProfileSummary>,
}

/// What an import found for one profile.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfileSummary {
    /// Name of the profile.
    pub profile: String,
    /// Places where pieces of road meet or end.
    pub junctions: usize,
    /// Pieces of road between junctions.
    pub segments: usize,
    /// Directed edges, with the copies for restrictions over ways.
    pub edges: usize,
    /// Allowed turns.
    pub turns: usize,
    /// Share of the directed edges from which all others of them are reached.
    pub connected: f64,
    /// Turn restrictions that are obeyed.
    pub restrictions_used: usize,
    /// Turn restrictions whose roads are missing or do not meet.
    pub restrictions_skipped: usize,
    /// Rules that hold at some times of the week.
    pub conditions: usize,
    /// Arcs of the contraction hierarchy.
    pub shortcuts: usize,
}

/// What an import cannot read from the extract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// People drive on the left; `None`: as the map says, else as the country does.
    pub left_hand: Option<bool>,
}

/// Writes the roads of every profile. `progress` is called with 0 to 1.
pub fn import(
    data: &Data,
    profiles: &[Profile],
    writer: &mut Writer,
    progress: &mut dyn FnMut(f32),
) -> Result<Summary, Error> {
    import_with(data, profiles, Options::default(), writer, progress)
}

/// As [`import`], with what the caller knows better.
pub fn import_with(
    data: &Data,
    profiles: &[Profile],
    options: Options,
    writer: &mut Writer,
    progress: &mut dyn FnMut(f32),
) -> Result<Summary, Error> {
    let left_hand = options.left_hand.unwrap_or_else(|| side::is_left_hand(data));
    let mut summaries = Vec::new();
    for profile in profiles {
        profile.check()?;
        let (bytes, summary) = import_one(data, profile, left_hand)?;
        writer.put(&Profile::file_name(&profile.name), &bytes)?;
        summaries.push(summary);
        progress(share(summaries.len(), profiles.len()));
    }
    Ok(Summary { left_hand, profiles: summaries })
}

fn import_one(data: &Data, profile: &Profile, left_hand: bool) -> Result<(Vec<u8>, ProfileSummary), Error> {
    let restrictions = restrictions::read(data, profile);
    let via: Vec<i64> = restrictions
        .iter()
        .filter_map(|restriction| match restriction.via {
            Via::Node(node) => Some(node),
            Via::Ways(_) => None,
        })
        .collect();
    let streets = streets::cut(data, profile, &via)?;
    let turns = turns::build(&streets, &restrictions, profile, left_hand);
    let network = assemble::ordered(&streets, &turns);
    if network.edges.is_empty() {
        return Err(Error::NoRoads(profile.name.clone()));
    }
    let (bytes, shortcuts) = assemble::write(profile, left_hand, &streets, &turns, &network)?;
    let summary = ProfileSummary {
        profile: profile.name.clone(),
        junctions: streets.junctions.len(),
        segments: network.segments.len(),
        edges: network.edges.len(),
        turns: network.heads.len(),
        connected: ratio(network.core_edges, turns.raw.len()),
        restrictions_used: turns.restrictions_used,
        restrictions_skipped: turns.restrictions_skipped,
        conditions: streets.changes.len() + turns.closed.len(),
        shortcuts,
    };
    Ok((bytes, summary))
}

#[expect(clippy::cast_precision_loss, reason = "a share for people to look at")]
fn ratio(part: usize, of: usize) -> f64 {
    part as f64 / of.max(1) as f64
}

#[expect(clippy::cast_possible_truncation, reason = "a share for people to look at")]
fn share(done: usize, of: usize) -> f32 {
    ratio(done, of) as f32
}
