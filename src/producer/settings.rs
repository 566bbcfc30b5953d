//! What a producer was built with, whether it holds the dataset or stands by.

use std::path::PathBuf;
use std::sync::Arc;

use super::course::Course;
use super::{Dataset, Validator};
use crate::format::BlobWriterOptions;
use crate::log::Announcers;
use crate::progress::Progress;
use crate::store::Writers;

/// What stays the same from one tenure to the next.
pub(super) struct Settings {
    pub(super) dataset: Dataset,
    pub(super) writers: Writers,
    pub(super) snapshot_every: u64,
    pub(super) snapshots_behind: bool,
    pub(super) break_if_unreadable: bool,
    pub(super) blobs: BlobWriterOptions,
    pub(super) spool_folder: Option<PathBuf>,
    pub(super) validators: Vec<Arc<dyn Validator>>,
    pub(super) announcers: Announcers,
    pub(super) progress: Arc<dyn Progress>,
    /// Where the cycle that is under way is.
    pub(super) course: Course,
}
