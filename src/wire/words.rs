//! Bytes as words.

use std::borrow::Cow;

/// The words of `bytes`, in place where they lie at a multiple of 8; bytes beyond the last whole word are left out.
pub(crate) fn words_of(bytes: &[u8]) -> Cow<'_, [u64]> {
    let whole = &bytes[..bytes.len() / 8 * 8];
    match bytemuck::try_cast_slice(whole) {
        Ok(words) => Cow::Borrowed(words),
        Err(_unaligned) => Cow::Owned(whole.chunks_exact(8).map(bytemuck::pod_read_unaligned).collect()),
    }
}
