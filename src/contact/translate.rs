//! What becomes of one property in another version: names, parameters, and the spelling of values.
//!
//! Nothing is thrown away that has a place: what a version does not know gets an `X-` name, and gets its own name
//! back on the way home. What has no place is reported. This file must not look at other properties of the card;
//! what concerns several of them at once is `writer`'s business.

use super::Version;
use super::date::DateText;
use super::property::Param;
use super::render::{NewProperty, Value};
use super::vocabulary::{
    ADDRESS_BOOK_SERVER, DEMOTED, KNOWN_PARAMS, NEW_IN_V40, OLD_ONLY, is_token, is_uri, type_fits,
};

/// A property in another version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Translation {
    /// What it becomes: usually one property, none if it is empty or has no place, two if it is divided.
    pub properties: Vec<NewProperty>,
    /// What could not be expressed, in words for people; no content.
    pub losses: Vec<String>,
}

/// Translates a property from one version to another. Within one version it stays as it is.
#[must_use]
pub fn translate(property: &NewProperty, from: Version, to: Version) -> Translation {
    if from == to {
        return Translation { properties: vec![property.clone()], losses: Vec::new() };
    }
    let mut translation = Translation::default();
    if is_empty(&property.value) && !matches!(property.name.as_str(), "N" | "FN") {
        return translation;
    }
    if to != Version::V21 && has_controls(&property.value) {
        translation.losses.push(format!("{}: control characters became spaces", property.name));
    }
    let mut property = property.clone();
    rename(&mut property, from, to);
    if to == Version::V40 {
        if property_to_v40(&mut property, &mut translation.losses) {
            params_to_v40(&mut property);
            translation.properties.push(property);
        }
    } else {
        flatten_lists(&mut property, to, &mut translation.losses);
        value_to_older(&mut property, from, to);
        let label = take_label(&mut property);
        params_to_older(&mut property, to, &mut translation.losses);
        translation.properties.push(property);
        translation.properties.extend(label.map(|mut label| {
            params_to_older(&mut label, to, &mut translation.losses);
            label
        }));
    }
    translation
}

/// Whether there is nothing in a value.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Text(text) => text.trim().is_empty(),
        Value::Components(components) => components.iter().flatten().all(|item| item.trim().is_empty()),
        Value::List(items) => items.iter().all(|item| item.trim().is_empty()),
        Value::Binary { bytes, .. } => bytes.is_empty(),
        Value::Raw(bytes) => bytes.trim_ascii().is_empty(),
    }
}

/// Whether a text has characters that only quoted-printable can carry.
fn has_controls(value: &Value) -> bool {
    as_text(value).chars().any(|character| character.is_ascii_control() && !matches!(character, '\n' | '\t'))
}

