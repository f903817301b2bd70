//! What a field is, which fields a side can hold, and how a field is called when speaking to a person.
//!
//! A field is what merges as one unit: a property, or one component of a property that has components (N, ADR,
//! ORG). This file must not read cards and must not decide anything about their contents.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::equality::field_name;

/// A field: the upper-case name of a vCard property and, where the property is structured, the component (from
/// 0, in the order of RFC 6350 6.2.2, 6.3.1 and 6.6.4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldKey {
    property: String,
    component: Option<usize>,
}

impl FieldKey {
    /// The field of a whole property. The name is folded to upper case.
    #[must_use]
    pub fn new(property: &str) -> Self {
        Self { property: property.to_ascii_uppercase(), component: None }
    }

    /// The field of one component of a structured property.
    #[must_use]
    pub fn component(property: &str, component: usize) -> Self {
        Self { property: property.to_ascii_uppercase(), component: Some(component) }
    }

    /// The property's name in upper case.
    #[must_use]
    pub fn property(&self) -> &str {
        &self.property
    }

    /// Whether it is a component of a property.
    #[must_use]
    pub fn is_component(&self) -> bool {
        self.component.is_some()
    }

    /// The field in words for a person: "phone", "given name", "address, city", "photo", "X-FOO".
    #[must_use]
    pub fn label(&self) -> String {
        self.label_with(&[], None)
    }

    /// The field in words, with what tells one value from its neighbours: its kinds (TYPE values, any case) and
    /// the label its owner gave it (X-ABLabel). "mobile phone", "e-mail (work)", "address (home), city".
    #[must_use]
    pub fn label_with(&self, kinds: &[&str], own_label: Option<&str>) -> String {
        let noun = property_words(&self.property);
        let named = match own_label.map(plain_label).filter(|label| !label.is_empty()) {
            Some(own) => format!("{noun} ({own})"),
            None if self.property == "TEL" => phone_words(kinds),
            None => match place_words(kinds) {
                Some(place) => format!("{noun} ({place})"),
                None => noun.to_owned(),
            },
        };
        match self.component {
            None => named,
            Some(index) => component_words(&self.property, index).map_or_else(
                || format!("{named}, part {}", index + 1),
                |part| if self.property == "N" { part.to_owned() } else { format!("{named}, {part}") },
            ),
        }
    }
}

/// Apple writes its built-in labels as `_$!<HomePage>!$_`; people should see the word only.
fn plain_label(label: &str) -> &str {
    let label = label.trim();
    label.strip_prefix("_$!<").and_then(|inner| inner.strip_suffix(">!$_")).unwrap_or(label)
}

fn property_words(property: &str) -> &str {
    match property {
        "FN" => "name shown",
        "N" => "name",
        "NICKNAME" => "nickname",
        "TEL" => "phone",
        "EMAIL" => "e-mail",
        "ADR" => "address",
        "LABEL" => "address label",
        "ORG" => "organisation",
        "TITLE" => "job title",
        "ROLE" => "role",
        "BDAY" => "birthday",
        "ANNIVERSARY" | "X-EVOLUTION-ANNIVERSARY" => "anniversary",
        "DEATHDATE" => "date of death",
        "GENDER" => "gender",
        "NOTE" => "note",
        "URL" => "web address",
        "IMPP" => "messenger",
        "PHOTO" => "photo",
        "LOGO" => "logo",
        "SOUND" => "sound",
        "KEY" => "key",
        "CATEGORIES" => "group",
        "RELATED" | "X-ABRELATEDNAMES" => "related person",
        "X-ABDATE" => "date",
        "LANG" => "language",
        "TZ" => "time zone",
        "GEO" => "position",
        "X-PHONETIC-FIRST-NAME" => "phonetic given name",
        "X-PHONETIC-MIDDLE-NAME" => "phonetic middle name",
        "X-PHONETIC-LAST-NAME" => "phonetic family name",
        "X-SPOUSE" | "X-EVOLUTION-SPOUSE" => "spouse",
        "X-ABLABEL" => "label",
        "X-ABADR" => "address format",
        other => other,
    }
}

