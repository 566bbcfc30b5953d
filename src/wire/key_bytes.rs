//! The bytes of a key while it is put together.

/// Bytes of a key that are kept on the stack; a longer key is copied to the heap for the lookup.
const INLINE_BYTES: usize = 256;

/// The bytes of a key, on the stack unless they are many.
#[derive(Debug, Default)]
pub struct KeyBytes {
    inline: arrayvec::ArrayVec<u8, INLINE_BYTES>,
    heap: Vec<u8>,
}

impl KeyBytes {
    /// Appends bytes.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) {
        if self.heap.is_empty() && self.inline.try_extend_from_slice(bytes).is_ok() {
            return;
        }
        if self.heap.is_empty() {
            self.heap.extend_from_slice(&self.inline);
        }
        self.heap.extend_from_slice(bytes);
    }
}

impl AsRef<[u8]> for KeyBytes {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        if self.heap.is_empty() { &self.inline } else { &self.heap }
    }
}
