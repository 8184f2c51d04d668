//! What random load hides, a schedule shows (`docs`: the event log, "mutants"). Every mutant is the real function with
//! one of its rules taken away, stepped by hand on two connections; the same schedule leaves the real one unharmed.

use kernel::ids::{OrgId, Uuid};
use testkit::schedule::Stepped;

use crate::demo::{World, change, publish_sql};

/// The body of `bus.advance`, with the parts that the mutants change left open.
fn advance_mutant(name: &str, lock: &str, choice: &str, offset: &str, end: &str) -> String {
    format!(
        "CREATE FUNCTION bus.{name}(p_limit integer) RETURNS integer
         LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
         DECLARE v_next bigint; v_count integer;
         BEGIN
            {lock}
            WITH taken AS (
                DELETE FROM bus.outbox WHERE position IN (SELECT position FROM bus.outbox {choice}) RETURNING *
            ), logged AS (
                INSERT INTO bus.log (logged_on, \"offset\", event_id, org_id, subject, key, version, payload, actor,
                                     trace, source, occurred_at)
                SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date, {offset}, event_id, org_id, subject, key, version,
                       payload, actor, trace, source, occurred_at FROM (SELECT * FROM taken ORDER BY position) t
                RETURNING 1)
            SELECT count(*) INTO v_count FROM logged;
            {end}
            RETURN v_count;
         END $$;
         GRANT EXECUTE ON FUNCTION bus.{name}(integer) TO dropmate_system;"
    )
}

const ANY_ORDER: &str = "ORDER BY position LIMIT p_limit";
const LOCK: &str = "SELECT next_offset INTO STRICT v_next FROM bus.head FOR UPDATE;";

/// Two sequencer candidates, two writers and a reader that keeps an offset.
struct Stage {
    world: World,
    org: OrgId,
    one: Stepped,
    two: Stepped,
    reader: Stepped,
    last: i64,
    seen: Vec<Uuid>,
}

impl Stage {
    async fn new(mutant: Option<String>) -> Self {
        let world = World::new().await;
        world.sql("CREATE SEQUENCE bus.mutant_offset; CREATE SEQUENCE bus.mutant_cached CACHE 32;").await;
        if let Some(sql) = mutant {
            world.sql(&sql).await;
        }
        let org = world.org();
        let (mut one, mut two) = (Self::system(&world).await, Self::system(&world).await);
        for candidate in [&mut one, &mut two] {
            // The schedule would wait for ever where the real function rightly waits.
            candidate.step("SET lock_timeout = '150ms'").await.unwrap();
        }
        let reader = Stepped::new(world.test.admin().await);
        Self { world, org, one, two, reader, last: 0, seen: Vec::new() }
    }

    async fn system(world: &World) -> Stepped {
        Stepped::new(world.test.connect("dropmate_system").await)
    }

    async fn writer(&self) -> Stepped {
        Stepped::new(self.world.test.connect("dropmate_demo").await)
    }

    /// Publishes one event of a key of its own and returns its id.
    async fn publish(&self, writer: &mut Stepped) -> Uuid {
        let (event, key) = (self.world.uuid(), self.world.uuid());
        writer.step(&publish_sql(event, self.org, key, 1)).await.unwrap();
        event
    }

    /// What every consumer does: everything above the last offset it has seen.
    async fn read(&mut self) {
        let sql = format!(
            "SELECT \"offset\" || ' ' || event_id FROM bus.log WHERE \"offset\" > {} ORDER BY \"offset\"",
            self.last
        );
        for line in self.reader.step(&sql).await.unwrap() {
            let (offset, event) = line.split_once(' ').unwrap();
            self.last = offset.parse().unwrap();
            self.seen.push(event.parse().unwrap());
        }
    }

    /// How many of these events the reader never saw, after everybody has had a last turn.
    async fn lost(&mut self, advance: &str, events: &[Uuid]) -> usize {
        for _ in 0..3 {
            self.two.step(&format!("SELECT {advance}(100)")).await.unwrap();
            self.read().await;
        }
        events.iter().filter(|event| !self.seen.contains(event)).count()
    }
}

