//! The roads of one profile, mapped.
//!
//! A *segment* is a piece of road between two junctions; a *directed segment* is `segment * 2 + direction`. An *edge* is
//! a directed segment as the search knows it: usually one for each that can be driven, more where a restriction over
//! ways needs copies. The *core* is the largest part in which every edge is reached from every other one; parts that are
//! cut off from it are kept beside it. Edges are numbered in the order of contraction. A *piece* is the line between two points.

mod check;
pub(crate) mod file;

use mapfolder::Folder;
use osm::Point;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::profile::Profile;
use crate::time::Schedule;
use file::{Numbers, Reader, Section, SignedNumbers};

/// A directed segment that cannot be driven, a direction without input, no parent.
pub(crate) const NO_EDGE: u32 = u32::MAX;

/// What is not numbers.
#[derive(Serialize, Deserialize)]
pub(crate) struct Meta {
    pub(crate) profile: Profile,
    pub(crate) left_hand: bool,
    pub(crate) schedules: Vec<Schedule>,
}

/// What a segment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentFlags {
    pub(crate) class: u8,
    pub(crate) roundabout: bool,
    pub(crate) ferry: bool,
    pub(crate) last_metres: bool,
}

impl SegmentFlags {
    pub(crate) fn to_bits(self) -> u32 {
        let flag = |set: bool, bit: u32| u32::from(set) << bit;
        u32::from(self.class) | flag(self.roundabout, 8) | flag(self.ferry, 9) | flag(self.last_metres, 10)
    }

