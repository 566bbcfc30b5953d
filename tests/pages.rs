//! README and ARCHITECTURE against the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The program of the README is the one in the documentation of the crate, which is a test; of that, lines that begin with `# ` are not shown.
#[test]
fn the_readme_shows_the_program_that_is_compiled_and_run() {
    let crate_docs = include_str!("../src/lib.rs").lines().map_while(|line| line.strip_prefix("//!"));
    let crate_docs: Vec<&str> = crate_docs.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    let shown = |line: &&str| !line.starts_with("# ");
    let compiled: Vec<&str> = block(&crate_docs, "```standalone_crate").into_iter().filter(shown).collect();
    let readme: Vec<&str> = include_str!("../README.md").lines().collect();
    assert_eq!(block(&readme, "```rust"), compiled);
    assert!(compiled.len() > 10, "{compiled:?}");
}

#[test]
fn files_that_the_readme_publishes_are_there() {
    let readme: Vec<&str> = include_str!("../README.md").lines().collect();
    let publishes = block(&readme, "```console").into_iter().filter(|line| line.contains(" publish "));
    let files: Vec<&str> = publishes.filter_map(|line| line.split(' ').nth(4)).collect();
    assert_eq!(files.len(), 2);
    for file in files {
        assert!(Path::new(file).is_file(), "README publishes {file}, which is not there");
    }
}

/// The lines between `fence` and the next one.
fn block<'a>(lines: &[&'a str], fence: &str) -> Vec<&'a str> {
    let inside = lines.iter().skip_while(|line| **line != fence).skip(1);
    inside.take_while(|line| **line != "```").copied().collect()
}

/// The texts under a folder.
fn sources(folder: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts.extend(sources(&path));
        } else if let Ok(text) = fs::read_to_string(&path) {
            // Test data among the sources is no text.
            texts.push(text);
        }
    }
    texts
}

/// Every word of the sources, among which are modules, types, functions and variants, and the dependencies.
fn names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for source in ["src", "cli/src"].iter().flat_map(|folder| sources(Path::new(folder))) {
        let words = source.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        names.extend(words.map(str::to_owned));
    }
    let manifest = fs::read_to_string("Cargo.toml").unwrap();
    names.extend(manifest.lines().filter_map(|line| Some(line.split([' ', '.', '=']).next()?.to_owned())));
    names
}

#[test]
fn what_the_architecture_names_is_there() {
    let page = fs::read_to_string("ARCHITECTURE.md").unwrap();
    let names = names();
    let quoted = page.split('`').skip(1).step_by(2);
    let mut checked = 0;
    for quoted in quoted.filter(|quoted| !quoted.contains(char::is_whitespace)) {
        let is_path = Path::new(quoted).exists();
        let parts = quoted.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        let is_named = parts.filter(|part| !part.is_empty()).all(|part| names.contains(part));
        assert!(is_path || is_named, "ARCHITECTURE.md names `{quoted}`, which is nowhere in the sources");
        checked += 1;
    }
    assert!(checked > 80, "{checked} names");
}

/// The layers of ARCHITECTURE.md from the lowest on, each with its modules.
fn layers(page: &str) -> Vec<Vec<&str>> {
    let line = page.lines().find_map(|line| line.strip_prefix("Layers point one way: ")).unwrap();
    line.split('←').map(|layer| layer.split('`').skip(1).step_by(2).collect()).collect()
}

