//! Sections as Cap'n Proto messages: one segment, a stream frame before it.
//!
//! Every section is a struct of pointers (`MovieRows`, `Keys`, `MovieChanges`), built here word by word because a section of a gigabyte must
//! not be built twice, and read back through a reader that checks every number.

use super::rows::{RowList, RowWidth};
use crate::error::{Classify, ErrorKind};
use crate::segment::Words;
use crate::wire::{ElementSize, ListReader, Pointer, StructReader, WireError, relocated_pointer};

/// Words a section's message may have: pointers reach 2^29 words, and a stream frame counts 32 bits of them.
pub const SECTION_WORDS_MAX: usize = 1 << 29;
/// Elements or words a list pointer can count.
const LIST_COUNT_MAX: u64 = (1 << 29) - 1;

const LIST_BYTES: u64 = 2;
const LIST_EIGHT_BYTES: u64 = 5;
const LIST_COMPOSITE: u64 = 7;

/// A section that cannot be built, or is not what it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SectionError {
    /// More words than pointers of one message can reach.
    #[error(
        "section would have {words} words, at most {SECTION_WORDS_MAX} can be addressed; publish the type in more shards"
    )]
    TooLarge {
        /// Words it would have.
        words: u64,
    },
    /// A record is wider than the rows of the dataset's stored schema.
    #[error(
        "record has {data_words} data and {pointer_words} pointer words, rows have {width:?}; \
         write it with the dataset's stored schema"
    )]
    RecordTooWide {
        /// Data words of the record.
        data_words: u64,
        /// Pointer words of the record.
        pointer_words: u64,
        /// Width of the rows.
        width: RowWidth,
    },
    /// The words of a section or record do not form what Cap'n Proto says.
    #[error("section is no Cap'n Proto message: {0}")]
    Wire(#[from] WireError),
    /// Cap'n Proto's own reader refuses a list of records.
    #[error("pointer {field} of the section leads to no list of records: {error}")]
    List {
        /// Pointer field of the section's root.
        field: u16,
        /// What the reader says.
        error: String,
    },
    /// The parts of a section contradict each other.
    #[error("section is inconsistent: {what}: expected {expected}, found {found}")]
    Inconsistent {
        /// Which part.
        what: &'static str,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
}

impl Classify for SectionError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::TooLarge { .. } | Self::RecordTooWide { .. } => ErrorKind::Invalid,
            Self::Wire(_) | Self::List { .. } | Self::Inconsistent { .. } => ErrorKind::Corrupt,
        }
    }
}

/// Builds the message of a section.
pub(super) struct SectionBuilder {
    /// The stream frame, then the message.
    framed: Words,
    /// Word of the message at which the root's pointers begin.
    first_pointer: usize,
}

impl SectionBuilder {
    /// A root struct of these data words and `pointers` null pointers.
    pub(super) fn new(data: &[u64], pointers: u16, expected_words: usize) -> Self {
        let mut framed = Words::with_capacity(expected_words + data.len() + 2 + usize::from(pointers));
        framed.extend([0, (data.len() as u64) << 32 | u64::from(pointers) << 48]);
        framed.extend_from_slice(data);
        framed.extend_zeros(usize::from(pointers));
        Self { first_pointer: 1 + data.len(), framed }
    }

    /// The message built so far.
    pub(super) fn words_mut(&mut self) -> &mut [u64] {
        &mut self.framed[1..]
    }

    /// Appends `words`; says at which word of the message they begin.
    pub(super) fn append(&mut self, words: &[u64]) -> Result<usize, SectionError> {
        let at = self.reserve(words.len())?;
        self.framed.extend_from_slice(words);
        Ok(at)
    }

    /// Adds a list of `count` zeroed structs as pointer field `field`; says at which word its first row begins.
    pub(super) fn struct_list(
        &mut self,
        field: u16,
        count: u32,
        width: RowWidth,
    ) -> Result<usize, SectionError> {
        let words = u64::from(count) * width.words();
        if words > LIST_COUNT_MAX {
            return Err(SectionError::TooLarge { words });
        }
        let tag =
            u64::from(count) << 2 | u64::from(width.data_words) << 32 | u64::from(width.pointer_words) << 48;
        let at = self.append(&[tag])?;
        self.reserve(words as usize)?;
        self.framed.extend_zeros(words as usize);
        self.point_list(field, at, LIST_COMPOSITE, words)?;
        Ok(at + 1)
    }

