//! Every operation that may change something, generated from the document: one audit entry per effect, none missing, none
//! twice; a refusal leaves none and changes nothing.
//!
//! | call | entries | tables of identity |
//! |---|---|---|
//! | the successful one of [`stories`] | exactly those of its row, with action, target and request | changed only where an entry is, or [`WITHOUT_ENTRY`] says why not |
//! | by nobody, by a role that does not fit, with a body that no handler accepts | none | unchanged |
//! | the refused ones of the row | none, or those of its row (a guess that was noticed) | unchanged, but for [`WITHOUT_ENTRY`] |
//!
//! What has no operation (jobs, commands of the machine) stands at the end. The words in the source are counted as well: an
//! action that is written there and never seen here fails the test.

mod stories;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use http::Method;
use platform::auth::Role;
use platform::http::operations::Operation;
use serde_json::json;
use testkit::http::{Call, Reply};

use crate::app::{App, Town, Wishes, nobody};
use stories::{Story, Target};

/// What may change without an entry, and why that is no effect on anybody's data.
const WITHOUT_ENTRY: [(&str, &str); 5] = [
    ("refresh_token", "refresh_tokens"), // The session goes on; a reuse is an effect and has its entry.
    ("refresh_token", "sessions"),       // It lives as long as its newest token.
    ("begin_passkey_sign_in", "passkey_ceremonies"), // A question to a device; the answer has its entry.
    ("sign_in_passkey", "passkey_ceremonies"), // Used up by a wrong answer as well.
    ("sign_in_second_factor", "challenges"), // The same.
];

/// An entry as it has to be.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
struct Entry {
    action: String,
    object_type: String,
    object_id: String,
    request_id: String,
}

/// What can be compared before and after a call. When a credential was last used is no effect of what it was used for.
struct State {
    entries: i64,
    tables: BTreeMap<String, String>,
}

impl State {
    async fn of(app: &App) -> Self {
        let mut admin = app.db.admin().await;
        let names: Vec<String> = sqlx::query_scalar(
            "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'identity'::regnamespace AND c.relkind = 'r'",
        )
        .fetch_all(&mut admin)
        .await
        .unwrap();
        let one = |name: &String| {
            format!(
                "SELECT '{name}', coalesce(md5(string_agg(r, chr(10) ORDER BY r)), '')
                   FROM (SELECT (to_jsonb(t) - 'last_used_at' - 'last_seen_at')::text AS r FROM identity.{name} t) rows"
            )
        };
        let sql = names.iter().map(one).collect::<Vec<_>>().join(" UNION ALL ");
        let tables: Vec<(String, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(&mut admin).await.unwrap();
        let entries = app.count("SELECT count(*) FROM platform.audit_entries").await;
        Self { entries, tables: tables.into_iter().collect() }
    }

    /// The tables that are otherwise now.
    fn changed(&self, after: &Self) -> BTreeSet<String> {
        let differs = |name: &&String| self.tables.get(*name) != after.tables.get(*name);
        after.tables.keys().filter(differs).cloned().collect()
    }
}

async fn entries_since(app: &App, state: &State) -> Vec<Entry> {
    sqlx::query_as(
        "SELECT action, object_type, object_id, coalesce(request_id, '') AS request_id FROM platform.audit_entries
          ORDER BY at, id OFFSET $1",
    )
    .bind(state.entries)
    .fetch_all(&mut app.db.admin().await)
    .await
    .unwrap()
}

/// What was seen over the whole walk.
#[derive(Default)]
struct Seen {
    calls: usize,
    actions: BTreeSet<String>,
    wrong: Vec<String>,
}

impl Seen {
    /// Sends one call; what it left behind has to be exactly this.
    async fn call(
        &mut self,
        app: &App,
        operation: &str,
        call: Call,
        wanted: (u16, &str),
        targets: &[Target],
    ) -> Reply {
        let before = State::of(app).await;
        let reply = call.await;
        let entries = entries_since(app, &before).await;
        let changed = before.changed(&State::of(app).await);
        self.calls += 1;
        let place = format!("{operation} answered {} {}", reply.status, reply.code());
        let code = if wanted.1.is_empty() { String::new() } else { reply.code() };
        if (reply.status, code.as_str()) != wanted {
            self.wrong.push(format!("{place}, not {wanted:?}: {reply}"));
        }
        let expected: Vec<Entry> =
            targets.iter().enumerate().map(|(n, target)| target.entry(&reply, entries.get(n))).collect();
        if entries != expected {
            self.wrong.push(format!("{place}: the trail has {entries:#?}, not {expected:#?}"));
        }
        let excused = |table: &str| WITHOUT_ENTRY.contains(&(operation, table));
        let silent: Vec<_> = changed.iter().filter(|table| !excused(table)).collect();
        if entries.is_empty() && !silent.is_empty() {
            self.wrong.push(format!("{place}: {silent:?} changed without an entry"));
        }
        self.actions.extend(entries.into_iter().map(|entry| entry.action));
        reply
    }

