//! The box is 100 by 100 with y to the south; comments say which way a shore runs, so that one can check by hand that
//! the water is on its right.

use super::*;

const RECT: Rect = Rect { min: Spot { x: 0, y: 0 }, max: Spot { x: 100, y: 100 } };

fn spots(list: &[(i32, i32)]) -> Vec<Spot> {
    list.iter().map(|(x, y)| Spot { x: *x, y: *y }).collect()
}

fn surface(open: &[&[(i32, i32)]], closed: &[&[(i32, i32)]]) -> Surface {
    let shores = Shores {
        open: open.iter().map(|line| spots(line)).collect(),
        closed: closed.iter().map(|ring| spots(ring)).collect(),
    };
    let surface = close(shores, RECT);
    fills_the_box_without_overlap(&surface);
    surface
}

fn covers(polygons: &[Polygon], x: i32, y: i32) -> bool {
    polygons.iter().any(|polygon| polygon.contains(Spot { x, y }))
}

fn is_sea(surface: &Surface, x: i32, y: i32) -> bool {
    covers(&surface.sea, x, y)
}

fn fills_the_box_without_overlap(surface: &Surface) {
    let area = |polygons: &[Polygon]| {
        polygons
            .iter()
            .map(|polygon| {
                let holes: i64 = polygon.inner.iter().map(|hole| ring::signed_area2(hole).abs()).sum();
                ring::signed_area2(&polygon.outer).abs() - holes
            })
            .sum::<i64>()
    };
    assert_eq!(area(&surface.sea) + area(&surface.land), 2 * RECT.area(), "{surface:?}");
}

#[test]
fn without_a_coastline_everything_is_land() {
    let surface = surface(&[], &[]);
    assert_eq!(surface.sea, []);
    assert!(covers(&surface.land, 50, 50));
    assert_eq!(surface.warnings, Vec::<String>::new());
}

#[test]
fn a_coast_from_west_to_east_has_the_sea_in_the_south() {
    let surface = surface(&[&[(-10, 40), (50, 45), (110, 40)]], &[]);
    assert!(is_sea(&surface, 50, 90) && !is_sea(&surface, 50, 10));
    assert_eq!(surface.warnings, Vec::<String>::new());
}

#[test]
fn the_same_coast_from_east_to_west_has_the_sea_in_the_north() {
    let surface = surface(&[&[(110, 40), (50, 45), (-10, 40)]], &[]);
    assert!(!is_sea(&surface, 50, 90) && is_sea(&surface, 50, 10));
}

#[test]
fn a_bay_that_touches_one_border_twice_is_water_and_its_surroundings_are_land() {
    // In from the south, around the head of the bay eastwards, out in the south: right of it is the bay.
    let surface = surface(&[&[(30, 110), (30, 50), (70, 50), (70, 110)]], &[]);
    assert!(is_sea(&surface, 50, 80));
    assert!(!is_sea(&surface, 50, 20) && !is_sea(&surface, 10, 80) && !is_sea(&surface, 90, 80));
}

#[test]
fn a_peninsula_that_touches_one_border_twice_is_land_in_the_sea() {
    // The same line the other way round.
    let surface = surface(&[&[(70, 110), (70, 50), (30, 50), (30, 110)]], &[]);
    assert!(!is_sea(&surface, 50, 80));
    assert!(is_sea(&surface, 50, 20) && is_sea(&surface, 10, 80) && is_sea(&surface, 90, 80));
}

#[test]
fn an_island_stands_in_the_sea_even_when_no_coast_reaches_the_border() {
    // Anticlockwise on the map: land on the left.
    let surface = surface(&[], &[&[(40, 40), (40, 60), (60, 60), (60, 40)]]);
    assert!(!is_sea(&surface, 50, 50) && is_sea(&surface, 10, 10));
}

#[test]
fn a_closed_sea_lies_in_the_land_and_may_hold_an_island() {
    let surface =
        surface(&[], &[&[(20, 20), (80, 20), (80, 80), (20, 80)], &[(40, 40), (40, 60), (60, 60), (60, 40)]]);
    assert!(is_sea(&surface, 30, 30));
    assert!(!is_sea(&surface, 50, 50) && !is_sea(&surface, 10, 10));
}

