//! What a side cannot hold of a contact, in words for people: of one contact, and of a whole phone.
//!
//! It names fields and numbers, never a contact's content.

use super::field::{FieldKey, many_words};
use super::projection::Projection;

/// Something of a contact that a side cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Loss {
    /// All values of a property.
    Field(String),
    /// Values beyond the count that is held.
    TooMany {
        /// The property.
        property: String,
        /// How many are held.
        held: usize,
        /// How many there are.
        of: usize,
    },
    /// The end of a text.
    Cut {
        /// The property or component.
        field: FieldKey,
        /// The length that is held, in characters.
        length_max: usize,
    },
    /// A value that is longer than is held and cannot be cut.
    TooLong {
        /// The property.
        property: String,
        /// The length that is held, in characters.
        length_max: usize,
    },
    /// A photo, logo or sound that is larger than is held.
    TooLarge {
        /// The property.
        property: String,
        /// The size that is held, in bytes.
        bytes_max: usize,
    },
    /// A component of a structured property.
    Component(FieldKey),
    /// What the values of a property are for.
    Kinds(String),
    /// Letters beyond ASCII.
    Letters(String),
    /// Which value of a property is preferred.
    Preference(String),
    /// Other details of a property.
    Details(String),
}

impl Loss {
    /// Of one contact: "note", "2 of 5 phone numbers", "name cut to 20 characters".
    #[must_use]
    pub fn of_contact(&self) -> String {
        match self {
            Self::Field(property) if property == "FN" => SHOWN_NAME.to_owned(),
            Self::Field(property) => FieldKey::new(property).label(),
            Self::TooMany { property, held, of } => {
                format!("{} of {of} {}", of.saturating_sub(*held), many_words(property))
            }
            Self::Cut { field, length_max } => format!("{} cut to {length_max} characters", field.label()),
            Self::TooLong { property, length_max } => {
                format!("{} longer than {length_max} characters", FieldKey::new(property).label())
            }
            Self::TooLarge { property, bytes_max: 0 } => FieldKey::new(property).label(),
            Self::TooLarge { property, bytes_max } => {
                format!("{} larger than {}", FieldKey::new(property).label(), bytes_words(*bytes_max))
            }
            Self::Component(field) => field.label(),
            Self::Kinds(property) => format!("kinds of {}", many_words(property)),
            Self::Letters(property) => format!("{} in ASCII letters only", FieldKey::new(property).label()),
            Self::Preference(property) => format!("which of the {} is preferred", many_words(property)),
            Self::Details(property) => format!("details of the {}", FieldKey::new(property).label()),
        }
    }

    /// Of a phone, the same for every contact that loses it: "notes", "more than 3 phone numbers".
    #[must_use]
    pub fn of_phone(&self) -> String {
        match self {
            Self::Field(property) if property == "FN" => SHOWN_NAME.to_owned(),
            Self::Field(property) => many_words(property),
            Self::TooMany { property, held, .. } => match held {
                1 => format!("more than one {}", FieldKey::new(property).label()),
                _ => format!("more than {held} {}", many_words(property)),
            },
            Self::Cut { field, length_max } => match field.is_component() {
                true => format!("a {} of more than {length_max} characters", field.label()),
                false => format!("{} of more than {length_max} characters", many_words(field.property())),
            },
            Self::TooLong { property, length_max } => {
                format!("{} of more than {length_max} characters", many_words(property))
            }
            Self::TooLarge { property, bytes_max: 0 } => {
                format!("{} that it did not make", many_words(property))
            }
            Self::TooLarge { property, bytes_max } => {
                format!("{} of more than {}", many_words(property), bytes_words(*bytes_max))
            }
            Self::Letters(_) => "letters beyond ASCII".to_owned(),
            Self::Component(_) | Self::Kinds(_) | Self::Preference(_) | Self::Details(_) => self.of_contact(),
        }
    }
}

/// What is lost of the shown name where the name itself is held.
const SHOWN_NAME: &str = "a shown name that differs from the name";

/// The properties that people know, in the order in which they are told.
const KNOWN: [&str; 20] = [
    "FN",
    "N",
    "TEL",
    "EMAIL",
    "ADR",
    "ORG",
    "TITLE",
    "ROLE",
    "BDAY",
    "ANNIVERSARY",
    "URL",
    "IMPP",
    "NOTE",
    "PHOTO",
    "NICKNAME",
    "CATEGORIES",
    "RELATED",
    "GEO",
    "TZ",
    "X-ABLABEL",
];

