//! Threads for work that keeps a processor busy: encoding, decoding, hashing, checking.
//!
//! One pool for the process, as wide as the machine, and apart from rayon's own, which belongs to the program that embeds this library. The
//! async threads hand work over and go on. That it is few threads keeps memory low as well: an allocator keeps blocks for every thread that
//! ever had some, and async runtimes start hundreds of threads for blocking work.

use std::sync::LazyLock;

use rayon::{ThreadPool, ThreadPoolBuilder};

static POOL: LazyLock<ThreadPool> = LazyLock::new(|| {
    let builder = ThreadPoolBuilder::new().thread_name(|number| format!("hollowcast-{number}"));
    builder.build().expect("a process can start as many threads as the machine has processors")
});

/// One thread for what is in no hurry: it takes one processor at most, however much there is to do, and leaves the pool to those who wait.
static ASIDE: LazyLock<ThreadPool> = LazyLock::new(|| {
    let builder = ThreadPoolBuilder::new().num_threads(1).thread_name(|_| "hollowcast-aside".to_owned());
    builder.build().expect("a process can start one more thread")
});

/// Runs `work` on the pool; parallel iterators in it use the pool's other threads. A panic goes on where it is awaited. Work whose future is
/// dropped runs to its end.
///
/// A thread of the runtime waits for it, so the runtime knows that something is under way: a paused clock stands still meanwhile.
pub(crate) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    run_on(&POOL, work).await
}

/// Runs `work`, and what is parallel in it, on one thread beside the pool, one such work after another; otherwise as [`run`].
pub(crate) async fn run_aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    run_on(&ASIDE, work).await
}

async fn run_on<T: Send + 'static>(
    pool: &'static LazyLock<ThreadPool>,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    match tokio::task::spawn_blocking(|| pool.install(work)).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is shutting down, and takes whoever waits here with it.
        Err(_) => std::future::pending().await,
    }
}

/// Runs `work` on the pool while the caller's thread waits; parallel iterators in it use the pool's other threads. For callers that are no
/// async code.
pub(crate) fn work<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    POOL.install(work)
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    #[tokio::test]
    async fn work_runs_on_few_threads_of_its_own() {
        let names = run(|| {
            let names =
                (0..10_000).into_par_iter().map(|_| std::thread::current().name().unwrap().to_owned());
            names.collect::<std::collections::BTreeSet<String>>()
        });
        let names = names.await;
        assert!(names.iter().all(|name| name.starts_with("hollowcast-")), "{names:?}");
        assert!(names.len() <= POOL.current_num_threads());
    }

    /// On the pool, a refresh would wait for what a rebase left in its queues.
    #[tokio::test]
    async fn work_aside_leaves_the_pool_alone() {
        let names = || {
            let name = |_| std::thread::current().name().unwrap().to_owned();
            (0..1000).into_par_iter().map(name).collect::<std::collections::BTreeSet<String>>()
        };
        assert_eq!(run_aside(names).await, ["hollowcast-aside".to_owned()].into());
        assert!(!run(names).await.contains("hollowcast-aside"));
    }

    #[tokio::test]
    async fn a_panic_goes_on_where_the_work_is_awaited() {
        let awaited = tokio::spawn(run(|| panic!("broken"))).await;
        assert!(awaited.unwrap_err().is_panic());
        assert_eq!(run(|| 7).await, 7);
    }
}
