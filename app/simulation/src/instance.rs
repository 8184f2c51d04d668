//! Reads instances of the meal delivery routing problem: a folder with four tab-separated files.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use kernel::travel::StraightLine;

use crate::plane;
use crate::scenario::{Character, Courier, Order, Scenario, Shop};
use crate::tracker::Device;

/// Couriers of an instance are where their last stop was, which dispatch believes for an hour.
const REPORT_MIN: u32 = 30;

/// A file, by the names of its columns.
struct Table {
    name: String,
    columns: HashMap<String, usize>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn read(folder: &Path, name: &str) -> anyhow::Result<Self> {
        let path = folder.join(name);
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        Self::parse(name, &text)
    }

    fn parse(name: &str, text: &str) -> anyhow::Result<Self> {
        let cells = |line: &str| line.split('\t').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
        let mut lines = text.lines().filter(|line| !line.trim().is_empty()).map(cells);
        let header = lines.next().with_context(|| format!("{name} is empty"))?;
        let columns: HashMap<String, usize> =
            header.into_iter().enumerate().map(|(at, column)| (column, at)).collect();
        let rows: Vec<Vec<String>> = lines.collect();
        for (number, row) in rows.iter().enumerate() {
            ensure!(
                row.len() == columns.len(),
                "{name}, line {}: {} cells instead of {}",
                number + 2,
                row.len(),
                columns.len()
            );
        }
        Ok(Self { name: name.to_owned(), columns, rows })
    }

    fn cell(&self, row: usize, column: &str) -> anyhow::Result<&str> {
        let at = self.columns.get(column).with_context(|| format!("{} has no column {column}", self.name))?;
        let row = self.rows.get(row).with_context(|| format!("{} has no line {}", self.name, row + 2))?;
        row.get(*at).map(String::as_str).context("a cell")
    }

    fn number(&self, row: usize, column: &str) -> anyhow::Result<f64> {
        let cell = self.cell(row, column)?;
        let number: f64 = cell.parse().with_context(|| {
            format!("{}, line {}: {column} is {cell:?}, not a number", self.name, row + 2)
        })?;
        ensure!(number.is_finite(), "{}, line {}: {column} is not finite", self.name, row + 2);
        Ok(number)
    }

    fn minute(&self, row: usize, column: &str) -> anyhow::Result<u32> {
        let cell = self.cell(row, column)?;
        cell.parse().with_context(|| {
            format!("{}, line {}: {column} is {cell:?}, not a whole minute", self.name, row + 2)
        })
    }
}

/// The instance in this folder.
pub fn read(folder: &Path) -> anyhow::Result<Scenario> {
    let name = folder.file_name().context("a folder with a name")?.to_string_lossy().into_owned();
    let table = |file: &str| Table::read(folder, file);
    build(
        name,
        &table("instance_parameters.txt")?,
        &table("restaurants.txt")?,
        &table("couriers.txt")?,
        &table("orders.txt")?,
    )
    .with_context(|| format!("the instance in {}", folder.display()))
}

/// The instances in a folder, or the one that it is itself, by name.
pub fn find(folder: &Path) -> anyhow::Result<Vec<Scenario>> {
    if folder.join("orders.txt").is_file() {
        return Ok(vec![read(folder)?]);
    }
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut folders: Vec<_> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.join("orders.txt").is_file())
        .collect();
    folders.sort();
    if folders.is_empty() {
        bail!(
            "there is no instance in {}: a folder with orders.txt, restaurants.txt, couriers.txt and instance_parameters.txt",
            folder.display()
        );
    }
    folders.iter().map(|folder| read(folder)).collect()
}

