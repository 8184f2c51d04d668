//! Numbers the roads in the order of contraction and writes them down.

use super::component;
use super::grid;
use super::order;
use super::streets::Streets;
use super::tags::Change;
use super::turns::Turns;
use crate::error::Error;
use crate::graph::file::{Section, Writer};
use crate::graph::{Meta, NO_EDGE, SegmentFlags, metres_to_dm};
use crate::profile::Profile;
use crate::time::Schedule;

/// What is driven on: edges in the order of contraction, which is their number from here on.
pub(super) struct Network {
    /// Old numbers of the segments.
    pub(super) segments: Vec<u32>,
    /// Old numbers of the edges (nodes of [`Turns`]).
    pub(super) edges: Vec<u32>,
    pub(super) first: Vec<u32>,
    pub(super) heads: Vec<u32>,
    /// Old numbers of the turns.
    pub(super) arcs: Vec<u32>,
    /// Part of each segment: 0 is the core.
    component: Vec<u32>,
    /// Edges that reach each other.
    pub(super) core_edges: usize,
    new_segment: Vec<u32>,
}

const GONE: u32 = u32::MAX;

pub(super) fn ordered(streets: &Streets, turns: &Turns) -> Network {
    let segments: Vec<u32> = turns.raw.iter().map(|raw| raw / 2).collect();
    let parts = component::parts(&turns.first, &turns.heads, &segments);
    let kept: Vec<u32> =
        (0u32..).zip(&parts).filter(|(_, part)| part.is_some()).map(|(node, _)| node).collect();
    let ends: Vec<(u32, u32)> = kept.iter().map(|node| ends(streets, turns.raw[*node as usize])).collect();
    let points: Vec<_> = streets.junctions.iter().map(|junction| junction.point).collect();
    // The crate does not order an empty map.
    let ordered = if ends.is_empty() { Vec::new() } else { order::edges(&ends, &points) };
    let edges: Vec<u32> = ordered.into_iter().map(|index| kept[index as usize]).collect();
    let mut new_edge = vec![GONE; turns.raw.len()];
    for (new, old) in (0u32..).zip(&edges) {
        new_edge[*old as usize] = new;
    }
    let mut network = Network {
        segments: Vec::new(),
        edges,
        first: vec![0],
        heads: Vec::new(),
        arcs: Vec::new(),
        component: Vec::new(),
        core_edges: parts.iter().filter(|part| **part == Some(0)).count(),
        new_segment: vec![GONE; streets.segments.len()],
    };
    for old in &network.edges {
        let old = *old as usize;
        for arc in turns.first[old]..turns.first[old + 1] {
            let head = new_edge[turns.heads[arc as usize] as usize];
            if head != GONE {
                network.heads.push(head);
                network.arcs.push(arc);
            }
        }
        network.first.push(u32::try_from(network.heads.len()).expect("fewer than before"));
        // Its part for now.
        network.new_segment[turns.raw[old] as usize / 2] = parts[old].unwrap_or(GONE);
    }
    for (old, new) in network.new_segment.iter_mut().enumerate().filter(|(_, new)| **new != GONE) {
        network.component.push(*new);
        *new = u32::try_from(network.segments.len()).expect("fewer than before");
        network.segments.push(u32::try_from(old).expect("segments are below 2^29"));
    }
    network
}

fn ends(streets: &Streets, raw: u32) -> (u32, u32) {
    let segment = &streets.segments[raw as usize / 2];
    if raw.is_multiple_of(2) { (segment.from, segment.to) } else { (segment.to, segment.from) }
}

/// The file and the number of arcs in the hierarchy.
pub(super) fn write(
    profile: &Profile,
    left_hand: bool,
    streets: &Streets,
    turns: &Turns,
    network: &Network,
) -> Result<(Vec<u8>, usize), Error> {
    let mut file = Writer::default();
    let mut schedules = Vec::new();
    write_segments(&mut file, streets, network);
    write_edges(&mut file, turns, network);
    write_changes(&mut file, streets, turns, network, &mut schedules)?;
    let shortcuts = write_hierarchy(&mut file, network);
    let meta = Meta { profile: profile.clone(), left_hand, schedules };
    file.bytes(Section::Meta, &serde_json::to_vec(&meta).expect("plain texts and numbers can be written"));
    Ok((file.finish(), shortcuts))
}

