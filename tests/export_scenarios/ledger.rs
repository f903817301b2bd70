//! Who is who, and what must be on the PC: a merge by hand in which every person is known. The program never sees it.
//!
//! A person whom no reader of two exports could follow (renamed, and all that is left is a number of a household) is
//! two people here from then on: one who is missing from the exports, and a new one.

use std::collections::{BTreeMap, BTreeSet};

use tetherbook::contact::ConflictPolicy;

use crate::values::{SINGLES, Values};

/// One person on both sides.
#[derive(Clone, Debug, Default)]
pub struct Pair {
    /// What the PC says, if it has them.
    pub pc: Option<Values>,
    /// A shown name that somebody chose on the PC.
    pub shown: Option<String>,
    /// What the phone said when they were last compared; `None` while they are not known to be one.
    pub base: Option<Values>,
}

/// What is wanted on the phone for one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    Create,
    Edit,
    Delete,
}

/// Everybody.
#[derive(Default)]
pub struct Ledger {
    pub pairs: BTreeMap<u32, Pair>,
    /// What the export says that was read last.
    pub phone: BTreeMap<u32, Values>,
    /// How many conflicts are open.
    pub conflicts: usize,
}

impl Ledger {
    /// A session reads this export.
    pub fn read(&mut self, export: &BTreeMap<u32, Values>, absent_is_deleted: bool, policy: ConflictPolicy) {
        self.phone = export.clone();
        self.conflicts = 0;
        for (who, seen) in export {
            let pair = self.pairs.entry(*who).or_default();
            let is_new = pair.pc.is_none() && pair.base.is_none();
            match (&pair.pc, &pair.base) {
                (None, None) => {
                    pair.pc = Some(seen.clone());
                    pair.base = Some(seen.clone());
                }
                // Deleted on the PC; an edit on the phone wins.
                (None, Some(base)) if base != seen => {
                    pair.pc = Some(seen.clone());
                    pair.base = Some(seen.clone());
                    pair.shown = None;
                }
                (None, Some(_)) => {}
                (Some(pc), base) => {
                    let (pc, base, conflicts) = merged(pc, base.as_ref(), seen, policy);
                    (pair.pc, pair.base) = (Some(pc), Some(base));
                    self.conflicts += conflicts;
                }
            }
            if is_new {
                pair.shown = None;
            }
        }
        for (_, pair) in self.pairs.iter_mut().filter(|(who, _)| !export.contains_key(who)) {
            match (&pair.pc, &pair.base) {
                (None, _) => pair.base = None,
                (Some(pc), Some(base)) if absent_is_deleted => {
                    // An edit that the phone never saw wins over its deletion.
                    if same_on_phone(pc, base) && pair.shown.is_none() {
                        pair.pc = None;
                    }
                    pair.base = None;
                }
                _ => {}
            }
        }
        self.pairs.retain(|_, pair| pair.pc.is_some() || pair.base.is_some());
    }

    /// Who is missing from the export and not from the PC.
    pub fn absent(&self) -> BTreeSet<u32> {
        let is_absent = |(who, pair): &(&u32, &Pair)| {
            pair.pc.is_some() && pair.base.is_some() && !self.phone.contains_key(who)
        };
        self.pairs.iter().filter(is_absent).map(|(who, _)| *who).collect()
    }

    /// What is wanted on the phone.
    pub fn wanted(&self) -> BTreeMap<u32, Wanted> {
        let mut wanted = BTreeMap::new();
        for (who, pair) in &self.pairs {
            match (&pair.pc, &pair.base, self.phone.get(who)) {
                (Some(_), None, None) => drop(wanted.insert(*who, Wanted::Create)),
                (None, Some(_), Some(_)) => drop(wanted.insert(*who, Wanted::Delete)),
                (Some(pc), Some(base), Some(phone)) if wants_edit(pc, base, phone) => {
                    wanted.insert(*who, Wanted::Edit);
                }
                _ => {}
            }
        }
        wanted
    }
}

fn same_on_phone(pc: &Values, base: &Values) -> bool {
    pc == base
}

fn wants_edit(pc: &Values, base: &Values, phone: &Values) -> bool {
    pc.numbers != phone.numbers
        || pc.mails != phone.mails
        || SINGLES.iter().any(|single| {
            let (pc, base, phone) = (pc.single(*single), base.single(*single), phone.single(*single));
            pc != phone && base == phone
        })
}

/// What the PC says afterwards, what both agree on, and how many fields are in conflict.
fn merged(
    pc: &Values,
    base: Option<&Values>,
    phone: &Values,
    policy: ConflictPolicy,
) -> (Values, Values, usize) {
    let nothing = Values::default();
    let before = base.unwrap_or(&nothing);
    let (mut out, mut agreed, mut conflicts) = (pc.clone(), phone.clone(), 0);
    let set = |pc: &BTreeSet<String>, before: &BTreeSet<String>, phone: &BTreeSet<String>| {
        let gone: BTreeSet<&String> = before.difference(phone).collect();
        let came = phone.difference(before).cloned();
        pc.iter().filter(|value| !gone.contains(value)).cloned().chain(came).collect()
    };
    out.numbers = set(&pc.numbers, &before.numbers, &phone.numbers);
    out.mails = set(&pc.mails, &before.mails, &phone.mails);
    for single in SINGLES {
        let (ours, old, theirs) = (pc.single(single), before.single(single), phone.single(single));
        if theirs == old || ours == theirs {
            continue;
        }
        if ours == old {
            theirs.clone_into(out.single_mut(single));
            continue;
        }
        match policy {
            ConflictPolicy::Phone => theirs.clone_into(out.single_mut(single)),
            ConflictPolicy::Pc => {}
            _ => {
                conflicts += 1;
                old.clone_into(agreed.single_mut(single));
            }
        }
    }
    (out, agreed, conflicts)
}