fn build(
    name: String,
    parameters: &Table,
    restaurants: &Table,
    couriers: &Table,
    orders: &Table,
) -> anyhow::Result<Scenario> {
    let speed = parameters.number(0, "meters_per_minute")?;
    ensure!(speed > 0.0, "meters_per_minute must be above 0");
    let service_min = parameters.minute(0, "pickup service minutes")?;
    ensure!(
        parameters.minute(0, "dropoff service minutes")? == service_min,
        "stops of different length are not supported"
    );
    let place = |table: &Table, row| plane::place(table.number(row, "x")?, table.number(row, "y")?);
    let mut shops = Vec::new();
    let mut by_name = HashMap::new();
    for row in 0..restaurants.rows.len() {
        let shop = restaurants.cell(row, "restaurant")?.to_owned();
        ensure!(by_name.insert(shop.clone(), row).is_none(), "restaurant {shop} is there twice");
        shops.push(Shop { street: format!("Plane {shop}"), place: place(restaurants, row)?, name: shop });
    }
    let couriers = (0..couriers.rows.len()).map(|row| {
        let (name, place) = (couriers.cell(row, "courier")?.to_owned(), place(couriers, row)?);
        let (on, off) = (couriers.minute(row, "on_time")?, couriers.minute(row, "off_time")?);
        ensure!(on < off, "the shift of {name} ends before it begins");
        Ok(Courier { name, place, on, off, character: Character::default(), device: Device::Phone })
    });
    let couriers = couriers.collect::<anyhow::Result<Vec<_>>>()?;
    let all = (0..orders.rows.len()).map(|row| {
        let shop = orders.cell(row, "restaurant")?;
        let shop = *by_name
            .get(shop)
            .with_context(|| format!("orders.txt, line {}: no restaurant {shop}", row + 2))?;
        let (placed, ready) = (orders.minute(row, "placement_time")?, orders.minute(row, "ready_time")?);
        let street = format!("Plane {}", orders.cell(row, "order")?);
        let recipient = format!("Recipient {}", row + 1);
        Ok(Order { shop, place: place(orders, row)?, street, recipient, placed, ready, fails: false })
    });
    let mut orders = all.collect::<anyhow::Result<Vec<_>>>()?;
    orders.sort_by_key(|order| order.placed);
    let line = StraightLine { detour: 1.0, speed_m_s: speed / 60.0, whole_minutes: true };
    let streets = None;
    Ok(Scenario {
        name,
        line,
        streets,
        service_min,
        shops,
        couriers,
        orders,
        tag: "instance",
        report_min: REPORT_MIN,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMETERS: &str =
        "meters_per_minute\tpickup service minutes\tdropoff service minutes\n320\t4\t4\n";
    const RESTAURANTS: &str = "restaurant\tx\ty\nr1\t0\t0\n";
    const COURIERS: &str = "courier\tx\ty\ton_time\toff_time\nc1\t0\t320\t0\t90\n";
    const ORDERS: &str =
        "order\tx\ty\tplacement_time\trestaurant\tready_time\no2\t0\t640\t9\tr1\t20\no1\t321\t0\t5\tr1\t15\n";

    fn built(orders: &str, couriers: &str) -> anyhow::Result<Scenario> {
        let table = Table::parse;
        build(
            "tiny".to_owned(),
            &table("instance_parameters.txt", PARAMETERS)?,
            &table("restaurants.txt", RESTAURANTS)?,
            &table("couriers.txt", couriers)?,
            &table("orders.txt", orders)?,
        )
    }

    #[test]
    fn an_instance_is_read() {
        let scenario = built(ORDERS, COURIERS).unwrap();
        assert_eq!((scenario.shops.len(), scenario.couriers.len(), scenario.orders.len()), (1, 1, 2));
        assert_eq!(scenario.orders[0].placed, 5, "the earliest first");
        let shop = scenario.shops[0].place;
        assert_eq!(scenario.minutes(shop, scenario.couriers[0].place), 1, "exactly a minute");
        assert_eq!(scenario.minutes(shop, scenario.orders[0].place), 2, "a metre more is another minute");
        assert_eq!(scenario.last(), 90);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (orders, couriers, part) in [
            (ORDERS.replace("r1\t20", "r9\t20"), COURIERS.to_owned(), "no restaurant r9"),
            (ORDERS.replace("640", "north"), COURIERS.to_owned(), "line 2: y is \"north\", not a number"),
            (ORDERS.replace("\t9\t", "\t9.5\t"), COURIERS.to_owned(), "not a whole minute"),
            (ORDERS.replace("\t15", ""), COURIERS.to_owned(), "line 3: 5 cells instead of 6"),
            (ORDERS.to_owned(), COURIERS.replace("\t90", "\t0"), "ends before it begins"),
            (ORDERS.to_owned(), COURIERS.replace("on_time", "on"), "no column on_time"),
        ] {
            let error = format!("{:#}", built(&orders, &couriers).unwrap_err());
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}
