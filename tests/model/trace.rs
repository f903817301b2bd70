//! A way through the states as a person can read it: what each step left on both sides and in the memory.

use stateright::Path;

use crate::world::{State, Step, World};

/// One state in a few lines.
fn told(state: &State) -> String {
    let (phone, database) = (&state.disk.disk.phone, &state.disk.disk.database);
    let mut text = String::new();
    for file in &phone.files {
        text += &format!("      phone {file:?}\n");
    }
    for contact in &database.contacts {
        text += &format!("      pc #{}@{} {:?}\n", contact.item, contact.counter, contact.card);
    }
    for row in &database.rows {
        text += &format!("      row {row:?}\n");
    }
    for link in &database.links {
        text += &format!("      link {} pc #{} phone #{} base {:?}\n", link.id, link.pc, link.phone, link.base);
    }
    for intent in &database.intents {
        text += &format!("      intent {:?}\n", intent.step);
    }
    for conflict in &database.conflicts {
        text += &format!("      conflict {} {:?}\n", conflict.field, conflict.values);
    }
    text += &format!(
        "      generation {}, of pc {:?}, of phone {:?}\n",
        database.generation, database.of_pc, database.of_phone
    );
    for wish in &state.ghost.wishes {
        text += &format!("      wish {:?} touched {:?} {:?}\n", wish.fate, wish.touched, wish.tokens);
    }
    text + &format!("      quiet {}, {:?}\n", state.quiet, state.breach)
}

/// The whole way.
pub fn trace(world: &World, path: Path<State, Step>) -> String {
    let mut text = String::new();
    for (state, step) in path.into_vec() {
        text += &told(&state);
        if let Some(step) = step {
            text += &format!("  {step:?} (session would be cut at one of {})\n", world.moments(&state));
        }
    }
    text
}
