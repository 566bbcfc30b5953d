//! The README against what is compiled and run.

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
