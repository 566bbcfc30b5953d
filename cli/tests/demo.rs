//! The guided tour, held against what is known of its data.

use assert_cmd::assert::OutputAssertExt;

use support::hollowcast;

mod support;

#[test]
fn the_tour_tells_what_happened() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("tour");
    let output = hollowcast().arg("demo").arg("--dir").arg(&folder).assert().success().get_output().clone();
    let told = String::from_utf8(output.stdout).unwrap();
    // The counts of examples/airports/README.md, which an independent program found.
    for counts in [
        "version 1, Airport: 28232 records (28232 added, 0 removed, 0 changed)",
        "version 2, Airport: 28258 records (37 added, 11 removed, 77 changed)",
        "version 3, Airport: 28270 records (63 added, 51 removed, 654 changed)",
        "version 4, Airport: 28274 records (34 added, 30 removed, 132 changed)",
        "unchanged, version 3",
        "pinned at version 2; ",
        "released; consumers go to version 4",
        "version 5, Airport: 28270 records (30 added, 34 removed, 132 changed)",
    ] {
        assert!(told.contains(counts), "{counts}\n{told}");
    }
    let consumer: Vec<&str> =
        told.lines().filter_map(|line| line.trim().strip_prefix("consumer: ")).collect();
    let expected = [
        "version 1 by snapshot",
        "version 2 by delta",
        "version 3 by delta",
        "1000000 lookups of random airports in version 3",
        "refused: deltas/00000000000000000003-00000000000000000004-",
        "1000000 lookups of random airports in version 3",
        "version 4 by delta",
        "version 2 by kept state, 0 B fetched",
        "version 4 by kept state, 0 B fetched",
        "version 5 by delta",
        "version 6 by delta",
        "version 7 by delta",
    ];
    assert_eq!(consumer.len(), expected.len(), "{told}");
    for (line, expected) in consumer.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}\n{told}");
    }
    assert!(consumer[4].contains("at offset"), "{told}");
    assert!(told.contains("clean: "), "{told}");
    for took_over in ["live producer: epoch ", "standby: epoch ", "published version 7, "] {
        assert!(told.contains(took_over), "{took_over}\n{told}");
    }

    let dataset = folder.join("store/airports");
    // What it says to type at the end is typed.
    let farewell: Vec<&str> = told.lines().skip_while(|line| *line != "Look around").skip(1).collect();
    assert_eq!(farewell.len(), 6, "{told}");
    for line in farewell {
        let mut shell = std::process::Command::new("sh");
        shell
            .args(["-c", line])
            .env("PATH", "/usr/bin:/bin")
            .env("HOLLOWCAST_STATE_DIR", folder.join("look"));
        shell.assert().success();
    }
    let mut diff = hollowcast();
    diff.args(["diff", "--summary", "--json"]).arg(&dataset).args(["3", "4"]);
    let summary =
        diff.arg("--state-dir").arg(folder.join("producer")).assert().success().get_output().clone();
    let summary: serde_json::Value = serde_json::from_slice(&summary.stdout).unwrap();
    assert_eq!(summary, serde_json::json!({"Airport": {"added": 34, "removed": 30, "changed": 132}}));
}

#[test]
fn a_folder_that_is_in_use_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine"), "mine").unwrap();
    let refused =
        hollowcast().arg("demo").arg("--dir").arg(folder.path()).assert().code(2).get_output().clone();
    assert!(String::from_utf8(refused.stderr).unwrap().contains("is not empty"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