impl Projection {
    /// What the side cannot hold, each in words for people: "photos", "more than 3 phone numbers". Of a side that
    /// holds little it says what it does hold: "anything but names, phone numbers". Empty if it holds everything.
    #[must_use]
    pub fn cannot_hold(&self) -> Vec<String> {
        let (held, not_held): (Vec<&str>, Vec<&str>) =
            KNOWN.iter().partition(|property| self.holds_property(property));
        let words = |names: &[&str]| {
            let lost = names.iter().map(|name| match *name {
                "FN" if self.holds_property("N") && !held.contains(name) => SHOWN_NAME.to_owned(),
                name => many_words(name),
            });
            lost.collect::<Vec<String>>()
        };
        let mut told = if held.len() < not_held.len() {
            vec![format!("anything but {}", words(&held).join(", "))]
        } else {
            words(&not_held)
        };
        let limits = &self.limits;
        for (property, held) in &limits.count_max {
            let loss = Loss::TooMany { property: property.clone(), held: *held, of: *held };
            told.push(loss.of_phone());
        }
        for (property, components) in &limits.components {
            let known = if property == "N" { 5 } else { 7 };
            let absent = (0..known).filter(|index| !components.contains(index));
            told.extend(absent.filter_map(|index| known_component(&FieldKey::component(property, index))));
        }
        for (property, length_max) in &limits.length_max {
            told.push(match property.as_str() {
                "*" => format!("texts of more than {length_max} characters"),
                _ => format!("{} of more than {length_max} characters", many_words(property)),
            });
        }
        told.extend(limits.photo_bytes_max.map(|bytes_max| {
            let loss = Loss::TooLarge { property: "PHOTO".to_owned(), bytes_max };
            loss.of_phone()
        }));
        if let Some(kinds) = &limits.kinds {
            told.push(match kinds.len() {
                0 => "what a number or address is for".to_owned(),
                _ => {
                    let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
                    format!("kinds of numbers and addresses other than {}", kinds.join(", "))
                }
            });
        }
        if limits.ascii {
            told.push("letters beyond ASCII".to_owned());
        }
        if limits.no_preference {
            told.push("which of several values is preferred".to_owned());
        }
        told
    }
}

/// The words of a component that has a name.
fn known_component(field: &FieldKey) -> Option<String> {
    let label = field.label();
    (!label.contains(", part ")).then_some(label)
}

fn bytes_words(bytes: usize) -> String {
    if bytes < 1024 { format!("{bytes} bytes") } else { format!("{} KB", bytes / 1024) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_phone_cannot_hold_is_told_shortly() {
        use crate::contact::FieldMask;
        assert_eq!(Projection::default().cannot_hold(), Vec::<String>::new());
        let simple: Projection = FieldMask::only(["N", "TEL"]).into();
        assert_eq!(simple.cannot_hold(), ["anything but names, phone numbers"]);
        let limits = "without = [\"NOTE\"]\nphoto_bytes_max = 65536\nascii = true\nkinds = [\"home\"]\n\
                      count_max = { TEL = 3 }\nlength_max = { FN = 20 }\ncomponents = { N = [0, 1] }";
        let limited = Projection { limits: toml::from_str(limits).unwrap(), ..Projection::default() };
        assert_eq!(
            limited.cannot_hold(),
            [
                "notes",
                "more than 3 phone numbers",
                "middle names",
                "name prefix",
                "name suffix",
                "names shown of more than 20 characters",
                "photos of more than 64 KB",
                "kinds of numbers and addresses other than home",
                "letters beyond ASCII",
            ]
        );
    }

    #[test]
    fn losses_are_told_of_a_contact_and_of_a_phone() {
        let words = |loss: Loss| (loss.of_contact(), loss.of_phone());
        let both = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        assert_eq!(words(Loss::Field("NOTE".to_owned())), both("note", "notes"));
        assert_eq!(
            words(Loss::TooMany { property: "TEL".to_owned(), held: 3, of: 5 }),
            both("2 of 5 phone numbers", "more than 3 phone numbers")
        );
        assert_eq!(
            words(Loss::TooMany { property: "EMAIL".to_owned(), held: 1, of: 2 }),
            both("1 of 2 e-mail addresses", "more than one e-mail")
        );
        assert_eq!(
            words(Loss::Cut { field: FieldKey::new("FN"), length_max: 20 }),
            both("name shown cut to 20 characters", "names shown of more than 20 characters")
        );
        assert_eq!(
            words(Loss::Cut { field: FieldKey::component("N", 0), length_max: 20 }),
            both("family name cut to 20 characters", "a family name of more than 20 characters")
        );
        assert_eq!(
            words(Loss::TooLarge { property: "PHOTO".to_owned(), bytes_max: 65_536 }),
            both("photo larger than 64 KB", "photos of more than 64 KB")
        );
        assert_eq!(words(Loss::Letters("FN".to_owned())).1, "letters beyond ASCII");
        assert_eq!(
            words(Loss::Kinds("TEL".to_owned())),
            both("kinds of phone numbers", "kinds of phone numbers")
        );
    }
}
