//! `dropmate map`: the map of the area that is served, made from one file of OpenStreetMap.

mod bench;
mod import;
mod info;
mod route;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use mapfolder::Folder;
use osm::Point;
use roads::Network;
use runtime::usage;

use crate::cli::Where;

/// Where the map is.
#[derive(Debug, Clone, Args)]
pub(crate) struct MapDir {
    /// The folder of the map [default: `map` in the data folder, or map.folder of the settings]
    #[arg(long, value_name = "FOLDER")]
    map: Option<PathBuf>,
}

/// `map ...`
#[derive(Debug, Subcommand)]
pub(crate) enum MapAction {
    /// Make the map from an extract (.osm.pbf), in place of the one that is there
    ///
    /// Roads, addresses and what is drawn are read from one file, which downloads of OpenStreetMap offer for cities and
    /// regions. A running installation takes the new map by itself; one that breaks off leaves the old map as it was.
    #[command(after_help = "Examples:\n  dropmate map import demo/helsinki.osm.pbf\n  \
                            dropmate map import city.osm.pbf --profile car --profile bicycle --profile foot\n  \
                            dropmate map import city.osm.pbf --addresses city-addresses.csv")]
    Import {
        #[command(flatten)]
        dir: MapDir,
        /// The extract
        file: PathBuf,
        /// Whose roads: car, motorcycle, bicycle, cargo_bike, foot; several times for several
        #[arg(long, value_name = "NAME", default_values = ["car", "bicycle"])]
        profile: Vec<String>,
        /// A profile of your own, a file like those in engines/roads/profiles
        #[arg(long, value_name = "FILE")]
        profile_file: Vec<PathBuf>,
        /// An official list of addresses (CSV) that the extract may lack, as towns publish them; several times for several
        #[arg(long, value_name = "FILE")]
        addresses: Vec<PathBuf>,
        /// People drive on the left; by itself this is found from the country
        #[arg(long)]
        left_hand: bool,
        /// One JSON object instead of text
        #[arg(long)]
        json: bool,
    },
    /// Tell what map there is
    Info {
        #[command(flatten)]
        dir: MapDir,
        /// One JSON object instead of text
        #[arg(long)]
        json: bool,
    },
    /// Find the quickest way from one place to another, each as LATITUDE,LONGITUDE in degrees
    #[command(
        after_help = "Examples:\n  dropmate map route 60.1699,24.9384 60.1756,24.9414 --profile bicycle"
    )]
    Route {
        #[command(flatten)]
        dir: MapDir,
        /// Where it begins
        #[arg(value_name = "LAT,LON", allow_hyphen_values = true)]
        from: String,
        /// Where it ends
        #[arg(value_name = "LAT,LON", allow_hyphen_values = true)]
        to: String,
        /// Whose roads
        #[arg(long, value_name = "NAME", default_value = "car")]
        profile: String,
        /// One JSON object: duration_s, distance_m, geometry (longitude and latitude as in GeoJSON), steps
        #[arg(long)]
        json: bool,
    },
    /// Measure how fast this map answers on this machine
    Bench {
        #[command(flatten)]
        dir: MapDir,
        /// Whose roads
        #[arg(long, value_name = "NAME", default_value = "car")]
        profile: String,
        /// One JSON object instead of text
        #[arg(long)]
        json: bool,
    },
}

/// Does what is asked for.
pub(crate) fn run(at: Where, action: MapAction) -> Result<ExitCode> {
    match action {
        MapAction::Import { dir, file, profile, profile_file, addresses, left_hand, json } => {
            let what = import::What { names: profile, files: profile_file, addresses, left_hand, json };
            import::run(&folder(at, dir)?, &file, &what)?;
        }
        MapAction::Info { dir, json } => info::run(&folder(at, dir)?, json)?,
        MapAction::Route { dir, from, to, profile, json } => {
            let (from, to) = (place(&from)?, place(&to)?);
            route::run(&open(at, dir)?, &profile, from, to, json)?;
        }
        MapAction::Bench { dir, profile, json } => bench::run(&open(at, dir)?, &profile, json)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn folder(at: Where, dir: MapDir) -> Result<PathBuf> {
    match dir.map {
        Some(folder) => Ok(folder),
        None => Ok(at.settings(Vec::new())?.map_folder()),
    }
}

fn open(at: Where, dir: MapDir) -> Result<Folder> {
    let folder = folder(at, dir)?;
    Folder::open(&folder).with_context(|| {
        format!(
            "there is no map in {} that can be used; make one with `dropmate map import FILE`",
            folder.display()
        )
    })
}

/// `60.17,24.94`
fn place(text: &str) -> Result<Point> {
    let wrong =
        || usage(format!("{text}: latitude and longitude in degrees are expected, as in 60.1699,24.9384"));
    let (lat, lon) = text.split_once(',').ok_or_else(wrong)?;
    let number = |text: &str| text.trim().parse::<f64>().map_err(|_not_a_number| wrong());
    let (lat, lon) = (number(lat)?, number(lon)?);
    kernel::geo::Position::new(lat, lon).map_err(|_outside| wrong())?;
    Ok(Point::from_degrees(lat, lon))
}

/// The roads of this profile, or which ones there are.
fn network(folder: &Folder, profile: &str) -> Result<Network> {
    if !Network::is_in(folder, profile) {
        let parts = folder.manifest().parts.iter();
        let known: Vec<&str> =
            parts.filter_map(|part| part.name.strip_prefix("roads/")?.strip_suffix(".graph")).collect();
        anyhow::bail!(
            "this map has no roads for {profile}, only for {}; import it again with --profile {profile}",
            known.join(", ")
        );
    }
    Ok(Network::open(folder, profile)?)
}
