//! The model that is checked: which states there are and which steps lead from one to the next. What a session does is the
//! shipped code's business (`session`), what must come of it the ghost's and the laws'.

use std::sync::Arc;

use stateright::{Model, Property};
use tetherbook::contact::Card;
use tetherbook::relationship::Side;

use crate::cards::{anywhere, card, contacts, edited, files, has_file, own_name, view};
use crate::disk::{Contact, Disk, File, LinkRow, Phone, Shown, guid};
use crate::ghost::{Fate, Ghost, shown};
use crate::laws;
use crate::process::{Fault, newest_remembered};
use crate::session::{Came, Habits, Kept, Sessions, faults, is_past};

/// How a world begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// Both sides are empty and have never met.
    Nothing,
    /// Everybody is on both sides, and two sessions have agreed on it.
    Synced,
}

/// What a scope holds.
#[derive(Clone, Debug)]
pub struct Scope {
    pub name: &'static str,
    pub people: usize,
    pub start: Start,
    /// How many edits the phone's person and the PC's may make.
    pub edits: [u8; 2],
    /// How many sessions may be cut.
    pub cuts: u8,
    /// Of those, whether the process dies, the cable is pulled, a listing is cut short.
    pub dies: bool,
    pub unplugs: bool,
    pub shorts: bool,
    /// How often the phone may be put back, reset or replaced.
    pub swaps: u8,
    pub habits: Habits,
    /// A contact may be made again with its old UID while its deletion is on its way.
    pub remakes: bool,
    /// The known limits count as broken laws.
    pub is_strict: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Step {
    Set(Side, usize, usize),
    Clear(Side, usize, usize),
    Create(Side, usize),
    Delete(Side, usize),
    Session,
    /// The process dies at the n-th moment at which something became durable.
    Die(usize),
    Cut(Fault),
    /// A backup of the phone, made at the beginning, is put back.
    Restore,
    /// The phone's folder is emptied, marker and all.
    Reset,
    /// Another phone is plugged in, with a marker of its own and the first person's card as it was at first.
    Replace,
}

/// Something that may never happen in a step.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Breach {
    /// I14: a change that was known is not any more.
    Forgot,
    /// I14: a deletion was derived from a phone that was put back.
    DeletedFromPast,
    /// I16: a contact that somebody wants went in a session.
    Vanished,
    /// I1: a third session without anything between still did something.
    NotQuiet,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct State {
    pub disk: Kept,
    pub ghost: Ghost,
    pub edits: [u8; 2],
    pub cuts: u8,
    pub swaps: u8,
    /// How many sessions have gone to their end since anything else happened; no more than 3 are counted.
    pub quiet: u8,
    pub breach: Option<Breach>,
}

pub struct World {
    pub scope: Scope,
    pub sessions: Arc<Sessions>,
    start: Kept,
    backup: Phone,
}

impl World {
    pub fn new(scope: Scope) -> Self {
        let sessions = Arc::new(Sessions::default());
        let mut start = sessions.keep(Disk::default());
        if scope.start == Start::Synced {
            let mut disk = Disk::default();
            for who in 0..scope.people {
                let card = Card::parse(card(who, [Some(10), Some(11)]).as_bytes()).unwrap();
                let item = u64::try_from(who).unwrap() + 1;
                disk.database.contacts.push(Contact { item, counter: item, card: Some(Shown(card)) });
            }
            let whole = Habits { bug: crate::mutants::Bug::None, ..scope.habits };
            start = sessions.keep(disk);
            for _ in 0..3 {
                start = Sessions::default().run(&start, Fault::Nothing, whole, false).disk.clone();
            }
        }
        let backup = start.disk.phone.clone();
        Self { scope, sessions, start, backup }
    }

    fn came(&self, state: &State, fault: Fault) -> Arc<Came> {
        let records = fault == Fault::Nothing && state.cuts > 0 && self.scope.dies;
        self.sessions.run(&state.disk, fault, self.scope.habits, records)
    }

    /// At how many moments a session from here can be cut.
    pub fn moments(&self, state: &State) -> usize {
        self.came(state, Fault::Nothing).cut.len()
    }

    fn edits(&self, state: &State, steps: &mut Vec<Step>) {
        for side in [Side::Phone, Side::Pc] {
            if state.edits[usize::from(side == Side::Pc)] == 0 {
                continue;
            }
            for who in 0..self.scope.people {
                let Some(view) = shown(&state.disk.disk, side, who) else {
                    if self.may_make(state, side, who) {
                        steps.push(Step::Create(side, who));
                    }
                    continue;
                };
                steps.push(Step::Delete(side, who));
                for (field, values) in view.iter().enumerate() {
                    steps.push(Step::Set(side, who, field));
                    if !values.is_empty() {
                        steps.push(Step::Clear(side, who, field));
                    }
                }
            }
        }
    }

