//! Cuts the ways into segments that run from junction to junction.

use std::collections::HashMap;
use std::ops::Range;

use osm::{Data, Point, Way};

use super::tags::{self, Access, Change, Pace, Rules};
use crate::error::Error;
use crate::profile::Profile;
use crate::time::Schedule;

/// Milliseconds per metre at one kilometre per hour.
const MS_PER_M_AT_1_KMH: f64 = 3_600.0;
const NOT_A_JUNCTION: u32 = u32::MAX;

/// A piece of a way between two junctions.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) way: i64,
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) points: Range<usize>,
    pub(super) class: u8,
    pub(super) name: u32,
    pub(super) roundabout: bool,
    pub(super) ferry: bool,
    pub(super) last_metres: bool,
    pub(super) length_m: f64,
    /// Forwards, backwards.
    pub(super) travel: [Option<Travel>; 2],
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Travel {
    /// Moving.
    pub(super) ms: u32,
    /// Standing, at traffic lights on the way.
    pub(super) delay_ms: u32,
}

/// Where segments meet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Junction {
    pub(super) node: i64,
    pub(super) point: Point,
    pub(super) marks: Marks,
}

/// What stands at a node.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Marks {
    /// Nothing passes.
    pub(super) blocked: bool,
    /// A gate that is not for through traffic.
    pub(super) gate: bool,
    /// A traffic light for those who come along the way forwards, backwards.
    pub(super) signal: [bool; 2],
}

#[derive(Debug, Default)]
pub(super) struct Streets {
    pub(super) points: Vec<Point>,
    pub(super) segments: Vec<Segment>,
    pub(super) junctions: Vec<Junction>,
    pub(super) names: Vec<String>,
    /// Segment and what changes while the schedule holds.
    pub(super) changes: Vec<(u32, Change, Schedule)>,
    /// The segments of each way, in its order.
    pub(super) of_way: HashMap<i64, Range<u32>>,
    pub(super) junction_of_node: HashMap<i64, u32>,
}

struct Usable<'a> {
    way: Way<'a>,
    rules: Rules,
    /// The parts of the way that lie in the extract, as places of nodes.
    runs: Vec<Vec<usize>>,
}

/// `via`: nodes of turn restrictions, where ways are cut in any case.
pub(super) fn cut(data: &Data, profile: &Profile, via: &[i64]) -> Result<Streets, Error> {
    let usable: Vec<Usable<'_>> = data
        .ways()
        .filter_map(|way| {
            let rules = tags::read(profile, &way.tags)?;
            Some(Usable { way, rules, runs: runs(data, way.nodes) })
        })
        .collect();
    let marks = marks(data, profile);
    let is_junction = junctions(data, &usable, &marks, via);
    let mut cutter = Cutter {
        data,
        profile,
        marks,
        junction_of: vec![NOT_A_JUNCTION; is_junction.len()],
        is_junction,
        name_numbers: HashMap::new(),
        streets: Streets::default(),
    };
    cutter.name("");
    for usable in &usable {
        cutter.cut_way(usable)?;
    }
    let mut streets = cutter.streets;
    streets.junction_of_node =
        streets.junctions.iter().zip(0..).map(|(junction, index)| (junction.node, index)).collect();
    Ok(streets)
}