/// The value as one text, its separators kept.
pub(super) fn as_text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::List(items) => items.join(","),
        Value::Components(components) => {
            components.iter().map(|items| items.join(",")).collect::<Vec<_>>().join(";")
        }
        Value::Binary { .. } => String::new(),
        Value::Raw(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Gives a property the name it has in the version.
fn rename(property: &mut NewProperty, from: Version, to: Version) {
    let name = property.name.as_str();
    let bare = name.strip_prefix("X-").unwrap_or_default();
    let renamed = if to == Version::V40 {
        match name.strip_prefix(ADDRESS_BOOK_SERVER) {
            Some(rest @ ("KIND" | "MEMBER")) => Some(rest.to_owned()),
            _ if OLD_ONLY.contains(&name) => Some(format!("X-{name}")),
            _ if NEW_IN_V40.contains(&bare) || bare == "IMPP" => Some(bare.to_owned()),
            _ => None,
        }
    } else {
        match name {
            "KIND" | "MEMBER" => Some(format!("{ADDRESS_BOOK_SERVER}{name}")),
            "IMPP" if to == Version::V21 => Some("X-IMPP".to_owned()),
            "X-IMPP" if to == Version::V30 => Some("IMPP".to_owned()),
            "X-IMPP" => None,
            _ if NEW_IN_V40.contains(&name) => Some(format!("X-{name}")),
            _ if from == Version::V40 && (OLD_ONLY.contains(&bare) || DEMOTED.contains(&bare)) => {
                Some(bare.to_owned())
            }
            _ => None,
        }
    };
    let Some(renamed) = renamed else { return };
    property.name = renamed;
    // An extension is read as components; under its own name the property may be a text.
    if !property.name.starts_with("X-")
        && !matches!(property.name.as_str(), "GENDER" | "CLIENTPIDMAP" | "N" | "GEO")
        && matches!(property.value, Value::Components(_))
    {
        property.value = Value::Text(as_text(&property.value));
    }
}

/// Makes name and value fit 4.0. `false`: the property has no place there.
fn property_to_v40(property: &mut NewProperty, losses: &mut Vec<String>) -> bool {
    let declared = property.param("VALUE").map(str::to_ascii_lowercase);
    if !property.name.starts_with("X-") {
        property.params.retain(|param| param.name != "VALUE");
    }
    match property.name.as_str() {
        "BDAY" | "ANNIVERSARY" | "DEATHDATE" => date_to_v40(property),
        "REV" | "CREATED" => {
            let Some(stamp) = DateText::parse(&as_text(&property.value)).filter(DateText::is_timestamp)
            else {
                losses.push(format!("{}: not a point in time", property.name));
                return false;
            };
            property.value = Value::Text(stamp.basic());
        }
        "N" => pad(&mut property.value, 5),
        "ADR" => pad(&mut property.value, 7),
        "GEO" => match coordinates(&property.value) {
            Some((latitude, longitude)) => {
                property.value = Value::Text(format!("geo:{latitude},{longitude}"));
            }
            None => demote(property),
        },
        "GENDER" if !is_gender(&property.value) => demote(property),
        "URL" | "SOURCE" | "FBURL" | "CALURI" | "CALADRURI" | "IMPP" | "MEMBER" | "PHOTO" | "LOGO"
        | "SOUND"
            if !matches!(property.value, Value::Binary { .. }) =>
        {
            uri_to_v40(property, losses);
        }
        "TEL" if declared.as_deref() == Some("uri") && is_uri(as_text(&property.value).trim()) => {
            property.params.push(Param::new("VALUE", "uri"));
        }
        "UID" | "RELATED" | "KEY" | "SOCIALPROFILE"
            if !matches!(property.value, Value::Binary { .. })
                && (declared.as_deref() == Some("text") || !is_uri(as_text(&property.value).trim())) =>
        {
            if property.name == "SOCIALPROFILE" && property.param("SERVICE-TYPE").is_none() {
                property.name = "X-SOCIALPROFILE".to_owned();
            } else {
                property.params.push(Param::new("VALUE", "text"));
            }
        }
        name if !is_token(name) => {
            losses.push("a property name with characters that 4.0 does not allow was changed".to_owned());
            let plain = |character: char| if character.is_ascii_alphanumeric() { character } else { '-' };
            property.name = property.name.chars().map(plain).collect();
        }
        _ => {}
    }
    if property.group.as_deref().is_some_and(|group| !is_token(group)) {
        losses.push(format!("{}: a group name that 4.0 does not allow", property.name));
        property.group = None;
    }
    true
}

/// A date in the basic spelling, or a text that says it is one.
fn date_to_v40(property: &mut NewProperty) {
    let placeholder = property.param("X-APPLE-OMIT-YEAR").and_then(|year| year.parse().ok());
    match DateText::parse(&as_text(&property.value)) {
        Some(date) => {
            let date = match placeholder {
                Some(year) => date.without_year(year),
                None => date,
            };
            property.params.retain(|param| param.name != "X-APPLE-OMIT-YEAR");
            property.value = Value::Text(date.basic());
        }
        None => property.params.push(Param::new("VALUE", "text")),
    }
}

/// An address that must be a URI in 4.0.
fn uri_to_v40(property: &mut NewProperty, losses: &mut Vec<String>) {
    let text = as_text(&property.value).trim().to_owned();
    if is_uri(&text) {
        property.value = Value::Text(text);
    } else if property.name == "URL" && text.contains('.') && is_uri(&format!("http://{text}")) {
        losses.push("URL: http:// was put before an address without a scheme".to_owned());
        property.value = Value::Text(format!("http://{text}"));
    } else {
        demote(property);
    }
}

/// Gives a property that is not valid under its own name an `X-` name.
fn demote(property: &mut NewProperty) {
    let server = matches!(property.name.as_str(), "KIND" | "MEMBER");
    property.name = format!("{}{}", if server { ADDRESS_BOOK_SERVER } else { "X-" }, property.name);
}

fn pad(value: &mut Value, length: usize) {
    if let Value::Components(components) = value
        && components.len() < length
    {
        components.resize(length, vec![String::new()]);
    }
}

/// Whether the first component is one of the sexes of RFC 6350 6.2.7.
fn is_gender(value: &Value) -> bool {
    let Value::Components(components) = value else { return false };
    components.len() <= 2
        && matches!(components.first().map(Vec::as_slice), Some([sex]) if matches!(sex.as_str(), "" | "M" | "F" | "O" | "N" | "U"))
}

/// The latitude and longitude of a GEO value of any version.
fn coordinates(value: &Value) -> Option<(String, String)> {
    let text = as_text(value);
    let text = text.trim();
    let text = match text.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("geo:") => text.get(4..)?.split(';').next()?,
        _ => text,
    };
    let (latitude, longitude) = text.split_once([';', ','])?;
    let number = |text: &str| {
        let text = text.trim();
        let plain =
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
        (plain && text.parse::<f64>().is_ok()).then(|| text.to_owned())
    };
    Some((number(latitude)?, number(longitude)?))
}

