//! Cap'n Proto's own compiler, for tests.

use std::io::Write;
use std::process::{Command, Output, Stdio};

/// What `capnp compile -o-` prints for `text`.
pub(crate) fn compile(text: &str) -> Vec<u8> {
    let output = run(text);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`capnp compile` refused the text: {words}\n{text}");
    output.stdout
}

/// What `capnp compile -o-` says against `text`.
pub(crate) fn refusal(text: &str) -> String {
    let output = run(text);
    assert!(!output.status.success(), "`capnp compile` accepted the text:\n{text}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn run(text: &str) -> Output {
    let mut file = tempfile::Builder::new().suffix(".capnp").tempfile().expect("a temporary file");
    file.write_all(text.as_bytes()).expect("the file takes the text");
    let folder = file.path().parent().expect("a file lies in a folder");
    let name = file.path().file_name().expect("a file has a name");
    Command::new("capnp")
        .args(["compile", "-o-"])
        .arg(name)
        .current_dir(folder)
        .env_remove("PWD")
        .stdin(Stdio::null())
        .output()
        .expect("this test needs Cap'n Proto's compiler: install `capnproto`, so that `capnp` is on the PATH")
}
