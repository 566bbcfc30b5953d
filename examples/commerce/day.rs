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

    /// Those that are drawn again lie after midnight, 8/3 spreads from the peak: 0.383 % of the distribution. The others share its table:
    /// 68.27 % within one spread, 95.45 % within two, half on either side.
    #[test]
    fn visits_are_normally_distributed_around_the_peak() {
        const VISITS: u32 = 100_000;
        const IN_THE_DAY: f64 = 1.0 - 0.003_83;
        let arguments =
            Arguments { seconds: 0, events: VISITS, customers: 20, products: 200, price_changes: 8, seed: 3 };
        let visits = draw_visits(&arguments, &SeededRandom::new(3));
        let hours: Vec<f64> = visits.map(|visit| visit.at * 24.0).collect();
        assert!(hours.iter().all(|hour| (0.0..24.0).contains(hour)) && hours.is_sorted());
        let holds = |from: f64, to: f64, of_the_table: f64| {
            let share =
                hours.iter().filter(|hour| (from..to).contains(hour)).count() as f64 / f64::from(VISITS);
            let expected = of_the_table / IN_THE_DAY;
            // Four standard deviations of the share that so many visits have.
            let tolerance = 4.0 * (expected * (1.0 - expected) / f64::from(VISITS)).sqrt();
            assert!((share - expected).abs() < tolerance, "{share} of the visits from {from} to {to}");
        };
        holds(13.0, 19.0, 0.682_69);
        holds(10.0, 22.0, 0.954_50);
        holds(0.0, 16.0, 0.5);
    }
}
