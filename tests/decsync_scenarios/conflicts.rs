//! A field that both sides changed, decided on the PC while the phone is away: both sides come to the same, and stay so.

use std::cell::RefCell;
use std::io;

use tetherbook::cli::{self, Stream, Terminal, World as Outside};
use tetherbook::contact::ConflictPolicy;
use tetherbook::report::ExitCode;

use crate::decsync_app::vcard;
use crate::text::new_lines;
use crate::world::{Way, World};

fn resolve(world: &World, answer: &str) -> ExitCode {
    let database = world.database().display().to_string();
    let arguments = ["tetherbook", "resolve", "--all", "--take", answer, "--database", &database];
    let outside = Outside {
        arguments: arguments.into_iter().map(Into::into).collect(),
        environment: [(String::from("HOME"), "/nonexistent".into())].into(),
        terminal: Terminal::default(),
        stdin: RefCell::new(Box::new(io::empty())),
        stdout: Stream::new(Box::new(io::sink())),
        stderr: Stream::new(Box::new(io::sink())),
        ..Outside::real()
    };
    cli::run(&outside)
}

fn later(world: &mut World) {
    world.clock.advance_ms(60_000);
    world.app.synchronise();
    world.clock.advance_ms(60_000);
}

fn decided(way: Way, answer: &str) {
    let mut world = World::new(way, 3, 2, 0);
    world.app.create_book("Friends");
    let mut lines = new_lines(1, None);
    lines.push("TITLE:Clerk".to_owned());
    world.app.add(&lines);
    later(&mut world);
    later(&mut world);
    let session = |world: &World| world.session(ConflictPolicy::Hold, false);
    assert_eq!(session(&world).failure, None);
    later(&mut world);
    let (id, _) = world.app.contacts().into_iter().next().unwrap();
    let retitled = |line: &mut String, to: &str| *line = line.replace("TITLE:Clerk", to);
    world.app.edit(id, |lines| lines.iter_mut().for_each(|line| retitled(line, "TITLE:Baker")));
    let contact = world.pc_contacts().remove(0);
    assert!(contact.text.contains("TITLE:Clerk"), "{}", contact.text);
    world.edit_pc(&contact, &contact.text.replace("TITLE:Clerk", "TITLE:Pilot"));
    later(&mut world);
    let apart = session(&world);
    assert_eq!((&apart.failure, apart.conflicts), (&None, 1), "{}", apart.words);
    assert_eq!(resolve(&world, answer), ExitCode::Done);
    later(&mut world);
    let carried_out = session(&world);
    assert_eq!((&carried_out.failure, carried_out.conflicts), (&None, 0), "{}", carried_out.words);
    later(&mut world);
    let title = if answer == "pc" { "TITLE:Pilot" } else { "TITLE:Baker" };
    for _ in 0..2 {
        let idle = session(&world);
        assert!(idle.is_plan_empty && idle.writes == 0, "{answer}: {}", idle.words);
        later(&mut world);
        let on_phone = world.app.contacts().into_values().next().unwrap().lines.join("\n");
        let on_pc = world.pc_contacts().remove(0).text;
        for side in [on_phone, on_pc] {
            let titles: Vec<_> = side.lines().filter(|line| vcard::name(line) == "TITLE").collect();
            assert_eq!(titles, [title], "{answer}: {side}");
        }
    }
}

#[test]
fn a_decided_field_goes_to_the_phone_once_and_stays() {
    for way in [Way::Simulated("android"), Way::Mounted] {
        for answer in ["pc", "phone"] {
            decided(way, answer);
        }
    }
}
