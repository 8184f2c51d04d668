//! The content of a block: nodes, dense nodes, ways and relations that refer to the block's own table of texts.

use crate::builder::Builder;
use crate::data::{Kind, Member};
use crate::error::ReadError;
use crate::point::Point;
use crate::wire::{Deltas, Message, Packed, zigzag};

const OUT_OF_RANGE: ReadError = ReadError::Damaged("a number is out of range");

/// A text that no element has used so far.
const NOT_INTERNED: u32 = u32::MAX;

/// Writers put 8,000 elements into a block, which use some ten thousand texts.
const MAX_TEXTS: usize = 1 << 20;

struct Block<'a> {
    texts: Vec<&'a [u8]>,
    /// The number of each text in the extract's table, once it was used.
    numbers: Vec<u32>,
    granularity: i64,
    lat_offset: i64,
    lon_offset: i64,
    /// Reused between elements.
    tags: Vec<(u32, u32)>,
    refs: Vec<i64>,
    members: Vec<Member>,
}

/// Adds every element of the block.
pub(crate) fn read(content: &[u8], builder: &mut Builder) -> Result<(), ReadError> {
    let mut block = Block::open(content, builder)?;
    let mut message = Message::new(content);
    while let Some((field, value)) = message.next()? {
        if field == 2 {
            block.read_group(value.bytes()?, builder)?;
        }
    }
    builder.check_text()
}

impl<'a> Block<'a> {
    /// The table of texts may stand anywhere in the block, so it is looked for first.
    fn open(content: &'a [u8], builder: &Builder) -> Result<Self, ReadError> {
        let mut block = Self {
            texts: Vec::new(),
            numbers: Vec::new(),
            granularity: 100,
            lat_offset: 0,
            lon_offset: 0,
            tags: Vec::new(),
            refs: Vec::new(),
            members: Vec::new(),
        };
        builder.check_text()?;
        let mut message = Message::new(content);
        while let Some((field, value)) = message.next()? {
            match field {
                1 => block.read_texts(value.bytes()?)?,
                17 => block.granularity = value.int()?,
                19 => block.lat_offset = value.int()?,
                20 => block.lon_offset = value.int()?,
                _ => {}
            }
        }
        block.numbers = vec![NOT_INTERNED; block.texts.len()];
        Ok(block)
    }

    fn read_texts(&mut self, bytes: &'a [u8]) -> Result<(), ReadError> {
        let mut message = Message::new(bytes);
        while let Some((field, value)) = message.next()? {
            if field == 1 {
                if self.texts.len() == MAX_TEXTS {
                    return Err(ReadError::TooLarge { what: "texts in one block", limit: MAX_TEXTS as u64 });
                }
                self.texts.push(value.bytes()?);
            }
        }
        Ok(())
    }

