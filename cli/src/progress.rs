//! Progress bars, on a terminal only.

use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use hollowcast::progress::{Progress, Stage, Unit};
use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};

/// Draws on standard error if that is a terminal.
#[must_use]
pub fn bars() -> Arc<dyn Progress> {
    if std::io::stderr().is_terminal() { Arc::new(Bars(ProgressBar::new_spinner())) } else { Arc::new(()) }
}

struct Bars(ProgressBar);

impl Progress for Bars {
    fn stage(&self, stage: Stage<'_>) {
        let amount = match (stage.unit, stage.total.is_some()) {
            (Unit::Bytes, true) => "{bytes}/{total_bytes} {wide_bar}",
            (Unit::Bytes, false) => "{bytes}",
            (Unit::Records, true) => "{human_pos}/{human_len} records {wide_bar}",
            (Unit::Records, false) => "{records}",
            (Unit::Versions, true) => "{human_pos}/{human_len} versions {wide_bar}",
            (Unit::Versions, false) => "{human_pos} versions",
        };
        let template = format!("{{spinner}} {{msg}} {amount}");
        let style = ProgressStyle::with_template(&template).expect("the template is well formed");
        self.0.set_position(0);
        self.0.set_length(stage.total.unwrap_or(0));
        self.0.set_style(style.with_key("records", records_so_far));
        self.0.set_message(stage.name.to_owned());
        self.0.enable_steady_tick(Duration::from_millis(100));
    }

    fn advance(&self, amount: u64) {
        self.0.inc(amount);
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Nothing for a stage that does not count.
fn records_so_far(state: &ProgressState, out: &mut dyn Write) {
    if state.pos() > 0 {
        // A line on a terminal takes everything.
        let _ = write!(out, "{} records", HumanCount(state.pos()));
    }
}
