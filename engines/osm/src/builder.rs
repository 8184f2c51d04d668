//! Collects elements in any order, within the limits, and sorts them at the end.

use crate::data::{Data, Header, Kind, Member, NodeRow, Row, Span};
use crate::error::{Limits, ReadError};
use crate::point::{Bounds, Point};

/// Builds [`Data`]: the reader uses it, and tests do.
#[derive(Debug, Default)]
pub struct Builder {
    data: Data,
    limits: Limits,
}

impl Builder {
    pub(crate) fn within(limits: Limits) -> Self {
        Self { data: Data::default(), limits }
    }

    /// Adds a node; degrees.
    pub fn node(mut self, id: i64, lat: f64, lon: f64, tags: &[(&str, &str)]) -> Self {
        let tags = self.tag_numbers(tags);
        self.add_node(id, Point::from_degrees(lat, lon), &tags)
            .expect("data made by hand is far below the limits");
        self
    }

    /// Adds a way; its nodes may be missing.
    pub fn way(mut self, id: i64, nodes: &[i64], tags: &[(&str, &str)]) -> Self {
        let tags = self.tag_numbers(tags);
        self.add_way(id, nodes, &tags).expect("data made by hand is far below the limits");
        self
    }

    /// Adds a relation; members are kind, id and role.
    pub fn relation(mut self, id: i64, members: &[(Kind, i64, &str)], tags: &[(&str, &str)]) -> Self {
        let tags = self.tag_numbers(tags);
        let members: Vec<Member> = members
            .iter()
            .map(|(kind, id, role)| Member { kind: *kind, id: *id, role: self.intern(role) })
            .collect();
        self.add_relation(id, &members, &tags).expect("data made by hand is far below the limits");
        self
    }

    /// Sets what the file would say about itself.
    pub fn header(mut self, header: Header) -> Self {
        self.data.header = header;
        self
    }

    /// Sorts the elements; the last of several with one id stays.
    pub fn build(self) -> Data {
        let mut data = self.data;
        sort_nodes(&mut data);
        sort_rows(&mut data.tagged_nodes, |row| row.id);
        sort_rows(&mut data.ways, |row| row.id);
        sort_rows(&mut data.relations, |row| row.id);
        data.bounds = Bounds::around(data.points.iter().copied());
        data
    }

    pub(crate) fn header_mut(&mut self) -> &mut Header {
        &mut self.data.header
    }

    pub(crate) fn intern(&mut self, text: &str) -> u32 {
        self.data.strings.intern(text)
    }

    pub(crate) fn check_text(&self) -> Result<(), ReadError> {
        let limit = self.limits.max_text_bytes;
        if self.data.strings.bytes() > limit {
            Err(ReadError::TooLarge { what: "bytes of text", limit })
        } else {
            Ok(())
        }
    }

    pub(crate) fn add_node(&mut self, id: i64, point: Point, tags: &[(u32, u32)]) -> Result<(), ReadError> {
        within(self.data.node_ids.len(), 1, self.limits.max_nodes, "nodes")?;
        self.data.node_ids.push(id);
        self.data.points.push(point);
        if !tags.is_empty() {
            let tags = self.add_tags(tags)?;
            self.data.tagged_nodes.push(NodeRow { id, point, tags });
        }
        Ok(())
    }

    pub(crate) fn add_way(&mut self, id: i64, nodes: &[i64], tags: &[(u32, u32)]) -> Result<(), ReadError> {
        within(self.data.ways.len(), 1, self.limits.max_ways, "ways")?;
        within(self.data.way_nodes.len(), nodes.len(), self.limits.max_way_nodes, "nodes of ways")?;
        let parts = append(&mut self.data.way_nodes, nodes, "nodes of ways")?;
        let tags = self.add_tags(tags)?;
        self.data.ways.push(Row { id, parts, tags });
        Ok(())
    }