    /// A card that has only its temporary name is there for everybody who looks.
    fn may_make(&self, state: &State, side: Side, who: usize) -> bool {
        let disk = &state.disk.disk;
        match self.scope.remakes {
            true => side == Side::Pc || !has_file(&disk.phone, who),
            false => !is_known(disk, who) || is_first_on_both(disk, side, who),
        }
    }

    fn cuts(&self, state: &State, steps: &mut Vec<Step>) {
        let came = self.came(state, Fault::Nothing);
        if self.scope.dies {
            steps.extend((0..came.cut.len()).map(Step::Die));
        }
        if self.scope.unplugs {
            steps.extend(faults(&came.requests).into_iter().map(Step::Cut));
        }
        if self.scope.shorts {
            let files = u16::try_from(state.disk.disk.phone.files.len()).unwrap();
            steps.extend((0..files).map(|lacking| Step::Cut(Fault::Short(lacking))));
        }
    }

    fn changed(&self, state: &State, change: impl FnOnce(&mut Disk)) -> Kept {
        let mut disk = (*state.disk.disk).clone();
        change(&mut disk);
        self.sessions.keep(disk)
    }

    /// A person writes this card on a side; `None` deletes what is there.
    fn write(&self, state: &State, side: Side, who: usize, text: Option<String>) -> Kept {
        self.changed(state, |disk| match side {
            Side::Phone => {
                let name = files(&disk.phone, who).first().map_or_else(|| own_name(who), |file| file.name.clone());
                disk.phone.files.retain(|file| file.name != name);
                if let Some(text) = text {
                    let date = self.next_date(disk);
                    disk.phone.put(File { name, bytes: text.into_bytes(), date });
                }
            }
            Side::Pc => {
                let place = contacts(disk, who).first().map(|(place, _)| *place);
                let card = text.map(|text| Shown(Card::parse(text.as_bytes()).unwrap()));
                let database = &mut disk.database;
                let counter = database.next_pc.max(1);
                database.next_pc = counter + 1;
                match place {
                    Some(place) => {
                        let contact = &mut database.contacts[place];
                        *contact = Contact { item: contact.item, counter, card };
                    }
                    None => database.contacts.push(Contact { item: counter, counter, card }),
                }
            }
        })
    }

    fn next_date(&self, disk: &Disk) -> u64 {
        if !self.scope.habits.has_dates {
            return 0;
        }
        let newest = disk.phone.files.iter().map(|file| file.date).max().unwrap_or(0);
        newest.max(newest_remembered(&disk.database)) + 1
    }

    fn text(&self, state: &State, side: Side, who: usize) -> String {
        let disk = &state.disk.disk;
        let bytes = match side {
            Side::Phone => files(&disk.phone, who)[0].bytes.clone(),
            Side::Pc => contacts(disk, who)[0].1.as_bytes().to_vec(),
        };
        String::from_utf8(bytes).unwrap()
    }

    fn edit(&self, state: &State, step: Step) -> Option<State> {
        let mut next = State { quiet: 0, ..state.clone() };
        let disk = &state.disk.disk;
        let (side, who) = match step {
            Step::Set(side, who, field) | Step::Clear(side, who, field) => {
                let sets = matches!(step, Step::Set(..));
                let value = sets.then(|| state.ghost.next_token(side, who, field));
                let text = edited(&self.text(state, side, who), field, value);
                next.disk = self.write(state, side, who, Some(text));
                next.ghost.edit(disk, side, who, field, sets);
                (side, who)
            }
            Step::Create(side, who) => {
                let value = state.ghost.next_token(side, who, 0);
                next.disk = self.write(state, side, who, Some(card(who, [Some(value), None])));
                next.ghost.create(disk, side, who);
                (side, who)
            }
            Step::Delete(side, who) => {
                next.disk = self.write(state, side, who, None);
                next.ghost.delete(disk, side, who);
                (side, who)
            }
            _ => return None,
        };
        debug_assert!(who < self.scope.people);
        next.edits[usize::from(side == Side::Pc)] -= 1;
        Some(next)
    }

    /// Another state of the phone than the last session left.
    fn swap(&self, state: &State, step: Step) -> State {
        let mut next = State { quiet: 0, swaps: state.swaps - 1, ..state.clone() };
        next.disk = self.changed(state, |disk| {
            let mut date = self.next_date(disk);
            let mut files = match step {
                Step::Restore => self.backup.files.clone(),
                Step::Reset => Vec::new(),
                _ => {
                    let text = card(0, [Some(10), Some(11)]);
                    let marker = format!("format: 1\r\nreplica: {}\r\ngeneration: 1\r\nend\r\n", guid(2));
                    let file = |name: &str, text: String| File { name: name.to_owned(), bytes: text.into_bytes(), date };
                    vec![file(&own_name(0), text), file("tetherbook-replica.txt", marker)]
                }
            };
            for file in files.iter_mut().filter(|_| self.scope.habits.has_dates) {
                file.date = date;
                date += 1;
            }
            disk.phone = Phone { files };
        });
        next.ghost.phone_is_another(&state.disk.disk, &next.disk.disk);
        next
    }