fn runs(data: &Data, nodes: &[i64]) -> Vec<Vec<usize>> {
    let mut runs = vec![Vec::new()];
    for node in nodes {
        match data.node_index(*node) {
            Some(index) => {
                let run = runs.last_mut().expect("one from the start");
                if run.last() != Some(&index) {
                    run.push(index);
                }
            }
            None => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| run.len() > 1);
    runs
}

fn marks(data: &Data, profile: &Profile) -> HashMap<usize, Marks> {
    let mut marks = HashMap::new();
    for node in data.nodes() {
        let mut mark = Marks::default();
        if node.tags.is("highway", "traffic_signals") {
            let direction = node.tags.get("traffic_signals:direction");
            mark.signal = [direction != Some("backward"), direction != Some("forward")];
        }
        if let Some(kind) = node.tags.get("barrier") {
            let listed = |kinds: &[String]| kinds.iter().any(|known| known == kind);
            let blocks = if profile.barriers_block.is_empty() {
                !listed(&profile.barriers_pass)
            } else {
                listed(&profile.barriers_block)
            };
            match tags::barrier_access(profile, &node.tags) {
                Some(Access::Open) => {}
                Some(Access::LastMetres) => mark.gate = true,
                Some(Access::Closed) => mark.blocked = true,
                None => mark.blocked = blocks,
            }
        }
        if (mark.blocked || mark.gate || mark.signal != [false; 2])
            && let Some(index) = data.node_index(node.id)
        {
            marks.insert(index, mark);
        }
    }
    marks
}

fn junctions(data: &Data, usable: &[Usable<'_>], marks: &HashMap<usize, Marks>, via: &[i64]) -> Vec<bool> {
    let mut uses = vec![0u8; data.node_count()];
    for run in usable.iter().flat_map(|usable| &usable.runs) {
        for index in run {
            uses[*index] = uses[*index].saturating_add(1);
        }
        for end in [run[0], run[run.len() - 1]] {
            uses[end] = 2;
        }
    }
    let mut is_junction: Vec<bool> = uses.iter().map(|uses| *uses > 1).collect();
    let cut = marks.iter().filter(|(_, mark)| mark.blocked || mark.gate).map(|(index, _)| *index);
    for index in cut.chain(via.iter().filter_map(|node| data.node_index(*node))) {
        is_junction[index] = true;
    }
    is_junction
}

struct Cutter<'a> {
    data: &'a Data,
    profile: &'a Profile,
    marks: HashMap<usize, Marks>,
    is_junction: Vec<bool>,
    junction_of: Vec<u32>,
    name_numbers: HashMap<String, u32>,
    streets: Streets,
}

impl Cutter<'_> {
    fn cut_way(&mut self, usable: &Usable<'_>) -> Result<(), Error> {
        let first = number(self.streets.segments.len())?;
        let tags = &usable.way.tags;
        let name = self.name(tags.get("name").or_else(|| tags.get("ref")).unwrap_or(""));
        let way_m: f64 = usable.runs.iter().map(|run| self.length_m(run)).sum();
        for run in &usable.runs {
            let mut start = 0;
            for at in 1..run.len() {
                if self.is_junction[run[at]] {
                    self.add(usable, &run[start..=at], name, way_m)?;
                    start = at;
                }
            }
        }
        let last = number(self.streets.segments.len())?;
        for segment in first..last {
            for (change, schedule) in &usable.rules.changes {
                self.streets.changes.push((segment, change.clone(), schedule.clone()));
            }
        }
        self.streets.of_way.insert(usable.way.id, first..last);
        Ok(())
    }

    fn add(&mut self, usable: &Usable<'_>, nodes: &[usize], name: u32, way_m: f64) -> Result<(), Error> {
        let start = self.streets.points.len();
        number(start + nodes.len())?;
        self.streets.points.extend(nodes.iter().filter_map(|index| self.data.point_at(*index)));
        let length_m = self.length_m(nodes);
        let rules = &usable.rules;
        let travel = |direction: usize, pace: Option<Pace>| {
            let seconds_to_ms = |seconds: f64| whole_ms(seconds * 1_000.0);
            let ms = match pace? {
                Pace::Kmh(kmh) => whole_ms(length_m / kmh * MS_PER_M_AT_1_KMH),
                Pace::WholeWay(seconds) => seconds_to_ms(seconds * length_m / way_m.max(1.0)),
            };
            let inside = &nodes[1..nodes.len() - 1];
            let lights =
                inside.iter().filter(|node| self.marks.get(node).is_some_and(|m| m.signal[direction]));
            let delay_ms = lights.map(|_| seconds_to_ms(self.profile.signal_s)).sum();
            Some(Travel { ms: ms.max(1), delay_ms })
        };
        let travel = [travel(0, rules.forward), travel(1, rules.backward)];
        let segment = Segment {
            way: usable.way.id,
            from: self.junction(nodes[0])?,
            to: self.junction(nodes[nodes.len() - 1])?,
            points: start..self.streets.points.len(),
            class: rules.class,
            name,
            roundabout: rules.roundabout,
            ferry: rules.ferry,
            last_metres: rules.last_metres,
            length_m,
            travel,
        };
        self.streets.segments.push(segment);
        Ok(())
    }

    fn junction(&mut self, index: usize) -> Result<u32, Error> {
        if self.junction_of[index] == NOT_A_JUNCTION {
            self.junction_of[index] = number(self.streets.junctions.len())?;
            self.streets.junctions.push(Junction {
                node: self.data.id_at(index).unwrap_or_default(),
                point: self.data.point_at(index).unwrap_or_default(),
                marks: self.marks.get(&index).copied().unwrap_or_default(),
            });
        }
        Ok(self.junction_of[index])
    }

    fn name(&mut self, text: &str) -> u32 {
        if let Some(number) = self.name_numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.streets.names.len()).expect("fewer names than segments");
        self.streets.names.push(text.to_owned());
        self.name_numbers.insert(text.to_owned(), number);
        number
    }

    fn length_m(&self, nodes: &[usize]) -> f64 {
        let point = |index: usize| self.data.point_at(index).unwrap_or_default();
        nodes.windows(2).map(|pair| point(pair[0]).distance_m(point(pair[1]))).sum()
    }
}

/// Numbers of segments leave room for two directions in 31 bits.
fn number(count: usize) -> Result<u32, Error> {
    u32::try_from(count).ok().filter(|number| *number < 1 << 29).ok_or(Error::TooLarge)
}

/// Rounded; at most some twelve days, so that sums stay in range.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before the cast")]
pub(super) fn whole_ms(ms: f64) -> u32 {
    ms.round().clamp(0.0, f64::from(1 << 25)) as u32
}
