//! Small hand-made maps: each rule of the road is obeyed, on a map where breaking it would be quicker.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use mapfolder::{Folder, Source, Writer};
use osm::{Builder, Data, Kind, Point};
use roads::{Error, Live, Manoeuvre, Network, Options, Profile, SpeedTable, Summary, TimeOfWeek};
use tempfile::TempDir;

const STREET: (&str, &str) = ("highway", "residential");

/// A town of 5 x 5 junctions, 0.002 degrees (some 220 m north, 110 m east at 60 degrees) apart. Node `row * 10 + column`;
/// streets along rows are ways 100 + row, streets along columns 200 + column.
struct Town {
    builder: Builder,
}

fn at(row: f64, column: f64) -> Point {
    Point::from_degrees(60.0 + row * 0.002, 24.0 + column * 0.002)
}

fn node(row: i64, column: i64) -> i64 {
    row * 10 + column
}

impl Town {
    fn new() -> Self {
        let mut builder = Data::builder();
        for row in 0..5i32 {
            for column in 0..5i32 {
                let point = at(f64::from(row), f64::from(column));
                builder = builder.node(node(row.into(), column.into()), point.lat(), point.lon(), &[]);
            }
        }
        Self { builder }
    }

    fn grid() -> Self {
        let mut town = Self::new();
        for line in 0..5 {
            let row: Vec<i64> = (0..5).map(|column| node(line, column)).collect();
            let column: Vec<i64> = (0..5).map(|row| node(row, line)).collect();
            town = town.way(100 + line, &row, &[STREET]).way(200 + line, &column, &[STREET]);
        }
        town
    }

    fn way(mut self, id: i64, nodes: &[i64], tags: &[(&str, &str)]) -> Self {
        self.builder = self.builder.way(id, nodes, tags);
        self
    }

    fn mark(mut self, id: i64, point: Point, tags: &[(&str, &str)]) -> Self {
        self.builder = self.builder.node(id, point.lat(), point.lon(), tags);
        self
    }

    fn restriction(mut self, members: &[(Kind, i64, &str)], tags: &[(&str, &str)]) -> Self {
        let tags: Vec<(&str, &str)> =
            [("type", "restriction")].into_iter().chain(tags.iter().copied()).collect();
        self.builder = self.builder.relation(900, members, &tags);
        self
    }

    fn import(self, profile: &str) -> (TempDir, Network, Summary) {
        self.import_with(profile, Options::default())
    }

    fn import_with(self, profile: &str, options: Options) -> (TempDir, Network, Summary) {
        let data = self.builder.build();
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::begin(dir.path()).unwrap();
        let profiles = [Profile::embedded(profile).unwrap()];
        let summary = roads::import_with(&data, &profiles, options, &mut writer, &mut |_| {}).unwrap();
        writer.finish(Source::of(&data, "town")).unwrap();
        let network = Network::open(&Folder::open(dir.path()).unwrap(), profile).unwrap();
        (dir, network, summary)
    }

    fn open(self, profile: &str) -> (TempDir, Network) {
        let (dir, network, _) = self.import(profile);
        (dir, network)
    }
}

fn metres(network: &Network, from: Point, to: Point) -> f64 {
    network.route(from, to, None).unwrap().distance_m
}

fn passes(network: &Network, from: Point, to: Point, over: Point, when: Option<TimeOfWeek>) -> bool {
    let route = network.route(from, to, when).unwrap();
    route.geometry.iter().any(|point| point.distance_m(over) < 1.0)
}

/// From the south along column 2 to the east along row 2: the turn is at the middle of the town.
const FROM: (f64, f64) = (1.5, 2.0);
const TO: (f64, f64) = (2.0, 2.5);

fn turns_at_the_middle(network: &Network, when: Option<TimeOfWeek>) -> bool {
    let route = network.route(at(FROM.0, FROM.1), at(TO.0, TO.1), when).unwrap();
    route.distance_m < 200.0
}

