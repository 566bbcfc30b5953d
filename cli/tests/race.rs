//! Publishers that start at the same moment: the chain never forks, and whoever was too late is told.

use std::io::Write;
use std::process::{Child, ChildStdin, Stdio};

use support::airports::airports;
use support::{Place, Ran};

mod support;

const PUBLISHERS: usize = 6;
const ROWS: usize = 2000;

/// `HOLLOWCAST_RACE_ROUNDS` asks for more.
fn rounds() -> usize {
    std::env::var("HOLLOWCAST_RACE_ROUNDS").map_or(3, |rounds| rounds.parse().unwrap())
}

/// A publisher that has read all but the end of its input.
struct Publisher {
    child: Child,
    input: ChildStdin,
}

impl Publisher {
    fn start(place: &Place, content: &str, manners: &[&str]) -> Self {
        let mut command = place.command("publish");
        command.args(["-", "--format", "csv", "--type", "Airport", "--key", "icao"]).args(manners);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(content.as_bytes()).unwrap();
        Self { child, input }
    }

    /// Lifts the barrier for this one.
    fn release(self) -> Child {
        drop(self.input);
        self.child
    }
}

/// Starts publishers round by round. Each appends one version or none: as many are added as say so, in one chain.
///
/// Returns the number of rounds in which somebody lost.
fn race(manners: &[&str], rounds: usize) -> usize {
    let place = Place::new();
    let mut versions = 0;
    let mut rounds_with_losers = 0;
    for round in 0..rounds {
        let contents = (0..PUBLISHERS).map(|publisher| airports(ROWS, 1 + round * PUBLISHERS + publisher));
        let start = |content: String| Publisher::start(&place, &content, manners);
        let waiting: Vec<Publisher> = contents.map(start).collect();
        let racing: Vec<Child> = waiting.into_iter().map(Publisher::release).collect();
        let ends: Vec<Ran> =
            racing.into_iter().map(|child| child.wait_with_output().unwrap().into()).collect();

        let (winners, losers): (Vec<&Ran>, Vec<&Ran>) = ends.iter().partition(|end| end.code == 0);
        assert!(winners.iter().all(|winner| winner.out.starts_with("published version ")), "{winners:?}");
        for loser in &losers {
            loser.fails(5, &["error: "]);
        }
        assert!(!winners.is_empty(), "round {round}: somebody always gets on: {losers:?}");
        versions += winners.len() as u64;
        rounds_with_losers += usize::from(!losers.is_empty());
        let chain: Vec<u64> = (1..=versions).rev().collect();
        assert_eq!(place.versions(), chain, "round {round}: one version for each that said so");
        place.run("verify", &[]).succeeds();
    }
    println!("{manners:?}: {versions} versions, losers in {rounds_with_losers} of {rounds} rounds");
    rounds_with_losers
}

#[test]
fn polite_publishers_from_one_barrier_never_fork_r1_r2_r4_r5() {
    assert!(2 * race(&[], rounds()) >= rounds(), "publishers that do not meet test nothing");
}

#[test]
fn publishers_that_fence_each_other_never_fork_r3() {
    assert!(2 * race(&["--take-over"], rounds()) >= rounds(), "publishers that do not meet test nothing");
}

#[test]
fn publishers_that_wait_for_each_other_all_get_on() {
    assert_eq!(race(&["--wait"], rounds().div_ceil(3)), 0);
}
