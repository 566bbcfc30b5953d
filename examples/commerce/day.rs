//! Who comes when, and what for.

use std::f64::consts::TAU;
use std::iter::Peekable;
use std::time::Duration;

use hollowcast::environment::{Environment, Random};

use super::Arguments;
use super::assortment::below;

/// Four in the afternoon, as a share of the day.
const PEAK: f64 = 16.0 / 24.0;
/// Two thirds of the visits are within three hours of the peak.
const SPREAD: f64 = 3.0 / 24.0;
/// One visit in so many is to check out.
const CHECKS_OUT: u32 = 4;

/// Somebody comes by.
#[derive(Clone, Copy)]
pub(crate) struct Visit {
    /// When, as a share of the day.
    pub(crate) at: f64,
    pub(crate) customer: u32,
    /// What they look at.
    pub(crate) product: u32,
    /// Whether they then pay for what is in their cart, if anything is.
    pub(crate) checks_out: bool,
}

/// Those that are still to come, first to last.
pub(crate) type Visits = Peekable<std::vec::IntoIter<Visit>>;

/// The visits of a day.
pub(crate) fn draw_visits(arguments: &Arguments, random: &dyn Random) -> Visits {
    let visit = |_| Visit {
        at: time_of_day(random),
        customer: below(random, arguments.customers),
        // The smaller of two numbers: what comes first in the list is looked at most.
        product: below(random, arguments.products).min(below(random, arguments.products)),
        checks_out: below(random, CHECKS_OUT) == 0,
    };
    let mut visits: Vec<Visit> = (0..arguments.events).map(visit).collect();
    visits.sort_by(|one, other| one.at.total_cmp(&other.at));
    visits.into_iter().peekable()
}

/// A moment of the day, normally distributed around the peak; what falls beside the day is drawn again.
fn time_of_day(random: &dyn Random) -> f64 {
    loop {
        let at = PEAK + SPREAD * normal(random);
        if (0.0..1.0).contains(&at) {
            return at;
        }
    }
}

/// A number with the normal distribution around 0, by Box and Muller: take a point of the plane whose coordinates are both normal. Its direction
/// is uniform, and its distance from the origin is `sqrt(-2 ln u)` of a uniform `u`. Draw these two, and one coordinate is the number.
fn normal(random: &dyn Random) -> f64 {
    let distance = (-2.0 * uniform(random).ln()).sqrt();
    distance * (TAU * uniform(random)).cos()
}

/// More than 0, whose logarithm is no number, and at most 1.
fn uniform(random: &dyn Random) -> f64 {
    ((random.next_u64() >> 11) + 1) as f64 / (1_u64 << 53) as f64
}

/// Squeezes the day into less time.
pub(crate) struct Pace {
    environment: Environment,
    begun: Duration,
    day: Duration,
}

impl Pace {
    /// The day begins.
    pub(crate) fn new(environment: Environment, day: Duration) -> Self {
        Self { begun: environment.clock.monotonic(), environment, day }
    }

    /// Waits until it is `at`, a share of the day; not at all when that has gone by.
    pub(crate) async fn wait_until(&self, at: f64) {
        let clock = &self.environment.clock;
        let left = (self.begun + self.day.mul_f64(at)).saturating_sub(clock.monotonic());
        if !left.is_zero() {
            clock.sleep(left).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hollowcast::environment::SeededRandom;

    #[test]
    fn two_thirds_of_the_visits_are_near_the_peak() {
        let random = SeededRandom::new(3);
        let times: Vec<f64> = (0..100_000).map(|_| normal(&random)).collect();
        let share = |limit: f64| times.iter().filter(|time| time.abs() < limit).count() as f64 / 1e5;
        // The normal distribution's table: 68.27 % and 95.45 %.
        assert!((share(1.0) - 0.6827).abs() < 0.01, "{}", share(1.0));
        assert!((share(2.0) - 0.9545).abs() < 0.01, "{}", share(2.0));
        let early = times.iter().filter(|time| **time < 0.0).count() as f64 / 1e5;
        assert!((early - 0.5).abs() < 0.01, "{early}");
        assert!((0..10_000).all(|_| (0.0..1.0).contains(&time_of_day(&random))));
    }
}
