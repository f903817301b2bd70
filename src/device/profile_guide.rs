//! What a person needs to know of a profile before trying it: one row of the table of phones. Text only.

use serde::{Deserialize, Serialize};

/// The longest text of a guide, in characters: it is a cell of a table.
const TEXT_LENGTH_MAX: usize = 240;

/// One row of the table of phones. Every text is one line, and honest: `proved` says how it is known, and a phone that
/// nobody had in hand is not said to work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guide {
    /// The row's place in the table, from 1; 0 (the default) is not in the table.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub order: u16,
    /// What a person has: "Android with DecSync CC".
    pub phone: String,
    /// What comes from the phone to the PC, and by what.
    pub to_pc: String,
    /// What goes from the PC to the phone, and by what.
    pub to_phone: String,
    /// What must be installed or set up once.
    pub needs: String,
    /// How it is known that it works.
    pub proved: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn is_zero(number: &u16) -> bool {
    *number == 0
}

impl Guide {
    /// What cannot stand in a table, if anything.
    pub(super) fn fault(&self) -> Option<String> {
        let texts = [
            ("phone", &self.phone),
            ("to_pc", &self.to_pc),
            ("to_phone", &self.to_phone),
            ("needs", &self.needs),
            ("proved", &self.proved),
        ];
        texts.into_iter().find_map(|(key, text)| {
            if text.trim().is_empty() {
                Some(format!("guide.{key} is empty"))
            } else if text.chars().any(|letter| letter.is_control() || letter == '|') {
                Some(format!("guide.{key} holds a line break or a |, which a table cannot hold"))
            } else if text.chars().count() > TEXT_LENGTH_MAX {
                Some(format!("guide.{key} is longer than {TEXT_LENGTH_MAX} characters"))
            } else {
                None
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_must_fit_a_table() {
        let good = Guide {
            order: 1,
            phone: String::from("Phone"),
            to_pc: String::from("all"),
            to_phone: String::from("all"),
            needs: String::from("nothing"),
            proved: String::from("simulated phone"),
        };
        assert_eq!(good.fault(), None);
        for (bad, word) in [("", "empty"), ("a|b", "table"), ("a\nb", "table"), (&"x".repeat(241), "longer")]
        {
            let fault = Guide { needs: bad.to_owned(), ..good.clone() }.fault().unwrap();
            assert!(fault.contains("guide.needs") && fault.contains(word), "{fault}");
        }
    }
}
