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

/// The lines between `fence` and the next one.
fn block<'a>(lines: &[&'a str], fence: &str) -> Vec<&'a str> {
    let inside = lines.iter().skip_while(|line| **line != fence).skip(1);
    inside.take_while(|line| **line != "```").copied().collect()
}

/// Everything that the sources define or bring in by name: modules, types, functions, variants, dependencies.
fn names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut folders = vec![Path::new("src").to_owned(), Path::new("cli/src").to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            // Test data among the sources is no text.
            let Ok(source) = fs::read_to_string(&path) else { continue };
            let words = source.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            names.extend(words.map(str::to_owned));
        }
    }
    names.extend(fs::read_to_string("Cargo.toml").unwrap().lines().filter_map(|line| {
        let name = line.split([' ', '.', '=']).next()?;
        Some(name.to_owned())
    }));
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

#[test]
fn pages_that_are_linked_are_there() {
    for page in
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "examples/airports/README.md"]
    {
        let folder = Path::new(page).parent().unwrap();
        let text = fs::read_to_string(page).unwrap();
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.starts_with("http") && !link.starts_with('#')) {
            let target = link.split('#').next().unwrap();
            assert!(folder.join(target).exists(), "{page} links to {link}, which is not there");
        }
    }
}
