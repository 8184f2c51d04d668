//! The process that holds the sockets. Each follows one order, comes back when it is cut off with the last place that it
//! knows, and notes what it heard as the protocol lets a client: by offset.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use kernel::random::Random;
use kernel::time::{Clock as _, Timestamp};
use platform::clock::SystemClock;
use platform::lifecycle::pause;
use serde_json::{Value, json};
use testkit::schedule::percentile;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::live_input::wire::Socket;

/// Set for this process.
pub(super) const MARK: &str = "DROPMATE_TEST_LISTENERS";
/// By this the events that are counted are known.
pub(super) const KIND: &str = "note";
/// Sockets that are opened in a second, at first.
const OPENED_PER_S: u64 = 200;
/// How long all of them may need to open, and at the end to hear the rest.
const PATIENCE: Duration = Duration::from_mins(2);
/// What happens this close to a time in which somebody was away does not count as steady.
const MARGIN_MS: i64 = 1_000;
const KINDS: [&str; 6] = ["subscribed", "event", "heartbeat", "resync", "refused", "ending"];

fn now_ms() -> i64 {
    SystemClock.now().as_millisecond()
}

/// How far the proof is.
#[derive(Debug, Clone)]
enum Phase {
    Running,
    /// Nothing more is published; each topic has had so many events.
    Ending(Arc<Vec<usize>>),
    /// Nobody waits any longer.
    Over,
}

/// Who is following, and when not everybody was.
#[derive(Debug, Default)]
struct Attendance {
    following: usize,
    all: usize,
    away_since: Option<i64>,
    breaks: Vec<(i64, i64)>,
}

impl Attendance {
    /// Who was away before all were there makes no break.
    fn begin(&mut self) {
        self.away_since = None;
        self.breaks.clear();
    }

    fn left(&mut self) {
        self.following -= 1;
        self.away_since.get_or_insert_with(now_ms);
    }

    fn came(&mut self) {
        self.following += 1;
        let back = self.away_since.take_if(|_| self.following == self.all);
        self.breaks.extend(back.map(|since| (since, now_ms())));
    }

    fn was_steady(&self, at: i64) -> bool {
        !self.breaks.iter().any(|(from, to)| (from - MARGIN_MS..to + MARGIN_MS).contains(&at))
    }
}

/// What all sockets share.
#[derive(Clone)]
struct Shared {
    url: String,
    /// How late a socket that was cut off comes back, at the latest.
    return_ms: u64,
    attendance: Arc<Mutex<Attendance>>,
    phase: watch::Receiver<Phase>,
}

impl Shared {
    fn attendance(&self) -> MutexGuard<'_, Attendance> {
        self.attendance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn over(mut self) {
        self.phase.wait_for(|phase| matches!(phase, Phase::Over)).await.ok();
    }
}

/// What was heard in another way than it should be, and what the protocol allows for.
#[derive(Debug, Default, Clone, Copy)]
struct Odd {
    /// Heard twice, although the client leaves out what it knows by its offset.
    duplicates: usize,
    /// Older than what was heard, or than the place up to which everything was told.
    out_of_order: usize,
    /// Something was left out, says the `prev` of what came next.
    gaps: usize,
    resyncs: usize,
    /// Left out by the client.
    repeated: usize,
    /// Refused for now.
    refused: usize,
}

/// One client.
struct Listener {
    shared: Shared,
    /// Which topic, by its place among all.
    number: usize,
    topic: String,
    /// Of who follows; for public codes nobody in particular does.
    token: Option<String>,
    random: Random,
    following: bool,
    /// The epoch and the offset up to which everything was told.
    place: Option<(i64, i64)>,
    heard: BTreeSet<usize>,
    /// When something happened, and how much later it was heard.
    times: Vec<(i64, i64)>,
    odd: Odd,
}

impl Listener {
    /// Follows until everything is heard, over as many connections as it takes.
    async fn listen(mut self, first_after: Duration) -> Self {
        pause(first_after).await;
        while !self.has_all() {
            let over = self.shared.clone().over();
            tokio::select! {
                // Cut off, or refused for now: it comes back.
                _ended = self.follow() => {}
                () = over => {}
            }
            if !self.has_all() {
                if std::mem::take(&mut self.following) {
                    self.shared.attendance().left();
                }
                pause(Duration::from_millis(self.random.below(self.shared.return_ms))).await;
            }
        }
        self
    }

