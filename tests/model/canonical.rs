//! One value for all disks that no session can tell apart, so that the state space is finite and small. Numbers are only
//! ever compared, so that their order counts and their size does not; what nothing can ever ask for again is left out.

use std::collections::BTreeMap;

use crate::disk::{Disk, Step, Watermark};
use crate::process::LONG_AGO_MS;

/// Old numbers to new ones, in the same order, from 1.
struct Ranks(BTreeMap<u64, u64>);

impl Ranks {
    fn of(numbers: impl IntoIterator<Item = u64>) -> Self {
        let mut ranks: BTreeMap<u64, u64> =
            numbers.into_iter().filter(|number| *number > 0).map(|number| (number, 0)).collect();
        for (rank, place) in ranks.values_mut().enumerate() {
            *place = u64::try_from(rank).unwrap() + 1;
        }
        Self(ranks)
    }

    fn change(&self, number: &mut u64) {
        *number = self.0.get(number).copied().unwrap_or(0);
    }

    fn next(&self) -> u64 {
        u64::try_from(self.0.len()).unwrap() + 1
    }

    fn watermark(&self, mark: &mut Watermark) {
        mark.given.retain(|item| self.0.contains_key(item));
        mark.given.iter_mut().for_each(|item| self.change(item));
        let seen: Vec<u64> =
            self.0.iter().filter(|(old, _)| mark.has_seen(**old)).map(|(_, new)| *new).collect();
        mark.seen = ranges(&seen);
    }
}

fn ranges(numbers: &[u64]) -> Vec<(u64, u64)> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for &number in numbers {
        match ranges.last_mut() {
            Some((_, high)) if *high + 1 == number => *high = number,
            _ => ranges.push((number, number)),
        }
    }
    ranges
}

/// The disk as every disk like it is written.
pub fn canonical(mut disk: Disk) -> Disk {
    drop_what_is_over(&mut disk);
    rank_pc(&mut disk);
    rank_phone(&mut disk);
    rank_links(&mut disk);
    rank_generations(&mut disk);
    rank_dates(&mut disk);
    disk
}

/// Tombstones that will never be told to anybody again.
fn drop_what_is_over(disk: &mut Disk) {
    let database = &mut disk.database;
    let (links, intents) = (&database.links, &database.intents);
    let given = &database.of_pc.given;
    database.contacts.retain(|contact| {
        contact.card.is_some()
            || given.contains(&contact.item)
            || links.iter().any(|link| link.pc == contact.item)
            || intents.iter().any(|intent| matches!(&intent.step, Step::Create { pc, .. } if *pc == contact.item))
    });
    let of_phone = &database.of_phone;
    // A file that comes back at its place takes the youngest tombstone there.
    let youngest: BTreeMap<(String, u64), u64> = database
        .rows
        .iter()
        .filter(|row| row.0.deleted)
        .map(|row| ((row.0.locator.to_string(), row.0.uid_hash), row.0.item.0))
        .collect();
    database.rows.retain(|row| {
        let row = &row.0;
        let place = (row.locator.to_string(), row.uid_hash);
        let is_named = links.iter().any(|link| link.phone == row.item.0)
            || intents.iter().any(|intent| match &intent.step {
                Step::Replace { phone, .. } | Step::Delete { phone, .. } => *phone == row.item.0,
                Step::Create { .. } => false,
            });
        !row.deleted
            || is_named
            || of_phone.given.contains(&row.item.0)
            || (row.uid_hash != 0 && youngest.get(&place) == Some(&row.item.0))
    });
}

fn rank_pc(disk: &mut Disk) {
    let database = &mut disk.database;
    let ranks = Ranks::of(database.contacts.iter().flat_map(|contact| [contact.item, contact.counter]));
    for contact in &mut database.contacts {
        ranks.change(&mut contact.item);
        ranks.change(&mut contact.counter);
    }
    for link in &mut database.links {
        ranks.change(&mut link.pc);
    }
    for intent in &mut database.intents {
        if let Step::Create { pc, .. } = &mut intent.step {
            ranks.change(pc);
        }
    }
    ranks.watermark(&mut database.of_pc);
    database.next_pc = ranks.next();
    database.contacts.sort_by_key(|contact| contact.item);
}

fn rank_phone(disk: &mut Disk) {
    let database = &mut disk.database;
    let ranks = Ranks::of(database.rows.iter().flat_map(|row| [row.0.item.0, row.0.counter]));
    for row in &mut database.rows {
        ranks.change(&mut row.0.item.0);
        ranks.change(&mut row.0.counter);
        row.0.verified_ms = LONG_AGO_MS;
    }
    for link in &mut database.links {
        ranks.change(&mut link.phone);
    }
    for intent in &mut database.intents {
        if let Step::Replace { phone, .. } | Step::Delete { phone, .. } = &mut intent.step {
            ranks.change(phone);
        }
    }
    ranks.watermark(&mut database.of_phone);
    database.next_phone = ranks.next();
    database.rows.sort_by_key(|row| row.0.item);
}

fn rank_links(disk: &mut Disk) {
    let database = &mut disk.database;
    let rank = |place: usize| i64::try_from(place).unwrap() + 1;
    database.links.sort_by_key(|link| link.id);
    let old: Vec<i64> = database.links.iter().map(|link| link.id).collect();
    for (place, link) in database.links.iter_mut().enumerate() {
        link.id = rank(place);
    }
    for conflict in &mut database.conflicts {
        conflict.link = rank(old.iter().position(|id| *id == conflict.link).unwrap());
    }
    for (place, intent) in database.intents.iter_mut().enumerate() {
        intent.id = rank(place);
    }
}

/// The generations of the phone's marker and of the memory. The backup of the phone was made in the first of them, so
/// that 1 stays 1.
fn rank_generations(disk: &mut Disk) {
    let marks: Vec<u64> = disk.phone.files.iter().filter_map(|file| generation(&file.bytes)).collect();
    let ranks = Ranks::of(marks.into_iter().chain([1, disk.database.generation]));
    ranks.change(&mut disk.database.generation);
    for file in &mut disk.phone.files {
        if let Some(mut own) = generation(&file.bytes) {
            let before = format!("generation: {own}");
            ranks.change(&mut own);
            let text = String::from_utf8(file.bytes.clone()).unwrap();
            file.bytes = text.replace(&before, &format!("generation: {own}")).into_bytes();
        }
    }
}

fn generation(bytes: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(bytes).ok()?;
    text.lines().find_map(|line| line.strip_prefix("generation: "))?.parse().ok()
}

/// The numbers in dates; a date is "20261121T" and six digits.
fn rank_dates(disk: &mut Disk) {
    let day = "20261121T";
    let number = |date: &str| date.strip_prefix(day).and_then(|digits| digits.parse::<u64>().ok());
    let dated = |row: &crate::disk::Row| row.0.stamp.modified.as_deref().and_then(number);
    let ranks = Ranks::of(
        disk.phone.files.iter().map(|file| file.date).chain(disk.database.rows.iter().filter_map(dated)),
    );
    for file in &mut disk.phone.files {
        ranks.change(&mut file.date);
    }
    for row in &mut disk.database.rows {
        if let Some(mut date) = dated(row) {
            ranks.change(&mut date);
            row.0.stamp.modified = Some(format!("{day}{date:06}").into());
        }
    }
}
