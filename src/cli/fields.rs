//! Fields from flags: what `add` and `edit` put into a card. It decides nothing else about a card.

use crate::contact::{
    Card, CardEditor, Dialect, NewProperty, Property, Value, Version, normal_email, same_phone,
};

use super::arguments::FieldArguments;
use super::failure::Failed;

/// The kinds that may stand before a number or an address, and the types that they are written as
/// (RFC 6350 6.4.1; `pref` and others are kept when a card is read, but not set from here).
const KINDS: [(&str, &str); 9] = [
    ("mobile", "cell"),
    ("cell", "cell"),
    ("home", "home"),
    ("work", "work"),
    ("fax", "fax"),
    ("pager", "pager"),
    ("voice", "voice"),
    ("text", "text"),
    ("other", ""),
];

impl FieldArguments {
    /// Whether no field is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.single().iter().all(|(_, text)| text.is_none())
            && self.given.is_none()
            && self.family.is_none()
            && self.phone.is_empty()
            && self.email.is_empty()
    }

    /// The fields that are one text.
    fn single(&self) -> [(&'static str, Option<&String>); 5] {
        [
            ("FN", self.name.as_ref()),
            ("ORG", self.org.as_ref()),
            ("TITLE", self.title.as_ref()),
            ("NOTE", self.note.as_ref()),
            ("BDAY", self.birthday.as_ref()),
        ]
    }
}

/// A new card of these fields.
///
/// # Errors
/// When there is nothing to call the contact, or a field cannot be understood.
pub fn compose(fields: &FieldArguments, uid: &str) -> Result<Card, Failed> {
    let dialect = Dialect::v40();
    let mut editor = CardEditor::empty(dialect.version, dialect.folding, dialect.line_end);
    editor.append(&NewProperty::text("UID", uid));
    let name = shown_name(fields).ok_or_else(|| {
        Failed::usage(
            "the contact needs a name",
            "tetherbook add --name \"Ada Lovelace\" --phone mobile=+447700900123",
        )
    })?;
    editor.append(&NewProperty::text("FN", &name));
    if fields.given.is_some() || fields.family.is_some() {
        editor.append(&structured_name(None, fields));
    }
    append_lists(&mut editor, fields);
    for (property, text) in fields.single() {
        if let Some(text) = text.filter(|text| property != "FN" && !text.is_empty()) {
            editor.append(&single(property, text, dialect.version)?);
        }
    }
    Ok(editor.finish())
}

/// The card with these fields set; an empty text takes a field away, numbers and addresses are added.
///
/// # Errors
/// When a field cannot be understood.
pub fn change(
    card: &Card,
    fields: &FieldArguments,
    remove_phones: &[String],
    remove_emails: &[String],
) -> Result<Card, Failed> {
    let properties = card.properties();
    let mut editor = CardEditor::of(card);
    for (name, text) in fields.single() {
        let Some(text) = text else { continue };
        if name == "FN" && text.is_empty() {
            return Err(Failed::usage("a contact cannot be without a name", "give another one: --name TEXT"));
        }
        let new = if text.is_empty() { None } else { Some(single(name, text, card.version())?) };
        set(&mut editor, &properties, name, new);
    }
    if fields.given.is_some() || fields.family.is_some() {
        let old = properties.iter().find(|property| property.name == "N");
        set(&mut editor, &properties, "N", Some(structured_name(old, fields)));
    }
    take_away(&mut editor, &properties, "TEL", remove_phones, same_phone)?;
    take_away(&mut editor, &properties, "EMAIL", remove_emails, |left, right| {
        normal_email(left) == normal_email(right)
    })?;
    append_lists(&mut editor, fields);
    Ok(editor.finish())
}

/// What to show for the contact: the name given, else what it is made of, else organisation or address.
fn shown_name(fields: &FieldArguments) -> Option<String> {
    let (given, family) =
        (fields.given.as_deref().unwrap_or("").trim(), fields.family.as_deref().unwrap_or("").trim());
    // Where names are written in Han characters or Hangul, the family name comes first and no space stands between.
    let parts = if given.chars().chain(family.chars()).all(is_east_asian) {
        format!("{family}{given}")
    } else {
        format!("{given} {family}").trim().to_owned()
    };
    let address = fields.email.first().map(|email| kind_and_value(email).1.to_owned());
    [fields.name.clone(), Some(parts), fields.org.clone(), address]
        .into_iter()
        .flatten()
        .find(|name| !name.trim().is_empty())
}