    fn has_all(&self) -> bool {
        match &*self.shared.phase.borrow() {
            Phase::Running => false,
            Phase::Ending(published) => self.heard.len() >= published[self.number],
            Phase::Over => true,
        }
    }

    /// Over one connection.
    async fn follow(&mut self) -> anyhow::Result<()> {
        let mut socket = match &self.token {
            Some(token) => Socket::open(&self.shared.url, token).await?,
            None => Socket::open_public(&self.shared.url).await?,
        };
        let mut subscribe = json!({ "type": "subscribe", "topic": self.topic });
        if let Some((epoch, offset)) = self.place {
            subscribe["from"] = json!({ "epoch": epoch, "offset": offset });
        }
        socket.say(&subscribe).await?;
        let mut phase = self.shared.phase.clone();
        while !self.has_all() {
            tokio::select! {
                heard = socket.hear(&KINDS) => self.note(&heard?)?,
                changed = phase.changed() => changed?,
            }
        }
        Ok(())
    }

    fn note(&mut self, heard: &Value) -> anyhow::Result<()> {
        let number = |member: &str| heard[member].as_i64().with_context(|| format!("{member}: {heard}"));
        match heard["type"].as_str() {
            Some("event") => return self.event(number("offset")?, number("prev")?, &heard["data"]),
            // It speaks of what is followed over this connection by then.
            Some("heartbeat") if !self.following => return Ok(()),
            Some("heartbeat") => {}
            Some(kind @ ("subscribed" | "resync")) => {
                self.odd.resyncs += usize::from(kind == "resync");
                if !std::mem::replace(&mut self.following, true) {
                    self.shared.attendance().came();
                }
            }
            Some("refused") => {
                self.odd.refused += 1;
                bail!("{heard}");
            }
            _ => bail!("{heard}"),
        }
        let last = self.place.map_or(i64::MIN, |(_, last)| last);
        self.place = Some((number("epoch")?, number("offset")?.max(last)));
        Ok(())
    }

    fn event(&mut self, offset: i64, prev: i64, data: &Value) -> anyhow::Result<()> {
        let (epoch, last) = self.place.context("an event before the topic was followed")?;
        // What happens to the order besides has no number.
        let sequence = data["attempt"].as_u64().filter(|_| data["kind"] == KIND);
        let sequence = sequence.map(usize::try_from).transpose()?;
        if offset <= last {
            let known = sequence.is_none_or(|number| self.heard.contains(&number));
            self.odd.repeated += usize::from(known);
            self.odd.out_of_order += usize::from(!known);
            return Ok(());
        }
        self.odd.gaps += usize::from(prev > last);
        self.place = Some((epoch, offset));
        let Some(sequence) = sequence else { return Ok(()) };
        self.odd.out_of_order += usize::from(self.heard.last().is_some_and(|newest| *newest > sequence));
        self.odd.duplicates += usize::from(!self.heard.insert(sequence));
        let at: Timestamp = data["at"].as_str().context("a time")?.parse()?;
        self.times.push((at.as_millisecond(), now_ms() - at.as_millisecond()));
        Ok(())
    }
}

/// The sockets of a task, as it is written by the proof.
fn listeners(task: &Value, shared: &Shared) -> anyhow::Result<JoinSet<Listener>> {
    let list = |name: &str| task[name].as_array().with_context(|| format!("{name}: {task}"));
    let (orders, codes) = (list("orders")?, list("codes")?);
    let sockets = task["sockets"].as_u64().context("sockets")?;
    let seed = task["seed"].as_u64().context("a seed")?;
    let text = |value: &Value| value.as_str().map(str::to_owned).context("a text");
    let mut running = JoinSet::new();
    for socket in 0..sockets {
        let number = usize::try_from(socket)? % orders.len();
        // One in ten is a customer's page.
        let (topic, token) = match socket % 10 {
            0 => (format!("track:{}", text(&codes[number])?), None),
            _ => (format!("order:{}", text(&orders[number])?), Some(text(&task["token"])?)),
        };
        let listener = Listener {
            shared: shared.clone(),
            number,
            topic,
            token,
            random: Random::seeded(seed + socket),
            following: false,
            place: None,
            heard: BTreeSet::new(),
            times: Vec::new(),
            odd: Odd::default(),
        };
        running.spawn(listener.listen(Duration::from_millis(socket * 1_000 / OPENED_PER_S)));
    }
    shared.attendance().all = running.len();
    Ok(running)
}

