//! What is refused, in which words, with which exit code.

use crate::support::{Done, Home, program};

#[test]
fn what_is_not_built_yet_is_wrong_use_and_says_so() {
    let home = Home::new();
    for (args, words) in [
        (&["serve", "--services", "ordres"][..], "there is no service \"ordres\""),
        (&["bus", "rebuild"], "there is no broker to rebuild"),
        (&["up", "--listen", "nonsense"], "http.listen is not an address and port"),
    ] {
        let refused = home.run(args).refused(2);
        assert!(refused.contains(words), "{args:?}: {refused}");
    }
    let done = Done::of(home.command(&["up"]).env("AMQP_URL", "amqp://x").output().unwrap());
    assert!(done.refused(2).contains("does not have that part yet"));
    assert!(!home.data().exists(), "a refused start leaves nothing behind");
}

#[test]
fn a_part_says_what_it_needs() {
    let home = Home::new();
    let database = ("DATABASE_URL", "postgres://127.0.0.1:1/dropmate");
    let public = ("PUBLIC_URL", "http://deliver.example");
    let identity = ("DROPMATE__SERVICES__IDENTITY", "http://127.0.0.1:1");
    for (services, environment, code, words) in [
        ("gateway", &[][..], 2, "the parts share one PostgreSQL: set DATABASE_URL"),
        ("identity", &[database], 2, "needs PUBLIC_URL"),
        ("gateway", &[database, public], 2, "DROPMATE__SERVICES__DISPATCH=http://"),
        ("storefront", &[database, public], 2, "DROPMATE__SERVICES__IDENTITY=http://"),
        (
            "gateway",
            &[database, public, ("DROPMATE__SERVICES__IDENTTY", "http://a:1")],
            2,
            "services.identty: there is no such",
        ),
        (
            "gateway",
            &[database, public, ("DROPMATE__ROLES__OWNER", &"ab".repeat(32))],
            2,
            "roles.owner: there is no such role",
        ),
        (
            "storefront",
            &[database, public, identity],
            1,
            "the password of the database role of storefront is not known",
        ),
        (
            "storefront",
            &[database, public, identity, ("DROPMATE__ROLES__STOREFRONT", &"ab".repeat(32))],
            1,
            "the PostgreSQL of DATABASE_URL cannot be reached",
        ),
    ] {
        let mut command = home.command(&["serve", "--listen", "127.0.0.1:0", "--services", services]);
        let done = Done::of(command.envs(environment.iter().copied()).output().unwrap());
        let refused = done.refused(code);
        assert!(refused.contains(words), "{services} {environment:?}: {refused}");
    }
    let roles = home.run(&["role-password", "owner"]).refused(2);
    assert!(
        roles.contains("there are: identity, storefront, orders") && roles.contains("gateway, system"),
        "{roles}"
    );
    assert!(home.run(&["role-password", "identity"]).refused(1).contains("database-roles is missing"));
    assert!(home.run(&["migrate", "--services", "identity"]).refused(2).contains("migrated together"));
}

#[test]
fn a_taken_address_and_a_taken_folder_are_named() {
    let home = Home::prepared();
    let running = home.up();
    let listen = running.url.strip_prefix("http://").unwrap();
    let other = Home::new();
    let refused = other.run(&["up", "--listen", listen]).refused(1);
    assert!(refused.contains("cannot listen on") && refused.contains("--listen"), "{refused}");
    assert!(!other.data().exists(), "a refused start leaves nothing behind");
    let refused = home.run(&["up", "--listen", "127.0.0.1:0"]).refused(1);
    assert!(refused.contains("is in use by process"), "{refused}");
    assert!(running.stop().0.success());
}

#[test]
fn commands_without_an_installation_create_none() {
    let home = Home::new();
    for args in [&["owner-link"][..], &["bus", "status"], &["audit", "verify"], &["backup", "x.tar"]] {
        let refused = home.run(args).refused(1);
        assert!(refused.contains("there is no installation in"), "{args:?}: {refused}");
    }
    assert!(home.run(&["healthcheck", "--url", "http://127.0.0.1:9"]).refused(1).contains("nobody answers"));
    assert!(!home.data().exists());
}

#[test]
fn another_installation_key_is_refused_by_name() {
    let home = Home::prepared();
    assert!(home.up().stop().0.success());
    let key = home.data().join("secrets/master-key");
    let right = std::fs::read_to_string(&key).unwrap();
    std::fs::write(&key, "A".repeat(43)).unwrap();
    let refused = home.run(&["up", "--listen", "127.0.0.1:0"]).refused(1);
    assert!(refused.contains("was sealed with the installation key"), "{refused}");
    std::fs::write(&key, right).unwrap();
    assert!(home.up().stop().0.success());
}

#[test]
fn settings_are_shown_without_secrets() {
    let home = Home::new();
    let secret = "hunter2-never-shown";
    let url = format!("postgres://ada:{secret}@db.example/shop");
    let mut command = home.command(&["config", "show"]);
    let shown = Done::of(command.env("DATABASE_URL", &url).output().unwrap()).ok();
    assert!(shown.contains("database.url = \"********\"  # environment DATABASE_URL"), "{shown}");
    assert!(!shown.contains(secret));
    let mut command = home.command(&["config", "check"]);
    let refused = Done::of(command.env("DROPMATE__HTTP__LISEN", "x").output().unwrap()).refused(2);
    assert!(refused.contains("did you mean http.listen?"), "{refused}");
    let mut command = home.command(&["owner-link"]);
    let unreachable = "postgres://ada:hunter2-never-shown@127.0.0.1:1/shop";
    let refused = Done::of(command.env("DATABASE_URL", unreachable).output().unwrap()).refused(1);
    assert!(refused.contains("cannot be reached") && !refused.contains(secret), "{refused}");
    assert!(home.run(&["config", "schema"]).ok().contains("\"http\""));
}

#[test]
fn the_documents_are_the_same_every_time() {
    for args in [
        &["openapi"][..],
        &["docs", "permissions"],
        &["docs", "config-schema"],
        &["docs", "asyncapi"],
        &["docs", "cli"],
        &["docs", "errors"],
    ] {
        let print = || Done::of(program().args(args).output().unwrap()).ok();
        let first = print();
        assert!(first.len() > 500 && first.ends_with('\n'), "{args:?}");
        assert_eq!(first, print(), "{args:?}");
    }
    let cli = Done::of(program().args(["docs", "cli"]).output().unwrap()).ok();
    assert!(cli.contains("### dropmate up") && cli.contains("#### dropmate bus replay"), "{cli}");
    assert!(!cli.contains("sim-clock"), "hidden flags stay hidden");
}
