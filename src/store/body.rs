//! The bytes of an answer, in memory that goes when they go.

use std::io::{self, Read, Seek, SeekFrom};

use bytes::Bytes;
use futures::TryStreamExt;
use memmap2::MmapMut;
use object_store::{GetResult, GetResultPayload};

/// Bytes from which on an answer gets mapped memory of its own. An allocator keeps such blocks for the thread that had them, so a process
/// that once fetched a snapshot would be larger for ever.
const OWN_MEMORY_BYTES: u64 = 128 << 10;

/// All bytes of `found`.
pub(super) async fn read(found: GetResult) -> object_store::Result<Bytes> {
    let (start, length) = (found.range.start, found.range.end - found.range.start);
    if length < OWN_MEMORY_BYTES {
        return found.bytes().await;
    }
    let mut memory = MmapMut::map_anon(length as usize).map_err(failed)?;
    match found.payload {
        GetResultPayload::File(mut file, _) => {
            let read = tokio::task::spawn_blocking(move || {
                file.seek(SeekFrom::Start(start))?;
                file.read_exact(&mut memory)?;
                Ok::<_, io::Error>(memory)
            });
            Ok(Bytes::from_owner(read.await?.map_err(failed)?))
        }
        GetResultPayload::Stream(mut stream) => {
            let mut filled = 0;
            while let Some(piece) = stream.try_next().await? {
                let room = memory.get_mut(filled..filled + piece.len());
                room.ok_or_else(|| failed(io::ErrorKind::InvalidData.into()))?.copy_from_slice(&piece);
                filled += piece.len();
            }
            Ok(Bytes::from_owner(memory).slice(..filled))
        }
    }
}

fn failed(source: io::Error) -> object_store::Error {
    object_store::Error::Generic { store: "body", source: source.into() }
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;
    use object_store::path::Path;
    use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt};

    use super::*;

    /// Of three bytes more than get memory of their own, all but the first two and the last.
    async fn reads_a_range(store: &dyn ObjectStore) {
        let path = Path::from("object");
        let all: Vec<u8> = (0..OWN_MEMORY_BYTES + 3).map(|at| (at % 251) as u8).collect();
        store.put(&path, all.clone().into()).await.unwrap();
        let range = 2..OWN_MEMORY_BYTES + 2;
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let found = read(store.get_opts(&path, options).await.unwrap()).await.unwrap();
        assert!(found == all[2..all.len() - 1]);
    }

    #[tokio::test]
    async fn a_large_range_is_read_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        reads_a_range(&object_store::local::LocalFileSystem::new_with_prefix(folder.path()).unwrap()).await;
    }

    #[tokio::test]
    async fn a_large_range_is_read_from_a_stream() {
        reads_a_range(&InMemory::new()).await;
    }
}