    /// By nobody, by who may not, and with nonsense: what every operation refuses, whatever it does.
    async fn refusals_of_all(&mut self, town: &Town, operation: &Operation) {
        let app = &town.app;
        let path = operation.template.replace("{id}", &nobody(prefix(&operation.template)));
        let with_body = operation.method != Method::DELETE;
        let call = |token: &str| {
            let call = app.client.call(operation.method.clone(), path.clone()).from(app.source());
            let call = if with_body { call.json(&json!({ "audit": true })) } else { call };
            let call = if operation.method == Method::PATCH { call.if_match(999) } else { call };
            if token.is_empty() { call } else { call.bearer(token) }
        };
        if !operation.template.starts_with("/api/") {
            return;
        }
        let callers = town.bakery.credentials();
        let mut refused = Vec::new();
        if !operation.permission.is_public() {
            refused.push((call(""), 401));
            let stranger = callers
                .iter()
                .find(|(role, _)| !operation.permission.roles.contains(&role.parse::<Role>().unwrap()));
            let (_, token) = stranger.expect("somebody who may not");
            refused.push((call(token), 403));
        }
        for (call, status) in refused {
            self.call(app, &operation.id, call, (status, ""), &[]).await;
        }
        // Who may, with a body of no sense: refused before anything is looked at, unless the operation takes none.
        let fits = callers
            .iter()
            .find(|(role, _)| operation.permission.roles.contains(&role.parse::<Role>().unwrap()));
        let token = fits.map_or(town.operator.token.as_str(), |(_, token)| token);
        if stories::takes_a_body(&operation.id) {
            self.call(app, &operation.id, call(token), (422, "invalid"), &[]).await;
        }
    }

    async fn story(&mut self, operation: &str, story: Story<'_>) {
        let Story { app, before, success, entries, after } = story;
        let refused = |(call, status, code, targets)| (call, (status, code), targets);
        for (call, wanted, targets) in before.into_iter().map(refused) {
            let targets: Vec<Target> = targets;
            self.call(app, operation, call, wanted, &targets).await;
        }
        let (call, status) = success;
        self.call(app, operation, call, (status, ""), &entries).await;
        for (call, wanted, targets) in after.into_iter().map(refused) {
            self.call(app, operation, call, wanted, &targets).await;
        }
    }
}

/// The prefix of the identifier in a path.
fn prefix(template: &str) -> &'static str {
    [
        ("/members/", "member"),
        ("/invitations/", "invite"),
        ("/api-keys/", "key"),
        ("/sessions/", "session"),
        ("/passkeys/", "passkey"),
        ("/organizations/", "org"),
    ]
    .into_iter()
    .find(|(part, _)| template.contains(part))
    .map_or("user", |(_, prefix)| prefix)
}

/// Of the gateway, but what they change is of services that are not here: their own tests tell what that leaves.
const ELSEWHERE: [&str; 3] = ["stream_positions", "submit_rating", "submit_receipt"];

/// Not GET, so it may change something.
fn mutating(operations: &[Arc<Operation>]) -> impl Iterator<Item = &Arc<Operation>> {
    operations.iter().filter(|operation| {
        !matches!(operation.method, Method::GET | Method::HEAD) && !ELSEWHERE.contains(&operation.id.as_str())
    })
}

#[tokio::test]
async fn every_effect_of_every_operation_has_one_entry_and_no_refusal_has_any() {
    let town = Town::with(Wishes { open_registration: true, ..Wishes::default() }).await;
    let fresh = [App::new().await, App::new().await];
    let mut seen = Seen::default();
    let mut left: BTreeSet<&str> = stories::OPERATIONS.into_iter().collect();
    for operation in mutating(town.app.document.operations().all()) {
        assert!(
            left.remove(operation.id.as_str()),
            "{} is not in the table: say in `audited/stories.rs` how it succeeds, how it is refused, and what that leaves",
            operation.id
        );
        seen.refusals_of_all(&town, operation).await;
        let story = stories::of(&operation.id, &town, &fresh).await;
        assert!(
            !story.before.is_empty() || !story.after.is_empty() || !operation.permission.is_public(),
            "{}: no refusal",
            operation.id
        );
        seen.story(&operation.id, story).await;
        // Nobody is limited because of the operation before.
        town.app.settle().await;
    }
    assert!(left.is_empty(), "no such operations any more: {left:?}");
    assert_eq!(seen.wrong, Vec::<String>::new(), "after {} calls", seen.calls);
    assert!(seen.calls > 150, "{}", seen.calls);

    on_the_machine(&town.app, &mut seen).await;
    assert_eq!(seen.actions, in_the_source(), "actions of the source, and what was seen of them");
    town.app.finish().await;
}

