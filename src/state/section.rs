//! A segment with the name of its bytes.

use std::sync::Arc;

use crate::cache::SectionName;
use crate::segment::Segment;

/// A section in memory, named by its content.
#[derive(Debug)]
pub struct Section {
    name: SectionName,
    segment: Arc<Segment>,
}

impl Section {
    /// The bytes of `segment`, which hash to `name`.
    #[must_use]
    pub fn new(name: SectionName, segment: Segment) -> Self {
        Self { name, segment: Arc::new(segment) }
    }

    /// Hash and length of the framed bytes.
    #[must_use]
    pub fn name(&self) -> SectionName {
        self.name
    }

    /// Words of the message.
    #[inline]
    #[must_use]
    pub fn words(&self) -> &[u64] {
        self.segment.words()
    }

    /// The segment itself.
    #[must_use]
    pub fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }
}
