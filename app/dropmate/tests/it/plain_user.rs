//! As a plain user, which is how it runs in production; and as root in a checkout that PostgreSQL cannot enter.

use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;

use nix::unistd::Uid;

use crate::support::{Home, Running, postgres_pid};

const NOBODY: u32 = 65_534;

#[test]
fn a_plain_user_runs_everything() {
    if !Uid::effective().is_root() {
        println!(
            "skipped: only root can become another user; as a plain user every other test shows the same"
        );
        return;
    }
    let home = Home::new();
    chown(home.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    // The build folder may be closed to others.
    let program = home.path().join("dropmate");
    std::fs::copy(env!("CARGO_BIN_EXE_dropmate"), &program).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new("setpriv");
    let id = NOBODY.to_string();
    command
        .args(["--reuid", &id, "--regid", &id, "--clear-groups", "--"])
        .arg(&program)
        .args(["up", "--listen", "127.0.0.1:0"])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .current_dir(home.path());
    let running = Running::start(command);
    let data = home.data();
    let mode = std::fs::metadata(&data).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700, "{mode:o}");
    assert!(postgres_pid(&data).is_some(), "the data is in ./data");
    let (ended, log) = running.stop();
    assert!(ended.success(), "{log}");
    assert_eq!(postgres_pid(&data), None);
}

#[test]
fn root_is_told_where_the_data_went_when_postgres_cannot_enter_the_checkout() {
    if !Uid::effective().is_root() {
        println!("skipped: only root's data moves");
        return;
    }
    let home = Home::new();
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut command = crate::support::program();
    let shown = command.args(["doctor"]).current_dir(home.path()).output().unwrap();
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(text.contains("data folder: /var/lib/dropmate/"), "{text}");
    assert!(!home.data().exists());
}