    /// Adds a `List(UInt64)` as pointer field `field`.
    pub(super) fn u64_list(
        &mut self,
        field: u16,
        values: impl ExactSizeIterator<Item = u64>,
    ) -> Result<(), SectionError> {
        let (at, count) = (self.reserve(values.len())?, values.len() as u64);
        self.framed.extend(values);
        self.point_list(field, at, LIST_EIGHT_BYTES, count)
    }

    /// Adds `Data` as pointer field `field`.
    pub(super) fn data(&mut self, field: u16, bytes: &[u8]) -> Result<(), SectionError> {
        let words = bytes.len().div_ceil(8);
        let at = self.reserve(words)?;
        self.framed.extend_zeros(words);
        let room = &mut self.words_mut()[at..];
        bytemuck::cast_slice_mut::<u64, u8>(room)[..bytes.len()].copy_from_slice(bytes);
        self.point_list(field, at, LIST_BYTES, bytes.len() as u64)
    }

    /// The framed section.
    pub(super) fn finish(mut self) -> Words {
        self.framed[0] = ((self.framed.len() - 1) as u64) << 32;
        self.framed
    }

    fn point_list(
        &mut self,
        field: u16,
        target: usize,
        element: u64,
        count: u64,
    ) -> Result<(), SectionError> {
        if count > LIST_COUNT_MAX {
            return Err(SectionError::TooLarge { words: count });
        }
        let at = self.first_pointer + usize::from(field);
        self.words_mut()[at] = relocated_pointer(1 | element << 32 | count << 35, at as u32, target as u32);
        Ok(())
    }

    /// Checks that `more` words fit; says where they will begin.
    fn reserve(&mut self, more: usize) -> Result<usize, SectionError> {
        let words = self.framed.len() - 1;
        if words + more > SECTION_WORDS_MAX {
            return Err(SectionError::TooLarge { words: (words + more) as u64 });
        }
        Ok(words)
    }
}

/// Reads the parts of a section's message.
pub(super) struct SectionReader<'a> {
    root: StructReader<'a>,
}

impl<'a> SectionReader<'a> {
    pub(super) fn new(words: &'a [u64]) -> Result<Self, SectionError> {
        Ok(Self { root: StructReader::root(words)? })
    }

    /// The list of structs in pointer field `field`.
    pub(super) fn rows(&self, field: u16) -> Result<RowList, SectionError> {
        let list = self.list(field, "list of records")?;
        let ElementSize::Composite { data_words, pointer_words } = list.element() else {
            return Err(inconsistent("element size of the records", "structs", list.element().name()));
        };
        Ok(RowList::new(field, list.start(), list.len(), RowWidth { data_words, pointer_words }))
    }

    /// The `Data` in pointer field `field`.
    pub(super) fn data(&self, field: u16) -> Result<FoundBytes<'a>, SectionError> {
        let list = self.list(field, "data")?;
        Ok(FoundBytes { at: list.start() as usize * 8, bytes: list.data()? })
    }

    /// The `List(UInt64)` in pointer field `field`.
    pub(super) fn u64_list(&self, field: u16) -> Result<FoundWords<'a>, SectionError> {
        let list = self.list(field, "list of hashes")?;
        Ok(FoundWords { at: list.start() as usize, words: list.u64s()? })
    }

    /// Data word `at` of the root.
    pub(super) fn data_word(&self, at: u32) -> u64 {
        self.root.data_word(at)
    }

    fn list(&self, field: u16, what: &'static str) -> Result<ListReader<'a>, SectionError> {
        match self.root.pointer(u32::from(field))? {
            Pointer::List(list) => Ok(list),
            Pointer::Null => Err(inconsistent(what, "a list", "null")),
            Pointer::Struct(_) => Err(inconsistent(what, "a list", "a struct")),
        }
    }
}

pub(super) fn inconsistent(
    what: &'static str,
    expected: impl ToString,
    found: impl ToString,
) -> SectionError {
    SectionError::Inconsistent { what, expected: expected.to_string(), found: found.to_string() }
}

/// Bytes of a section and at which byte of its message they begin.
pub(super) struct FoundBytes<'a> {
    pub(super) at: usize,
    pub(super) bytes: &'a [u8],
}

/// Words of a section and at which word of its message they begin.
pub(super) struct FoundWords<'a> {
    pub(super) at: usize,
    pub(super) words: &'a [u64],
}
