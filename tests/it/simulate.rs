//! Simulated days: a small world in which everything happens that happens among people, an instance whose outcome can be
//! calculated by hand, and real instances of the meal delivery routing problem.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use simulation::world::{Size, world};
use simulation::{Api, Day, Dispatching, Private, Town};
use testkit::Proof;
use testkit::process::{Installation, binary, http_client, query};

/// What must not be there when a day is over: what it is, and how to count it.
const LEFT_OVERS: [(&str, &str); 10] = [
    ("events that are not in the log", "SELECT count(*) FROM bus.outbox"),
    ("events that failed", "SELECT count(*) FROM bus.deferred"),
    ("events that were rejected", "SELECT count(*) FROM bus.rejected"),
    ("jobs that failed", "SELECT count(*) FROM platform.jobs WHERE state = 'dead' OR last_error IS NOT NULL"),
    ("jobs that run", "SELECT count(*) FROM platform.jobs WHERE state = 'running'"),
    ("orders in the queue", "SELECT count(*) FROM dispatch.orders"),
    ("open offers", "SELECT count(*) FROM dispatch.offers WHERE state = 'open'"),
    ("stops on routes", "SELECT count(*) FROM dispatch.stops"),
    (
        "steps that do not follow from the one before",
        "SELECT count(*) FROM (
             SELECT from_status, at, lag(to_status) OVER steps AS before, lag(at) OVER steps AS earlier FROM orders.events
             WINDOW steps AS (PARTITION BY order_id ORDER BY seq)) AS s
          WHERE from_status IS DISTINCT FROM coalesce(before, from_status) OR at < earlier",
    ),
    (
        "orders that do not stand where their history ends",
        "SELECT count(*) FROM orders.orders o
          WHERE o.status IS DISTINCT FROM (
              SELECT e.to_status FROM orders.events e WHERE e.order_id = o.id ORDER BY e.seq DESC LIMIT 1)",
    ),
];

/// How many there are of each.
async fn counted(app: &Installation, sql: &str) -> anyhow::Result<BTreeMap<String, usize>> {
    let rows = query(app, sql).await?;
    rows.into_iter().map(|(name, count)| Ok((name, count.parse()?))).collect()
}

