//! Holds `docs/defaults.md` against the code: options by their `Default`, constants by the text of their definition.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use hollowcast::announce::PollOptions;
use hollowcast::cache::{Memory, StateDirectoryOptions};
use hollowcast::consumer::{RebaseThresholds, Wait};
use hollowcast::format::Compression;
use hollowcast::log::politeness::Manners;
use hollowcast::producer::DEFAULT_SNAPSHOT_EVERY;
use hollowcast::replica::transfer::TransferOptions;
use hollowcast::retention::RetentionPolicy;
use hollowcast::store::{RetryOptions, Writers};

const PAGE: &str = include_str!("../docs/defaults.md");

/// The rows of the tables whose head is `head`, cell by cell.
fn tables(head: &str) -> Vec<Vec<&'static str>> {
    let cells = |row: &'static str| row.trim_matches('|').split('|').map(str::trim).collect();
    let mut rows = Vec::new();
    let mut lines = PAGE.lines();
    while lines.by_ref().any(|line| line == head) {
        rows.extend(lines.by_ref().skip(1).take_while(|line| line.starts_with('|')).map(cells));
    }
    assert!(!rows.is_empty(), "docs/defaults.md has a table {head}");
    rows
}

/// What a row says, in bytes, milliseconds or whatever else is counted.
fn value(row: &[&str]) -> u128 {
    let radix = if row[2] == "octal" { 8 } else { 10 };
    let number = u128::from_str_radix(row[1], radix).unwrap_or_else(|_| panic!("{row:?} has no number"));
    let factor = match row[2] {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "s" => 1000,
        "days" => 24 * 60 * 60 * 1000,
        _ => 1,
    };
    number * factor
}

/// Every field of every struct of options is a row: a field that is added is an error of the compiler here.
#[test]
fn options_have_the_defaults_of_the_page() {
    let StateDirectoryOptions { budget_bytes, budget_sections, directory_mode, file_mode, group } =
        StateDirectoryOptions::default();
    let PollOptions { interval, unprompted } = PollOptions::default();
    let RetentionPolicy { versions, max_age } = RetentionPolicy::default();
    let TransferOptions { requests, range_length } = TransferOptions::default();
    let RetryOptions { tries, first_delay, longest_delay } = RetryOptions::default();
    assert_eq!(group, None);
    let RebaseThresholds { base_share, base_records, sections, steps, files } = RebaseThresholds::default();
    let expected: [(&str, u128); 20] = [
        ("cache::StateDirectoryOptions::budget_bytes", budget_bytes.into()),
        ("cache::StateDirectoryOptions::budget_sections", budget_sections.into()),
        ("cache::StateDirectoryOptions::directory_mode", directory_mode.into()),
        ("cache::StateDirectoryOptions::file_mode", file_mode.into()),
        ("announce::PollOptions::interval", interval.as_millis()),
        ("announce::PollOptions::beside_a_bus", PollOptions::beside_a_bus().interval.as_millis()),
        ("announce::PollOptions::unprompted", unprompted.as_millis()),
        ("retention::RetentionPolicy::versions", versions.into()),
        ("retention::RetentionPolicy::max_age", max_age.as_millis()),
        ("replica::transfer::TransferOptions::requests", requests as u128),
        ("replica::transfer::TransferOptions::range_length", range_length.into()),
        ("store::RetryOptions::tries", tries.into()),
        ("store::RetryOptions::first_delay", first_delay.as_millis()),
        ("store::RetryOptions::longest_delay", longest_delay.as_millis()),
        ("producer::snapshot_policy::DEFAULT_SNAPSHOT_EVERY", DEFAULT_SNAPSHOT_EVERY.into()),
        ("consumer::RebaseThresholds::base_share", base_share.into()),
        ("consumer::RebaseThresholds::base_records", base_records.into()),
        ("consumer::RebaseThresholds::sections", sections as u128),
        ("consumer::RebaseThresholds::steps", steps as u128),
        ("consumer::RebaseThresholds::files", files as u128),
    ];
    let rows = tables("| what | value | unit | set by | flag | why |");
    let found: Vec<_> = rows.iter().map(|row| (row[3].trim_matches('`'), value(row))).collect();
    assert_eq!(found, expected);
}

#[test]
fn choices_are_those_of_the_page() {
    let rows = tables("| what | default | set by | flag | why |");
    let default = |path: &str| {
        let row = rows.iter().find(|row| row[2] == format!("`{path}`"));
        row.unwrap_or_else(|| panic!("{path} is no row"))[1].trim_matches('`')
    };
    if cfg!(unix) {
        assert_eq!(default("cache::Memory"), format!("{:?}", Memory::default()));
    }
    assert_eq!(default("consumer::Wait"), format!("{:?}", Wait::default()));
    assert_eq!(default("log::politeness::Manners"), format!("{:?}", Manners::default()));
    assert_eq!(default("store::Writers"), format!("{:?}", Writers::default()));
    assert_eq!(default("format::Compression"), format!("{:?}", Compression::default()));
    for row in &rows {
        let name = row[2].trim_matches('`').rsplit("::").next().unwrap();
        assert!(sources().iter().any(|(_, text)| text.contains(name)), "{name} is nowhere in the sources");
    }
}

