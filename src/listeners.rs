//! Who hears of what goes on, and is never obeyed (keeps semantics 13).

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Listeners of one kind. One that panics is logged and counted, the others still hear, and what they hear of goes on.
pub(crate) struct Listeners<L: ?Sized> {
    listeners: Vec<Arc<L>>,
    panics: AtomicU64,
}

impl<L: ?Sized> Listeners<L> {
    pub(crate) fn new(listeners: Vec<Arc<L>>) -> Self {
        Self { listeners, panics: AtomicU64::new(0) }
    }

    /// Tells each listener, in the order in which they were added.
    pub(crate) fn tell(&self, tell: impl Fn(&L)) {
        for listener in &self.listeners {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| tell(listener))) {
                let panics = self.panics.fetch_add(1, Ordering::Relaxed) + 1;
                tracing::error!(
                    panic = panic_text(&*panic),
                    panics,
                    "a listener panicked; what it heard of goes on"
                );
            }
        }
    }

    /// How often a listener panicked.
    pub(crate) fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it gave no message")
}
