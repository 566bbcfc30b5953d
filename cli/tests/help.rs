//! What `--help` shows: every verb explains itself by examples, and they are command lines that can be typed.

use clap::{CommandFactory, Parser};
use hollowcast_cli::arguments::Arguments;

/// The command lines in a text: of a pipe the part that is this program's, without where the output goes.
fn examples(help: &str) -> Vec<Vec<String>> {
    let part = |line: &str| {
        let line = &line[line.find("hollowcast ")?..];
        let line = line.split(' ').take_while(|word| !["|", ">"].contains(word));
        Some(line.collect::<Vec<_>>().join(" "))
    };
    help.lines().skip_while(|line| *line != "Examples:").filter_map(part).map(|line| words(&line)).collect()
}

/// The words of a line as a shell splits them; quotes are single ones.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for (at, part) in line.split('\'').enumerate() {
        let is_quoted = at % 2 == 1;
        let mut pieces = if is_quoted { vec![part] } else { part.split(' ').collect() }.into_iter();
        words.last_mut().unwrap().push_str(pieces.next().unwrap());
        words.extend(pieces.map(str::to_owned));
    }
    words
}

#[test]
fn words_are_those_of_a_shell() {
    assert_eq!(words("get ./d '3039154,\"Ehl, Tarter\"' --type City").len(), 5);
}

#[test]
fn every_verb_has_examples_that_can_be_typed() {
    let mut program = Arguments::command();
    program.build();
    let mut helps = vec![("hollowcast".to_owned(), program.render_long_help().to_string())];
    for verb in program.get_subcommands_mut().filter(|verb| verb.get_name() != "help") {
        helps.push((verb.get_name().to_owned(), verb.render_long_help().to_string()));
    }
    assert!(helps.len() > 11);
    for (verb, help) in helps {
        let examples = examples(&help);
        assert!(!examples.is_empty(), "{verb} has no examples");
        for example in examples {
            assert!(verb == "hollowcast" || example[1] == verb, "{example:?} in {verb}");
            if let Err(error) = Arguments::try_parse_from(&example) {
                panic!("{example:?} in {verb}: {error}");
            }
        }
    }
}

#[test]
fn arguments_are_well_formed() {
    Arguments::command().debug_assert();
}