/// Column 2 and row 2 cut into ways at the middle, so that restrictions can name their parts.
fn crossing() -> Town {
    let mut town = Town::new();
    for line in [0, 1, 3, 4] {
        let row: Vec<i64> = (0..5).map(|column| node(line, column)).collect();
        let column: Vec<i64> = (0..5).map(|row| node(row, line)).collect();
        town = town.way(100 + line, &row, &[STREET]).way(200 + line, &column, &[STREET]);
    }
    town.way(1, &[node(0, 2), node(1, 2), node(2, 2)], &[STREET])
        .way(2, &[node(2, 2), node(2, 3), node(2, 4)], &[STREET])
        .way(3, &[node(2, 2), node(3, 2), node(4, 2)], &[STREET])
        .way(4, &[node(2, 0), node(2, 1), node(2, 2)], &[STREET])
}

const AT_NODE: [(Kind, i64, &str); 3] =
    [(Kind::Way, 1, "from"), (Kind::Node, 22, "via"), (Kind::Way, 2, "to")];

#[test]
fn a_forbidden_turn_is_not_taken() {
    let (_dir, free) = crossing().open("car");
    assert!(turns_at_the_middle(&free, None));
    let (_dir, network, summary) =
        crossing().restriction(&AT_NODE, &[("restriction", "no_right_turn")]).import("car");
    assert!(!turns_at_the_middle(&network, None));
    assert_eq!((summary.profiles[0].restrictions_used, summary.profiles[0].restrictions_skipped), (1, 0));
}

#[test]
fn where_only_one_turn_is_allowed_no_other_is_taken() {
    let members = [(Kind::Way, 1, "from"), (Kind::Node, 22, "via"), (Kind::Way, 3, "to")];
    let (_dir, network) =
        crossing().restriction(&members, &[("restriction", "only_straight_on")]).open("car");
    assert!(!turns_at_the_middle(&network, None));
    assert!(metres(&network, at(1.5, 2.0), at(2.5, 2.0)) < 250.0);
}

#[test]
fn a_restriction_for_others_is_not_for_us() {
    let tags = [("restriction", "no_right_turn"), ("except", "psv;bicycle")];
    let (_dir, car) = crossing().restriction(&AT_NODE, &tags).open("car");
    let (_dir, bicycle) = crossing().restriction(&AT_NODE, &tags).open("bicycle");
    let (_dir, foot) = crossing().restriction(&AT_NODE, &[("restriction", "no_right_turn")]).open("foot");
    assert!(!turns_at_the_middle(&car, None));
    assert!(turns_at_the_middle(&bicycle, None) && turns_at_the_middle(&foot, None));
    let motor = [("restriction:motorcar", "no_right_turn")];
    let (_dir, car) = crossing().restriction(&AT_NODE, &motor).open("car");
    let (_dir, bicycle) = crossing().restriction(&AT_NODE, &motor).open("bicycle");
    assert!(!turns_at_the_middle(&car, None) && turns_at_the_middle(&bicycle, None));
}

#[test]
fn a_restriction_with_hours_holds_in_these_hours() {
    let tags = [("restriction:conditional", "no_right_turn @ (Mo-Fr 07:00-09:00)")];
    let (_dir, network, summary) = crossing().restriction(&AT_NODE, &tags).import("car");
    assert_eq!(summary.profiles[0].conditions, 1);
    assert!(turns_at_the_middle(&network, None));
    assert!(turns_at_the_middle(&network, Some(TimeOfWeek::new(5, 8, 0))));
    assert!(!turns_at_the_middle(&network, Some(TimeOfWeek::new(0, 8, 0))));
    assert!(turns_at_the_middle(&network, Some(TimeOfWeek::new(0, 9, 0))));
}

#[test]
fn a_restriction_to_a_road_that_is_not_there_is_left_out() {
    let members = [(Kind::Way, 1, "from"), (Kind::Node, 22, "via"), (Kind::Way, 77, "to")];
    let (_dir, network, summary) =
        crossing().restriction(&members, &[("restriction", "only_left_turn")]).import("car");
    assert!(turns_at_the_middle(&network, None));
    assert_eq!(summary.profiles[0].restrictions_skipped, 1);
}

