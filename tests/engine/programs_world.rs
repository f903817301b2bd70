//! What can be done to the world of a program: the person at the phone, the person at the PC, and the sides as the
//! oracle reads them.

use std::collections::BTreeMap;

use tetherbook::contact::Card;
use tetherbook::provider::{ItemId, Ledger, OpenConflict};
use tetherbook::relationship::Side;
use tetherbook::sim::Storage;
use tetherbook::store::RelationshipLedger;

use crate::oracle::{View, mark_in, token_text, tokens_in, unfolded};
use crate::world::World;

/// The fields that a card holds once, and those that it holds many times.
pub const SINGLES: [&str; 6] = ["NOTE", "TITLE", "NICKNAME", "X-CUSTOM", "ADR.2", "ADR.3"];
pub const MULTIPLES: [&str; 3] = ["TEL", "EMAIL", "URL"];

/// A new card of one person, with the mark in its name.
pub fn new_card(uid: &str, mark: u32, lines: &[String]) -> String {
    let mut text = format!(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:Zoë idq{mark:04}\r\nN:idq{mark:04};Zoë;;;\r\n"
    );
    for line in lines {
        text.push_str(line);
        text.push_str("\r\n");
    }
    text.push_str("END:VCARD\r\n");
    text
}

/// The line that says a token.
pub fn line_of(slot: &str, token: u32) -> String {
    let value = token_text(token, slot);
    match slot {
        "TEL" => format!("TEL;TYPE=CELL:{value}"),
        "URL" => format!("URL:https://example.org/{value}"),
        "ADR.2" => format!("ADR;TYPE=HOME:;;{value};;;;"),
        "ADR.3" => format!("ADR;TYPE=HOME:;;;{value};;;"),
        _ => format!("{slot}:{value}"),
    }
}

/// The property that a field belongs to.
pub fn property_of(slot: &str) -> &str {
    slot.split('.').next().unwrap_or(slot)
}

fn name_of(line: &str) -> String {
    let head = line.split([':', ';']).next().unwrap_or_default();
    head.rsplit('.').next().unwrap_or_default().to_ascii_uppercase()
}

fn joined(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\r\n")).collect()
}

/// Says `token` in a field of that name: instead of what was there if it is single, else besides.
pub fn set_field(text: &str, slot: &str, token: u32) -> String {
    let mut lines: Vec<String> = unfolded(text).lines().map(str::to_owned).collect();
    let end = lines.iter().position(|line| name_of(line) == "END").unwrap_or(lines.len());
    let name = slot.split('.').next().unwrap_or(slot);
    // Which of two addresses is meant would be a guess; a person adds a third.
    let is_plural = name == "ADR" && lines.iter().filter(|line| name_of(line) == name).count() > 1;
    let old = lines.iter().position(|line| name_of(line) == name);
    if MULTIPLES.contains(&slot) || old.is_none() || is_plural {
        lines.insert(end, line_of(slot, token));
        return joined(&lines);
    }
    if let Some(component) = slot.strip_prefix("ADR.").and_then(|number| number.parse::<usize>().ok()) {
        let line = &mut lines[old.unwrap()];
        let (head, value) = line.split_once(':').unwrap();
        let mut parts: Vec<String> = value.split(';').map(str::to_owned).collect();
        parts.resize(parts.len().max(7), String::new());
        parts[component] = token_text(token, slot);
        *line = format!("{head}:{}", parts.join(";"));
        return joined(&lines);
    }
    lines[old.unwrap()] = line_of(slot, token);
    let kept = old.unwrap();
    let mut index = 0;
    lines.retain(|line| {
        index += 1;
        index - 1 == kept || name_of(line) != name
    });
    joined(&lines)
}

/// Takes away the line that says a token of these fields; `pick` chooses among them.
pub fn clear_field(text: &str, pick: usize) -> Option<String> {
    let mut lines: Vec<String> = unfolded(text).lines().map(str::to_owned).collect();
    let candidates: Vec<usize> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| {
            !tokens_in(line).is_empty() && !["FN", "N", "UID"].contains(&name_of(line).as_str())
        })
        .map(|(index, _)| index)
        .collect();
    let at = *candidates.get(pick.checked_rem(candidates.len())?)?;
    lines.remove(at);
    Some(joined(&lines))
}

