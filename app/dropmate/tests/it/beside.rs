//! Commands beside a running process, and without one.

use std::process::Command;

use crate::support::{Home, postgres_pid};

#[tokio::test]
async fn commands_work_while_it_runs_and_while_it_does_not() {
    let home = Home::prepared();
    let running = home.up();
    let first = running.owner_link.clone().unwrap();
    assert_eq!(home.run(&["healthcheck"]).ok(), "ready\n");
    let postgres = postgres_pid(&home.data());
    let link = home.run(&["owner-link"]).ok();
    assert!(link.starts_with(&format!("{}/setup/dml_", running.url)), "{link}");
    let works =
        |link: &str| format!("/api/v1/auth/first-run?token={}", link.trim().rsplit('/').next().unwrap());
    assert_eq!(running.get(&works(&first), "").await.1["works"], false, "the link before stops working");
    assert_eq!(running.get(&works(&link), "").await.1["works"], true);
    let status: serde_json::Value = serde_json::from_str(&home.run(&["bus", "status"]).ok()).unwrap();
    assert_eq!(status["epoch"], 1);
    assert!(home.run(&["keys", "rotate"]).ok().contains("signs in 20 minutes"));
    let doctor = home.run(&["doctor"]).ok();
    for seen in
        ["DropMate is running", "leads here", "TLS: none; only this machine", "WebSocket: one opens through"]
    {
        assert!(doctor.contains(seen), "{seen}: {doctor}");
    }
    // An address that leads elsewhere is found, whatever answers there.
    let other = Home::prepared();
    let elsewhere = other.up();
    let mut command = home.command(&["doctor"]);
    let done = crate::support::Done::of(command.env("PUBLIC_URL", &elsewhere.url).output().unwrap());
    assert!(done.out.contains("leads to something else than this installation"), "{}", done.out);
    assert_eq!(done.code, Some(1));
    assert!(elsewhere.stop().0.success());
    assert_eq!(postgres_pid(&home.data()), postgres, "no second server, and the first one lives on");
    assert!(running.stop().0.success());

    assert_eq!(home.run(&["healthcheck"]).code, Some(1));
    let link = home.run(&["owner-link"]).ok();
    assert!(link.contains("/setup/dml_"), "{link}");
    assert!(home.run(&["bus", "status"]).ok().contains("next_offset"));
    assert_eq!(home.run(&["bus", "dead-letters"]).ok(), "[]\n");
    assert!(home.run(&["audit", "verify"]).ok().contains("\"findings\": []"));
    let doctor = home.run(&["doctor", "--listen", "127.0.0.1:0"]);
    assert!(doctor.out.contains("DropMate is not running"), "{}", doctor.out);
    assert_eq!(doctor.code, Some(0), "{}", doctor.out);
    assert_eq!(postgres_pid(&home.data()), None, "the server of a command ends with it");
}

#[tokio::test]
async fn a_reset_link_is_for_people_who_exist() {
    let home = Home::prepared();
    let running = home.up();
    running.become_owner().await;
    let link = home.run(&["user", "reset", "Ada@Example.org"]).ok();
    assert!(link.starts_with(&format!("{}/reset/dml_", running.url)), "{link}");
    assert!(home.run(&["user", "reset", "nobody@example.org"]).refused(1).contains("nobody signs in"));
    assert!(home.run(&["user", "reset", "nonsense"]).refused(2).contains("not an e-mail address"));
    let refused = home.run(&["seed"]).refused(1);
    assert!(refused.contains("owner already"), "{refused}");
    assert!(running.stop().0.success());
    let report = home.run(&["audit", "verify"]).ok();
    assert!(report.contains("\"unsealed\": 0"), "the running process seals what a command did: {report}");
}

#[test]
fn seeded_people_have_passwords_of_their_own() {
    let home = Home::prepared();
    assert!(home.up().stop().0.success());
    let text = home.run(&["seed"]).ok();
    for role in ["owner", "manager", "dispatcher", "driver"] {
        assert!(text.contains(role), "{text}");
    }
    let running = home.up();
    assert_eq!(running.owner_link, None);
    assert!(running.stop().0.success());
}

#[tokio::test]
async fn a_trail_whose_end_was_cut_off_is_shown_by_the_note_outside_the_database() {
    let home = Home::prepared();
    assert!(home.up().stop().0.success());
    let (server, old) = (home.data().join("postgres"), home.path().join("old"));
    assert!(Command::new("cp").arg("-a").arg(&server).arg(&old).status().unwrap().success());
    let running = home.up();
    running.become_owner().await;
    assert!(running.stop().0.success());
    let note = home.data().join("audit").read_dir().unwrap().next().unwrap().unwrap().path();
    let name = note.file_name().unwrap().to_str().unwrap();
    assert!(
        name.starts_with("anchors-20")
            && std::path::Path::new(&name).extension().is_some_and(|end| end == "json"),
        "{name}"
    );
    assert!(home.run(&["audit", "verify"]).ok().contains("\"findings\": []"));
    let text = std::fs::read_to_string(&note).unwrap();
    std::fs::write(&note, text.replace("\"sequence\": ", "\"sequence\": 1")).unwrap();
    let forged = home.run(&["audit", "verify"]);
    assert_eq!(forged.code, Some(1));
    assert!(forged.out.contains("was changed, or signed with another audit key"), "{}", forged.out);
    std::fs::write(&note, &text).unwrap();

    // Chain and head as they were before: nothing inside the database is wrong.
    std::fs::remove_dir_all(&server).unwrap();
    std::fs::rename(&old, &server).unwrap();
    for _ in 0..2 {
        let cut = home.run(&["audit", "verify"]);
        assert_eq!(cut.code, Some(1));
        assert!(cut.out.contains("noted outside the database is missing"), "{}", cut.out);
        // A start and a stop do not put a new note in the place of the evidence.
        assert!(home.up().stop().0.success());
        assert_eq!(std::fs::read_to_string(&note).unwrap(), text);
    }
}