/// Two one-way carriageways joined by a short road: the U-turn over it is forbidden by a restriction over a way.
fn dual_carriageway() -> Town {
    let oneway = [STREET, ("oneway", "yes")];
    Town::new()
        .way(1, &[node(0, 0), node(1, 0), node(2, 0)], &oneway)
        .way(2, &[node(2, 0), node(3, 0), node(4, 0)], &oneway)
        .way(3, &[node(4, 0), node(4, 1)], &[STREET])
        .way(4, &[node(4, 1), node(3, 1), node(2, 1)], &oneway)
        .way(5, &[node(2, 1), node(1, 1), node(0, 1)], &oneway)
        .way(6, &[node(0, 1), node(0, 0)], &[STREET])
        .way(7, &[node(2, 0), node(2, 1)], &[STREET])
        .way(8, &[node(2, 0), node(2, 4)], &[STREET])
        .way(9, &[node(2, 4), node(2, 1)], &[STREET])
}

const OVER_WAY: [(Kind, i64, &str); 3] =
    [(Kind::Way, 1, "from"), (Kind::Way, 7, "via"), (Kind::Way, 5, "to")];

#[test]
fn a_u_turn_over_a_joining_road_is_not_taken_where_it_is_forbidden() {
    let (from, to) = (at(1.5, 0.0), at(1.5, 1.0));
    let (_dir, free) = dual_carriageway().open("car");
    let (_dir, network, summary) =
        dual_carriageway().restriction(&OVER_WAY, &[("restriction", "no_u_turn")]).import("car");
    assert_eq!(summary.profiles[0].restrictions_used, 1);
    assert!(metres(&free, from, to) < 400.0);
    assert!(metres(&network, from, to) > 500.0);
    // The joining road itself stays open, as does the turn for who comes from elsewhere.
    assert!(metres(&network, from, at(2.0, 0.5)) < 250.0);
    assert!(metres(&network, at(2.0, 0.5), to) < 250.0);
}

#[test]
fn only_over_a_joining_road_leaves_one_way_out_of_it() {
    let to_four = [(Kind::Way, 1, "from"), (Kind::Way, 7, "via"), (Kind::Way, 9, "to")];
    let (_dir, network) =
        dual_carriageway().restriction(&to_four, &[("restriction", "only_left_turn")]).open("car");
    assert!(metres(&network, at(1.5, 0.0), at(1.5, 1.0)) > 500.0);
}

#[test]
fn a_place_behind_on_a_one_way_street_is_reached_once_round() {
    let town = Town::new().way(1, &[node(0, 0), node(0, 1)], &[STREET, ("oneway", "yes")]).way(
        2,
        &[node(0, 1), node(1, 1), node(1, 0), node(0, 0)],
        &[STREET, ("oneway", "yes")],
    );
    let (_dir, network) = town.open("car");
    let (near, far) = (at(0.0, 0.2), at(0.0, 0.8));
    assert!((metres(&network, near, far) - 67.0).abs() < 2.0);
    let round = metres(&network, far, near);
    assert!((round - (2.0 * 111.2 + 2.0 * 222.4 - 67.0)).abs() < 4.0, "{round}");
    let snaps = [network.snap(near, None).unwrap(), network.snap(far, None).unwrap()];
    let matrix = network.matrix(&snaps, &snaps, None).unwrap();
    assert_eq!(matrix.duration_ms(0, 0), Some(0));
    assert!(matrix.distance_dm(1, 0).unwrap() > 5_000);
    assert!(matrix.distance_dm(0, 1).unwrap() < 700);
}