/// Several values of a property in words: "phone numbers", "notes", "X-FOO".
pub(super) fn many_words(property: &str) -> String {
    let words = match property {
        "FN" => "names shown",
        "TEL" => "phone numbers",
        "EMAIL" => "e-mail addresses",
        "ADR" => "addresses",
        "BDAY" => "birthdays",
        "ANNIVERSARY" | "X-EVOLUTION-ANNIVERSARY" => "anniversaries",
        "DEATHDATE" => "dates of death",
        "URL" => "web addresses",
        "IMPP" => "messengers",
        "RELATED" | "X-ABRELATEDNAMES" => "related persons",
        "X-ABLABEL" => "labels of one's own",
        other => {
            let one = property_words(other);
            return if one == other { other.to_owned() } else { format!("{one}s") };
        }
    };
    words.to_owned()
}

fn component_words(property: &str, index: usize) -> Option<&'static str> {
    let words: &[&'static str] = match property {
        "N" => &["family name", "given name", "middle names", "name prefix", "name suffix"],
        "ADR" => &["post office box", "extension", "street", "city", "region", "postal code", "country"],
        "ORG" => &["name", "unit"],
        _ => &[],
    };
    words.get(index).copied()
}

fn has_kind(kinds: &[&str], wanted: &str) -> bool {
    kinds.iter().any(|kind| kind.eq_ignore_ascii_case(wanted))
}

fn place_words(kinds: &[&str]) -> Option<String> {
    let mut words: Vec<String> = kinds
        .iter()
        .map(|kind| kind.to_lowercase())
        .filter(|kind| !matches!(kind.as_str(), "pref" | "voice" | "internet" | "postal" | "parcel" | "intl"))
        .collect();
    words.sort();
    words.dedup();
    if words.is_empty() { None } else { Some(words.join(", ")) }
}

fn phone_words(kinds: &[&str]) -> String {
    let place = ["home", "work", "car"].into_iter().find(|place| has_kind(kinds, place));
    let device = if has_kind(kinds, "fax") {
        "fax"
    } else if has_kind(kinds, "pager") {
        "pager"
    } else if has_kind(kinds, "cell") {
        "mobile phone"
    } else {
        "phone"
    };
    match place {
        Some(place) => format!("{place} {device}"),
        None if device != "phone" => device.to_owned(),
        None => place_words(kinds).map_or_else(|| "phone".to_owned(), |other| format!("phone ({other})")),
    }
}

/// Which fields a side can express: every one, or those that are named. Names are vCard property names in upper
/// case; a name that ends in `*` stands for all names that begin so. The labels that Apple's and other exporters
/// keep beside a property are fields of their own (`X-ABLABEL`), though they travel with it.
///
/// Serialises as the word `"all"` or as the list of names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "MaskForm", into = "MaskForm")]
pub struct FieldMask {
    /// `None`: all fields.
    names: Option<BTreeSet<String>>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum MaskForm {
    One(String),
    Many(Vec<String>),
}

impl From<MaskForm> for FieldMask {
    fn from(form: MaskForm) -> Self {
        match form {
            MaskForm::One(name) => Self::only([name]),
            MaskForm::Many(names) => Self::only(names),
        }
    }
}

impl From<FieldMask> for MaskForm {
    fn from(mask: FieldMask) -> Self {
        match mask.names {
            None => MaskForm::One("all".to_owned()),
            Some(names) => MaskForm::Many(names.into_iter().collect()),
        }
    }
}

impl Default for FieldMask {
    fn default() -> Self {
        Self::all()
    }
}

impl FieldMask {
    /// The mask of a side that can hold everything.
    #[must_use]
    pub fn all() -> Self {
        Self { names: None }
    }

    /// The mask of a side that can hold the named properties only. The name `all` makes it [`FieldMask::all`].
    #[must_use]
    pub fn only<Names, Name>(names: Names) -> Self
    where
        Names: IntoIterator<Item = Name>,
        Name: AsRef<str>,
    {
        let names: BTreeSet<String> =
            names.into_iter().map(|name| name.as_ref().trim().to_ascii_uppercase()).collect();
        if names.contains("ALL") { Self::all() } else { Self { names: Some(names) } }
    }

