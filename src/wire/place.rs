//! From canonical messages to rows: a message taken apart.
//!
//! Whoever lays out a row fills its data section up with zeros and its pointer section up with nulls, puts each subtree
//! wherever it likes, or finds it there already, and lets [`Subtree::pointer_from`] say what the pointer must be:
//!
//! ```
//! use hollowcast::wire::{Child, Draft, StructReader, gather, record_parts};
//!
//! let mut draft = Draft::new();
//! let root = draft.root(1, 1)?;
//! draft.set_text(draft.pointer(root, 0), "Alien")?;
//! let mut message = Vec::new();
//! gather(draft.reader(), &mut message)?;
//!
//! let parts = record_parts(&message)?;
//! let mut segment = vec![0, 0, 0, 0]; // a row of three data words and one pointer
//! segment[..parts.data().len()].copy_from_slice(parts.data());
//! for (child, at) in parts.children().zip(3..) {
//!     match child? {
//!         Child::Null => {}
//!         Child::EmptyStruct => segment[at as usize] = 0xFFFF_FFFC,
//!         Child::Subtree(subtree) => {
//!             segment[at as usize] = subtree.pointer_from(at, segment.len() as u32);
//!             segment.extend_from_slice(subtree.words());
//!         }
//!     }
//! }
//! assert_eq!(StructReader::at(&segment, 0, 3, 1)?.text(0)?, Some("Alien"));
//! # Ok::<(), hollowcast::Error>(())
//! ```

use super::pointer::target;
use super::subtree::{Child, Subtree};
use super::{StructReader, WireError};

/// The parts of a canonical message.
#[derive(Clone, Copy, Debug)]
pub struct RecordParts<'a> {
    root: StructReader<'a>,
}

/// Takes a canonical message apart. Nothing is walked: a subtree ends where the next begins.
pub fn record_parts(message: &[u64]) -> Result<RecordParts<'_>, WireError> {
    StructReader::root(message).map(|root| RecordParts { root })
}

impl<'a> RecordParts<'a> {
    /// The root's data section; a row adds zeros.
    #[must_use]
    pub fn data(self) -> &'a [u64] {
        self.root.data_section()
    }

    /// Number of the root's pointers; a row adds nulls.
    #[must_use]
    pub fn pointer_words(self) -> u16 {
        self.root.pointer_words()
    }

    /// What each of the root's pointers leads to, in order. An error for words that are not in preorder.
    pub fn children(self) -> impl Iterator<Item = Result<Child<'a>, WireError>> {
        (0..u32::from(self.root.pointer_words())).map(move |index| self.child(index))
    }

    fn child(self, index: u32) -> Result<Child<'a>, WireError> {
        let (words, at) = (self.root.segment(), self.root.pointer_at(index));
        let found = target(words, at)?;
        let Some(start) = found.first_word() else { return Ok(Child::Null) };
        if found.shape.is_empty_struct() {
            return Ok(Child::EmptyStruct);
        }
        let first = self.root.pointer_at(u32::from(self.root.pointer_words()));
        refuse_before(at, first, start)?;
        let end = self.next_start(index + 1, start)?;
        Ok(Child::Subtree(Subtree::new(words[at as usize], &words[start as usize..end])))
    }

    /// Where the first subtree of the pointers from `index` on begins, not before `from`, or where the message ends.
    fn next_start(self, index: u32, from: u32) -> Result<usize, WireError> {
        let words = self.root.segment();
        for index in index..u32::from(self.root.pointer_words()) {
            let at = self.root.pointer_at(index);
            let found = target(words, at)?;
            if let (Some(start), false) = (found.first_word(), found.shape.is_empty_struct()) {
                refuse_before(at, from, start)?;
                return Ok(start as usize);
            }
        }
        Ok(words.len())
    }
}

fn refuse_before(word: u32, expected: u32, found: u32) -> Result<(), WireError> {
    if found >= expected {
        return Ok(());
    }
    Err(WireError::Misplaced { word, expected: expected.into(), found: found.into() })
}