fn is_east_asian(letter: char) -> bool {
    matches!(letter, '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// N with given and family name set (RFC 6350 6.2.2); the other parts stay.
fn structured_name(old: Option<&Property>, fields: &FieldArguments) -> NewProperty {
    let mut parts = old.map(Property::component_lists).unwrap_or_default();
    parts.resize_with(parts.len().max(5), || vec![String::new()]);
    for (index, text) in [(0, &fields.family), (1, &fields.given)] {
        if let (Some(part), Some(text)) = (parts.get_mut(index), text) {
            *part = vec![text.clone()];
        }
    }
    let params = old.map(|old| old.to_new().params).unwrap_or_default();
    NewProperty { params, ..NewProperty::new("N", Value::Components(parts)) }
}

fn single(name: &str, text: &str, version: Version) -> Result<NewProperty, Failed> {
    Ok(match name {
        "ORG" => NewProperty::new("ORG", Value::Components(vec![vec![text.to_owned()]])),
        "BDAY" => NewProperty::text("BDAY", &birthday(text, version)?),
        _ => NewProperty::text(name, text),
    })
}

/// A date as the version writes it: `18151210`, or `--1210` without a year (RFC 6350 4.3.1); with hyphens in the
/// older versions (RFC 2426 3.1.5).
fn birthday(text: &str, version: Version) -> Result<String, Failed> {
    let wrong =
        || Failed::usage(format!("\"{text}\" is no date"), "write 1815-12-10, or --12-10 without a year");
    // A leap year stands in for the missing one, so that 29 February is a date.
    let (year, whole) = match text.strip_prefix("--") {
        Some(rest) => (None, format!("2000-{rest}")),
        None => (Some(()), text.to_owned()),
    };
    let date: jiff::civil::Date = whole.parse().map_err(|_| wrong())?;
    let gap = if version == Version::V40 { "" } else { "-" };
    let day = format!("{:02}{gap}{:02}", date.month(), date.day());
    Ok(match year {
        Some(()) => format!("{:04}{gap}{day}", date.year()),
        None => format!("--{day}"),
    })
}

fn append_lists(editor: &mut CardEditor, fields: &FieldArguments) {
    for (name, texts) in [("TEL", &fields.phone), ("EMAIL", &fields.email)] {
        for text in texts {
            let (kind, value) = kind_and_value(text);
            let property = NewProperty::text(name, value);
            editor.append(&if kind.is_empty() { property } else { property.with_param("TYPE", kind) });
        }
    }
}

/// `work=ada@example.org` is an address with a kind, `a=b@example.org` is an address.
fn kind_and_value(text: &str) -> (&'static str, &str) {
    let known = text.split_once('=').and_then(|(word, value)| {
        let kind = KINDS.iter().find(|(kind, _)| kind.eq_ignore_ascii_case(word.trim()))?;
        Some((kind.1, value.trim()))
    });
    known.unwrap_or(("", text.trim()))
}

/// Puts `new` in the place of the first property of that name and takes away the others.
fn set(editor: &mut CardEditor, properties: &[Property], name: &str, new: Option<NewProperty>) {
    let mut new = new;
    for old in properties.iter().filter(|property| property.name == name) {
        match new.take() {
            Some(mut new) => {
                new.group.clone_from(&old.group);
                editor.replace(old.index(), &new);
            }
            None => editor.remove(old.index()),
        }
    }
    if let Some(new) = new {
        editor.append(&new);
    }
}

fn take_away(
    editor: &mut CardEditor,
    properties: &[Property],
    name: &str,
    values: &[String],
    same: impl Fn(&str, &str) -> bool,
) -> Result<(), Failed> {
    for value in values {
        let mut found = false;
        for property in properties.iter().filter(|property| property.name == name) {
            if property.text().trim() == value.trim() || same(&property.text(), value) {
                editor.remove(property.index());
                found = true;
            }
        }
        if !found {
            return Err(Failed::general(
                format!("the contact has no \"{value}\""),
                "tetherbook show lists its fields",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(card: &Card) -> String {
        String::from_utf8(card.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn composes_a_card_of_all_fields() {
        let fields = FieldArguments {
            given: Some("Ada".into()),
            family: Some("Lovelace".into()),
            phone: vec!["mobile=+44 7700 900123".into(), "020 7946 0000".into()],
            email: vec!["Work=ada@example.org".into(), "a=b@example.org".into()],
            org: Some("Engines; Ltd".into()),
            birthday: Some("1815-12-10".into()),
            ..FieldArguments::default()
        };
        assert_eq!(
            text(&compose(&fields, "urn:uuid:1").unwrap()),
            "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:urn:uuid:1\r\nFN:Ada Lovelace\r\nN:Lovelace;Ada;;;\r\n\
             TEL;TYPE=cell:+44 7700 900123\r\nTEL:020 7946 0000\r\nEMAIL;TYPE=work:ada@example.org\r\n\
             EMAIL:a=b@example.org\r\nORG:Engines\\; Ltd\r\nBDAY:18151210\r\nEND:VCARD\r\n"
        );
        assert!(compose(&FieldArguments::default(), "1").is_err());
    }

    #[test]
    fn changes_only_what_is_named() {
        let card = Card::parse(
            b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Bo Li\r\nN:Li;Bo;Q;Dr.;\r\nX-OWN:kept  as is\r\nitem1.TEL:+49 170 1\r\n\
              TITLE:Clerk\r\nEND:VCARD\r\n",
        )
        .unwrap();
        let fields = FieldArguments {
            family: Some("Lin".into()),
            title: Some(String::new()),
            email: vec!["bo@example.org".into()],
            ..FieldArguments::default()
        };
        assert_eq!(
            text(&change(&card, &fields, &["0049170 1".into()], &[]).unwrap()),
            "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Bo Li\r\nN:Lin;Bo;Q;Dr.;\r\nX-OWN:kept  as is\r\nEMAIL:bo@example.org\r\n\
             END:VCARD\r\n"
        );
        assert!(change(&card, &FieldArguments::default(), &["110".into()], &[]).is_err());
    }

    #[test]
    fn a_birthday_is_a_date_with_or_without_a_year() {
        assert_eq!(birthday("1815-12-10", Version::V40).unwrap(), "18151210");
        assert_eq!(birthday("--02-29", Version::V40).unwrap(), "--0229");
        assert_eq!(birthday("1815-12-10", Version::V30).unwrap(), "1815-12-10");
        assert_eq!(birthday("--02-29", Version::V21).unwrap(), "--02-29");
        for wrong in ["1815-13-10", "--02-30", "yesterday", "", "1815"] {
            assert!(birthday(wrong, Version::V40).is_err(), "{wrong}");
        }
    }
}
