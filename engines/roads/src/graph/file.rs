//! The file of one profile's roads: a header, a table of sections, the sections. Little-endian, each section aligned to
//! 64 bytes, so that a mapped file is read in place.

use std::ops::Deref;

use mapfolder::Bytes;

use crate::error::Error;

/// "DMrd" as a number: a machine with the other order of bytes reads another number.
const MAGIC: u32 = 0x6472_4d44;
/// Changes with every change of the layout.
const VERSION: u32 = 2;
const ALIGN: usize = 64;
/// Magic, version, number of sections, unused.
const HEADER_BYTES: usize = 16;

/// What a file consists of, in the order of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Section {
    Meta,
    Points,
    FirstPoint,
    Info,
    Name,
    Length,
    Travel,
    Delay,
    GridShape,
    GridFirst,
    GridPieces,
    FirstName,
    Names,
    EdgeOfSegment,
    SegmentOfEdge,
    Copies,
    FirstTurn,
    TurnHead,
    TurnCost,
    ClosedTurns,
    Changes,
    UpFirst,
    UpHead,
    UpTurn,
    DownTurn,
    Component,
}

const SECTIONS: usize = Section::Component as usize + 1;

/// Collects the sections, in any order.
#[derive(Default)]
pub(crate) struct Writer {
    sections: [Vec<u8>; SECTIONS],
}

impl Writer {
    pub(crate) fn bytes(&mut self, section: Section, content: &[u8]) {
        self.sections[section as usize] = content.to_vec();
    }

    pub(crate) fn numbers(&mut self, section: Section, content: &[u32]) {
        self.bytes(section, bytemuck::cast_slice(content));
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        let mut at = (HEADER_BYTES + SECTIONS * 16).next_multiple_of(ALIGN);
        let mut file: Vec<u8> = Vec::new();
        let sections = u32::try_from(SECTIONS).expect("a few");
        for number in [MAGIC, VERSION, sections, 0] {
            file.extend(number.to_le_bytes());
        }
        for content in &self.sections {
            file.extend((at as u64).to_le_bytes());
            file.extend((content.len() as u64).to_le_bytes());
            at = (at + content.len()).next_multiple_of(ALIGN);
        }
        for content in self.sections {
            file.resize(file.len().next_multiple_of(ALIGN), 0);
            file.extend(content);
        }
        file
    }
}

/// Numbers that are read where they are mapped.
#[derive(Clone, Debug)]
pub(crate) struct Numbers(Bytes);

impl Deref for Numbers {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        // Nothing need not be aligned.
        if self.0.is_empty() { &[] } else { bytemuck::cast_slice(&self.0) }
    }
}

/// The same, signed.
#[derive(Clone, Debug)]
pub(crate) struct SignedNumbers(Bytes);

impl Deref for SignedNumbers {
    type Target = [i32];

    fn deref(&self) -> &[i32] {
        // Nothing need not be aligned.
        if self.0.is_empty() { &[] } else { bytemuck::cast_slice(&self.0) }
    }
}

/// The sections of a file.
pub(crate) struct Reader {
    sections: Vec<Bytes>,
}

impl Reader {
    pub(crate) fn new(file: &Bytes) -> Result<Self, Error> {
        let number = |at: usize| {
            let bytes = file.get(at..at + 4)?;
            Some(u32::from_le_bytes(bytes.try_into().ok()?))
        };
        if number(0) != Some(MAGIC) || cfg!(target_endian = "big") {
            return Err(Error::Damaged("the file holds no roads"));
        }
        if number(4) != Some(VERSION) || number(8) != u32::try_from(SECTIONS).ok() {
            return Err(Error::Damaged("the roads are of another version"));
        }
        let long = |at: usize| {
            let bytes = file.get(at..at + 8)?;
            usize::try_from(u64::from_le_bytes(bytes.try_into().ok()?)).ok()
        };
        let section = |index: usize| {
            let at = HEADER_BYTES + index * 16;
            let (start, length) = (long(at)?, long(at + 8)?);
            let end = start.checked_add(length).filter(|end| *end <= file.len())?;
            let content = file.slice(start..end);
            (content.as_ptr().align_offset(4) == 0 || content.is_empty()).then_some(content)
        };
        let sections: Option<Vec<Bytes>> = (0..SECTIONS).map(section).collect();
        Ok(Self { sections: sections.ok_or(Error::Damaged("a section is missing"))? })
    }

    pub(crate) fn bytes(&self, section: Section) -> Bytes {
        self.sections[section as usize].clone()
    }

    pub(crate) fn numbers(&self, section: Section) -> Result<Numbers, Error> {
        self.whole_numbers(section).map(Numbers)
    }

    pub(crate) fn signed(&self, section: Section) -> Result<SignedNumbers, Error> {
        self.whole_numbers(section).map(SignedNumbers)
    }

    fn whole_numbers(&self, section: Section) -> Result<Bytes, Error> {
        let bytes = self.bytes(section);
        let readable = bytemuck::try_cast_slice::<u8, u32>(&bytes).is_ok();
        if bytes.is_empty() {
            return Ok(Bytes::from_static(&[]));
        }
        if readable { Ok(bytes) } else { Err(Error::Damaged("a section has a broken length")) }
    }
}
