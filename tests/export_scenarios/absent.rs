//! `--absent delete`: what is missing counts as deleted, with the guard, and only where the export is whole.

use crate::exporters::{EzVersion, Person, fossify, fossify_name};
use crate::world::{Outcome, Saying, WAYS, World};

fn people(count: usize) -> Vec<Person> {
    (0..count)
        .map(|number| Person::named(&format!("P{number}"), "Example", &format!("+4917000{number:02}")))
        .collect()
}

fn export(world: &World, people: &[Person], cut: bool) {
    world.pass_minutes(24 * 60);
    let mut bytes = fossify(people, EzVersion::V4);
    if cut {
        bytes.truncate(bytes.len() - 20);
    }
    world.put(&format!("Download/{}", fossify_name("Contacts", world.moment())), &bytes);
    world.pass_minutes(60);
}

fn delete(world: &World, allow_deletes: bool) -> Outcome {
    world.session(Saying { absent_is_deleted: true, allow_deletes, ..Saying::default() })
}

#[test]
fn what_is_missing_is_deleted_only_if_a_person_says_so_and_the_guard_agrees() {
    for way in WAYS {
        let world = World::new(way, None, 1);
        let all = people(20);
        export(&world, &all, false);
        assert_eq!(world.sync().summary.created.pc, 20);
        // One is gone: told, and deleted when somebody says so.
        export(&world, &all[1..], false);
        let told = world.sync();
        assert!(told.told("1 contact is not in the phone's newest export"), "{}", told.words());
        assert_eq!(world.pc_contacts().len(), 20);
        let deleted = delete(&world, false);
        assert_eq!((deleted.failure.clone(), deleted.summary.deleted.pc), (None, 1), "{}", deleted.words());
        assert_eq!(world.pc_contacts().len(), 19);
        // Nine of nineteen are too many for the guard.
        export(&world, &all[10..], false);
        let stopped = delete(&world, false);
        assert!(stopped.failure.is_some(), "{}", stopped.words());
        assert_eq!(world.pc_contacts().len(), 19);
        // A cut-off export that is newer may hold them: nothing counts as deleted, whatever is said.
        export(&world, &all[1..], true);
        let doubtful = delete(&world, true);
        assert!(doubtful.told("Nothing that is missing counts as deleted"), "{}", doubtful.words());
        assert_eq!((doubtful.failure.clone(), world.pc_contacts().len()), (None, 19), "{}", doubtful.words());
        // A shrunk one is not taken by itself, and is when a person says so; the guard is asked all the same.
        export(&world, &all[17..], false);
        let refused = world.sync();
        assert!(refused.told("holds only 3 of"), "{}", refused.words());
        assert_eq!(world.pc_contacts().len(), 19);
        assert!(delete(&world, false).failure.is_some());
        assert_eq!(world.pc_contacts().len(), 19);
        let meant = delete(&world, true);
        assert_eq!((meant.failure.clone(), world.pc_contacts().len()), (None, 3), "{}", meant.words());
        // They come back as new ones.
        export(&world, &all, false);
        assert_eq!(world.sync().summary.created.pc, 17);
    }
}

#[test]
fn an_edit_that_the_phone_never_saw_outlives_its_deletion() {
    for way in WAYS {
        let world = World::new(way, None, 1);
        let all = people(6);
        export(&world, &all, false);
        world.sync();
        let contact = world.pc_contacts().remove(0);
        world.edit_pc(contact.item, &contact.text.replace("END:VCARD", "NOTE:mine\r\nEND:VCARD"));
        let name = contact.text.lines().find(|line| line.starts_with("FN:")).unwrap()[3..].to_owned();
        let rest: Vec<Person> = all.into_iter().filter(|person| person.full_name() != name).collect();
        export(&world, &rest, false);
        let outcome = delete(&world, false);
        assert_eq!(outcome.failure, None);
        assert_eq!(world.pc_contacts().len(), 6, "{}", outcome.words());
        assert_eq!(outcome.summary.offered, 1, "{}", outcome.words());
    }
}