    pub(crate) fn from_bits(bits: u32) -> Self {
        let flag = |bit: u32| bits >> bit & 1 == 1;
        Self { class: bits.to_le_bytes()[0], roundabout: flag(8), ferry: flag(9), last_metres: flag(10) }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before the cast")]
pub(crate) fn metres_to_dm(metres: f64) -> u32 {
    // Some 13,000 km: a sum over any route fits 32 bits with room to spare.
    (metres * 10.0).round().clamp(1.0, f64::from(1 << 27)) as u32
}

/// The mapped file, checked.
pub(crate) struct Graph {
    pub(crate) meta: Meta,
    points: SignedNumbers,
    first_point: Numbers,
    info: Numbers,
    name: Numbers,
    /// Decimetres.
    pub(crate) length: Numbers,
    /// Milliseconds in motion at factor 1, for each directed segment.
    pub(crate) travel: Numbers,
    /// Milliseconds standing.
    pub(crate) delay: Numbers,
    grid_shape: SignedNumbers,
    grid_first: Numbers,
    grid_pieces: Numbers,
    first_name: Numbers,
    names: mapfolder::Bytes,
    edge_of_segment: Numbers,
    /// Directed segment of each edge.
    pub(crate) segment_of_edge: Numbers,
    /// Pairs of directed segment and edge, sorted.
    copies: Numbers,
    pub(crate) first_turn: Numbers,
    pub(crate) turn_head: Numbers,
    pub(crate) turn_cost: Numbers,
    /// Pairs of turn and schedule.
    pub(crate) closed_turns: Numbers,
    /// Triples of segment, schedule and milliseconds in motion (0: closed).
    pub(crate) changes: Numbers,
    pub(crate) up_first: Numbers,
    pub(crate) up_head: Numbers,
    pub(crate) up_turn: Numbers,
    pub(crate) down_turn: Numbers,
    /// 0 for the core; the same other number for all segments of a part that is cut off from it.
    pub(crate) component: Numbers,
}

impl Graph {
    pub(crate) fn open(folder: &Folder, profile: &str) -> Result<Self, Error> {
        let reader = Reader::new(&folder.map(&Profile::file_name(profile))?)?;
        let meta: Meta = serde_json::from_slice(&reader.bytes(Section::Meta))
            .or(Err(Error::Damaged("the profile cannot be read")))?;
        meta.profile.check()?;
        let graph = Self {
            meta,
            points: reader.signed(Section::Points)?,
            first_point: reader.numbers(Section::FirstPoint)?,
            info: reader.numbers(Section::Info)?,
            name: reader.numbers(Section::Name)?,
            length: reader.numbers(Section::Length)?,
            travel: reader.numbers(Section::Travel)?,
            delay: reader.numbers(Section::Delay)?,
            grid_shape: reader.signed(Section::GridShape)?,
            grid_first: reader.numbers(Section::GridFirst)?,
            grid_pieces: reader.numbers(Section::GridPieces)?,
            first_name: reader.numbers(Section::FirstName)?,
            names: reader.bytes(Section::Names),
            edge_of_segment: reader.numbers(Section::EdgeOfSegment)?,
            segment_of_edge: reader.numbers(Section::SegmentOfEdge)?,
            copies: reader.numbers(Section::Copies)?,
            first_turn: reader.numbers(Section::FirstTurn)?,
            turn_head: reader.numbers(Section::TurnHead)?,
            turn_cost: reader.numbers(Section::TurnCost)?,
            closed_turns: reader.numbers(Section::ClosedTurns)?,
            changes: reader.numbers(Section::Changes)?,
            up_first: reader.numbers(Section::UpFirst)?,
            up_head: reader.numbers(Section::UpHead)?,
            up_turn: reader.numbers(Section::UpTurn)?,
            down_turn: reader.numbers(Section::DownTurn)?,
            component: reader.numbers(Section::Component)?,
        };
        graph.check()?;
        Ok(graph)
    }

    pub(crate) fn edge_count(&self) -> usize {
        self.segment_of_edge.len()
    }

    pub(crate) fn segment_count(&self) -> usize {
        self.info.len()
    }

    pub(crate) fn flags(&self, segment: u32) -> SegmentFlags {
        SegmentFlags::from_bits(self.info[segment as usize])
    }

    pub(crate) fn segment_name(&self, segment: u32) -> &str {
        let name = self.name[segment as usize] as usize;
        let bytes = &self.names[self.first_name[name] as usize..self.first_name[name + 1] as usize];
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    pub(crate) fn same_name(&self, a: u32, b: u32) -> bool {
        self.name[a as usize] == self.name[b as usize]
    }

    pub(crate) fn point(&self, index: u32) -> Point {
        let at = index as usize * 2;
        Point { lat_e7: self.points[at], lon_e7: self.points[at + 1] }
    }

    /// Numbers of the points of a segment.
    pub(crate) fn points_of(&self, segment: u32) -> std::ops::Range<u32> {
        self.first_point[segment as usize]..self.first_point[segment as usize + 1]
    }

    /// The points of a directed segment, in its direction.
    pub(crate) fn line(&self, directed: u32) -> Vec<Point> {
        let mut line: Vec<Point> = self.points_of(directed / 2).map(|index| self.point(index)).collect();
        if directed % 2 == 1 {
            line.reverse();
        }
        line
    }

    /// The segment that a piece belongs to.
    pub(crate) fn segment_of_piece(&self, piece: u32) -> u32 {
        let after = self.first_point.partition_point(|first| *first <= piece);
        u32::try_from(after.saturating_sub(1)).expect("segments are below 2^29")
    }

    /// The edge that a vehicle which starts on a directed segment is on.
    pub(crate) fn edge_on(&self, directed: u32) -> Option<u32> {
        Some(self.edge_of_segment[directed as usize]).filter(|edge| *edge != NO_EDGE)
    }

    /// Every edge that runs along a directed segment: a vehicle may arrive on any of them.
    pub(crate) fn edges_on(&self, directed: u32) -> impl Iterator<Item = u32> {
        let copies = self.copies.as_chunks::<2>().0;
        let start = copies.partition_point(|copy| copy[0] < directed);
        let copies = copies[start..].iter().take_while(move |copy| copy[0] == directed).map(|copy| copy[1]);
        self.edge_on(directed).into_iter().chain(copies)
    }

    /// Turns from an edge, as places in the lists of turns.
    pub(crate) fn turns(&self, edge: u32) -> std::ops::Range<usize> {
        self.first_turn[edge as usize] as usize..self.first_turn[edge as usize + 1] as usize
    }

    pub(crate) fn grid(&self) -> ([i32; 6], &[u32], &[u32]) {
        let mut shape = [0; 6];
        shape.copy_from_slice(&self.grid_shape);
        (shape, &self.grid_first, &self.grid_pieces)
    }
}
