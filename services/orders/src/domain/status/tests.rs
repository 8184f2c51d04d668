use kernel::ids::Uuid;
use proptest::prelude::*;

use super::*;

fn driver(number: u128) -> DriverId {
    DriverId::new(Uuid::from_u128(number))
}

/// Every record that a row can be: status x attempt x picked up, with driver 1 where there is one.
fn records() -> Vec<Movement> {
    let mut records = Vec::new();
    for status in OrderStatus::ALL {
        for attempt in [1, 2] {
            for picked_up in [false, true] {
                for who in [None, Some(driver(1))] {
                    // A second attempt begins with goods that were picked up.
                    if attempt == 1 || picked_up {
                        records.extend(Movement::restore(status, who, attempt, picked_up));
                    }
                }
            }
        }
    }
    records
}

/// The table of the module's documentation, written the other way round: what each cell becomes. `=` is "already".
///
/// Columns: assign 1, assign 2, reassign 1, reassign 2, unassign, fail, cancel, return, reattempt.
const TABLE: &str = "
    created               -     : assigned assigned nobody nobody = nobody cancelled illegal illegal
    assigned              -     : = taken = assigned created failed cancelled illegal illegal
    enroute_to_pickup     -     : = taken = assigned created failed cancelled illegal illegal
    arrived_at_pickup     -     : = taken = assigned created failed cancelled illegal illegal
    assigned              goods : = taken = assigned carried failed returning illegal illegal
    enroute_to_pickup     goods : = taken = enroute_to_pickup carried failed returning illegal illegal
    arrived_at_pickup     goods : = taken = arrived_at_pickup carried failed returning illegal illegal
    picked_up             goods : = taken = picked_up carried failed returning illegal illegal
    enroute_to_dropoff    goods : = taken = enroute_to_dropoff carried failed returning illegal illegal
    arrived_at_dropoff    goods : = taken = arrived_at_dropoff carried failed returning illegal illegal
    delivered             goods : illegal illegal illegal illegal illegal illegal illegal illegal illegal
    failed                -     : illegal illegal illegal illegal illegal = illegal illegal illegal
    failed                goods : illegal illegal illegal illegal illegal = returning returning assigned
    returning             goods : = taken = returning carried illegal = = illegal
    returned              goods : illegal illegal illegal illegal illegal illegal illegal illegal illegal
    cancelled             -     : illegal illegal illegal illegal illegal illegal = illegal illegal
";

/// What each status may step to.
const STEPS: &str = "
    created            :
    assigned           : enroute_to_pickup arrived_at_pickup picked_up
    enroute_to_pickup  : arrived_at_pickup picked_up
    arrived_at_pickup  : picked_up
    picked_up          : enroute_to_dropoff arrived_at_dropoff delivered
    enroute_to_dropoff : arrived_at_dropoff delivered
    arrived_at_dropoff : delivered
    delivered          :
    failed             :
    returning          : returned
    returned           :
    cancelled          :
";

fn word(verdict: Result<Verdict, Refusal>) -> String {
    match verdict {
        Ok(Verdict::Already) => "=".to_owned(),
        Ok(Verdict::Moved(movement)) => movement.status().as_str().to_owned(),
        Err(Refusal::Illegal) => "illegal".to_owned(),
        Err(Refusal::Taken) => "taken".to_owned(),
        Err(Refusal::Nobody) => "nobody".to_owned(),
        Err(Refusal::Carried) => "carried".to_owned(),
    }
}

#[test]
fn every_state_answers_every_command_as_the_table_says() {
    let commands = [
        Command::Assign(driver(1)),
        Command::Assign(driver(2)),
        Command::Reassign(driver(1)),
        Command::Reassign(driver(2)),
        Command::Unassign,
        Command::Fail,
        Command::Cancel,
        Command::Return,
        Command::Reattempt,
    ];
    let mut seen = 0;
    for line in TABLE.lines().filter(|line| line.contains(':')) {
        let (state, cells) = line.split_once(':').unwrap();
        let (status, goods) = state.trim().split_once(' ').unwrap();
        let with_driver = records().into_iter().filter(|record| {
            let driver_fits = record.driver().is_some() || record.status() == OrderStatus::Created;
            record.status().as_str() == status
                && record.picked_up() == (goods.trim() == "goods")
                && driver_fits
        });
        for record in with_driver {
            seen += 1;
            for (command, cell) in commands.into_iter().zip(cells.split_whitespace()) {
                assert_eq!(word(record.apply(command)), cell, "{record:?} {command:?}");
            }
        }
    }
    // All but the cancelled one without a driver, which is tried below.
    assert_eq!(seen + 1, records().len());
    let nobody = Movement::restore(OrderStatus::Cancelled, None, 1, false).unwrap();
    for command in commands {
        let wanted = if command == Command::Cancel { "=" } else { "illegal" };
        assert_eq!(word(nobody.apply(command)), wanted, "{command:?}");
    }
}