fn write_segments(file: &mut Writer, streets: &Streets, network: &Network) {
    let (mut points, mut first_point, mut pieces) = (Vec::new(), vec![0u32], Vec::new());
    let (mut info, mut names, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
    let (mut travel, mut delay) = (Vec::new(), Vec::new());
    for old in &network.segments {
        let segment = &streets.segments[*old as usize];
        let start = u32::try_from(points.len()).expect("points are below 2^29");
        points.extend_from_slice(&streets.points[segment.points.clone()]);
        let end = u32::try_from(points.len()).expect("points are below 2^29");
        first_point.push(end);
        pieces.extend(start..end - 1);
        let flags = SegmentFlags {
            class: segment.class,
            roundabout: segment.roundabout,
            ferry: segment.ferry,
            last_metres: segment.last_metres,
        };
        info.push(flags.to_bits());
        names.push(segment.name);
        lengths.push(metres_to_dm(segment.length_m));
        for direction in segment.travel {
            travel.push(direction.map_or(0, |direction| direction.ms));
            delay.push(direction.map_or(0, |direction| direction.delay_ms));
        }
    }
    file.numbers(Section::Component, &network.component);
    let grid = grid::build(&points, &pieces);
    let coordinates: Vec<i32> = points.iter().flat_map(|point| [point.lat_e7, point.lon_e7]).collect();
    file.bytes(Section::Points, bytemuck::cast_slice(&coordinates));
    file.numbers(Section::FirstPoint, &first_point);
    file.numbers(Section::Info, &info);
    file.numbers(Section::Name, &names);
    file.numbers(Section::Length, &lengths);
    file.numbers(Section::Travel, &travel);
    file.numbers(Section::Delay, &delay);
    file.bytes(Section::GridShape, bytemuck::cast_slice(&grid.shape));
    file.numbers(Section::GridFirst, &grid.first);
    file.numbers(Section::GridPieces, &grid.pieces);
    let mut text = Vec::new();
    let mut first_name = vec![0u32];
    for name in &streets.names {
        text.extend_from_slice(name.as_bytes());
        first_name.push(u32::try_from(text.len()).expect("the extract bounds its texts"));
    }
    file.numbers(Section::FirstName, &first_name);
    file.bytes(Section::Names, &text);
}

fn write_edges(file: &mut Writer, turns: &Turns, network: &Network) {
    let mut of_segment = vec![NO_EDGE; network.segments.len() * 2];
    let (mut directed, mut copies) = (Vec::new(), Vec::new());
    for (edge, old) in (0u32..).zip(&network.edges) {
        let raw = turns.raw[*old as usize];
        let new = network.new_segment[raw as usize / 2] * 2 + raw % 2;
        directed.push(new);
        if (*old as usize) < turns.plain {
            of_segment[new as usize] = edge;
        } else {
            copies.push([new, edge]);
        }
    }
    copies.sort_unstable();
    let costs: Vec<u32> = network.arcs.iter().map(|arc| turns.costs[*arc as usize]).collect();
    file.numbers(Section::EdgeOfSegment, &of_segment);
    file.numbers(Section::SegmentOfEdge, &directed);
    file.numbers(Section::Copies, bytemuck::cast_slice(&copies));
    file.numbers(Section::FirstTurn, &network.first);
    file.numbers(Section::TurnHead, &network.heads);
    file.numbers(Section::TurnCost, &costs);
}

fn write_changes(
    file: &mut Writer,
    streets: &Streets,
    turns: &Turns,
    network: &Network,
    schedules: &mut Vec<Schedule>,
) -> Result<(), Error> {
    let mut number = |schedule: &Schedule| {
        let known = schedules.iter().position(|known| known == schedule);
        let index = known.unwrap_or_else(|| {
            schedules.push(schedule.clone());
            schedules.len() - 1
        });
        u32::try_from(index).or(Err(Error::TooLarge))
    };
    let mut closed_turns: Vec<[u32; 2]> = Vec::new();
    let mut new_arc = vec![GONE; turns.heads.len()];
    for (new, old) in (0u32..).zip(&network.arcs) {
        new_arc[*old as usize] = new;
    }
    for (arc, schedule) in &turns.closed {
        if new_arc[*arc as usize] != GONE {
            closed_turns.push([new_arc[*arc as usize], number(schedule)?]);
        }
    }
    let mut changes: Vec<[u32; 3]> = Vec::new();
    for (segment, change, schedule) in &streets.changes {
        let new = network.new_segment[*segment as usize];
        if new != GONE {
            let ms = match change {
                Change::Closed => 0,
                Change::Kmh(kmh) => {
                    super::streets::whole_ms(streets.segments[*segment as usize].length_m * 3_600.0 / kmh)
                        .max(1)
                }
            };
            changes.push([new, number(schedule)?, ms]);
        }
    }
    file.numbers(Section::ClosedTurns, bytemuck::cast_slice(&closed_turns));
    file.numbers(Section::Changes, bytemuck::cast_slice(&changes));
    Ok(())
}

/// Contracts the edges in their order and writes the arcs that result.
fn write_hierarchy(file: &mut Writer, network: &Network) -> usize {
    let graph = cch::graph::Graph {
        first_out: network.first.clone(),
        head: network.heads.clone(),
        weight: vec![0; network.heads.len()],
    };
    let order: Vec<u32> = (0u32..).zip(&network.edges).map(|(edge, _)| edge).collect();
    let hierarchy = cch::Cch::build(&graph, &order);
    file.numbers(Section::UpFirst, &hierarchy.up_first_out);
    file.numbers(Section::UpHead, &hierarchy.up_head);
    file.numbers(Section::UpTurn, &hierarchy.forward_input_arc_of_cch);
    file.numbers(Section::DownTurn, &hierarchy.backward_input_arc_of_cch);
    hierarchy.up_head.len()
}