/// The code of a module without its tests.
fn code_of(module: &Path) -> String {
    if module.is_dir() {
        let parts = fs::read_dir(module).unwrap().map(|entry| entry.unwrap().path());
        let parts = parts.filter(|part| part.file_stem().is_none_or(|stem| stem != "tests"));
        return parts.map(|part| code_of(&part)).collect();
    }
    let Ok(text) = fs::read_to_string(module) else { return String::new() };
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn layers_point_one_way() {
    let page = fs::read_to_string("ARCHITECTURE.md").unwrap();
    let mut below: BTreeSet<&str> = BTreeSet::new();
    let layers = layers(&page);
    let (cli, layers) = layers.split_last().unwrap();
    assert_eq!(cli, &["cli"]);
    let all: BTreeSet<&str> = layers.iter().flatten().copied().collect();
    for layer in layers {
        for module in layer {
            let paths = [format!("src/{module}"), format!("src/{module}.rs")];
            let code: String = paths.iter().map(|path| code_of(Path::new(path))).collect();
            assert!(!code.is_empty(), "{module} is nowhere");
            for used in code.split("crate::").skip(1) {
                let used =
                    used.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap();
                let is_above = used != *module && all.contains(used) && !below.contains(used);
                assert!(!is_above, "{module} uses {used}, which does not lie below it");
            }
        }
        below.extend(layer);
    }
    // Every other module lies below all of them.
    let folder = fs::read_dir("src").unwrap().map(|entry| entry.unwrap().path());
    for path in folder.filter(|path| !path.ends_with("lib.rs") && !path.ends_with("generated")) {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let is_used = |module: &&&str| code_of(&path).contains(&format!("crate::{module}"));
        let used = all.iter().filter(|_| !all.contains(name)).find(is_used);
        assert!(used.is_none(), "{name} has no layer and uses {used:?}");
    }
}

/// The numbers behind each `mark` in the files of `folders`: `1`, `16, 17`, `1–6`, `19 and 24`, `_19_24`.
fn numbers(folders: &[&str], mark: &str) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    for source in folders.iter().flat_map(|folder| sources(Path::new(folder))) {
        // A line may end between the word and its numbers.
        let text = source.replace("\n//! ", " ").replace("\n/// ", " ").replace("\n    /// ", " ");
        for rest in text.split(mark).skip(1) {
            let list =
                rest.chars().take_while(|letter| letter.is_ascii_digit() || " ,–_and".contains(*letter));
            let list: String = list.collect();
            for item in list.split(|letter: char| !letter.is_ascii_digit() && letter != '–') {
                let bounds: Vec<u32> = item.split('–').filter_map(|bound| bound.parse().ok()).collect();
                if let (Some(first), Some(last)) = (bounds.first(), bounds.last()) {
                    found.extend(*first..=*last);
                }
            }
        }
    }
    found
}

/// Each rule is named where it is kept and where it is tested.
#[test]
fn every_rule_is_kept_somewhere_and_tested_somewhere() {
    let page = fs::read_to_string("docs/semantics.md").unwrap();
    let rules = page.lines().filter_map(|line| line.split_once(". ")?.0.parse::<u32>().ok());
    let (kept, tested) =
        (numbers(&["src", "cli/src"], "semantics "), numbers(&["src", "cli", "tests"], "semantics_"));
    let tested: BTreeSet<u32> =
        tested.union(&numbers(&["src", "cli", "tests"], "Keeps semantics ")).copied().collect();
    let rules: Vec<u32> = rules.collect();
    assert_eq!(rules.len(), 29);
    for rule in rules {
        assert!(kept.contains(&rule), "no module says that it keeps semantics {rule}");
        assert!(tested.contains(&rule), "no test says that it holds semantics {rule}");
    }
}

/// The same of the rules about who may commit, which the documentation of `log` lists with what keeps each.
#[test]
fn every_rule_of_the_commit_protocol_is_kept_somewhere_and_tested_somewhere() {
    let page = fs::read_to_string("docs/commit-protocol.md").unwrap();
    let rules = page.lines().filter_map(|line| line.strip_prefix("| R")?.split_once(' ')?.0.parse().ok());
    let kept = fs::read_to_string("src/log/mod.rs").unwrap();
    let tested = numbers(&["src", "cli", "tests"], "_r");
    let rules: Vec<u32> = rules.collect();
    assert_eq!(rules, (1..=10).collect::<Vec<_>>());
    for rule in rules {
        assert!(kept.contains(&format!("| R{rule} |")), "the log says of nothing that it keeps R{rule}");
        assert!(tested.contains(&rule), "no test says that it holds R{rule}");
    }
}

#[test]
fn pages_that_are_linked_are_there() {
    let files = [".", "docs", "examples/airports"].map(|folder| fs::read_dir(folder).unwrap());
    let paths = files.into_iter().flatten().map(|file| file.unwrap().path());
    let pages: Vec<_> = paths.filter(|path| path.extension().is_some_and(|is| is == "md")).collect();
    assert!(pages.len() >= 10, "{pages:?}");
    for page in pages {
        let (folder, text) = (page.parent().unwrap(), fs::read_to_string(&page).unwrap());
        let page = page.display();
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.starts_with("http") && !link.starts_with('#')) {
            let target = link.split('#').next().unwrap();
            assert!(folder.join(target).exists(), "{page} links to {link}, which is not there");
        }
    }
}