    /// Whether the side can hold this field.
    #[must_use]
    pub fn holds(&self, field: &FieldKey) -> bool {
        self.holds_property(field.property())
    }

    /// Whether the side can hold the property of this name (upper case). A property that has an `X-` name in one
    /// version (`X-ANNIVERSARY`) is meant by either name.
    #[must_use]
    pub fn holds_property(&self, property: &str) -> bool {
        let Some(names) = &self.names else {
            return true;
        };
        let field = field_name(property);
        names.contains(property)
            || names.iter().any(|name| field_name(name) == field)
            || names
                .iter()
                .any(|name| name.strip_suffix('*').is_some_and(|start| property.starts_with(start)))
    }

    /// Whether every field is held.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.names.is_none()
    }
}

/// A text as it is shown to a person in a difference: a binary value by its kind and size, any other as it is.
pub(super) fn size_words(property: &str, byte_count: usize) -> String {
    let noun = property_words(property);
    if byte_count < 1024 {
        format!("{noun}, {byte_count} bytes")
    } else {
        format!("{noun}, {} KB", byte_count.div_ceil(1024))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_called_by_words() {
        let tel = FieldKey::new("tel");
        assert_eq!(tel.label(), "phone");
        assert_eq!(tel.label_with(&["CELL", "pref"], None), "mobile phone");
        assert_eq!(tel.label_with(&["WORK", "FAX"], None), "work fax");
        assert_eq!(tel.label_with(&["voice", "home"], None), "home phone");
        assert_eq!(tel.label_with(&["cell"], Some("Boat")), "phone (Boat)");
        assert_eq!(FieldKey::new("EMAIL").label_with(&["INTERNET", "WORK"], None), "e-mail (work)");
        assert_eq!(FieldKey::component("ADR", 3).label_with(&["HOME"], None), "address (home), city");
        assert_eq!(FieldKey::component("N", 1).label(), "given name");
        assert_eq!(FieldKey::component("ORG", 2).label(), "organisation, part 3");
        assert_eq!(FieldKey::new("PHOTO").label(), "photo");
        assert_eq!(FieldKey::new("X-Foo").label(), "X-FOO");
        assert_eq!(FieldKey::new("URL").label_with(&[], Some("_$!<HomePage>!$_")), "web address (HomePage)");
    }

    #[test]
    fn a_mask_holds_what_it_names() {
        let mask = FieldMask::only(["tel", "X-PHONETIC-*"]);
        assert!(mask.holds(&FieldKey::new("TEL")));
        assert!(mask.holds(&FieldKey::new("X-PHONETIC-LAST-NAME")));
        assert!(!mask.holds(&FieldKey::new("NOTE")));
        assert!(FieldMask::only(["X-ANNIVERSARY"]).holds(&FieldKey::new("ANNIVERSARY")));
        assert!(FieldMask::only(["ANNIVERSARY"]).holds(&FieldKey::new("X-ANNIVERSARY")));
        assert!(FieldMask::only(["TEL", "all"]).is_all());
        assert!(FieldMask::all().holds(&FieldKey::component("N", 4)));
    }

    #[test]
    fn a_mask_is_written_and_read_back() {
        for mask in [FieldMask::all(), FieldMask::only(["TEL", "FN"]), FieldMask::only(Vec::<String>::new())]
        {
            let text = serde_json::to_string(&mask).unwrap();
            assert_eq!(serde_json::from_str::<FieldMask>(&text).unwrap(), mask, "{text}");
        }
        assert_eq!(serde_json::from_str::<FieldMask>("\"all\"").unwrap(), FieldMask::all());
        assert_eq!(serde_json::from_str::<FieldMask>("[\"fn\"]").unwrap(), FieldMask::only(["FN"]));
    }

    #[test]
    fn binary_values_are_told_by_their_size() {
        assert_eq!(size_words("PHOTO", 12_000), "photo, 12 KB");
        assert_eq!(size_words("LOGO", 10), "logo, 10 bytes");
    }
}