#[test]
fn a_private_road_is_for_the_last_metres_only() {
    // Row 2 between columns 1 and 3 is private and by far the shortest.
    let town = Town::new()
        .way(1, &[node(2, 0), node(2, 1)], &[STREET])
        .way(2, &[node(2, 1), node(2, 2), node(2, 3)], &[STREET, ("access", "private")])
        .way(3, &[node(2, 3), node(2, 4)], &[STREET])
        .way(4, &[node(2, 1), node(4, 1), node(4, 3), node(2, 3)], &[STREET]);
    let (_dir, network) = town.open("car");
    assert!(!passes(&network, at(2.0, 0.5), at(2.0, 3.5), at(2.0, 2.0), None));
    let door = network.route(at(2.0, 0.5), at(2.0, 1.8), None).unwrap();
    assert!(door.distance_m < 200.0 && door.duration_s < 60.0, "no penalty in the time: {door:?}");
    let out = network.route(at(2.0, 1.8), at(2.0, 3.5), None).unwrap();
    assert!(out.distance_m < 250.0 && out.duration_s < 60.0);
    let snaps = [at(2.0, 0.5), at(2.0, 1.8)].map(|point| network.snap(point, None).unwrap());
    let matrix = network.durations(&snaps, &snaps, None).unwrap();
    assert!(matrix.duration_ms(0, 1).unwrap() < 60_000);
}

#[test]
fn a_private_road_is_passed_where_there_is_no_other_way() {
    let town = Town::new()
        .way(1, &[node(2, 0), node(2, 1)], &[STREET])
        .way(2, &[node(2, 1), node(2, 3)], &[STREET, ("motor_vehicle", "destination")])
        .way(3, &[node(2, 3), node(2, 4)], &[STREET]);
    let (_dir, network) = town.open("car");
    let route = network.route(at(2.0, 0.5), at(2.0, 3.5), None).unwrap();
    assert!(route.distance_m < 400.0 && route.duration_s < 120.0);
}

#[test]
fn barriers_block_cars_and_let_bicycles_pass() {
    let town = |kind: &str, access: &[(&str, &str)]| {
        let tags: Vec<_> = [("barrier", kind)].into_iter().chain(access.iter().copied()).collect();
        Town::grid().mark(500, at(2.0, 1.5), &tags).way(
            102,
            &[node(2, 0), node(2, 1), 500, node(2, 2), node(2, 3), node(2, 4)],
            &[STREET],
        )
    };
    let direct = |network: &Network| metres(network, at(2.0, 1.2), at(2.0, 1.8)) < 100.0;
    let (_dir, car) = town("bollard", &[]).open("car");
    let (_dir, bicycle) = town("bollard", &[]).open("bicycle");
    assert!(!direct(&car) && direct(&bicycle));
    let (_dir, car) = town("gate", &[]).open("car");
    assert!(direct(&car));
    let (_dir, car) = town("gate", &[("access", "no")]).open("car");
    assert!(!direct(&car));
    let (_dir, car) = town("gate", &[("access", "private")]).open("car");
    assert!(!direct(&car), "a private gate is not passed where there is another way");
}

#[test]
fn a_road_that_is_closed_at_times_is_open_at_others() {
    let tags = [STREET, ("motor_vehicle:conditional", "no @ (Mo-Fr 10:00-18:00)")];
    let row: Vec<i64> = (0..5).map(|column| node(2, column)).collect();
    let (_dir, network) = Town::grid().way(102, &row, &tags).open("car");
    let over = |when| passes(&network, at(2.0, 0.5), at(2.0, 3.5), at(2.0, 2.0), when);
    let (from, to) = (at(1.5, 1.0), at(1.5, 3.0));
    assert!(over(None));
    let night = network.route(from, to, Some(TimeOfWeek::new(2, 22, 0))).unwrap();
    let day = network.route(from, to, Some(TimeOfWeek::new(2, 12, 0))).unwrap();
    assert!(day.geometry.iter().all(|point| (point.lat_e7 - at(2.0, 0.0).lat_e7).abs() > 10
        || point.lon_e7 == at(0.0, 1.0).lon_e7
        || point.lon_e7 == at(0.0, 3.0).lon_e7));
    assert!(night.duration_s <= day.duration_s);
}

