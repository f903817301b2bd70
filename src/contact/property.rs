//! One property of a card: its head made uniform over the versions, and its value decoded on demand.
//!
//! It must not change a card; that is `edit`'s business.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use encoding_rs::Encoding;

use super::Version;
use super::codec::{RawLine, ValueBytes};
use super::render::{NewProperty, Value};
use super::value::{self, Coding, Transfer};

/// One parameter value. A parameter with several values (`TYPE=work,voice`, `TYPE="work,voice"`) is several of
/// these. The bare words of vCard 2.1 (`TEL;CELL;QUOTED-PRINTABLE:`) stand under the name they belong to.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Param {
    /// The name, in upper case.
    pub name: String,
    /// The value, without quotes, its RFC 6868 and `\n` escapes resolved; case as written.
    pub value: String,
}

impl Param {
    /// A parameter of that name (made upper case) and value.
    #[must_use]
    pub fn new(name: &str, value: &str) -> Self {
        Param { name: name.to_ascii_uppercase(), value: value.to_owned() }
    }
}

impl fmt::Debug for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The value may be content (LABEL, X-ABLabel-like parameters), the name is not.
        f.debug_struct("Param").field("name", &self.name).finish_non_exhaustive()
    }
}

/// One property of a card, detached from it (it shares the card's bytes). `Debug` shows no content.
#[derive(Clone)]
pub struct Property {
    /// The group before the name (`item1` of `item1.TEL`), as written.
    pub group: Option<String>,
    /// The property's name in upper case, without group.
    pub name: String,
    /// The parameters, in order. `ENCODING` and `CHARSET` are among them as far as the card has them.
    pub params: Vec<Param>,
    index: usize,
    version: Version,
    card: Arc<[u8]>,
    range: Range<usize>,
    value: ValueBytes,
}

impl fmt::Debug for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Property")
            .field("name", &self.name)
            .field("params", &self.params)
            .field("bytes", &self.range.len())
            .finish_non_exhaustive()
    }
}

impl Property {
    /// Makes a property of a content line. `range` is its extent in the card, which for an `AGENT` with a card of
    /// its own inside is longer than the line.
    pub(super) fn new(
        card: &Arc<[u8]>,
        version: Version,
        index: usize,
        range: Range<usize>,
        line: RawLine<'_>,
    ) -> Self {
        let (group, name) = match line.name.split_once('.') {
            Some((group, name)) => (Some(group.trim().to_owned()), name),
            None => (None, line.name.as_ref()),
        };
        Property {
            group,
            name: name.trim().to_ascii_uppercase(),
            params: uniform_params(&line, version),
            index,
            version,
            card: Arc::clone(card),
            range,
            value: line.value,
        }
    }

    /// A property of a line that is no content line: no name, no parameters, the whole line as value.
    pub(super) fn opaque(card: &Arc<[u8]>, version: Version, index: usize, range: Range<usize>) -> Self {
        Property {
            group: None,
            name: String::new(),
            params: Vec::new(),
            index,
            version,
            card: Arc::clone(card),
            range: range.clone(),
            value: ValueBytes::InCard(range),
        }
    }