/// The schedule of a stalled leader: it takes the batch {3, 4} and stops before it commits; the transaction with the
/// low positions {1, 2} commits; the second candidate takes them; the first one wakes up and commits.
async fn stalled_leader(advance: &str, mutant: Option<String>, before: &[&str], takeover: &[&str]) -> usize {
    let mut stage = Stage::new(mutant).await;
    let (mut early, mut late) = (stage.writer().await, stage.writer().await);
    early.step("BEGIN").await.unwrap();
    let mut events = vec![stage.publish(&mut early).await, stage.publish(&mut early).await];
    events.extend([stage.publish(&mut late).await, stage.publish(&mut late).await]);
    for sql in before {
        stage.one.step(sql).await.unwrap();
    }
    stage.one.step("BEGIN").await.unwrap();
    assert_eq!(stage.one.step(&format!("SELECT {advance}(2)")).await.unwrap(), ["2"]);
    early.step("COMMIT").await.unwrap();
    for sql in takeover {
        stage.reader.step(sql).await.unwrap();
    }
    for sql in before {
        stage.two.step(sql).await.ok();
    }
    // The real function waits here for the lock of the first one, and goes on in a later turn.
    let second = stage.two.step(&format!("SELECT {advance}(2)")).await;
    let refused = second.is_err();
    stage.read().await;
    stage.one.step("COMMIT").await.unwrap();
    stage.read().await;
    let lost = stage.lost(advance, &events).await;
    assert_eq!(refused, advance == "bus.advance", "only the real function makes the second candidate wait");
    lost
}

#[tokio::test]
async fn the_sequencer_survives_a_stalled_leader() {
    assert_eq!(stalled_leader("bus.advance", None, &[], &[]).await, 0);
}

#[tokio::test]
async fn mutant_without_a_lock_loses_what_a_stalled_leader_commits_late() {
    let mutant = advance_mutant("unlocked", "", ANY_ORDER, "nextval('bus.mutant_offset')", "");
    assert_eq!(stalled_leader("bus.unlocked", Some(mutant), &[], &[]).await, 2);
}

#[tokio::test]
async fn mutant_with_a_time_lease_lets_the_former_leader_write_late() {
    let mutant = advance_mutant(
        "leased",
        "IF NOT EXISTS (SELECT FROM bus.lease WHERE holder = pg_backend_pid() AND until > clock_timestamp()) THEN
            RAISE EXCEPTION 'not the leader'; END IF;",
        ANY_ORDER,
        "nextval('bus.mutant_offset')",
        "",
    );
    let mutant = format!(
        "{mutant} CREATE TABLE bus.lease (holder integer, until timestamptz); INSERT INTO bus.lease VALUES (0, '-infinity');
         GRANT SELECT, UPDATE ON bus.lease TO dropmate_system;"
    );
    let lead = "UPDATE bus.lease SET holder = pg_backend_pid(), until = clock_timestamp() + interval '1 hour'
                 WHERE until < clock_timestamp()";
    let expire = "UPDATE bus.lease SET until = '-infinity'";
    assert_eq!(stalled_leader("bus.leased", Some(mutant), &[lead], &[expire]).await, 2);
}

#[tokio::test]
async fn mutant_with_its_lock_on_another_connection_lets_the_former_leader_write_late() {
    // The lock says who leads, but the batch runs elsewhere: when the lock's connection dies, the batch does not.
    let mutant = advance_mutant("apart", "", ANY_ORDER, "nextval('bus.mutant_offset')", "");
    let mut stage = Stage::new(Some(mutant)).await;
    let (mut lock_one, mut lock_two) = (Stage::system(&stage.world).await, Stage::system(&stage.world).await);
    let (mut early, mut late) = (stage.writer().await, stage.writer().await);
    early.step("BEGIN").await.unwrap();
    let mut events = vec![stage.publish(&mut early).await, stage.publish(&mut early).await];
    events.extend([stage.publish(&mut late).await, stage.publish(&mut late).await]);
    assert_eq!(lock_one.step("SELECT pg_try_advisory_lock(1)::text").await.unwrap(), ["true"]);
    stage.one.step("BEGIN").await.unwrap();
    stage.one.step("SELECT bus.apart(2)").await.unwrap();
    early.step("COMMIT").await.unwrap();
    assert_eq!(lock_two.step("SELECT pg_try_advisory_lock(1)::text").await.unwrap(), ["false"]);
    let pid = lock_one.step("SELECT pg_backend_pid()::text").await.unwrap();
    stage.reader.step(&format!("SELECT pg_terminate_backend({}, 5000)", pid[0])).await.unwrap();
    assert_eq!(lock_two.step("SELECT pg_try_advisory_lock(1)::text").await.unwrap(), ["true"]);
    stage.two.step("SELECT bus.apart(2)").await.unwrap();
    stage.read().await;
    stage.one.step("COMMIT").await.unwrap();
    assert_eq!(stage.lost("bus.apart", &events).await, 2);
}

