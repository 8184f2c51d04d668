//! How the sources come together.

use super::*;

fn environment(pairs: &[(&str, &str)]) -> LoadOptions {
    let environment = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    LoadOptions { environment, ..LoadOptions::default() }
}

fn with_file(text: &str) -> (tempfile::TempDir, LoadOptions) {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join(FILE_NAME), text).unwrap();
    let options = LoadOptions { data_dir: Some(home.path().to_owned()), ..LoadOptions::default() };
    (home, options)
}

fn problems(options: LoadOptions) -> String {
    Config::load(options).unwrap_err().to_string()
}

#[test]
fn the_defaults_are_valid_and_hold_no_secret() {
    let loaded = Config::load(LoadOptions::default()).unwrap();
    assert_eq!(loaded.config.http.listen, "127.0.0.1:8080");
    assert!(!loaded.show().contains(MASK));
}

#[test]
fn file_environment_and_flags_add_up() {
    let (_home, mut options) = with_file("[http]\nlisten = \"0.0.0.0:80\"\n[database]\npool_size = 40\n");
    options.environment = vec![("DROPMATE__JOBS__CONCURRENCY".into(), "3".into())];
    options
        .environment
        .push(("DROPMATE__HTTP__CORS_ORIGINS".into(), "https://a.example, https://b.example".into()));
    options.overrides =
        vec![Override { key: "auth.open_registration", value: "true".into(), flag: "--open" }];
    let loaded = Config::load(options).unwrap();
    assert_eq!(loaded.config.http.listen, "0.0.0.0:80");
    assert_eq!(loaded.config.http.cors_origins, ["https://a.example", "https://b.example"]);
    assert_eq!((loaded.config.database.pool_size, loaded.config.jobs.concurrency), (40, 3));
    assert!(loaded.config.auth.open_registration);
    assert_eq!(loaded.source("jobs.concurrency").to_string(), "environment DROPMATE__JOBS__CONCURRENCY");
    assert_eq!(loaded.source("auth.open_registration").to_string(), "flag --open");
    assert_eq!(loaded.source("mail.timeout_s"), &Source::Default);
}

#[test]
fn two_sources_that_differ_are_both_named_and_their_values_are_not() {
    let pairs =
        [("DATABASE_URL", "postgres://a:topsecret@one/x"), ("DROPMATE__DATABASE__URL", "postgres://two/x")];
    let text = problems(environment(&pairs));
    assert!(
        text.contains("environment DATABASE_URL") && text.contains("environment DROPMATE__DATABASE__URL"),
        "{text}"
    );
    assert!(!text.contains("topsecret"), "{text}");

    let (_home, mut options) = with_file("[redis]\nurl = \"redis://one\"\n");
    options.environment = vec![("REDIS_URL".into(), "redis://two".into())];
    let text = problems(options);
    assert!(text.contains("dropmate.toml") && text.contains("environment REDIS_URL"), "{text}");
}

#[test]
fn two_sources_that_agree_are_accepted() {
    let (_home, mut options) = with_file("[jobs]\nconcurrency = 3\n");
    options.environment = vec![("DROPMATE__JOBS__CONCURRENCY".into(), "3".into())];
    assert_eq!(Config::load(options).unwrap().config.jobs.concurrency, 3);
}

#[test]
fn unknown_names_are_refused_with_the_nearest() {
    let (_home, mut options) = with_file("[http]\nlisten_adress = \"x\"\n[databse]\nurl = \"x\"\n");
    options.environment = vec![("DROPMATE__JOBS__CONCURENCY".into(), "3".into())];
    let text = problems(options);
    for hint in ["did you mean http.listen?", "did you mean database.url?", "did you mean jobs.concurrency?"]
    {
        assert!(text.contains(hint), "{hint} in {text}");
    }
}

#[test]
fn a_secret_may_come_from_a_file_and_is_never_shown() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("database_url");
    std::fs::write(&path, "postgres://user:topsecret@host/db\n").unwrap();
    let path = path.to_str().unwrap();
    for name in ["DATABASE_URL_FILE", "DROPMATE__DATABASE__URL_FILE"] {
        let loaded = Config::load(environment(&[(name, path)])).unwrap();
        assert_eq!(
            loaded.config.database.url.as_ref().unwrap().expose(),
            "postgres://user:topsecret@host/db"
        );
        let printed =
            format!("{loaded:?} {} {}", loaded.show(), serde_json::to_string(&loaded.config).unwrap());
        assert!(!printed.contains("topsecret"), "{printed}");
        assert!(loaded.show().contains(&format!("database.url = \"{MASK}\"  # environment {name}")));
    }
    assert!(problems(environment(&[("REDIS_URL_FILE", "/nowhere")])).contains("/nowhere"));
}

#[test]
fn all_problems_are_told_at_once_without_values() {
    let pairs = [
        ("DROPMATE__JOBS__CONCURRENCY", "many"),
        ("DROPMATE__HTTP__TLS", "sometimes"),
        ("DROPMATE__HTTP__LISTEN", "here"),
        ("SMTP_URL", "topsecret"),
        ("S3_URL", "https://key:topsecret@s3.example/eu"),
    ];
    let text = problems(environment(&pairs));
    for key in ["jobs.concurrency", "http.tls", "http.listen", "mail.smtp_url", "storage.bucket"] {
        assert!(text.contains(key), "{key} in {text}");
    }
    assert!(!text.contains("topsecret"), "{text}");
}

#[test]
fn a_broken_file_is_named_with_its_line_but_not_quoted() {
    let (_home, options) = with_file("[database]\nurl = \"postgres://topsecret\npool_size = 1\n");
    let text = problems(options);
    assert!(text.contains("dropmate.toml line 2") && !text.contains("topsecret"), "{text}");
    let missing = LoadOptions { file: Some("/nowhere/dropmate.toml".into()), ..LoadOptions::default() };
    assert!(problems(missing).contains("/nowhere/dropmate.toml"));
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let loaded =
        Config::load(environment(&[("REDIS_URL", ""), ("HOME", "/root"), ("PATH", "/bin")])).unwrap();
    assert!(loaded.config.redis.url.is_none());
}

#[test]
fn services_and_roles_are_named_by_those_who_run_them() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("password");
    std::fs::write(&file, format!("{}\n", "ab".repeat(32))).unwrap();
    let loaded = Config::load(environment(&[
        ("DROPMATE__SERVICES__IDENTITY", "http://127.0.0.1:7001"),
        ("DROPMATE__ROLES__IDENTITY_FILE", file.to_str().unwrap()),
    ]))
    .unwrap();
    assert_eq!(loaded.config.services.authority("identity").unwrap(), "127.0.0.1:7001");
    assert_eq!(loaded.config.services.authority("orders"), None);
    assert_eq!(loaded.config.roles.passwords["identity"].expose(), "ab".repeat(32));
    let shown = loaded.show();
    assert!(shown.contains("roles.identity = \"********\"") && !shown.contains("abab"), "{shown}");
    let wrong = problems(environment(&[
        ("DROPMATE__SERVICES__IDENTITY", "identity:7001"),
        ("DROPMATE__ROLES__IDENTITY", "hunter2"),
    ]));
    assert!(wrong.contains("services.identity must be http://"), "{wrong}");
    assert!(wrong.contains("roles.identity is not a password") && !wrong.contains("hunter2"), "{wrong}");
}