#[test]
fn turning_across_the_oncoming_traffic_is_mirrored_in_left_hand_traffic() {
    let time = |left_hand: bool, to: Point| {
        let (_dir, network, _) = Town::grid().import_with("car", Options { left_hand: Some(left_hand) });
        network.route(at(1.5, 2.0), to, None).unwrap().duration_s
    };
    let (left, right) = (at(2.0, 1.5), at(2.0, 2.5));
    assert!(time(false, left) > time(false, right));
    assert!(time(true, left) < time(true, right));
}

#[test]
fn traffic_lights_on_the_way_and_at_a_junction_cost_time() {
    let plain = Town::grid().open("car").1.route(at(2.0, 0.5), at(2.0, 3.5), None).unwrap();
    let town = Town::grid()
        .mark(500, at(2.0, 1.5), &[("highway", "traffic_signals")])
        .mark(node(2, 3), at(2.0, 3.0), &[("highway", "traffic_signals")])
        .way(102, &[node(2, 0), node(2, 1), 500, node(2, 2), node(2, 3), node(2, 4)], &[STREET]);
    let lights = town.open("car").1.route(at(2.0, 0.5), at(2.0, 3.5), None).unwrap();
    assert!(
        (lights.duration_s - plain.duration_s - 4.0).abs() < 0.1,
        "{} {}",
        lights.duration_s,
        plain.duration_s
    );
}

#[test]
fn an_island_is_reached_by_ferry_after_a_wait() {
    let town = Town::new()
        .way(1, &[node(0, 0), node(0, 1)], &[STREET])
        .way(2, &[node(0, 1), node(0, 3)], &[("route", "ferry"), ("duration", "00:10")])
        .way(3, &[node(0, 3), node(0, 4)], &[STREET]);
    let (_dir, network) = town.open("car");
    let route = network.route(at(0.0, 0.5), at(0.0, 3.5), None).unwrap();
    assert!((900.0..930.0).contains(&route.duration_s), "{}", route.duration_s);
    assert!(route.steps.iter().any(|step| step.manoeuvre == Manoeuvre::Ferry));
}

#[test]
fn steps_name_streets_turns_and_exits_and_add_up() {
    let town = Town::new()
        .way(1, &[node(0, 1), node(1, 1)], &[STREET, ("name", "South Street")])
        .way(
            2,
            &[node(1, 1), node(1, 2), node(2, 2), node(2, 1), node(1, 1)],
            &[STREET, ("junction", "roundabout")],
        )
        .way(3, &[node(1, 2), node(1, 4)], &[STREET, ("name", "East Street")])
        .way(4, &[node(2, 2), node(3, 2), node(3, 4)], &[STREET, ("name", "North Street")])
        .way(5, &[node(3, 4), node(4, 4)], &[STREET, ("name", "Hill Road")]);
    let (_dir, network) = town.open("car");
    let route = network.route(at(0.5, 1.0), at(3.5, 4.0), None).unwrap();
    let told: Vec<_> = route.steps.iter().map(|step| (step.manoeuvre, step.name.as_str())).collect();
    assert_eq!(told[0], (Manoeuvre::Depart, "South Street"));
    assert_eq!(told[1], (Manoeuvre::Roundabout { exit: 2 }, "North Street"));
    assert_eq!(told[told.len() - 2], (Manoeuvre::Left, "Hill Road"));
    assert_eq!(told[told.len() - 1].0, Manoeuvre::Arrive);
    let (metres, seconds) =
        route.steps.iter().fold((0.0, 0.0), |(m, s), step| (m + step.distance_m, s + step.duration_s));
    assert!((metres - route.distance_m).abs() < 1.0 && (seconds - route.duration_s).abs() < 0.1);
    let line: f64 = route.geometry.windows(2).map(|pair| pair[0].distance_m(pair[1])).sum();
    assert!((line - route.distance_m).abs() < 2.0, "{line} {}", route.distance_m);
}