/// What all of them heard, for the proof to judge.
fn summary(done: &[Listener], attendance: &Attendance, published: &[usize]) -> Value {
    let sum = |of: fn(&Odd) -> usize| done.iter().map(|listener| of(&listener.odd)).sum::<usize>();
    let expected: usize = done.iter().map(|listener| published[listener.number]).sum();
    let heard: usize = done.iter().map(|listener| listener.heard.len()).sum();
    let times = done.iter().flat_map(|listener| &listener.times);
    let steady = times.filter(|(at, _)| attendance.was_steady(*at));
    let mut steady: Vec<f64> =
        steady.map(|(_, later)| f64::from(i32::try_from(*later).unwrap_or(i32::MAX))).collect();
    steady.sort_by(f64::total_cmp);
    json!({
        "expected": expected, "heard": heard, "missing": expected.saturating_sub(heard),
        "duplicates": sum(|odd| odd.duplicates), "out_of_order": sum(|odd| odd.out_of_order),
        "gaps": sum(|odd| odd.gaps), "resyncs": sum(|odd| odd.resyncs), "repeated": sum(|odd| odd.repeated),
        "refused": sum(|odd| odd.refused), "breaks": attendance.breaks.len(),
        "longest_break_ms": attendance.breaks.iter().map(|(from, to)| to - from).max(),
        "steady": steady.len(), "p50_ms": percentile(&steady, 0.5), "p99_ms": percentile(&steady, 0.99),
        "max_ms": percentile(&steady, 1.0),
    })
}

/// The next line of the proof.
async fn said() -> anyhow::Result<Value> {
    let line = tokio::task::spawn_blocking(|| std::io::stdin().lines().next());
    Ok(serde_json::from_str(&line.await?.context("there is nothing more")??)?)
}

/// Reads the task, says when all follow, reads what was published, and says what was heard: a line each.
async fn hold() -> anyhow::Result<()> {
    let task = said().await?;
    let (phases, phase) = watch::channel(Phase::Running);
    let url = format!("{}/api/v1/realtime", task["base"].as_str().context("an address")?);
    let return_ms = task["return_ms"].as_u64().context("a time")?;
    let shared = Shared { url, return_ms, attendance: Arc::default(), phase };
    let mut running = listeners(&task, &shared)?;
    let begun = Instant::now();
    let following = || {
        let attendance = shared.attendance();
        (attendance.following, attendance.all)
    };
    while following().0 < following().1 {
        ensure!(begun.elapsed() < PATIENCE, "{:?} follow", following());
        pause(Duration::from_millis(50)).await;
    }
    shared.attendance().begin();
    println!("{}", json!({ "following": following().1 }));
    let published: Vec<usize> = serde_json::from_value(said().await?)?;
    phases.send_replace(Phase::Ending(Arc::new(published.clone())));
    let mut done = Vec::new();
    let all = async {
        while let Some(listener) = running.join_next().await {
            done.push(listener?);
        }
        anyhow::Ok(())
    };
    let in_time = tokio::time::timeout(PATIENCE, all).await;
    phases.send_replace(Phase::Over);
    match in_time {
        Ok(all) => all?,
        Err(_elapsed) => {
            while let Some(listener) = running.join_next().await {
                done.push(listener?);
            }
        }
    }
    println!("{}", summary(&done, &shared.attendance(), &published));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "not a test: the process that holds the sockets of the proof"]
async fn holder() {
    if std::env::var_os(MARK).is_some() {
        hold().await.unwrap_or_else(|error| panic!("{error:#}"));
    }
}