async fn small_world() -> anyhow::Result<()> {
    // The client of the simulation needs a TLS provider, as the program has one.
    http_client()?;
    let size = Size { shops: 2, couriers: 5, orders_per_hour: 16.0, hours: 1 };
    let scenario = world(1, size);
    let begun = Instant::now();
    let mut pace = Private::start(&binary()?, scenario.line, None).await?;
    let app = Installation::new(binary()?, &pace.data())?;
    let (api, link) = (Api::at(pace.base())?, pace.owner_link().to_owned());
    let mut town = Town::found(api, &link, "correct horse battery", 1, &pace).await?;
    town.move_in(&scenario, Dispatching::ASKED, &mut pace).await?;
    let figures = Day::new(&scenario, &mut town, &mut pace, 1).play(|_, _| {}).await?;
    println!("{:?}: {figures:?}", begun.elapsed());

    let orders = "SELECT status, count(*)::text FROM orders.orders GROUP BY 1";
    let orders = counted(&app, orders).await?;
    let number = |status: &str| orders.get(status).copied().unwrap_or(0);
    let incidents = figures.incidents;
    ensure!(orders.values().sum::<usize>() == scenario.orders.len(), "{orders:?}");
    ensure!(figures.orders == scenario.orders.len(), "{figures:?}");
    ensure!(number("delivered") == figures.delivered, "{orders:?} {figures:?}");
    ensure!(number("returned") == incidents.failed_deliveries, "{orders:?} {figures:?}");
    ensure!(number("cancelled") == incidents.cancelled_orders, "{orders:?} {figures:?}");
    let ended = figures.delivered + incidents.failed_deliveries + incidents.cancelled_orders;
    ensure!(ended == figures.orders, "an order did not end: {orders:?} {figures:?}");
    let offers = counted(&app, "SELECT state, count(*)::text FROM dispatch.offers GROUP BY 1").await?;
    ensure!(offers.get("declined").copied().unwrap_or(0) == incidents.declined_offers, "{offers:?}");
    // Positions and steps that arrived minutes after they were made.
    let late = "SELECT 'late', count(*)::text FROM tracking.positions WHERE server_at > device_at + interval '1 minute'";
    ensure!(counted(&app, late).await?.values().all(|count| *count > 0), "no position was sent later");
    for (name, count) in incidents.named().into_iter().take(4) {
        ensure!(count > 0, "there were no {name}: {figures:?}");
    }
    ensure!((0.1..=1.0).contains(&figures.utilisation), "{figures:?}");
    for (what, sql) in LEFT_OVERS {
        let rows = query(&app, &format!("SELECT '', ({sql})::text")).await?;
        ensure!(rows.iter().all(|(_, count)| count == "0"), "{what}: {rows:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_world_is_played_to_its_end() {
    Box::pin(small_world()).await.unwrap_or_else(|error| panic!("{error:#}"));
}

/// Plays instances with the program, as a person does: a line of figures for each.
fn replay(folder: &Path) -> anyhow::Result<Vec<Value>> {
    let output = Command::new(binary()?)
        .args(["simulate", "--json", "--instances"])
        .arg(folder)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    ensure!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
}

/// Three couriers begin at the only restaurant, five minutes from every customer.
///
/// Nine orders, twenty minutes apart, are ready a quarter of an hour after they are placed: whoever comes is early, takes the
/// goods at 15, leaves at 17, is at the door at 22 and hands over at 24. The first three are taken by who is still at the
/// restaurant, the others by who has five minutes to go. The tenth is ready at once: taken at 7, handed over at 16. The
/// eleventh is placed when everybody is at home.
fn tiny(folder: &Path) -> anyhow::Result<()> {
    let write = |file: &str, text: String| std::fs::write(folder.join(file), text);
    let header = "meters_per_minute\tpickup service minutes\tdropoff service minutes";
    write("instance_parameters.txt", format!("{header}\n320\t4\t4\n"))?;
    write("restaurants.txt", "restaurant\tx\ty\nr1\t5000\t5000\n".to_owned())?;
    let couriers = (1..=3).map(|number| format!("c{number}\t5000\t5000\t0\t240\n"));
    write("couriers.txt", format!("courier\tx\ty\ton_time\toff_time\n{}", couriers.collect::<String>()))?;
    let customers = [(6_590, 5_000), (5_000, 6_590), (3_410, 5_000), (5_000, 3_410), (5_954, 6_272)];
    let times = (0..9).map(|number| (number * 20, number * 20 + 15)).chain([(180, 180), (245, 250)]);
    let orders =
        times.zip(customers.iter().cycle()).enumerate().map(|(number, ((placed, ready), (x, y)))| {
            format!("o{}\t{x}\t{y}\t{placed}\tr1\t{ready}\n", number + 1)
        });
    let header = "order\tx\ty\tplacement_time\trestaurant\tready_time";
    Ok(write("orders.txt", format!("{header}\n{}", orders.collect::<String>()))?)
}

#[test]
fn an_instance_has_the_outcome_of_its_geometry() {
    let folder = tempfile::tempdir().unwrap();
    tiny(folder.path()).unwrap();
    let expected = json!({
        "instance": folder.path().file_name().unwrap().to_str(),
        "orders": 11,
        "delivered": 10,
        "undelivered_pct": 9.091,
        "click_to_door_min": 23.2,
        "ready_to_pickup_min": 0.7,
        // 3 x (5 + 8) and 7 x (5 + 5 + 8) minutes of 3 x 240.
        "utilisation": 0.229,
        "declined_offers": 0,
        "delayed_orders": 0,
        "messages_sent_later": 0,
        "failed_deliveries": 0,
        "cancelled_orders": 1,
        "seed": 1,
    });
    for _ in 0..2 {
        assert_eq!(replay(folder.path()).unwrap(), std::slice::from_ref(&expected));
    }
}

/// Real instances, beside the repository; they may not be distributed with it.
fn instances() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/mdrp");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("SKIPPED: {} is not there. Nothing was proven here.", folder.display());
    None
}

/// The first orders of an instance, with everybody whose shift begins by then.
fn beginning(from: &Path, to: &Path, orders: usize) -> anyhow::Result<()> {
    std::fs::create_dir(to)?;
    for file in ["instance_parameters.txt", "restaurants.txt"] {
        std::fs::copy(from.join(file), to.join(file))?;
    }
    let minute = |line: &str, column: usize| -> anyhow::Result<u32> {
        Ok(line.split('\t').nth(column).context("a cell")?.trim().parse()?)
    };
    let table = |file: &str, column: usize| -> anyhow::Result<(String, Vec<(u32, String)>)> {
        let text = std::fs::read_to_string(from.join(file))?;
        let (header, rows) = text.split_once('\n').context("a header")?;
        let rows = rows.lines().map(|line| Ok((minute(line, column)?, line.to_owned())));
        let mut rows = rows.collect::<anyhow::Result<Vec<_>>>()?;
        rows.sort();
        Ok((header.to_owned(), rows))
    };
    let (header, mut placed) = table("orders.txt", 3)?;
    placed.truncate(orders);
    let last = placed.last().context("an order")?.0;
    let write = |file: &str, header: &str, rows: &[(u32, String)]| {
        let rows: Vec<&str> = rows.iter().map(|(_, line)| line.as_str()).collect();
        std::fs::write(to.join(file), format!("{header}\n{}\n", rows.join("\n")))
    };
    write("orders.txt", &header, &placed)?;
    let (header, mut shifts) = table("couriers.txt", 3)?;
    shifts.retain(|(begin, _)| *begin <= last);
    Ok(write("couriers.txt", &header, &shifts)?)
}

fn mdrp(proof: &Proof) -> anyhow::Result<()> {
    let Some(folder) = instances() else { return Ok(()) };
    let short = tempfile::tempdir()?;
    let names: &[&str] =
        proof.size(&["0o50t100s2p100"], &["0o50t100s2p100", "0r50t100s1p100", "1r50t75s1p125"]);
    for name in names {
        let whole = folder.join(name);
        let played = if proof.is_full() {
            whole
        } else {
            let part = short.path().join(name);
            beginning(&whole, &part, 25)?;
            part
        };
        let begun = Instant::now();
        let figures = replay(&played)?.pop().context("a line")?;
        let number = |name: &str| figures[name].as_f64().with_context(|| format!("{name}: {figures}"));
        proof.report(&format!(
            "{name}: {} orders, {} delivered, {:.1} % not; click to door {:.1} min, ready to pick-up {:.1} min, utilisation {:.2}; \
             played in {:.0} s",
            figures["orders"],
            figures["delivered"],
            number("undelivered_pct")?,
            number("click_to_door_min")?,
            number("ready_to_pickup_min")?,
            number("utilisation")?,
            begun.elapsed().as_secs_f64(),
        ));
        ensure!(number("undelivered_pct")? <= MOST_UNDELIVERED_PCT, "{figures}");
        ensure!((25.0..45.0).contains(&number("click_to_door_min")?), "{figures}");
        ensure!((0.0..15.0).contains(&number("ready_to_pickup_min")?), "{figures}");
        ensure!((0.05..=1.0).contains(&number("utilisation")?), "{figures}");
    }
    Ok(())
}

/// There are enough couriers in these instances; published results for all of them leave 0.25 %.
const MOST_UNDELIVERED_PCT: f64 = 1.0;

#[test]
fn proof_mdrp() {
    let proof = Proof::new("meal delivery instances");
    mdrp(&proof).unwrap_or_else(|error| panic!("{error:#}"));
}