    /// The property's place among the card's properties, counted from 0; what `CardEditor` names it by.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// The version of the card it stands in.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The exact bytes of the line: folds, line end and blank lines after it included.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        self.card.get(self.range.clone()).unwrap_or_default()
    }

    /// The value's bytes, unfolded, but not decoded in any other way.
    #[must_use]
    pub fn raw_value(&self) -> &[u8] {
        match &self.value {
            ValueBytes::InCard(range) => self.card.get(range.clone()).unwrap_or_default(),
            ValueBytes::Unfolded(bytes) => bytes,
        }
    }

    /// The first value of the parameter `name`, which is compared without regard to case.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .find(|param| param.name.eq_ignore_ascii_case(name))
            .map(|param| param.value.as_str())
    }

    /// The whole value as text: transfer encoding, charset and escapes resolved, line ends `\n`. Separators are
    /// not looked at. A base64 value is its base64 text.
    #[must_use]
    pub fn text(&self) -> String {
        value::text(self.raw_value(), self.coding())
    }

    /// The value split at unescaped `;` and decoded, at least one component. A list inside a component
    /// (`Philip,Paul`) is one text with its commas.
    #[must_use]
    pub fn components(&self) -> Vec<String> {
        value::split(self.raw_value(), ';', self.coding())
    }

    /// The value as components (`;`) of items (`,`). In vCard 2.1 a comma is a plain character, so there each
    /// component is one item.
    #[must_use]
    pub fn component_lists(&self) -> Vec<Vec<String>> {
        value::split_nested(self.raw_value(), self.coding())
    }

    /// The value split at unescaped `,` and decoded, at least one item.
    #[must_use]
    pub fn list(&self) -> Vec<String> {
        value::split(self.raw_value(), ',', self.coding())
    }

    /// What the property says about its kind, in lower case: the values of `TYPE`, the bare words of vCard 2.1,
    /// and `pref` for a preferred one however that is spelled (`TYPE=pref`, `PREF`, `PREF=1`).
    #[must_use]
    pub fn types(&self) -> BTreeSet<String> {
        let mut types: BTreeSet<String> = self
            .params
            .iter()
            .filter(|param| param.name == "TYPE" && !param.value.is_empty())
            .map(|param| param.value.to_lowercase())
            .collect();
        if self.param("PREF") == Some("1") {
            types.insert("pref".to_owned());
        }
        types
    }

    /// How much the property is preferred: `PREF=n` (RFC 6350 5.3, 1 is most), and 1 for the older spellings.
    #[must_use]
    pub fn preference(&self) -> Option<u8> {
        if let Some(preference) = self.param("PREF") {
            return preference.trim().parse().ok().filter(|number| (1..=100).contains(number));
        }
        self.types().contains("pref").then_some(1)
    }

    /// The octets of an inline photo, logo, sound or key: base64 by `ENCODING`, or a `data:` URI. `None` when the
    /// value is none of these or does not decode.
    #[must_use]
    pub fn binary(&self) -> Option<Vec<u8>> {
        self.binary_with_type().map(|(octets, _)| octets)
    }

    /// As `binary`, with the media type as far as it is stated (`image/jpeg`), in lower case.
    #[must_use]
    pub fn binary_with_type(&self) -> Option<(Vec<u8>, Option<String>)> {
        if self.transfer() == Transfer::Base64 {
            let octets = value::decode_base64(self.raw_value())?;
            return Some((octets, self.stated_media_type()));
        }
        let starts_like_data = self
            .raw_value()
            .trim_ascii_start()
            .get(..5)
            .is_some_and(|start| start.eq_ignore_ascii_case(b"data:"));
        if !starts_like_data {
            return None;
        }
        let (media_type, octets) = value::decode_data_uri(self.text().trim())?;
        let media_type = if media_type.is_empty() { self.stated_media_type() } else { Some(media_type) };
        Some((octets, media_type))
    }

    /// The value in the structure this property has (RFC 6350 6): components for N, ADR, ORG, GENDER and the like
    /// and for every `X-` property, a list for NICKNAME and CATEGORIES, octets for inline binaries, else text.
    /// Rendering it in the same version gives an equal property.
    #[must_use]
    pub fn value(&self) -> Value {
        if self.name == "AGENT" {
            return Value::Text(self.agent_text());
        }
        if self.name.is_empty() {
            return Value::Raw(self.raw_value().to_vec());
        }
        if let Some((bytes, media_type)) = self.binary_with_type() {
            return Value::Binary { bytes, media_type };
        }
        match structure(&self.name, self.version) {
            Structure::Components => Value::Components(self.component_lists()),
            Structure::List => Value::List(self.list()),
            Structure::Text => Value::Text(self.text()),
        }
    }

    /// The property as something that can be put into a card. `ENCODING` and `CHARSET` are left behind: they
    /// belong to the bytes, not to the value.
    #[must_use]
    pub fn to_new(&self) -> NewProperty {
        let params = self
            .params
            .iter()
            .filter(|param| !matches!(param.name.as_str(), "ENCODING" | "CHARSET"))
            .cloned()
            .collect();
        NewProperty { group: self.group.clone(), name: self.name.clone(), params, value: self.value() }
    }

    /// The text of an AGENT: the card that follows the line (vCard 2.1, 2.6.4), else the value.
    fn agent_text(&self) -> String {
        let value = self.raw_value().trim_ascii();
        if !value.is_empty() && !value.eq_ignore_ascii_case(b"BEGIN:VCARD") {
            return self.text();
        }
        let raw = self.raw();
        let start = if value.is_empty() {
            raw.iter().position(|byte| *byte == b'\n').map_or(raw.len(), |at| at + 1)
        } else {
            raw.iter().position(|byte| *byte == b':').map_or(raw.len(), |at| at + 1)
        };
        let card = value::transcode(raw.get(start..).unwrap_or_default(), self.coding().charset);
        card.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    /// The media type in `MEDIATYPE`, or the image or audio format in `TYPE` (RFC 2426 3.1.4).
    fn stated_media_type(&self) -> Option<String> {
        if let Some(media_type) = self.param("MEDIATYPE") {
            return Some(media_type.to_lowercase());
        }
        let format = self.types().into_iter().find(|word| word != "pref")?;
        if format.contains('/') {
            return Some(format);
        }
        Some(match (self.name.as_str(), format.as_str()) {
            ("PHOTO" | "LOGO", _) => format!("image/{format}"),
            ("SOUND", _) => format!("audio/{format}"),
            (_, "pgp") => "application/pgp-keys".to_owned(),
            (_, "x509") => "application/pkix-cert".to_owned(),
            _ => format!("application/{format}"),
        })
    }

    pub(super) fn coding(&self) -> Coding {
        let charset = self.param("CHARSET").and_then(|label| Encoding::for_label(label.trim().as_bytes()));
        Coding { version: self.version, transfer: self.transfer(), charset }
    }

    pub(super) fn transfer(&self) -> Transfer {
        let Some(encoding) = self.param("ENCODING") else {
            return Transfer::Plain;
        };
        let encoding = encoding.trim();
        if encoding.eq_ignore_ascii_case("QUOTED-PRINTABLE") || encoding.eq_ignore_ascii_case("Q") {
            Transfer::QuotedPrintable
        } else if encoding.eq_ignore_ascii_case("BASE64") || encoding.eq_ignore_ascii_case("B") {
            Transfer::Base64
        } else {
            Transfer::Plain
        }
    }
}

