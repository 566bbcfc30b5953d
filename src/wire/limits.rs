//! How large a record may be. Whoever adds one that is larger is refused by name; nothing is cut.

/// Bytes of a record's canonical message.
pub const MAX_RECORD_BYTES: u64 = 64 << 20;

/// Bytes of a text (without its zero byte) or of data.
pub const MAX_VALUE_BYTES: u32 = 16 << 20;

/// Pointers from the root to the innermost value, the root pointer counted. Cap'n Proto's own readers stop at 64.
pub const MAX_NESTING: u32 = 60;

/// Words of a message that is not canonical, counted as often as pointers lead to them, a word more for each struct.
///
/// Four times [`MAX_RECORD_BYTES`]: room for the zeros and dead union arms that the canonical form cuts, and a bound on
/// messages whose pointers lead to the same words over and over.
pub const MAX_VISITED_WORDS: u64 = 4 * MAX_RECORD_BYTES / 8;

/// Words of a record's canonical message.
pub(crate) const MAX_RECORD_WORDS: u64 = MAX_RECORD_BYTES / 8;