/// A card on one side, as text.
#[derive(Clone)]
pub struct Seen {
    pub mark: u32,
    pub text: String,
    /// The phone's file name.
    pub file: String,
    /// The PC's item.
    pub item: ItemId,
}

impl World {
    /// Every card of a side that has a mark; `torn` are files whose owner still means their old content.
    pub fn seen(&self, side: Side, torn: &BTreeMap<String, Vec<u8>>) -> Vec<Seen> {
        match side {
            Side::Phone => self
                .files()
                .into_iter()
                .filter(|(name, _)| name.to_lowercase().ends_with(".vcf"))
                .filter_map(|(file, bytes)| {
                    let text = String::from_utf8_lossy(torn.get(&file).unwrap_or(&bytes)).into_owned();
                    Some(Seen { mark: mark_in(&text)?, text, file, item: ItemId(0) })
                })
                .collect(),
            Side::Pc => self.with_book(|book| {
                let mut seen = Vec::new();
                book.each_card(|item, _, card| {
                    let text = String::from_utf8_lossy(card.as_bytes()).into_owned();
                    if let Some(mark) = mark_in(&text) {
                        seen.push(Seen { mark, text, file: String::new(), item });
                    }
                })
                .unwrap();
                seen
            }),
        }
    }

    pub fn view(&self, side: Side, torn: &BTreeMap<String, Vec<u8>>) -> View {
        let mut view = View::new();
        for seen in self.seen(side, torn) {
            view.entry(seen.mark).or_default().push(tokens_in(&seen.text));
        }
        view
    }

    /// A person writes a card, new or changed, without the time going on.
    pub fn write_card(&self, side: Side, seen: &Seen, text: &str) {
        match side {
            Side::Phone => self.put_file(&seen.file, text.as_bytes()),
            Side::Pc => self.with_book(|book| {
                let card = Card::parse(text.as_bytes()).unwrap();
                if seen.item == ItemId(0) {
                    book.add(&card).unwrap();
                } else {
                    book.edit(seen.item, None, &card).unwrap();
                }
            }),
        }
    }

    pub fn remove_card(&self, side: Side, seen: &Seen) {
        match side {
            Side::Phone => self.remove_file(&seen.file),
            Side::Pc => self.with_book(|book| {
                book.remove(seen.item, None).unwrap();
            }),
        }
    }

    pub fn rename_file(&self, from: &str, to: &str) {
        let path = |name: &str| format!("{}/{name}", self.folder);
        self.storage.borrow_mut().rename(&path(from), &path(to)).unwrap();
    }

    /// Every card on the PC, as text.
    pub fn pc_texts(&self) -> Vec<String> {
        let cards = self.pc_cards();
        cards.iter().map(|card| String::from_utf8_lossy(card.as_bytes()).into_owned()).collect()
    }

    /// What the journals hold that no acknowledgement cleared.
    pub fn open_intents(&self) -> usize {
        let store = self.store();
        let rows = store.relationships().unwrap();
        rows.iter().map(|row| RelationshipLedger::new(&store, row.id).open_intents().unwrap().len()).sum()
    }

    /// Every conflict that waits, with whichever phone.
    pub fn open_conflicts(&self) -> Vec<OpenConflict> {
        let store = self.store();
        let rows = store.relationships().unwrap();
        rows.iter()
            .flat_map(|row| RelationshipLedger::new(&store, row.id).open_conflicts().unwrap())
            .collect()
    }

    /// Puts the folder back to what it was.
    pub fn restore_files(&self, backup: &BTreeMap<String, Vec<u8>>) {
        for name in self.files().keys() {
            self.remove_file(name);
        }
        for (name, bytes) in backup {
            self.put_file(name, bytes);
        }
    }

    /// Every byte that a session could have written: the phone's folder and the PC's files.
    pub fn everything(&self) -> (BTreeMap<String, Vec<u8>>, BTreeMap<String, Vec<u8>>) {
        let mut local = BTreeMap::new();
        let mut folders = vec![self.directory.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    local.insert(path.display().to_string(), std::fs::read(&path).unwrap_or_default());
                }
            }
        }
        let mut phone = self.files();
        for name in self.storage.borrow().files() {
            phone.entry(name).or_default();
        }
        (phone, local)
    }
}