/// Parameters as 4.0 has them: a preference is `PREF=1`, a type that 4.0 does not allow there is `X-TYPE`.
fn params_to_v40(property: &mut NewProperty) {
    let name = property.name.clone();
    let mut params = Vec::with_capacity(property.params.len());
    let mut preferred = false;
    for mut param in std::mem::take(&mut property.params) {
        if let Some(bare) = param.name.strip_prefix("X-").filter(|bare| KNOWN_PARAMS.contains(bare)) {
            param.name = bare.to_owned();
        }
        if param.name == "TYPE" {
            let word = param.value.to_lowercase();
            if word == "pref" {
                preferred = true;
                continue;
            }
            if param.value.is_empty() || name == "EMAIL" && word == "internet" {
                continue;
            }
            if !type_fits(&name, &word) {
                param.name = "X-TYPE".to_owned();
            }
        } else if !is_token(&param.name) {
            continue;
        }
        params.push(param);
    }
    if preferred && !params.iter().any(|param| param.name == "PREF") {
        params.push(Param::new("PREF", "1"));
    }
    // Values of one parameter stand together, because 4.0 allows each name once.
    params.sort_by(|left, right| left.name.cmp(&right.name));
    property.params = params;
}

/// vCard 2.1 has no lists inside a component or text.
fn flatten_lists(property: &mut NewProperty, to: Version, losses: &mut Vec<String>) {
    if to != Version::V21 {
        return;
    }
    if let Value::Components(components) = &mut property.value {
        for items in components.iter_mut().filter(|items| items.len() > 1) {
            *items = vec![items.join(",")];
            losses.push(format!("{}: a list became one text", property.name));
        }
    }
}