/// The flags of the page are flags of the command line.
#[test]
fn flags_are_there() {
    let cli: String = sources_of(Path::new("cli/src")).into_iter().map(|(_, text)| text).collect();
    let heads = ["| what | value | unit | set by | flag | why |", "| what | default | set by | flag | why |"];
    let mut checked = 0;
    for row in heads.iter().flat_map(|head| tables(head)) {
        for flag in
            row[row.len() - 2].split('`').skip(1).step_by(2).filter_map(|flag| flag.strip_prefix("--"))
        {
            let field = flag.replace('-', "_");
            assert!(has_field(&cli, &field), "no verb takes --{flag}");
            checked += 1;
        }
    }
    assert!(checked > 8, "{checked} flags");
    // `retain` takes both of its defaults from the library.
    assert_eq!(cli.matches("default_value_t = RetentionPolicy::default()").count(), 2);
    assert!(PAGE.contains("| `warn` | | `--log`, `RUST_LOG` |") && cli.contains("default_value = \"warn\""));
    assert!(PAGE.contains("`--poll` (`watch`: 2 s)") && cli.contains("default_value = \"2s\""));
}

/// Whether a structure of the program has `field`; where one is only given a value, it stands further in.
fn has_field(sources: &str, field: &str) -> bool {
    let mut members = sources.lines().filter_map(|line| line.strip_prefix("    "));
    members.any(|member| {
        let named = member.trim_start_matches("pub(crate) ").trim_start_matches("pub ");
        named.strip_prefix(field).is_some_and(|rest| rest.starts_with(": "))
    })
}

#[test]
fn constants_have_the_values_of_the_page() {
    for row in constants() {
        let path = row[3].trim_matches('`');
        let (text, name) = source_of(path);
        assert_eq!(Some(value(&row)), defined(&text, name), "{path}");
    }
}

/// Waits are what operators ask about first, so the page has all there are.
#[test]
fn no_waiting_time_is_missing() {
    let named: BTreeSet<String> = constants().iter().map(|row| row[3].trim_matches('`').to_owned()).collect();
    let mut found = 0;
    for (path, text) in sources() {
        for line in shown(&text).lines() {
            let Some((_, rest)) = line.split_once("const ") else { continue };
            let Some((name, _)) = rest.split_once(": Duration = ") else { continue };
            let module = module_of(&path);
            assert!(named.contains(&format!("{module}::{name}")), "{module}::{name} is not on the page");
            found += 1;
        }
    }
    assert!(found > 12, "{found} waiting times");
}

fn constants() -> Vec<Vec<&'static str>> {
    tables("| what | value | unit | set by | why |")
}

/// A source without its tests.
fn shown(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text)
}

fn sources() -> Vec<(PathBuf, String)> {
    sources_of(Path::new("src"))
}

fn sources_of(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("tests") && !path.ends_with("generated") {
                found.extend(sources_of(&path));
            }
        } else if path.extension().is_some_and(|is| is == "rs") && !path.ends_with("tests.rs") {
            found.push((path.clone(), fs::read_to_string(path).unwrap()));
        }
    }
    found
}

/// `src/log/politeness.rs` is `log::politeness`, and `src/retention/mod.rs` is `retention`.
fn module_of(path: &Path) -> String {
    let path = path.strip_prefix("src").unwrap().with_extension("");
    let parts = path.iter().map(|part| part.to_str().unwrap());
    parts.filter(|part| *part != "mod").collect::<Vec<_>>().join("::")
}

/// The source that a path of the page lies in, and the constant's name. A part that is a type is no module.
fn source_of(path: &str) -> (String, &str) {
    let (way, name) = path.rsplit_once("::").unwrap();
    let module = match way.rsplit_once("::") {
        Some((module, last)) if last.starts_with(char::is_uppercase) => module,
        _ => way,
    };
    let found = sources().into_iter().find(|(path, _)| module_of(path) == module);
    (found.unwrap_or_else(|| panic!("{path}: there is no module {module}")).1, name)
}

/// The value of a constant by its definition; times in milliseconds.
fn defined(text: &str, name: &str) -> Option<u128> {
    let (_, rest) = text.split_once(&format!("const {name}: "))?;
    let expression = rest.split_once(" = ")?.1.split(';').next()?;
    for (unit, milliseconds) in [("Duration::from_secs(", 1000), ("Duration::from_millis(", 1)] {
        if let Some(inner) = expression.strip_prefix(unit) {
            return Some(evaluated(text, inner.strip_suffix(')')?)? * milliseconds);
        }
    }
    evaluated(text, expression)
}

/// Sums, products and shifts of numbers and of constants of the same source, the loosest operator first.
fn evaluated(text: &str, expression: &str) -> Option<u128> {
    let expression = expression.trim();
    for (operator, apply) in OPERATORS {
        if let Some((left, right)) = split_outside(expression, operator) {
            return Some(apply(evaluated(text, left)?, evaluated(text, right)?));
        }
    }
    if let Some(inner) = expression.strip_prefix('(') {
        return evaluated(text, inner.strip_suffix(')')?);
    }
    expression.replace('_', "").parse().ok().or_else(|| defined(text, expression))
}

type Operator = fn(u128, u128) -> u128;

const OPERATORS: [(&str, Operator); 4] = [
    (" << ", |left, right| left << right),
    (" + ", |left, right| left + right),
    (" / ", |left, right| left / right),
    (" * ", |left, right| left * right),
];

/// Both sides of the last `operator` that stands in no parentheses.
fn split_outside<'a>(expression: &'a str, operator: &str) -> Option<(&'a str, &'a str)> {
    let balanced = |side: &str| side.matches('(').count() == side.matches(')').count();
    expression.rmatch_indices(operator).find_map(|(at, _)| {
        let (left, right) = (&expression[..at], &expression[at + operator.len()..]);
        (balanced(left) && balanced(right)).then_some((left, right))
    })
}
