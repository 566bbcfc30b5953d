//! The guide, typed line by line: what it shows is what comes.
//!
//! A fenced block with a file's name (`csv monday.csv`) is written as that file. In a `console` block each line that begins with `$ ` is run by a shell, all in one
//! folder, and the lines behind it are what it must print. A line of `...` stands for any lines. Times, sizes, durations, process numbers and hashes are not
//! compared, nor is how columns are padded.

#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use support::hollowcast;

mod support;

const GUIDE: &str = include_str!("../../docs/guide.md");

/// A fenced block: the words behind its fence, and its lines.
struct Block<'g> {
    info: Vec<&'g str>,
    lines: Vec<&'g str>,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let lines = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(Block { info: info.split(' ').collect(), lines });
        }
    }
    blocks
}

/// A command and what it shall print.
fn commands<'g>(block: &Block<'g>) -> Vec<(&'g str, Vec<&'g str>)> {
    let mut commands: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in &block.lines {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command, Vec::new())),
            (None, Some((_, output))) => output.push(line),
            (None, None) => panic!("{line} is the output of no command"),
        }
    }
    commands
}

/// A shell in a folder; it knows how the command before ended.
struct Shell<'f> {
    folder: &'f Path,
    status: i32,
}

impl Shell<'_> {
    /// What a command prints, words and results as they come.
    fn run(&mut self, command: &str) -> String {
        let program = hollowcast();
        let programs = Path::new(program.get_program()).parent().unwrap().display().to_string();
        let path = format!("{programs}:{}", std::env::var("PATH").unwrap_or_default());
        let output = Command::new("sh")
            .args(["-c", &format!("exec 2>&1; (exit {}); {command}", self.status)])
            .current_dir(self.folder)
            .envs([("PATH", path.as_str()), ("USER", "ada")])
            .env("HOLLOWCAST_STATE_DIR", self.folder.join("state"))
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        self.status = output.status.code().expect("it ends by itself");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// A line without what differs from run to run.
fn comparable(line: &str) -> String {
    let line = match line.split_once("\"elapsed_ms\":") {
        Some((before, behind)) => {
            format!(
                "{before}\"elapsed_ms\":#{}",
                behind.trim_start_matches(|letter: char| letter.is_ascii_digit())
            )
        }
        None => line.to_owned(),
    };
    let mut words: Vec<String> = line.split_whitespace().map(without_moment).collect();
    for at in 1..words.len() {
        let (number, unit) = (words[at - 1].clone(), words[at].trim_end_matches([',', ';']).to_owned());
        if number.parse::<f64>().is_ok() && ["B", "KiB", "MiB", "s", "ms"].contains(&unit.as_str()) {
            words[at - 1] = "#".to_owned();
            words[at] = words[at].replace(&unit, if unit.ends_with('s') { "duration" } else { "size" });
        }
        if number == "process" {
            words[at] = "#".to_owned();
        }
    }
    words.join(" ")
}

/// A word, unless it is a time or has a hash in it.
fn without_moment(word: &str) -> String {
    let bare = word.trim_end_matches([',', ':', ';']);
    if bare.len() == 20 && bare.ends_with('Z') && bare[..4].parse::<u32>().is_ok() {
        return word.replace(bare, "TIME");
    }
    let is_hash = |part: &&str| part.len() >= 12 && part.chars().all(|letter| letter.is_ascii_hexdigit());
    let hashes = word.split(|letter: char| !letter.is_ascii_alphanumeric());
    let hashes = hashes.map(|part| part.strip_prefix("0x").unwrap_or(part)).filter(is_hash);
    hashes.fold(word.to_owned(), |word, hash| word.replace(hash, "HASH"))
}

/// Whether `actual` is what `expected` says, where `...` stands for any lines.
fn is_as_shown(expected: &[String], actual: &[String]) -> bool {
    match expected.split_first() {
        None => actual.is_empty(),
        Some((first, rest)) if first == "..." => {
            (0..=actual.len()).any(|skipped| is_as_shown(rest, &actual[skipped..]))
        }
        Some((first, rest)) => {
            actual.split_first().is_some_and(|(line, more)| line == first && is_as_shown(rest, more))
        }
    }
}

#[test]
fn the_guide_shows_what_comes() {
    let place = tempfile::tempdir().unwrap();
    let mut shell = Shell { folder: place.path(), status: 0 };
    let mut run = 0;
    for block in blocks(GUIDE) {
        match block.info[..] {
            ["console"] => {
                for (command, output) in commands(&block) {
                    let came = shell.run(command);
                    let expected: Vec<String> = output.iter().map(|line| comparable(line)).collect();
                    let actual: Vec<String> = came.lines().map(comparable).collect();
                    assert!(
                        is_as_shown(&expected, &actual),
                        "$ {command}\n{came}\nis not\n{}",
                        output.join("\n")
                    );
                    run += 1;
                }
            }
            [_, name] => fs::write(place.path().join(name), block.lines.join("\n") + "\n").unwrap(),
            _ => panic!("a block is a file with a name or a console: {:?}", block.info),
        }
    }
    assert!(run > 30, "{run} commands");
}

#[test]
fn what_differs_from_run_to_run_is_not_compared() {
    let line = |text: &str| comparable(text);
    assert_eq!(line("version 2, 2026-03-04T05:06:07Z: changed"), "version 2, TIME: changed");
    assert_eq!(line("delta 566 B, 0.06 s"), "delta # size, # duration");
    assert_eq!(line("  3   495 B  2b53ce7dd5f7  target"), "3 # size HASH target");
    assert_eq!(line("struct A @0xa6b85ded9502c15e $key"), "struct A @0xHASH $key");
    assert_eq!(line("by publish, process 3801"), "by publish, process #");
    assert_eq!(line("{\"elapsed_ms\":29,\"version\":7}"), "{\"elapsed_ms\":#,\"version\":7}");
    assert_ne!(line("Airport: 5 records"), line("Airport: 4 records"));
    let lines = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
    assert!(
        is_as_shown(&lines("a ... c"), &lines("a b b c")) && is_as_shown(&lines("a ... c"), &lines("a c"))
    );
    assert!(!is_as_shown(&lines("a ... c"), &lines("a b")) && !is_as_shown(&lines("a"), &lines("a b")));
}
