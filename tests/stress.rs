//! The example `stress` for some seconds, as the program it is: `cargo test` builds it, and so does `cargo build --example stress`.

use std::process::Command;

#[test]
fn nothing_goes_wrong_under_stress_semantics_10() {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().unwrap().with_file_name("examples");
    let program = folder.join(format!("stress{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "{} is not built: `cargo build --example stress`", program.display());
    let ran = Command::new(program).args(["--seconds", "8"]).output().unwrap();
    let words = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{words}\n{}", String::from_utf8_lossy(&ran.stderr));
}