/// What separators mean in a property's value.
pub(super) enum Structure {
    /// `;` between components, `,` between the items of one.
    Components,
    /// `,` between items.
    List,
    /// Neither.
    Text,
}

/// The structure by name (RFC 6350 6). Of an extension nothing is known, so every separator is kept as one.
pub(super) fn structure(name: &str, version: Version) -> Structure {
    match name {
        "GEO" if version != Version::V40 => Structure::Components,
        "N" | "ADR" | "ORG" | "GENDER" | "CLIENTPIDMAP" => Structure::Components,
        "NICKNAME" | "CATEGORIES" => Structure::List,
        // The labels of Apple's groups are text whatever stands in them.
        "X-ABLABEL" | "X-ABADR" => Structure::Text,
        _ if name.starts_with("X-") => Structure::Components,
        _ => Structure::Text,
    }
}

/// Makes the head uniform: upper-case names, one `Param` per value, bare words named, quotes gone.
fn uniform_params(line: &RawLine<'_>, version: Version) -> Vec<Param> {
    let mut params = Vec::with_capacity(line.params.len());
    for raw in &line.params {
        let name = raw.name.trim().to_ascii_uppercase();
        if raw.values.is_empty() {
            if !name.is_empty() {
                params.push(Param {
                    name: bare_word_name(&name).to_owned(),
                    value: raw.name.trim().to_owned(),
                });
            }
            continue;
        }
        for value in &raw.values {
            let value = param_text(value, &name, version);
            if name == "TYPE" {
                params.extend(kinds_in(&value).map(kind_param));
            } else {
                params.push(Param { name: name.clone(), value });
            }
        }
    }
    params
}

/// The kinds in one TYPE value. Fossify Contacts puts two of them in quotes with a semicolon (`TYPE="WORK;FAX"`); where
/// not all of its pieces are single words, the semicolon is part of a label.
fn kinds_in(value: &str) -> impl Iterator<Item = &str> {
    let is_word = |piece: &str| !piece.is_empty() && piece.bytes().all(|byte| byte.is_ascii_alphabetic());
    value.split(',').flat_map(move |kind| {
        let separator = if kind.split(';').all(is_word) { ';' } else { ',' };
        kind.split(separator)
    })
}

/// One kind. A preference that stands among the kinds, as with Fossify Contacts (`TYPE=CELL,PREF=1`), is none.
fn kind_param(kind: &str) -> Param {
    match kind.trim().split_once('=') {
        Some((name, number)) if name.eq_ignore_ascii_case("PREF") => Param::new("PREF", number),
        _ => Param::new("TYPE", kind.trim()),
    }
}

/// Which parameter a bare word of vCard 2.1 is a value of (versit vCard 2.1, section 3).
fn bare_word_name(word: &str) -> &'static str {
    match word {
        "QUOTED-PRINTABLE" | "BASE64" | "B" | "8BIT" | "7BIT" => "ENCODING",
        "INLINE" | "URL" | "CONTENT-ID" | "CID" => "VALUE",
        "UTF-8" => "CHARSET",
        _ => "TYPE",
    }
}

/// A parameter value without its quotes, escapes resolved.
fn param_text(raw: &str, name: &str, version: Version) -> String {
    let raw = raw.trim();
    let inner = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(raw);
    let mut text =
        if version == Version::V40 && inner.contains('^') { uncaret(inner) } else { inner.to_owned() };
    // RFC 6350 6.3.1 writes the line breaks of an address label as `\n`.
    if name == "LABEL" && text.contains('\\') {
        text = text.replace("\\n", "\n").replace("\\N", "\n");
    }
    text
}

/// Resolves `^n`, `^^` and `^'` (RFC 6868 3.1); any other caret stays.
fn uncaret(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        if character == '^' {
            let resolved = match characters.clone().next() {
                Some('n') => '\n',
                Some('^') => '^',
                Some('\'') => '"',
                _ => {
                    out.push('^');
                    continue;
                }
            };
            out.push(resolved);
            characters.next();
        } else {
            out.push(character);
        }
    }
    out
}