#[test]
fn every_status_steps_only_where_the_table_says() {
    for line in STEPS.lines().filter(|line| line.contains(':')) {
        let (from, to) = line.split_once(':').unwrap();
        let to: Vec<&str> = to.split_whitespace().collect();
        for record in records().into_iter().filter(|record| record.status().as_str() == from.trim()) {
            for target in OrderStatus::ALL {
                let got = word(record.apply(Command::Step(target)));
                let same =
                    target == record.status() && (stage(target).is_some() || target == OrderStatus::Returned);
                let wanted = match target.as_str() {
                    _ if record.status() == OrderStatus::Created => "nobody",
                    _ if same => "=",
                    word if to.contains(&word) => word,
                    _ => "illegal",
                };
                assert_eq!(got, wanted, "{record:?} -> {target:?}");
            }
        }
    }
}

#[test]
fn a_correction_sets_what_could_have_been_and_nothing_else() {
    for record in records() {
        for to in OrderStatus::ALL {
            let verdict = record.apply(Command::Correct(to));
            if to == record.status() {
                assert_eq!(verdict, Ok(Verdict::Already));
            } else if record.corrections().contains(&to) {
                let Ok(Verdict::Moved(after)) = verdict else { panic!("{record:?} -> {to:?}: {verdict:?}") };
                assert_eq!((after.status(), after.attempt()), (to, record.attempt()));
                assert_eq!(
                    Movement::restore(after.status(), after.driver(), after.attempt(), after.picked_up()),
                    Some(after)
                );
            } else {
                assert_eq!(verdict, Err(Refusal::Illegal), "{record:?} -> {to:?}");
            }
        }
    }
    let delivered = Movement::restore(OrderStatus::Delivered, Some(driver(1)), 1, true).unwrap();
    assert!(delivered.corrections().contains(&OrderStatus::ArrivedAtDropoff));
    let waiting = Movement::restore(OrderStatus::ArrivedAtPickup, Some(driver(1)), 1, false).unwrap();
    assert!(!waiting.corrections().contains(&OrderStatus::Delivered), "nobody has picked it up");
    assert_eq!(Movement::NEW.corrections(), [OrderStatus::Cancelled]);
}

#[test]
fn a_hand_over_keeps_the_status_and_the_goods() {
    let carried = Movement::restore(OrderStatus::EnrouteToDropoff, Some(driver(1)), 1, true).unwrap();
    let Ok(Verdict::Moved(after)) = carried.apply(Command::Reassign(driver(2))) else { panic!() };
    assert_eq!((after.status(), after.driver()), (OrderStatus::EnrouteToDropoff, Some(driver(2))));
    assert!(after.picked_up());
}

#[test]
fn the_steps_that_are_offered_are_those_that_move() {
    let carried = Movement::restore(OrderStatus::PickedUp, Some(driver(1)), 1, true).unwrap();
    let offered: Vec<&str> = carried.steps().into_iter().map(OrderStatus::as_str).collect();
    assert_eq!(offered, ["enroute_to_dropoff", "arrived_at_dropoff", "delivered", "failed"]);
    let failed = Movement::restore(OrderStatus::Failed, Some(driver(1)), 1, true).unwrap();
    assert_eq!(failed.steps(), [OrderStatus::Returning]);
    assert!(Movement::NEW.steps().is_empty());
}

fn any_command() -> impl Strategy<Value = Command> {
    let status = || (0..OrderStatus::ALL.len()).prop_map(|index| OrderStatus::ALL[index]);
    prop_oneof![
        1 => (1..4u128).prop_map(|number| Command::Assign(driver(number))),
        1 => (1..4u128).prop_map(|number| Command::Reassign(driver(number))),
        1 => Just(Command::Unassign),
        6 => status().prop_map(Command::Step),
        1 => Just(Command::Fail),
        1 => Just(Command::Cancel),
        1 => Just(Command::Return),
        1 => Just(Command::Reattempt),
        1 => status().prop_map(Command::Correct),
    ]
}

proptest! {
    #[test]
    fn no_sequence_of_commands_leaves_the_legal_states(commands in prop::collection::vec(any_command(), 0..60)) {
        let (mut now, mut ever_picked_up) = (Movement::NEW, false);
        for command in commands {
            let Ok(Verdict::Moved(next)) = now.apply(command) else { continue };
            let restored = Movement::restore(next.status(), next.driver(), next.attempt(), next.picked_up());
            prop_assert_eq!(restored, Some(next), "a row can hold it");
            prop_assert!(next.attempt() >= now.attempt(), "attempts never fall");
            ever_picked_up |= next.status() == OrderStatus::PickedUp;
            if next.status() == OrderStatus::Delivered {
                prop_assert!(ever_picked_up, "delivered without having been picked up");
            }
            now = next;
        }
    }

    #[test]
    fn a_repeated_step_is_already_done(commands in prop::collection::vec(any_command(), 0..30), last in any_command()) {
        let mut now = Movement::NEW;
        for command in commands {
            if let Ok(Verdict::Moved(next)) = now.apply(command) {
                now = next;
            }
        }
        if let (Command::Step(_) | Command::Assign(_), Ok(Verdict::Moved(next))) = (last, now.apply(last)) {
            prop_assert_eq!(next.apply(last), Ok(Verdict::Already));
        }
    }
}
