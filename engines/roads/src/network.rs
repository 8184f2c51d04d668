//! The roads of one profile with one table of speeds.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use mapfolder::Folder;

use crate::cost::{self, NEVER_LONG};
use crate::error::Error;
use crate::graph::Graph;
use crate::hierarchy::path::Workspace;
use crate::hierarchy::{Hierarchy, Weights};
use crate::profile::Profile;
use crate::speeds::SpeedTable;
use crate::time::TimeOfWeek;

/// States of the roads (hours, rules by time) whose weights are kept beside those without a time.
const KEPT_STATES: usize = 6;
/// The longest that an edge may take: some nine hours.
const MAX_EDGE_MS: f64 = 33_554_432.0;

/// The roads of one profile. Cheap to clone; queries run on many threads at once.
#[derive(Clone)]
pub struct Network {
    pub(crate) roads: Arc<Roads>,
    speeds: Arc<SpeedTable>,
    base: Arc<Weights>,
    states: Arc<Mutex<States>>,
}

/// Weights by state, the latest used last.
type States = Vec<(State, Arc<Weights>)>;

/// What does not depend on speeds.
pub(crate) struct Roads {
    pub(crate) graph: Graph,
    pub(crate) hierarchy: Hierarchy,
    workspaces: Mutex<Vec<Workspace>>,
}

/// What distinguishes two times.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    /// Schedules that hold.
    active: Vec<u32>,
    hour: Option<usize>,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network").field("profile", &self.profile().name).finish_non_exhaustive()
    }
}

impl Network {
    /// Whether the map has roads of this profile.
    pub fn is_in(folder: &Folder, profile: &str) -> bool {
        folder.has(&Profile::file_name(profile))
    }

    /// Maps and checks the roads of a profile and computes their weights.
    pub fn open(folder: &Folder, profile: &str) -> Result<Self, Error> {
        let graph = Graph::open(folder, profile)?;
        let hierarchy = Hierarchy::of(&graph);
        let roads = Arc::new(Roads { graph, hierarchy, workspaces: Mutex::new(Vec::new()) });
        Ok(Self::with(roads, SpeedTable::default()))
    }

    /// The same roads with other speeds. Takes about a tenth of a second for a metropolitan area; queries on this
    /// network go on meanwhile.
    pub fn with_speeds(&self, speeds: &SpeedTable) -> Self {
        Self::with(Arc::clone(&self.roads), speeds.clone())
    }

    fn with(roads: Arc<Roads>, speeds: SpeedTable) -> Self {
        let base = Arc::new(weigh(&roads, &speeds, &State { active: Vec::new(), hour: None }));
        Self { roads, speeds: Arc::new(speeds), base, states: Arc::default() }
    }

    /// The profile that the roads were imported for.
    pub fn profile(&self) -> &Profile {
        &self.roads.graph.meta.profile
    }

    /// People drive on the left.
    pub fn left_hand(&self) -> bool {
        self.roads.graph.meta.left_hand
    }

    /// Directed edges of the network.
    pub fn edge_count(&self) -> usize {
        self.roads.graph.edge_count()
    }

    /// The weights at a time; without a time no rule by time holds and no speed depends on the hour.
    pub(crate) fn weights(&self, when: Option<TimeOfWeek>) -> Arc<Weights> {
        let Some(when) = when else { return Arc::clone(&self.base) };
        let schedules = (0u32..).zip(&self.roads.graph.meta.schedules);
        let state = State {
            active: schedules.filter(|(_, schedule)| schedule.holds(when)).map(|(index, _)| index).collect(),
            hour: self.speeds.depends_on_hour().then_some(when.hour()),
        };
        if state.active.is_empty() && state.hour.is_none() {
            return Arc::clone(&self.base);
        }
        // Held while computing: two questions about one new hour compute it once.
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = states.iter().position(|(known, _)| *known == state) {
            let found = states.remove(place);
            states.push(found);
        } else {
            if states.len() == KEPT_STATES {
                states.remove(0);
            }
            let weights = Arc::new(weigh(&self.roads, &self.speeds, &state));
            states.push((state, weights));
        }
        Arc::clone(&states.last().expect("just pushed").1)
    }

    /// Runs a search with memory that is reused.
    pub(crate) fn with_workspace<T>(&self, search: impl FnOnce(&mut Workspace) -> T) -> T {
        let pool = || self.roads.workspaces.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = pool().pop();
        let mut workspace = kept.unwrap_or_else(|| Workspace::new(self.roads.graph.edge_count()));
        let result = search(&mut workspace);
        pool().push(workspace);
        result
    }
}

fn weigh(roads: &Roads, speeds: &SpeedTable, state: &State) -> Weights {
    let graph = &roads.graph;
    let factors = speeds.factors(&graph.meta.profile.class_names(), state.hour);
    // Milliseconds in motion, where a rule by time says otherwise than the map; 0 is closed.
    let mut changed: std::collections::BTreeMap<u32, u32> = std::collections::BTreeMap::new();
    for [segment, schedule, ms] in graph.changes.as_chunks::<3>().0 {
        if state.active.contains(schedule) {
            let worst = changed.entry(*segment).or_insert(*ms);
            *worst = if *ms == 0 { 0 } else { *worst };
        }
    }
    let directed_ms = |directed: u32| {
        let segment = directed / 2;
        let moving = changed.get(&segment).copied().unwrap_or(graph.travel[directed as usize]);
        let factor = factors[usize::from(graph.flags(segment).class)];
        rounded(f64::from(moving) / factor + f64::from(graph.delay[directed as usize]))
    };
    let edge_ms: Vec<u32> = graph.segment_of_edge.iter().map(|directed| directed_ms(*directed)).collect();
    let closed = |edge: u32| {
        !changed.is_empty() && changed.get(&(graph.segment_of_edge[edge as usize] / 2)) == Some(&0)
    };
    let mut turns: Vec<u64> = graph
        .turn_head
        .iter()
        .zip(&*graph.turn_cost)
        .map(|(head, turn)| {
            let cost = edge_ms[*head as usize].saturating_add(*turn);
            let segment = graph.segment_of_edge[*head as usize] / 2;
            let possible = cost < cost::NEVER && !closed(*head);
            if possible { cost::long(cost, graph.length[segment as usize]) } else { NEVER_LONG }
        })
        .collect();
    for [turn, schedule] in graph.closed_turns.as_chunks::<2>().0 {
        if state.active.contains(schedule) {
            turns[*turn as usize] = NEVER_LONG;
        }
    }
    Weights::customise(graph, &roads.hierarchy, edge_ms, turns)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before the cast")]
fn rounded(ms: f64) -> u32 {
    ms.round().clamp(1.0, MAX_EDGE_MS) as u32
}

/// The network in use, replaced while queries go on: each query finishes on the one that it began with.
#[derive(Debug)]
pub struct Live(RwLock<Network>);

impl Live {
    /// Begins with a network.
    pub fn new(network: Network) -> Self {
        Self(RwLock::new(network))
    }

    /// The network in use.
    pub fn current(&self) -> Network {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another one in its place.
    pub fn replace(&self, network: Network) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = network;
    }
}
