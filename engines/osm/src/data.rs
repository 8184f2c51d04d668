//! The elements of an extract, as read.

use crate::builder::Builder;
use crate::point::{Bounds, Point};
use crate::strings::Strings;

/// What the file says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The area that the extract was cut to.
    pub bbox: Option<Bounds>,
    /// State of the map: seconds since 1970 (UTC).
    pub timestamp: Option<i64>,
    /// The program that wrote the file.
    pub program: Option<String>,
    /// BLAKE3 of the whole file, 64 hexadecimal digits; empty for data that was not read from a file.
    pub hash: String,
}

/// Where an element's tags stand among all tags.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    pub(crate) fn of<T>(self, items: &[T]) -> &[T] {
        &items[self.start as usize..self.end as usize]
    }
}

#[derive(Debug)]
pub(crate) struct NodeRow {
    pub(crate) id: i64,
    pub(crate) point: Point,
    pub(crate) tags: Span,
}

/// A way or a relation: `parts` are its nodes or members.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) parts: Span,
    pub(crate) tags: Span,
}

/// One extract in memory. Elements are in the order of their ids; of two with one id the later one counts.
#[derive(Debug, Default)]
pub struct Data {
    pub(crate) header: Header,
    pub(crate) strings: Strings,
    pub(crate) tags: Vec<(u32, u32)>,
    pub(crate) node_ids: Vec<i64>,
    pub(crate) points: Vec<Point>,
    pub(crate) tagged_nodes: Vec<NodeRow>,
    pub(crate) ways: Vec<Row>,
    pub(crate) way_nodes: Vec<i64>,
    pub(crate) relations: Vec<Row>,
    pub(crate) members: Vec<Member>,
    pub(crate) bounds: Option<Bounds>,
}

/// So many times larger than the data a box is no box of it.
const FAR_TOO_LARGE: i128 = 100;

fn extent(bounds: Bounds) -> i128 {
    let side = |from: i32, to: i32| i128::from(to) - i128::from(from) + 1;
    side(bounds.min.lat_e7, bounds.max.lat_e7) * side(bounds.min.lon_e7, bounds.max.lon_e7)
}

impl Data {
    /// Data made by hand, for tests of what reads it.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// What the file says about itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The box of the header, else the box around the nodes. Some programs write half the world into the header of a town:
    /// a box that is far larger than the data is not believed.
    pub fn bounds(&self) -> Bounds {
        let nowhere = Bounds { min: Point::default(), max: Point::default() };
        match (self.header.bbox, self.bounds) {
            (Some(said), Some(seen)) if extent(said) / FAR_TOO_LARGE > extent(seen) => seen,
            (said, seen) => said.or(seen).unwrap_or(nowhere),
        }
    }

    /// The number of nodes, with or without tags.
    pub fn node_count(&self) -> usize {
        self.node_ids.len()
    }

    /// Where a node is; `None` for a node that the extract refers to but does not contain.
    pub fn point(&self, node_id: i64) -> Option<Point> {
        self.node_index(node_id).map(|index| self.points[index])
    }

    /// The place of a node among all nodes, below [`Self::node_count`]: for tables that say something of each node.
    pub fn node_index(&self, node_id: i64) -> Option<usize> {
        self.node_ids.binary_search(&node_id).ok()
    }

    /// The id of the node at a place of [`Self::node_index`].
    pub fn id_at(&self, index: usize) -> Option<i64> {
        self.node_ids.get(index).copied()
    }

    /// Where the node at a place of [`Self::node_index`] is.
    pub fn point_at(&self, index: usize) -> Option<Point> {
        self.points.get(index).copied()
    }

    /// The nodes that have tags.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        self.tagged_nodes.iter().map(|row| self.node_of(row))
    }

    /// A node that has tags.
    pub fn node(&self, id: i64) -> Option<Node<'_>> {
        let index = self.tagged_nodes.binary_search_by_key(&id, |row| row.id).ok()?;
        Some(self.node_of(&self.tagged_nodes[index]))
    }

    /// All ways.
    pub fn ways(&self) -> impl Iterator<Item = Way<'_>> {
        self.ways.iter().map(|row| self.way_of(row))
    }

    /// The way with this id, if the extract contains it.
    pub fn way(&self, id: i64) -> Option<Way<'_>> {
        let index = self.ways.binary_search_by_key(&id, |row| row.id).ok()?;
        Some(self.way_of(&self.ways[index]))
    }

    /// All relations.
    pub fn relations(&self) -> impl Iterator<Item = Relation<'_>> {
        self.relations.iter().map(|row| Relation {
            id: row.id,
            members: row.parts.of(&self.members),
            tags: self.tags_of(row.tags),
            strings: &self.strings,
        })
    }

    fn node_of(&self, row: &NodeRow) -> Node<'_> {
        Node { id: row.id, point: row.point, tags: self.tags_of(row.tags) }
    }

    fn way_of(&self, row: &Row) -> Way<'_> {
        Way { id: row.id, nodes: row.parts.of(&self.way_nodes), tags: self.tags_of(row.tags) }
    }

    fn tags_of(&self, span: Span) -> Tags<'_> {
        Tags { pairs: span.of(&self.tags), strings: &self.strings }
    }
}

/// A node with tags.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    /// OpenStreetMap's id, unique among nodes.
    pub id: i64,
    /// Where it is.
    pub point: Point,
    /// Never empty.
    pub tags: Tags<'a>,
}

/// A line or an outline. An extract may lack some of its nodes.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    /// OpenStreetMap's id, unique among ways.
    pub id: i64,
    /// Ids of its nodes in order.
    pub nodes: &'a [i64],
    /// What it is.
    pub tags: Tags<'a>,
}

impl Way<'_> {
    /// The last node is the first one.
    pub fn is_closed(&self) -> bool {
        self.nodes.len() > 2 && self.nodes.first() == self.nodes.last()
    }
}

/// Elements that belong together, each in a role. An extract may lack some of them.
#[derive(Clone, Copy, Debug)]
pub struct Relation<'a> {
    /// OpenStreetMap's id, unique among relations.
    pub id: i64,
    /// In the order of the map.
    pub members: &'a [Member],
    /// What it is.
    pub tags: Tags<'a>,
    strings: &'a Strings,
}

impl<'a> Relation<'a> {
    /// The role of a member of this relation.
    pub fn role(&self, member: &Member) -> &'a str {
        self.strings.get(member.role)
    }
}

/// Kind of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A position.
    Node,
    /// A line or an outline.
    Way,
    /// A group of elements.
    Relation,
}

/// One element of a relation.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// What `id` is the id of.
    pub kind: Kind,
    /// Id of the element.
    pub id: i64,
    /// Read it with [`Relation::role`].
    pub(crate) role: u32,
}

/// The tags of one element.
#[derive(Clone, Copy, Debug)]
pub struct Tags<'a> {
    pairs: &'a [(u32, u32)],
    strings: &'a Strings,
}

impl<'a> Tags<'a> {
    /// The value of a tag.
    pub fn get(&self, key: &str) -> Option<&'a str> {
        if self.pairs.is_empty() {
            return None;
        }
        let key = self.strings.number_of(key)?;
        self.pairs.iter().find(|pair| pair.0 == key).map(|pair| self.strings.get(pair.1))
    }

    /// Keys and values.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let strings = self.strings;
        self.pairs.iter().map(move |(key, value)| (strings.get(*key), strings.get(*value)))
    }

    /// The tag is there and has exactly this value.
    pub fn is(&self, key: &str, value: &str) -> bool {
        self.get(key) == Some(value)
    }

    /// Without tags.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Number of tags.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }
}