    fn read_group(&mut self, bytes: &'a [u8], builder: &mut Builder) -> Result<(), ReadError> {
        let mut message = Message::new(bytes);
        while let Some((field, value)) = message.next()? {
            match field {
                1 => self.read_node(value.bytes()?, builder)?,
                2 => self.read_dense(value.bytes()?, builder)?,
                3 => self.read_way(value.bytes()?, builder)?,
                4 => self.read_relation(value.bytes()?, builder)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn read_node(&mut self, bytes: &'a [u8], builder: &mut Builder) -> Result<(), ReadError> {
        let (mut id, mut lat, mut lon) = (0, 0, 0);
        let (mut keys, mut values) = (Packed::default(), Packed::default());
        let mut message = Message::new(bytes);
        while let Some((field, value)) = message.next()? {
            match field {
                1 => id = zigzag(value.varint()?),
                2 => keys = Packed::new(value.bytes()?),
                3 => values = Packed::new(value.bytes()?),
                8 => lat = zigzag(value.varint()?),
                9 => lon = zigzag(value.varint()?),
                _ => {}
            }
        }
        self.read_tags(keys, values, builder)?;
        builder.add_node(id, self.point(lat, lon)?, &self.tags)
    }

    fn read_dense(&mut self, bytes: &'a [u8], builder: &mut Builder) -> Result<(), ReadError> {
        let (mut ids, mut lats, mut lons) = (Deltas::default(), Deltas::default(), Deltas::default());
        let mut tags = Packed::default();
        let mut message = Message::new(bytes);
        while let Some((field, value)) = message.next()? {
            match field {
                1 => ids = Deltas::new(value.bytes()?),
                8 => lats = Deltas::new(value.bytes()?),
                9 => lons = Deltas::new(value.bytes()?),
                10 => tags = Packed::new(value.bytes()?),
                _ => {}
            }
        }
        while let Some(id) = ids.next()? {
            let point = self.point(lats.expect()?, lons.expect()?)?;
            self.read_dense_tags(&mut tags, builder)?;
            builder.add_node(id, point, &self.tags)?;
        }
        Ok(())
    }

    /// Keys and values of one node in turns, ended by 0; nothing at all when no node of the group has tags.
    fn read_dense_tags(&mut self, tags: &mut Packed<'a>, builder: &mut Builder) -> Result<(), ReadError> {
        self.tags.clear();
        if tags.is_empty() {
            return Ok(());
        }
        loop {
            let key = tags.expect()?;
            if key == 0 {
                return Ok(());
            }
            let value = tags.expect()?;
            let pair = (self.text(key, builder)?, self.text(value, builder)?);
            self.tags.push(pair);
        }
    }

    fn read_way(&mut self, bytes: &'a [u8], builder: &mut Builder) -> Result<(), ReadError> {
        let mut id = 0;
        let (mut keys, mut values, mut refs) = (Packed::default(), Packed::default(), Deltas::default());
        let mut message = Message::new(bytes);
        while let Some((field, value)) = message.next()? {
            match field {
                1 => id = value.int()?,
                2 => keys = Packed::new(value.bytes()?),
                3 => values = Packed::new(value.bytes()?),
                8 => refs = Deltas::new(value.bytes()?),
                _ => {}
            }
        }
        self.read_tags(keys, values, builder)?;
        self.refs.clear();
        while let Some(node) = refs.next()? {
            self.refs.push(node);
        }
        builder.add_way(id, &self.refs, &self.tags)
    }

    fn read_relation(&mut self, bytes: &'a [u8], builder: &mut Builder) -> Result<(), ReadError> {
        let mut id = 0;
        let (mut keys, mut values) = (Packed::default(), Packed::default());
        let (mut roles, mut ids, mut kinds) = (Packed::default(), Deltas::default(), Packed::default());
        let mut message = Message::new(bytes);
        while let Some((field, value)) = message.next()? {
            match field {
                1 => id = value.int()?,
                2 => keys = Packed::new(value.bytes()?),
                3 => values = Packed::new(value.bytes()?),
                8 => roles = Packed::new(value.bytes()?),
                9 => ids = Deltas::new(value.bytes()?),
                10 => kinds = Packed::new(value.bytes()?),
                _ => {}
            }
        }
        self.read_tags(keys, values, builder)?;
        self.members.clear();
        while let Some(member) = ids.next()? {
            let role = self.text(roles.expect()?, builder)?;
            let kind = match kinds.expect()? {
                0 => Kind::Node,
                1 => Kind::Way,
                2 => Kind::Relation,
                _ => return Err(ReadError::Damaged("a member is of an unknown kind")),
            };
            self.members.push(Member { kind, id: member, role });
        }
        builder.add_relation(id, &self.members, &self.tags)
    }

    fn read_tags(
        &mut self,
        mut keys: Packed<'a>,
        mut values: Packed<'a>,
        builder: &mut Builder,
    ) -> Result<(), ReadError> {
        self.tags.clear();
        while let Some(key) = keys.next()? {
            let pair = (self.text(key, builder)?, self.text(values.expect()?, builder)?);
            self.tags.push(pair);
        }
        Ok(())
    }

    fn text(&mut self, index: u64, builder: &mut Builder) -> Result<u32, ReadError> {
        let index = usize::try_from(index).ok().ok_or(OUT_OF_RANGE)?;
        let number = self.numbers.get_mut(index).ok_or(ReadError::Damaged("a text is missing"))?;
        if *number == NOT_INTERNED {
            *number = builder.intern(&String::from_utf8_lossy(self.texts[index]));
        }
        Ok(*number)
    }

    /// Stored coordinates are multiples of the granularity, in 1e-9 degrees.
    fn point(&self, lat: i64, lon: i64) -> Result<Point, ReadError> {
        let e7 = |offset: i64, value: i64| {
            let nano = self.granularity.checked_mul(value)?.checked_add(offset)?;
            Some(nano.div_euclid(100))
        };
        e7(self.lat_offset, lat)
            .zip(e7(self.lon_offset, lon))
            .and_then(|(lat, lon)| Point::from_e7(lat, lon))
            .ok_or(ReadError::Damaged("a position is outside of the globe"))
    }
}