#[test]
fn an_island_off_a_coast_is_a_hole_in_that_sea() {
    let surface = surface(&[&[(-10, 40), (110, 40)]], &[&[(40, 60), (40, 80), (60, 80), (60, 60)]]);
    assert!(!is_sea(&surface, 50, 70) && is_sea(&surface, 20, 70) && !is_sea(&surface, 50, 20));
}

#[test]
fn two_coasts_make_a_strait_or_an_isthmus() {
    let strait = surface(&[&[(-10, 30), (110, 30)], &[(110, 70), (-10, 70)]], &[]);
    assert!(is_sea(&strait, 50, 50) && !is_sea(&strait, 50, 10) && !is_sea(&strait, 50, 90));
    let isthmus = surface(&[&[(110, 30), (-10, 30)], &[(-10, 70), (110, 70)]], &[]);
    assert!(!is_sea(&isthmus, 50, 50) && is_sea(&isthmus, 50, 10) && is_sea(&isthmus, 50, 90));
}

#[test]
fn a_coast_that_leaves_the_box_and_comes_back_is_cut_in_two() {
    let surface = surface(&[&[(-10, 20), (60, 20), (60, -10), (80, -10), (80, 20), (110, 20)]], &[]);
    assert!(is_sea(&surface, 50, 50) && is_sea(&surface, 70, 5));
    assert!(!is_sea(&surface, 30, 10) && !is_sea(&surface, 90, 10));
}

#[test]
fn an_island_over_the_corner_of_the_box_keeps_its_part() {
    let surface = surface(&[], &[&[(-20, -20), (-20, 30), (30, 30), (30, -20)]]);
    assert!(!is_sea(&surface, 10, 10) && is_sea(&surface, 50, 50));
}

#[test]
fn a_coast_that_breaks_off_near_the_border_is_drawn_on_to_it() {
    let surface = surface(&[&[(3, 40), (50, 45), (96, 40)]], &[]);
    assert!(is_sea(&surface, 50, 90) && !is_sea(&surface, 50, 10));
    assert_eq!(surface.warnings, Vec::<String>::new());
}

#[test]
fn a_coast_with_a_small_gap_is_closed_and_one_with_a_large_gap_floods_nothing() {
    let small = surface(&[&[(-10, 40), (48, 40)], &[(52, 40), (110, 40)]], &[]);
    assert!(is_sea(&small, 50, 90) && !is_sea(&small, 50, 10));
    let large = surface(&[&[(-10, 40), (30, 40)], &[(70, 40), (110, 40)]], &[]);
    assert_eq!(large.sea, []);
    assert!(covers(&large.land, 50, 90));
    assert_eq!(large.warnings.len(), 1);
}

#[test]
fn coasts_that_contradict_each_other_flood_nothing_and_islands_stay_on_their_own() {
    // Both run from west to east: the land between them would be on the left of one and the right of the other.
    let surface = surface(&[&[(-10, 30), (110, 30)], &[(-10, 70), (110, 70)]], &[]);
    assert_eq!(surface.sea, []);
    assert_eq!(surface.warnings.len(), 1);
}

#[test]
fn ways_are_joined_in_their_direction_and_broken_where_a_node_is_missing() {
    let builder = (0..6).fold(osm::Data::builder(), |builder, id| {
        builder.node(id, 0.0, f64::from(i32::try_from(id).unwrap()) / 100.0, &[])
    });
    let coastline = [("natural", "coastline")];
    let data = builder
        .way(1, &[2, 3], &coastline)
        .way(2, &[0, 1, 2], &coastline)
        .way(3, &[3, 99, 4, 5], &coastline)
        .way(4, &[0, 5], &[("highway", "path")])
        .build();
    let shores = join(&data);
    assert_eq!(shores.closed, Vec::<Vec<Spot>>::new());
    let mut lengths: Vec<usize> = shores.open.iter().map(Vec::len).collect();
    lengths.sort_unstable();
    assert_eq!(lengths, [2, 4]);
}

#[test]
fn random_straight_coasts_always_fill_the_box() {
    use rand::{RngExt, SeedableRng};
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    for _ in 0..2_000 {
        let lines: Vec<Vec<Spot>> = (0..random.random_range(0..4))
            .map(|_| {
                (0..random.random_range(2..5))
                    .map(|_| Spot { x: random.random_range(-50..150), y: random.random_range(-50..150) })
                    .collect()
            })
            .collect();
        // Shores that cross each other are not shores: only that the walk ends and never panics is asked for here.
        close(Shores { open: lines, closed: Vec::new() }, RECT);
    }
}