    pub(crate) fn add_relation(
        &mut self,
        id: i64,
        members: &[Member],
        tags: &[(u32, u32)],
    ) -> Result<(), ReadError> {
        within(self.data.relations.len(), 1, self.limits.max_relations, "relations")?;
        within(self.data.members.len(), members.len(), self.limits.max_members, "members of relations")?;
        let parts = append(&mut self.data.members, members, "members of relations")?;
        let tags = self.add_tags(tags)?;
        self.data.relations.push(Row { id, parts, tags });
        Ok(())
    }

    fn add_tags(&mut self, tags: &[(u32, u32)]) -> Result<Span, ReadError> {
        within(self.data.tags.len(), tags.len(), self.limits.max_tags, "tags")?;
        append(&mut self.data.tags, tags, "tags")
    }

    fn tag_numbers(&mut self, tags: &[(&str, &str)]) -> Vec<(u32, u32)> {
        tags.iter().map(|(key, value)| (self.intern(key), self.intern(value))).collect()
    }
}

fn within(have: usize, more: usize, limit: u64, what: &'static str) -> Result<(), ReadError> {
    if have as u64 + more as u64 > limit { Err(ReadError::TooLarge { what, limit }) } else { Ok(()) }
}

/// Spans are 32 bit, which bounds every list whatever the limits say.
fn append<T: Copy>(all: &mut Vec<T>, items: &[T], what: &'static str) -> Result<Span, ReadError> {
    let too_large = ReadError::TooLarge { what, limit: u32::MAX.into() };
    let Ok(end) = u32::try_from(all.len() + items.len()) else { return Err(too_large) };
    let start = end - u32::try_from(items.len()).expect("no longer than the sum");
    all.extend_from_slice(items);
    Ok(Span { start, end })
}

/// Files are sorted as a rule, so that this only looks.
fn sort_nodes(data: &mut Data) {
    if data.node_ids.is_sorted_by(|a, b| a < b) {
        return;
    }
    let mut rows: Vec<(i64, Point)> =
        data.node_ids.iter().copied().zip(data.points.iter().copied()).collect();
    sort_rows(&mut rows, |row| row.0);
    (data.node_ids, data.points) = rows.into_iter().unzip();
}

fn sort_rows<T>(rows: &mut Vec<T>, id: impl Fn(&T) -> i64) {
    if rows.is_sorted_by(|a, b| id(a) < id(b)) {
        return;
    }
    rows.sort_by_key(&id);
    rows.dedup_by(|later, earlier| {
        let same = id(later) == id(earlier);
        if same {
            std::mem::swap(later, earlier);
        }
        same
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_come_out_in_the_order_of_their_ids_and_the_last_of_two_counts() {
        let data = Data::builder()
            .node(7, 1.0, 2.0, &[("name", "old")])
            .node(3, 3.0, 4.0, &[])
            .node(7, 5.0, 6.0, &[("name", "new")])
            .build();
        assert_eq!(data.node_count(), 2);
        assert_eq!(data.point(7), Some(Point::from_degrees(5.0, 6.0)));
        assert_eq!(data.node(7).unwrap().tags.get("name"), Some("new"));
        assert_eq!(data.point(8), None);
    }

    #[test]
    fn members_keep_their_roles_and_elements_their_tags() {
        let data = Data::builder()
            .way(10, &[1, 2], &[("highway", "residential")])
            .relation(20, &[(Kind::Way, 10, "from"), (Kind::Node, 2, "via")], &[("type", "restriction")])
            .build();
        let relation = data.relations().next().unwrap();
        let roles: Vec<_> = relation.members.iter().map(|member| relation.role(member)).collect();
        assert_eq!(roles, ["from", "via"]);
        assert!(data.way(10).unwrap().tags.is("highway", "residential"));
        assert_eq!(data.way(10).unwrap().tags.get("type"), None);
    }

    #[test]
    fn what_is_beyond_a_limit_is_refused_by_name() {
        let mut builder = Builder::within(Limits { max_nodes: 1, ..Limits::default() });
        builder.add_node(1, Point::default(), &[]).unwrap();
        let refused = builder.add_node(2, Point::default(), &[]);
        assert!(matches!(refused, Err(ReadError::TooLarge { what: "nodes", limit: 1 })));
    }
}
