//! `dropmate simulate`

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::Args;
use platform::clock::{SystemClock, system_random};
use runtime::usage;
use serde::{Deserialize, Serialize};
use simulation::{
    Api, Day, Dispatching, Figures, Live, Pace, Private, Scenario, Streets, Town, instance, world,
};

/// What is played, and where.
#[derive(Debug, Clone, Args)]
pub(crate) struct SimulateArgs {
    /// Replay the meal-delivery instances in this folder instead of a made-up town
    #[arg(long, value_name = "FOLDER")]
    instances: Option<PathBuf>,
    /// Play in front of this running installation, in the time of the wall [default: an installation of its own]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// With --url: the link to become the owner, or the file that --credentials wrote the first time
    #[arg(long, value_name = "LINK", requires = "url")]
    owner_link: Option<String>,
    /// With --url: where the owner's address and password are kept, readable for you alone
    #[arg(long, value_name = "FILE", requires = "url")]
    credentials: Option<PathBuf>,
    /// How much faster than the wall: a number with --url, `max` without [default: 1, or max]
    #[arg(long, value_name = "N")]
    speed: Option<String>,
    /// One JSON object a line instead of a table
    #[arg(long)]
    json: bool,
    /// What decides everything that is drawn
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Shops of the made-up town, up to 6
    #[arg(long, value_name = "NUMBER", default_value_t = 3)]
    shops: usize,
    /// Couriers of the made-up town
    #[arg(long, value_name = "NUMBER", default_value_t = 8)]
    drivers: usize,
    /// Orders an hour in the made-up town, on average
    #[arg(long, value_name = "NUMBER", default_value_t = 12.0)]
    orders_per_hour: f64,
    /// Let the made-up town live at the addresses and on the streets of this map, a folder of `dropmate map import`
    #[arg(long, value_name = "FOLDER", conflicts_with = "instances")]
    map: Option<PathBuf>,
    /// Hours of the made-up day
    #[arg(long, value_name = "NUMBER", default_value_t = 4)]
    hours: u32,
    /// One day of the made-up town after the other, until it is stopped
    #[arg(long, requires = "url", conflicts_with = "instances")]
    endless: bool,
    /// Where an installation of its own logs to [default: nowhere]
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    log: Option<PathBuf>,
}

/// Who owns a simulated organisation.
#[derive(Serialize, Deserialize)]
struct Credentials {
    email: String,
    password: String,
}

const EMAIL: &str = "owner@demo.example";

impl SimulateArgs {
    fn scenarios(&self) -> Result<Vec<Scenario>> {
        match &self.instances {
            Some(folder) => instance::find(folder),
            None => Ok(vec![self.world(self.seed)?]),
        }
    }

    fn world(&self, seed: u64) -> Result<Scenario> {
        let size = world::Size {
            shops: self.shops,
            couriers: self.drivers,
            orders_per_hour: self.orders_per_hour,
            hours: self.hours,
        };
        match &self.map {
            Some(folder) => world::on_streets(seed, size, Streets::open(folder)?),
            None => Ok(world::world(seed, size)),
        }
    }

    /// People are asked, couriers of an instance obey.
    fn dispatching(&self) -> Dispatching {
        if self.instances.is_some() { Dispatching::TOLD } else { Dispatching::ASKED }
    }

    fn speed(&self) -> Result<f64> {
        let wrong = |text: &str| usage(format!("--speed {text}: a number above 0 is expected with --url"));
        match self.speed.as_deref() {
            None => Ok(1.0),
            Some(text) => text.parse().ok().filter(|speed| *speed > 0.0).ok_or_else(|| wrong(text)),
        }
    }
}

/// Plays days and prints what came out of them.
pub(crate) async fn run(args: SimulateArgs) -> Result<ExitCode> {
    match &args.url {
        Some(url) => Box::pin(live(&args, url)).await,
        None => Box::pin(private(&args)).await,
    }
}