/// Two candidates at once on four events that are all there; the one that was first commits last.
async fn side_by_side(advance: &str, mutant: Option<String>) -> usize {
    let mut stage = Stage::new(mutant).await;
    let mut writer = stage.writer().await;
    let mut events = Vec::new();
    for _ in 0..4 {
        events.push(stage.publish(&mut writer).await);
    }
    stage.one.step("BEGIN").await.unwrap();
    stage.one.step(&format!("SELECT {advance}(2)")).await.unwrap();
    stage.two.step(&format!("SELECT {advance}(2)")).await.ok();
    stage.read().await;
    stage.one.step("COMMIT").await.unwrap();
    stage.read().await;
    stage.lost(advance, &events).await
}

#[tokio::test]
async fn mutant_with_skip_locked_loses_what_the_slower_candidate_took() {
    let mutant = advance_mutant(
        "skipping",
        "",
        "ORDER BY position LIMIT p_limit FOR UPDATE SKIP LOCKED",
        "nextval('bus.mutant_offset')",
        "",
    );
    assert_eq!(side_by_side("bus.skipping", Some(mutant)).await, 2);
    assert_eq!(side_by_side("bus.advance", None).await, 0);
}

/// Leaders alternate, each holding the lock correctly.
async fn alternating(advance: &str, mutant: Option<String>) -> usize {
    let mut stage = Stage::new(mutant).await;
    let mut writer = stage.writer().await;
    let mut events = Vec::new();
    for turn in 0..4 {
        events.push(stage.publish(&mut writer).await);
        let sql = format!("SELECT {advance}(10)");
        let candidate = if turn % 2 == 0 { &mut stage.one } else { &mut stage.two };
        assert_eq!(candidate.step(&sql).await.unwrap(), ["1"]);
        stage.read().await;
    }
    stage.lost(advance, &events).await
}

#[tokio::test]
async fn mutant_with_a_cached_log_sequence_loses_events_when_leaders_alternate() {
    let mutant = advance_mutant("cached", LOCK, ANY_ORDER, "nextval('bus.mutant_cached')", "");
    assert_eq!(
        alternating("bus.cached", Some(mutant)).await,
        1,
        "offsets 1, 33, 2, 34: the third is never read"
    );
    assert_eq!(alternating("bus.advance", None).await, 0);
}

/// The versions of one key as they stand in the log.
async fn order(stage: &mut Stage, key: Uuid) -> Vec<String> {
    stage.one.step("SELECT bus.advance(100)").await.unwrap();
    let sql = format!("SELECT version::text FROM bus.log WHERE key = '{key}' ORDER BY \"offset\"");
    stage.reader.step(&sql).await.unwrap()
}

async fn two_sessions_one_key(cache: Option<&str>) -> Vec<String> {
    let mut stage = Stage::new(cache.map(str::to_owned)).await;
    let (mut one, mut two) = (stage.writer().await, stage.writer().await);
    let key = stage.world.uuid();
    // The first session draws a low block of positions for something else.
    stage.publish(&mut one).await;
    for (writer, version) in [(&mut two, 2), (&mut one, 3)] {
        writer.step(&publish_sql(stage.world.uuid(), stage.org, key, version)).await.unwrap();
    }
    order(&mut stage, key).await
}

#[tokio::test]
async fn mutant_with_a_cached_outbox_identity_breaks_the_order_of_a_key() {
    let cache = "ALTER TABLE bus.outbox ALTER COLUMN position SET CACHE 32";
    assert_eq!(two_sessions_one_key(Some(cache)).await, ["3", "2"]);
    assert_eq!(two_sessions_one_key(None).await, ["2", "3"]);
}