#[test]
fn a_point_far_from_every_road_is_refused_and_a_heading_chooses_the_carriageway() {
    let (_dir, network) = dual_carriageway().open("car");
    let refused = network.snap(Point::from_degrees(60.1, 24.0), None).unwrap_err();
    assert!(matches!(refused, Error::TooFar { limit_m: 500 }), "{refused}");
    let between = at(1.5, 0.45);
    let lon = |heading| network.snap(between, heading).unwrap().point.lon_e7;
    assert_eq!(lon(None), at(0.0, 0.0).lon_e7);
    assert_eq!(lon(Some(0.0)), at(0.0, 0.0).lon_e7);
    assert_eq!(lon(Some(180.0)), at(0.0, 1.0).lon_e7);
    let snap = network.snap(between, None).unwrap();
    assert!((snap.distance_m - 50.0).abs() < 1.0, "{}", snap.distance_m);
}

#[test]
fn other_speeds_are_swapped_in_while_the_old_ones_answer() {
    let (_dir, network) = Town::grid().open("car");
    let live = Live::new(network);
    let seconds =
        |network: &Network, when| network.route(at(2.0, 0.5), at(2.0, 3.5), when).unwrap().duration_s;
    let old = live.current();
    let before = seconds(&old, None);
    let mut speeds = SpeedTable::default();
    speeds.set("residential", 0.5);
    let mut hours = [1.0; 24];
    hours[8] = 0.5;
    speeds.set_hours("residential", hours);
    live.replace(old.with_speeds(&speeds));
    let new = live.current();
    assert!((seconds(&old, None) - before).abs() < 1e-9);
    assert!(seconds(&new, None) > before * 1.8);
    assert!(seconds(&new, Some(TimeOfWeek::new(0, 8, 30))) > seconds(&new, None) * 1.8);
    assert!((seconds(&new, Some(TimeOfWeek::new(0, 9, 0))) - seconds(&new, None)).abs() < 1e-9);
}

#[test]
fn what_is_reached_in_time_grows_and_holds_the_start() {
    let (_dir, network) = Town::grid().open("car");
    let start = network.snap(at(2.0, 2.0), None).unwrap();
    let (near, far) = (network.reachable(&start, 20, None), network.reachable(&start, 60, None));
    assert!(near.stretches.len() < far.stretches.len());
    for reach in [&near, &far] {
        assert!(reach.rings.iter().any(|ring| osm::areas::ring_contains(ring, start.point)));
        assert!(reach.rings.iter().all(|ring| ring.first() == ring.last() && ring.len() > 3));
        assert!(osm::areas::signed_area2(&reach.rings[0]) > 0);
    }
    // Where the time runs out between junctions; at a junction the next road may be a turn further.
    for stretch in far.stretches.iter().filter(|stretch| stretch.to_s > 59.999) {
        let end = network.snap(*stretch.line.last().unwrap(), None).unwrap();
        let (seconds, _) = network.duration(&start, &end, None).unwrap();
        assert!(seconds <= stretch.to_s + 0.2, "{seconds} {}", stretch.to_s);
    }
}

#[test]
fn an_extract_without_roads_for_the_vehicle_is_refused() {
    let data = Data::builder()
        .node(1, 60.0, 24.0, &[])
        .node(2, 60.1, 24.0, &[])
        .way(1, &[1, 2], &[("highway", "steps")])
        .build();
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::begin(dir.path()).unwrap();
    let refused = roads::import(&data, &[Profile::embedded("car").unwrap()], &mut writer, &mut |_| {});
    assert!(matches!(refused, Err(Error::NoRoads(_))));
}

#[test]
fn a_matrix_beyond_the_limit_is_refused() {
    let (_dir, network) = Town::grid().open("car");
    let many = vec![network.snap(at(2.0, 2.0), None).unwrap(); 6_000];
    assert!(matches!(network.durations(&many, &many, None), Err(Error::TooManyCells { .. })));
    assert!(network.durations(&[], &many[..3], None).unwrap().duration_ms(0, 0).is_none());
}