/// The value as 3.0 and 2.1 spell it.
fn value_to_older(property: &mut NewProperty, from: Version, to: Version) {
    let declared = property.param("VALUE").map(str::to_ascii_lowercase);
    match property.name.as_str() {
        "BDAY" | "ANNIVERSARY" | "X-ANNIVERSARY" | "X-DEATHDATE" | "REV" | "X-CREATED" => {
            property.params.retain(|param| param.name != "VALUE");
            if declared.as_deref() != Some("text")
                && let Some(date) = DateText::parse(&as_text(&property.value))
            {
                property.value = Value::Text(date.extended());
            }
        }
        "TEL" => {
            property.params.retain(|param| param.name != "VALUE");
            let text = as_text(&property.value);
            if let Some(number) = text.get(4..).filter(|_| text.to_ascii_lowercase().starts_with("tel:")) {
                property.value = Value::Text(number.to_owned());
            }
        }
        "UID" | "URL" | "IMPP" | "X-IMPP" | "SOURCE" => property.params.retain(|param| param.name != "VALUE"),
        "PHOTO" | "LOGO" | "SOUND" | "KEY" => {
            property.params.retain(|param| param.name != "VALUE");
            let is_address = declared.as_deref() != Some("text") && is_uri(as_text(&property.value).trim());
            if is_address && !matches!(property.value, Value::Binary { .. }) {
                property.params.push(Param::new("VALUE", if to == Version::V30 { "uri" } else { "URL" }));
            }
        }
        "GEO" => {
            if let Some((latitude, longitude)) = coordinates(&property.value) {
                property.value = if to == Version::V30 {
                    Value::Components(vec![vec![latitude], vec![longitude]])
                } else {
                    Value::Text(format!("{latitude},{longitude}"))
                };
            } else if from == Version::V40 {
                property.name = "X-GEO".to_owned();
            }
        }
        _ => {}
    }
}

/// Takes the label off an address: before 4.0 it is a property of its own (RFC 2426 3.2.2).
fn take_label(property: &mut NewProperty) -> Option<NewProperty> {
    if property.name != "ADR" {
        return None;
    }
    let at = property.params.iter().position(|param| param.name == "LABEL")?;
    let text = property.params.remove(at).value;
    let params = property
        .params
        .iter()
        .filter(|param| matches!(param.name.as_str(), "TYPE" | "X-TYPE" | "PREF"))
        .cloned()
        .collect();
    Some(NewProperty { group: None, name: "LABEL".to_owned(), params, value: Value::Text(text) })
}

/// Parameters as the older versions have them: `PREF=1` is `TYPE=pref`; in 2.1, where Android refuses a card with
/// an unknown parameter, those get an `X-` name.
fn params_to_older(property: &mut NewProperty, to: Version, losses: &mut Vec<String>) {
    for param in &mut property.params {
        match param.name.as_str() {
            "PREF" if param.value == "1" => *param = Param::new("TYPE", "pref"),
            "PREF" | "PID" => param.name = format!("X-{}", param.name),
            "X-TYPE" => param.name = "TYPE".to_owned(),
            "TYPE" | "VALUE" | "LANGUAGE" => {}
            name if to == Version::V30 => {
                if let Some(bare) = name.strip_prefix("X-").filter(|bare| KNOWN_PARAMS.contains(bare)) {
                    // What 2.1 had to rename has its own name again, but for the two that only 4.0 has.
                    if !matches!(bare, "PREF" | "PID") {
                        param.name = bare.to_owned();
                    }
                }
            }
            name if !name.starts_with("X-") => param.name = format!("X-{name}"),
            _ => {}
        }
        if param.value.contains('"') || param.value.contains('\n') && param.name != "LABEL" {
            losses.push(format!("{}: a quotation mark or line break in a parameter", property.name));
        }
    }
}

/// What a property becomes in another version, where a single line is written and nobody asks for the losses.
pub(super) fn translate_property(property: &NewProperty, from: Version, to: Version) -> Vec<NewProperty> {
    translate(property, from, to).properties
}