async fn private(args: &SimulateArgs) -> Result<ExitCode> {
    if let Some(speed) = args.speed.as_deref().filter(|speed| *speed != "max") {
        return Err(usage(format!(
            "--speed {speed} needs --url: an installation of its own goes on as fast as everything is done (max)"
        )));
    }
    let program = std::env::current_exe()?;
    let mut table = Table::new(args.json);
    let mut failed = false;
    for scenario in args.scenarios()? {
        match Box::pin(one(args, &program, &scenario)).await {
            Ok(figures) => table.row(&figures, args.seed)?,
            Err(error) => {
                failed = true;
                eprintln!("{}: {error:#}", scenario.name);
            }
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn one(args: &SimulateArgs, program: &Path, scenario: &Scenario) -> Result<Figures> {
    let mut pace = Private::start(program, scenario.line, args.log.as_deref()).await?;
    let (api, link) = (Api::at(pace.base())?, pace.owner_link().to_owned());
    let password = system_random().code(20);
    let mut town = Town::found(api, &link, &password, args.seed, &pace).await?;
    town.move_in(scenario, args.dispatching(), &mut pace).await?;
    let progress = Progress::new(&scenario.name);
    Day::new(scenario, &mut town, &mut pace, args.seed).play(|minute, open| progress.tell(minute, open)).await
}

async fn live(args: &SimulateArgs, url: &str) -> Result<ExitCode> {
    let clock = Arc::new(SystemClock);
    let mut pace = Live::new(clock.clone(), args.speed()?);
    let api = Api::at(url)?;
    // Accounts of an earlier run are still there: names and numbers must be others.
    let drawn = system_random().below(u64::MAX);
    let mut town = if let Some(Credentials { email, password }) = known(args.credentials.as_deref())? {
        Town::of(api.clone(), api.sign_in(&email, &password, pace.now()).await?, drawn)
    } else {
        let link = args.owner_link.as_deref();
        let link = link.context("--owner-link or a file that --credentials wrote before is needed")?;
        let password = system_random().code(20);
        let town = Town::found(api, link, &password, drawn, &pace).await?;
        keep(args.credentials.as_deref(), &Credentials { email: EMAIL.to_owned(), password })?;
        town
    };
    let mut table = Table::new(args.json);
    let mut scenarios = args.scenarios()?;
    if let Some(first) = scenarios.first() {
        town.clear_stage(&mut pace).await?;
        town.move_in(first, args.dispatching(), &mut pace).await?;
    }
    if args.instances.is_some() && scenarios.len() > 1 {
        bail!("--url replays one instance at a time: name its folder");
    }
    for round in 0.. {
        let seed = args.seed.wrapping_add(round);
        let scenario = match scenarios.pop() {
            Some(scenario) => scenario,
            None if args.endless => args.world(seed)?,
            None => break,
        };
        pace = Live::new(clock.clone(), args.speed()?);
        let progress = Progress::new(&scenario.name);
        let day = Day::new(&scenario, &mut town, &mut pace, seed);
        table.row(&day.play(|minute, open| progress.tell(minute, open)).await?, seed)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn known(file: Option<&Path>) -> Result<Option<Credentials>> {
    let Some(file) = file.filter(|file| file.exists()) else { return Ok(None) };
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    Ok(Some(
        serde_json::from_str(&text).with_context(|| format!("{} is not what was written", file.display()))?,
    ))
}

/// For the next run, and for whoever wants to look.
fn keep(file: Option<&Path>, credentials: &Credentials) -> Result<()> {
    let Some(file) = file else {
        eprintln!("Sign in as {} with the password {}", credentials.email, credentials.password);
        return Ok(());
    };
    let mut options = std::fs::OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out =
        options.write(true).create_new(true).open(file).with_context(|| format!("{}", file.display()))?;
    writeln!(out, "{}", serde_json::to_string(credentials)?)?;
    Ok(())
}

/// How far a day is, on a terminal.
struct Progress {
    name: String,
    shown: bool,
}

impl Progress {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), shown: std::io::stderr().is_terminal() }
    }

    fn tell(&self, minute: u32, open: usize) {
        if self.shown {
            eprint!("\r{} {:02}:{:02} {open} open   ", self.name, minute / 60, minute % 60);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            eprintln!();
        }
    }
}

/// What came out, a line for each day.
struct Table {
    json: bool,
    begun: bool,
}

impl Table {
    fn new(json: bool) -> Self {
        Self { json, begun: false }
    }

    fn row(&mut self, figures: &Figures, seed: u64) -> Result<()> {
        if self.json {
            let mut line = serde_json::to_value(figures)?;
            line["seed"] = seed.into();
            println!("{line}");
            return Ok(());
        }
        if !self.begun {
            println!(
                "{:<18} {:>6} {:>9} {:>15} {:>17} {:>19} {:>11}",
                "instance",
                "orders",
                "delivered",
                "undelivered_pct",
                "click_to_door_min",
                "ready_to_pickup_min",
                "utilisation"
            );
            self.begun = true;
        }
        println!(
            "{:<18} {:>6} {:>9} {:>15.1} {:>17.1} {:>19.1} {:>11.2}",
            figures.instance,
            figures.orders,
            figures.delivered,
            figures.undelivered_pct,
            figures.click_to_door_min,
            figures.ready_to_pickup_min,
            figures.utilisation
        );
        let happened = figures.incidents.named().into_iter().filter(|(_, count)| *count > 0);
        let happened: Vec<String> = happened.map(|(name, count)| format!("{count} {name}")).collect();
        if !happened.is_empty() {
            println!("  {}", happened.join(", "));
        }
        Ok(())
    }
}