/// Effects without an operation.
async fn on_the_machine(app: &App, seen: &mut Seen) {
    let mut check = async |what: &str, before: State, expected: &[(&str, &str)]| {
        let entries = entries_since(app, &before).await;
        let found: Vec<(&str, &str)> =
            entries.iter().map(|entry| (entry.action.as_str(), entry.object_type.as_str())).collect();
        assert_eq!(found, expected, "{what}");
        seen.actions.extend(entries.iter().map(|entry| entry.action.clone()));
    };
    let email = identity::domain::contact::Email::parse("olga@example.org").unwrap();
    for (second_factor, expected) in [
        (false, &[("user.reset", "user")][..]),
        (true, &[("user.reset", "user"), ("user.reset_second_factor", "user")]),
    ] {
        let before = State::of(app).await;
        let made =
            identity::commands::password_reset::operator_link(&app.identity, &email, second_factor).await;
        assert!(made.unwrap().is_some());
        check("user reset", before, expected).await;
    }
    let before = State::of(app).await;
    let nobody = identity::domain::contact::Email::parse("nobody@example.org").unwrap();
    let none = identity::commands::password_reset::operator_link(&app.identity, &nobody, true).await;
    assert!(none.unwrap().is_none());
    check("user reset of nobody", before, &[]).await;

    let before = State::of(app).await;
    let scope = platform::db::Scope::installation();
    identity::keys::rotate(&app.identity).await.unwrap();
    check("keys rotate", before, &[("keys.rotate", "signing_key")]).await;
    let before = State::of(app).await;
    assert!(identity::keys::rotate_if_due(&app.identity, &scope).await.unwrap().is_none());
    check("a rotation that is not due", before, &[]).await;
    app.pass(kernel::time::SignedDuration::from_hours(31 * 24));
    let before = State::of(app).await;
    assert!(identity::keys::rotate_if_due(&app.identity, &scope).await.unwrap().is_some());
    check("a rotation that is due", before, &[("keys.rotate", "signing_key")]).await;
}

/// What the jobs do, and why the ones without an entry need none. A new job has to say it here.
#[tokio::test]
async fn every_job_says_what_it_leaves_in_the_trail() {
    let decided = [
        ("identity.purge", "removes what ended a month ago and opens nothing; its end has its entry"),
        ("identity.rotate_keys", "keys.rotate, in `rotate_if_due`"),
        ("identity.send_invitation", "create_invitation, of who invited"),
        ("identity.send_link", "forgot_password and change_email, of who asked"),
        (
            "platform.sweep_files",
            "deletes contents that nothing names; what took their names back has its entry",
        ),
    ];
    let app = App::new().await;
    let jobs = identity::service(&app.identity).unwrap().jobs;
    let found: BTreeSet<&str> = jobs.iter().map(platform::jobs::JobKind::name).collect();
    assert_eq!(found, decided.map(|(name, _)| name).into_iter().collect());
}

/// Commands whose file writes no entry, with the reason.
const NO_ENTRY_OF_ITS_OWN: [(&str, &str); 5] = [
    (
        "first_run.rs",
        "organizations::create writes it; a fresh owner link opens nothing while there is an owner",
    ),
    ("guessing.rs", "counts, outside the database"),
    ("passwords.rs", "decides"),
    ("second_factor.rs", "a part of commands that have theirs"),
    ("tokens.rs", "a part of commands that have theirs"),
];

/// The actions that the source of the service writes as words, and a file of `commands` without any is explained.
fn in_the_source() -> BTreeSet<String> {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut actions: BTreeSet<String> =
        // Handed to `organizations::create`, and to `commands::pictures`, which several use.
        [
            "first_run",
            "create_organization",
            "put_my_photo",
            "delete_my_photo",
            "put_organization_logo",
            "delete_organization_logo",
        ]
        .into_iter()
        .map(str::to_owned)
        .collect();
    let mut folders = vec![source.clone()];
    let mut silent = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let words: Vec<&str> = text
                .split("Entry::new(\"")
                .skip(1)
                .filter_map(|rest| rest.split_once('"').map(|(word, _)| word))
                .collect();
            if path.parent() == Some(&source.join("commands")) && !text.contains("Entry::new(") {
                silent.insert(path.file_name().unwrap().to_str().unwrap().to_owned());
            }
            actions.extend(words.into_iter().map(str::to_owned));
        }
    }
    assert_eq!(silent, NO_ENTRY_OF_ITS_OWN.map(|(name, _)| name.to_owned()).into_iter().collect());
    actions
}
