//! `dropmate map import`

use std::fs::File;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use mapfolder::{Source, Writer};
use osm::{Data, Limits};
use places::{CsvLimits, Overlay, OverlayBuilder};
use roads::{Options, Profile};
use runtime::usage;
use serde_json::{Value, json};

use super::info;

/// So many rows of a list are named that are left out.
const TOLD: usize = 10;

/// What is to be made of the extract.
pub(super) struct What {
    /// Profiles of the program.
    pub(super) names: Vec<String>,
    /// Profiles of the owner.
    pub(super) files: Vec<PathBuf>,
    /// Official lists of addresses.
    pub(super) addresses: Vec<PathBuf>,
    /// Whether people are said to drive on the left.
    pub(super) left_hand: bool,
    /// For programs.
    pub(super) json: bool,
}

impl What {
    fn profiles(&self) -> Result<Vec<Profile>> {
        let mut profiles = Vec::new();
        for name in &self.names {
            profiles.push(Profile::embedded(name).map_err(|error| usage(error.to_string()))?);
        }
        for file in &self.files {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("{} cannot be read", file.display()))?;
            profiles
                .push(Profile::parse(&text).map_err(|error| usage(format!("{}: {error}", file.display())))?);
        }
        Ok(profiles)
    }

    /// Reads the official lists, and says which rows are of no use.
    fn official(&self) -> Result<OverlayBuilder> {
        let mut lists = Overlay::builder();
        for path in &self.addresses {
            let name = path.display();
            let file = File::open(path).with_context(|| format!("{name} cannot be read"))?;
            let report = lists.official_csv(file, &CsvLimits::default()).map_err(|error| {
                anyhow::Error::new(error).context(format!("{name} is no list of addresses that can be read"))
            })?;
            for row in report.errors.iter().take(TOLD) {
                eprintln!("{name}, line {}: {}", row.line, row.problem);
            }
            if report.refused > 0 {
                eprintln!("{name}: {} of {} rows are left out", report.refused, report.rows);
            }
        }
        Ok(lists)
    }
}

/// Makes the map, and says what is in it.
pub(super) fn run(folder: &Path, file: &Path, what: &What) -> Result<()> {
    let profiles = what.profiles()?;
    // Before anything that takes its time.
    let lists = what.official()?;
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or("extract").to_owned();
    let bar = Bar::new();
    let mut step = bar.part("reading", 0, 25);
    let data = Data::read(file, &Limits::default(), &mut step)
        .with_context(|| format!("{} is no extract that can be read", file.display()))?;
    drop(step);
    let mut writer =
        Writer::begin(folder).with_context(|| format!("no map can be made in {}", folder.display()))?;
    let options = Options { left_hand: what.left_hand.then_some(true) };
    let roads = roads::import_with(&data, &profiles, options, &mut writer, &mut bar.part("roads", 25, 45))?;
    let places = places::import(&data, &mut writer, &mut bar.part("addresses", 70, 15))?;
    let tiles = tiles::import(&data, &mut writer, &mut bar.part("pictures", 85, 12))?;
    bar.part("checking", 97, 3)(0.0);
    let official = if what.addresses.is_empty() { 0 } else { lists.write(&mut writer)? };
    let summary = Summary { roads, places, official, tiles };
    writer.put(info::SUMMARY, serde_json::to_string_pretty(&summary.json())?.as_bytes())?;
    writer.finish(Source::of(&data, &name))?;
    bar.finish();
    info::run(folder, what.json)
}

struct Summary {
    roads: roads::Summary,
    places: places::Summary,
    /// Houses of official lists.
    official: usize,
    tiles: tiles::Summary,
}

impl Summary {
    fn json(&self) -> Value {
        let profiles: Vec<Value> = self
            .roads
            .profiles
            .iter()
            .map(|one| {
                json!({
                    "profile": one.profile, "junctions": one.junctions, "segments": one.segments, "edges": one.edges, "turns": one.turns,
                    "connected": one.connected, "restrictions": one.restrictions_used,
                    "restrictions_skipped": one.restrictions_skipped, "conditions": one.conditions,
                })
            })
            .collect();
        let (places, tiles) = (&self.places, &self.tiles);
        json!({
            "roads": { "left_hand": self.roads.left_hand, "profiles": profiles },
            "addresses": {
                "houses": places.houses, "interpolated": places.interpolated, "streets": places.streets,
                "pois": places.pois, "places": places.places, "buildings": places.buildings,
                "without_street": places.without_street, "official": self.official,
            },
            "tiles": { "features": tiles.features, "sea": tiles.has_sea, "warnings": tiles.warnings },
        })
    }
}

/// One bar for all parts, on a terminal.
struct Bar(ProgressBar);

const HUNDREDTHS: f32 = 100.0;

impl Bar {
    fn new() -> Self {
        let target = if std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(100), target);
        if let Ok(style) = ProgressStyle::with_template("{msg:>10} [{bar:40}] {percent:>3} %  {elapsed}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// What tells of a part that begins at a hundredth and takes so many.
    fn part(&self, name: &'static str, from: u64, share: u64) -> impl FnMut(f32) + use<> {
        let bar = self.0.clone();
        bar.set_message(name);
        move |done: f32| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 100")]
            let done = (done.clamp(0.0, 1.0) * HUNDREDTHS) as u64;
            bar.set_position(from + done * share / 100);
        }
    }

    fn finish(&self) {
        self.0.finish_and_clear();
    }
}
