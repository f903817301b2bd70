//! SD Contacts: 500 files lie about.

use tetherbook::sim::FaultPlan;

use crate::exporters::{Moment, Person, android, sd_contacts_name};
use crate::world::{Saying, WAYS, Way, World};

fn people() -> Vec<Person> {
    (0..8)
        .map(|number| Person::named(&format!("P{number}"), "Example", &format!("+49170000{number}")))
        .collect()
}

/// 500 exports, other files among them, and a file of another app.
fn pile(world: &World) {
    let people = people();
    for number in 0..500_u16 {
        world.pass_minutes(60);
        let Moment { year, month, day, hour, .. } = world.moment();
        let moment = Moment { year, month, day, hour, minute: 7, second: 1 };
        let count = 3 + usize::from(number) * people.len() / 800;
        world.put(&format!("Documents/{}", sd_contacts_name(moment)), &android(&people[..count]));
    }
    world.put("Documents/contacts_20200101_000000.txt", b"mine");
    world.put("Documents/contacts_old.vcf", &android(&people[..2]));
    world.put("Documents/Friends_20300101_000000.vcf", &android(&people[..3]));
    world.put("Download/contacts_20300101_000000.vcf", &android(&people[..3]));
    world.pass_minutes(60);
}

fn is_export(name: &str) -> bool {
    name.starts_with("contacts_203") && name.len() == "contacts_20350101_000701.vcf".len()
}

#[test]
fn the_newest_of_500_exports_is_found_quickly() {
    for way in WAYS {
        let world = World::new(way, None, 1);
        pile(&world);
        let first = world.sync();
        assert_eq!(first.failure, None, "{way:?}");
        assert_eq!(first.summary.created.pc, 7);
        assert!(first.told("--prune-exports"), "{}", first.words());
        let second = world.sync();
        assert_eq!(second.summary.session, None);
        if way == Way::Mtp {
            eprintln!("first {} requests, then {}", first.requests, second.requests);
            assert!(first.requests < 60 && second.requests < 40, "{} {}", first.requests, second.requests);
        }
    }
}

#[test]
fn pruning_removes_the_older_exports_and_only_those() {
    for way in WAYS {
        let world = World::new(way, None, 1);
        pile(&world);
        let saying = Saying { prune_exports: true, ..Saying::default() };
        let dry = world.session(Saying { dry_run: true, ..saying.clone() });
        assert_eq!(dry.failure, None);
        assert_eq!(world.names_in("Documents").len(), 503, "a dry run removed something");
        let pruned = world.session(saying.clone());
        assert_eq!(pruned.failure, None);
        assert!(pruned.told("499 older exports were removed"), "{}", pruned.words());
        let left = world.names_in("Documents");
        assert_eq!(left.iter().filter(|name| is_export(name)).count(), 1, "{left:?}");
        assert_eq!(left.len(), 4, "{left:?}");
        assert_eq!(world.names_in("Download"), ["contacts_20300101_000000.vcf"]);
        assert_eq!(world.session(saying).summary.session, None);
    }
}

#[test]
fn a_cut_while_pruning_leaves_the_newest_and_goes_on() {
    let mut cuts = 0;
    for container in [40_u64, 60, 90, 150, 400, 900] {
        let world = World::new(Way::Mtp, None, 1);
        pile(&world);
        assert_eq!(world.sync().failure, None);
        let newest = world.names_in("Documents").into_iter().rfind(|name| is_export(name)).unwrap();
        let saying = Saying { prune_exports: true, ..Saying::default() };
        let cut = world.session(Saying { faults: FaultPlan::cut_at_container(container), ..saying.clone() });
        cuts += usize::from(cut.failure.is_some());
        assert!(world.names_in("Documents").contains(&newest), "cut at {container}");
        assert_eq!(world.pc_contacts().len(), 7);
        let after = world.session(saying);
        assert_eq!(after.failure, None, "cut at {container}");
        let left: Vec<String> =
            world.names_in("Documents").into_iter().filter(|name| is_export(name)).collect();
        assert_eq!(left, [newest], "cut at {container}");
        assert_eq!(world.pc_contacts().len(), 7);
    }
    assert!(cuts >= 5, "{cuts}");
}