    fn session(&self, state: &State, step: Step) -> State {
        let came = self.came(state, if let Step::Cut(fault) = step { fault } else { Fault::Nothing });
        let mut next = state.clone();
        next.disk = match step {
            Step::Die(moment) => came.cut[moment].clone(),
            _ => came.disk.clone(),
        };
        let is_cut = step != Step::Session;
        next.breach = self.breach(state, &came, &next.disk, is_cut);
        if is_cut {
            next.cuts -= 1;
            next.quiet = 0;
        } else {
            next.quiet = (state.quiet + 1).min(3);
        }
        if is_cut || !came.is_whole {
            next.ghost.half_synced();
        } else {
            next.ghost.synced(&next.disk.disk);
        }
        next
    }

    fn breach(&self, state: &State, came: &Came, after: &Kept, is_cut: bool) -> Option<Breach> {
        let is_wanted = |who: usize| state.ghost.wishes[who].fate == Fate::Live;
        let vanished = (0..self.scope.people).filter(|who| is_wanted(*who)).any(|who| {
            [Side::Phone, Side::Pc].into_iter().any(|side| {
                shown(&state.disk.disk, side, who).is_some()
                    && shown(&after.disk, side, who).is_none()
                    && !(is_cut && laws::is_on_its_way(&after.disk, side, who))
            })
        });
        if came.forgot {
            Some(Breach::Forgot)
        } else if came.was_past && came.deletes > told_before(&state.disk.disk) {
            Some(Breach::DeletedFromPast)
        } else if vanished {
            Some(Breach::Vanished)
        } else if state.quiet >= 2 && !is_cut && !(came.is_quiet && came.disk == state.disk) {
            Some(Breach::NotQuiet)
        } else {
            None
        }
    }
}

impl Model for World {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            disk: self.start.clone(),
            ghost: Ghost::of(&self.start.disk, self.scope.people, self.scope.is_strict),
            edits: self.scope.edits,
            cuts: self.scope.cuts,
            swaps: self.scope.swaps,
            quiet: 0,
            breach: None,
        }]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        if state.breach.is_some() {
            return;
        }
        self.edits(state, steps);
        if state.swaps > 0 {
            steps.extend([Step::Restore, Step::Reset, Step::Replace]);
        }
        if state.quiet < 3 {
            steps.push(Step::Session);
        }
        if state.cuts > 0 {
            self.cuts(state, steps);
        }
    }

    fn next_state(&self, state: &State, step: Step) -> Option<State> {
        let next = match step {
            Step::Restore | Step::Reset | Step::Replace => self.swap(state, step),
            Step::Session | Step::Die(_) | Step::Cut(_) => self.session(state, step),
            edit => self.edit(state, edit)?,
        };
        (next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = laws::laws();
        properties.extend(laws::reached(&self.scope));
        properties
    }
}

/// Deletions on the phone that were seen on a whole listing before it was put back, and not carried out yet.
fn told_before(disk: &Disk) -> usize {
    let gone = |item: u64| disk.database.rows.iter().any(|row| row.0.item.0 == item && row.0.deleted);
    disk.database.links.iter().filter(|link| gone(link.phone)).count()
}

/// Whether both sides make the same contact before they ever met about it.
fn is_first_on_both(disk: &Disk, side: Side, who: usize) -> bool {
    shown(disk, side.other(), who).is_some()
        && disk.database.intents.is_empty()
        && !disk.database.links.iter().any(|link| names(link, who))
        && !(side == Side::Phone && has_file(&disk.phone, who))
}

/// Whether anything anywhere still speaks of this person.
fn is_known(disk: &Disk, who: usize) -> bool {
    !anywhere(disk, who).is_empty()
        || disk.database.links.iter().any(|link| names(link, who))
        || !disk.database.intents.is_empty()
}

fn names(link: &LinkRow, who: usize) -> bool {
    // A link without a baseline may be anybody's.
    let Some((pc, _)) = &link.base else { return true };
    view(pc.0.as_bytes()).is_some_and(|(person, _)| person == who)
}

/// Whether the phone was put back while a deletion on the PC was still to be told to it.
pub fn is_put_back_before_a_deletion(state: &State) -> bool {
    let database = &state.disk.disk.database;
    let is_pending = database.links.iter().any(|link| {
        let own = database.contacts.iter().find(|contact| contact.item == link.pc);
        own.is_some_and(|contact| contact.card.is_none() && !database.of_pc.has_seen(contact.counter))
    });
    is_pending && is_past(&state.disk.disk)
}
