//! Completions and manual pages know every verb and what it takes.

use std::fs;
use std::process::{Command, Stdio};

use clap::CommandFactory;
use hollowcast_cli::arguments::Arguments;
use support::{Ran, hollowcast};

mod support;

fn verbs() -> Vec<String> {
    let verbs: Vec<_> =
        Arguments::command().get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    assert!(verbs.len() > 17, "{verbs:?}");
    verbs
}

fn run(arguments: &[&str]) -> Ran {
    Ran::from(hollowcast().args(arguments).output().unwrap())
}

#[test]
fn every_shell_completes_every_verb() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["completions", shell]).succeeds().out;
        for verb in verbs() {
            assert!(script.contains(&verb), "{shell} does not know {verb}");
        }
        for option in ["state-dir", "accept-break", "upsert"] {
            assert!(script.contains(option), "{shell} does not know {option}");
        }
    }
    assert_eq!(run(&["completions", "cmd"]).code, 2);
}

/// Bash reads the script, and completes by it.
#[test]
fn bash_completes_a_verb_and_an_option() {
    let script = run(&["completions", "bash"]).succeeds().out;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hollowcast.bash");
    fs::write(&path, script).unwrap();
    let checked = Command::new("bash").arg("-n").arg(&path).stdin(Stdio::null()).output().unwrap();
    assert!(checked.status.success(), "{checked:?}");
    let completed = |words: &str, last: usize| {
        let ask = format!(
            "source {}; COMP_WORDS=({words}); COMP_CWORD={last}; _hollowcast hollowcast \"${{COMP_WORDS[{last}]}}\" x; \
             echo \"${{COMPREPLY[@]}}\"",
            path.display()
        );
        Ran::from(Command::new("bash").args(["-c", &ask]).output().unwrap()).succeeds().out
    };
    assert_eq!(completed("hollowcast vers", 1), "versions\n");
    assert_eq!(completed("hollowcast history --lim", 2), "--limit\n");
}

#[test]
fn the_manual_names_every_verb_and_each_has_a_page() {
    let page = run(&["man"]).succeeds().out;
    for verb in verbs() {
        assert!(page.contains(&verb), "the page does not name {verb}");
    }
    assert!(page.contains(".TH hollowcast 1") && page.contains("store unavailable, after retries"), "{page}");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("man/man1");
    run(&["man", "--out", out.to_str().unwrap()]).succeeds();
    assert!(fs::read_to_string(out.join("hollowcast.1")).unwrap() == page);
    for verb in verbs() {
        let page = fs::read_to_string(out.join(format!("hollowcast-{verb}.1"))).unwrap();
        assert!(page.contains(&format!(".TH hollowcast-{verb} 1")), "{page}");
        assert!(page.contains("Examples:"), "{page}");
    }
    let retain = fs::read_to_string(out.join("hollowcast-retain.1")).unwrap();
    assert!(retain.contains("max\\-age") && retain.contains("7days"), "{retain}");
}