#[tokio::test]
async fn mutant_that_publishes_before_it_locks_breaks_the_order_of_a_key() {
    let mut stage = Stage::new(None).await;
    let account = stage.world.account(stage.org).await;
    let (mut hasty, mut second) = (Stepped::new(stage.world.test.admin().await), stage.writer().await);
    let event = stage.world.uuid();
    let scope = format!("SET LOCAL dropmate.org = '{}'", stage.org.uuid());
    let lock = format!(
        "UPDATE demo.accounts SET version = version + 1 WHERE id = '{account}' RETURNING version::text"
    );
    hasty.step("BEGIN").await.unwrap();
    hasty
        .step(&format!(
            "INSERT INTO bus.outbox (event_id, org_id, subject, key, version, payload, actor, source, occurred_at)
             VALUES ('{event}', '{}', 'account.changed.v1', '{account}', 0, '{{\"by\":1}}', 'test', 'demo', now())",
            stage.org.uuid()
        ))
        .await
        .unwrap();
    second.step("BEGIN").await.unwrap();
    second.step(&scope).await.unwrap();
    let version: i64 = second.step(&lock).await.unwrap()[0].parse().unwrap();
    second.step(&publish_sql(stage.world.uuid(), stage.org, account, version)).await.unwrap();
    second.step("COMMIT").await.unwrap();
    let version = hasty.step(&lock).await.unwrap().remove(0);
    hasty
        .step(&format!("UPDATE bus.outbox SET version = {version} WHERE event_id = '{event}'"))
        .await
        .unwrap();
    hasty.step("COMMIT").await.unwrap();
    assert_eq!(order(&mut stage, account).await, ["3", "2"]);
}

#[tokio::test]
async fn a_transaction_publishes_after_its_locks_and_keeps_the_order_of_a_key() {
    let mut stage = Stage::new(None).await;
    let account = stage.world.account(stage.org).await;
    let scope = platform::db::Scope::system(stage.org);
    let (mut first, mut second) =
        (stage.world.db.begin(&scope).await.unwrap(), stage.world.db.begin(&scope).await.unwrap());
    change(&mut second, account, 1).await.unwrap();
    second.commit().await.unwrap();
    change(&mut first, account, 1).await.unwrap();
    first.commit().await.unwrap();
    assert_eq!(order(&mut stage, account).await, ["2", "3"]);
}

#[tokio::test]
async fn mutant_reader_with_a_cursor_on_the_outbox_id_loses_what_commits_late() {
    let mut stage = Stage::new(None).await;
    let (mut slow, mut quick) = (stage.writer().await, stage.writer().await);
    slow.step("BEGIN").await.unwrap();
    let late = stage.publish(&mut slow).await;
    let early = stage.publish(&mut quick).await;
    let mut relayed = Vec::new();
    let mut last = 0_i64;
    for turn in 0..2 {
        let sql = format!(
            "SELECT position || ' ' || event_id FROM bus.outbox WHERE position > {last} ORDER BY position"
        );
        for line in stage.reader.step(&sql).await.unwrap() {
            let (position, event) = line.split_once(' ').unwrap();
            last = position.parse().unwrap();
            relayed.push(event.parse::<Uuid>().unwrap());
        }
        if turn == 0 {
            slow.step("COMMIT").await.unwrap();
        }
    }
    assert_eq!(relayed, [early], "the mutant never sees the event with the lower position");
    assert_eq!(stage.lost("bus.advance", &[early, late]).await, 0);
}

#[tokio::test]
async fn advancing_in_repeatable_read_is_refused() {
    let mut stage = Stage::new(None).await;
    let mut writer = stage.writer().await;
    let event = stage.publish(&mut writer).await;
    for level in ["REPEATABLE READ", "SERIALIZABLE"] {
        stage.one.step(&format!("BEGIN ISOLATION LEVEL {level}")).await.unwrap();
        let error = stage.one.step("SELECT bus.advance(10)").await.unwrap_err();
        assert!(error.to_string().contains("READ COMMITTED"), "{error}");
        stage.one.step("ROLLBACK").await.unwrap();
    }
    assert_eq!(stage.lost("bus.advance", &[event]).await, 0);
}
