//! Renders one property as a content line of a version: escapes, parameters, transfer encoding, folding.
//!
//! It writes what it is given. Which properties and parameters a version has, and what becomes of the others, is
//! `translate`'s business.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Version;
use super::card::Card;
use super::dialect::Folding;
use super::property::Param;
use super::quoted_printable;

/// A decoded value, in the structure the property has. `Debug` shows no content.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// One text.
    Text(String),
    /// Components (`;`) of items (`,`), as in N, ADR and ORG.
    Components(Vec<Vec<String>>),
    /// Items (`,`), as in NICKNAME and CATEGORIES.
    List(Vec<String>),
    /// Octets, written inline; the media type in lower case (`image/jpeg`).
    Binary {
        /// The octets.
        bytes: Vec<u8>,
        /// Their media type, where it is known.
        media_type: Option<String>,
    },
    /// Bytes that go between the colon and the line end as they are.
    Raw(Vec<u8>),
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Value::Text(_) => "Text",
            Value::Components(_) => "Components",
            Value::List(_) => "List",
            Value::Binary { .. } => "Binary",
            Value::Raw(_) => "Raw",
        })
    }
}

/// A property to put into a card: decoded, of no version yet. `ENCODING` and `CHARSET` are never among its
/// parameters; they follow from the value and the version.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NewProperty {
    /// The group, without the dot.
    pub group: Option<String>,
    /// The name in upper case.
    pub name: String,
    /// The parameters, one per value.
    pub params: Vec<Param>,
    /// The value.
    pub value: Value,
}

impl fmt::Debug for NewProperty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewProperty")
            .field("name", &self.name)
            .field("params", &self.params)
            .field("value", &self.value)
            .finish_non_exhaustive()
    }
}

impl NewProperty {
    /// A property without group and parameters.
    #[must_use]
    pub fn new(name: &str, value: Value) -> Self {
        NewProperty { group: None, name: name.to_ascii_uppercase(), params: Vec::new(), value }
    }

    /// A property that is one text.
    #[must_use]
    pub fn text(name: &str, text: &str) -> Self {
        NewProperty::new(name, Value::Text(text.to_owned()))
    }

    /// The same with one parameter value more.
    #[must_use]
    pub fn with_param(mut self, name: &str, value: &str) -> Self {
        self.params.push(Param::new(name, value));
        self
    }

    /// The same in a group.
    #[must_use]
    pub fn in_group(mut self, group: &str) -> Self {
        self.group = Some(group.to_owned());
        self
    }

    /// The first value of the parameter `name` (upper case).
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|param| param.name == name).map(|param| param.value.as_str())
    }
}

/// The longest physical line in octets, line end not counted (RFC 6350 3.2).
const LINE_OCTETS: usize = 75;

/// Renders a content line with its line end.
pub(super) fn render(property: &NewProperty, version: Version, folding: Folding, line_end: &str) -> Vec<u8> {
    if let Some(agent) = nested_agent(property, version, line_end) {
        return agent;
    }
    let (params, value, kind) = encode(property, version);
    let mut line = Vec::new();
    if let Some(group) = &property.group {
        push_token(group, &mut line);
        line.push(b'.');
    }
    if would_frame(property) {
        line.extend_from_slice(b"X-");
    }
    push_token(&property.name, &mut line);
    push_params(&params, version, &mut line);
    line.push(b':');
    match kind {
        Encoded::Base64 => {
            let fold = folding != Folding::Never;
            if version == Version::V21 {
                // vCard 2.1 starts the base64 lines below the head and ends them with an empty line.
                let mut out = line;
                for chunk in value.chunks(if fold { LINE_OCTETS - 1 } else { value.len().max(1) }) {
                    out.extend_from_slice(line_end.as_bytes());
                    out.push(b' ');
                    out.extend_from_slice(chunk);
                }
                out.extend_from_slice(line_end.as_bytes());
                out.extend_from_slice(line_end.as_bytes());
                return out;
            }
            line.extend_from_slice(&value);
            finish(&line, fold, line_end)
        }
        Encoded::QuotedPrintable => {
            quoted_printable::push_lines(&value, folding == Folding::Always, line_end, &mut line);
            line.extend_from_slice(line_end.as_bytes());
            line
        }
        Encoded::Plain => {
            line.extend_from_slice(&value);
            // vCard 2.1 folds only at white space, and its readers disagree on what is left of it.
            finish(&line, folding == Folding::Always && version != Version::V21, line_end)
        }
    }
}

/// Whether a property would be taken for a line of the card's frame.
fn would_frame(property: &NewProperty) -> bool {
    match property.name.as_str() {
        "BEGIN" | "END" | "VERSION" | "" => true,
        "AGENT" => match &property.value {
            Value::Text(text) => {
                let nothing = |character: char| character.is_whitespace() || character.is_control();
                let text = text.trim_matches(nothing);
                text.is_empty() || text.eq_ignore_ascii_case("BEGIN:VCARD")
            }
            _ => true,
        },
        _ => false,
    }
}

/// An AGENT of vCard 2.1 (2.6.4): its card follows on the lines below. `None` for anything else, and for a text
/// that would not close what it opens.
fn nested_agent(property: &NewProperty, version: Version, line_end: &str) -> Option<Vec<u8>> {
    let Value::Text(text) = &property.value else { return None };
    if version != Version::V21 || property.name != "AGENT" {
        return None;
    }
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let group = property.group.as_ref().map(|group| format!("{group}.")).unwrap_or_default();
    let agent = format!("{group}AGENT:{line_end}{}{line_end}", lines.join(line_end));
    // Whether it stays one property in a card is asked of the reader itself.
    let card =
        format!("BEGIN:VCARD{line_end}VERSION:2.1{line_end}{agent}X-END:1{line_end}END:VCARD{line_end}");
    let read = Card::parse(card.as_bytes()).ok().filter(|read| read.as_bytes() == card.as_bytes())?;
    let properties = read.properties();
    let whole = matches!(properties.as_slice(), [first, _] if first.raw() == agent.as_bytes());
    (whole && lines.len() > 1).then(|| agent.into_bytes())
}

/// How the value bytes of a line are laid out.
enum Encoded {
    Plain,
    QuotedPrintable,
    Base64,
}

/// The parameters a line gets, its value bytes, and their layout.
fn encode(property: &NewProperty, version: Version) -> (Vec<Param>, Vec<u8>, Encoded) {
    let mut params: Vec<Param> = property
        .params
        .iter()
        .filter(|param| !matches!(param.name.as_str(), "ENCODING" | "CHARSET"))
        .cloned()
        .collect();
    if let Value::Binary { bytes, media_type } = &property.value {
        return encode_binary(params, bytes, media_type.as_deref(), version);
    }
    if let Value::Raw(bytes) = &property.value {
        let plain =
            bytes.iter().map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { *byte }).collect();
        return (params, plain, Encoded::Plain);
    }
    if version == Version::V21 && needs_quoted_printable(&property.value) {
        if !all_texts(&property.value).all(str::is_ascii) {
            params.push(Param::new("CHARSET", "UTF-8"));
        }
        params.push(Param::new("ENCODING", "QUOTED-PRINTABLE"));
        let value = join(&property.value, quoted_printable::encode);
        return (params, value.into_bytes(), Encoded::QuotedPrintable);
    }
    let uri = is_uri(property, version);
    let value = join(&property.value, |text, separators| match version {
        Version::V21 => escape_separators(text, separators),
        Version::V30 | Version::V40 => escape(text, uri),
    });
    (params, value.into_bytes(), Encoded::Plain)
}

/// Whether a value is a URI, in which `,` and `;` are characters of its own (RFC 6350 4.2).
fn is_uri(property: &NewProperty, version: Version) -> bool {
    match property.param("VALUE") {
        Some(kind) => kind.eq_ignore_ascii_case("uri") || kind.eq_ignore_ascii_case("url"),
        None => match property.name.as_str() {
            "URL" | "SOURCE" | "IMPP" | "FBURL" | "CALURI" | "CALADRURI" | "MEMBER" | "SOCIALPROFILE" => true,
            "RELATED" | "GEO" | "PHOTO" | "LOGO" | "SOUND" | "KEY" | "UID" => version == Version::V40,
            _ => false,
        },
    }
}

/// Joins the texts of a value with its separators, each text encoded by `encode`, which is told the separators it
/// must keep apart.
fn join(value: &Value, encode: impl Fn(&str, &str) -> String) -> String {
    match value {
        Value::Text(text) => encode(text, ""),
        Value::List(items) => items.iter().map(|item| encode(item, ",")).collect::<Vec<_>>().join(","),
        Value::Components(components) => components
            .iter()
            .map(|items| items.iter().map(|item| encode(item, ";")).collect::<Vec<_>>().join(","))
            .collect::<Vec<_>>()
            .join(";"),
        Value::Binary { .. } | Value::Raw(_) => String::new(),
    }
}

fn all_texts(value: &Value) -> impl Iterator<Item = &str> {
    let (texts, nested): (&[String], &[Vec<String>]) = match value {
        Value::Text(text) => (std::slice::from_ref(text), &[]),
        Value::List(items) => (items, &[]),
        Value::Components(components) => (&[], components),
        Value::Binary { .. } | Value::Raw(_) => (&[], &[]),
    };
    texts.iter().chain(nested.iter().flatten()).map(String::as_str)
}

/// Plain vCard 2.1 text is printable ASCII without a backslash, and its ends are no spaces.
fn needs_quoted_printable(value: &Value) -> bool {
    all_texts(value).any(|text| {
        text.starts_with(' ')
            || text.ends_with([' ', '='])
            || text.bytes().any(|byte| !(b' '..=b'~').contains(&byte) || byte == b'\\')
    })
}

/// vCard 2.1: only the separators in force are escaped.
fn escape_separators(text: &str, separators: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if separators.contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

/// The escapes of RFC 6350 3.4 (and RFC 2426 4): `\\`, `\n`, and outside URIs `\,` and `\;`. Other control
/// characters cannot stand in a content line and become spaces.
fn escape(text: &str, uri: bool) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => out.push_str("\\\\"),
            ',' | ';' if !uri => {
                out.push('\\');
                out.push(character);
            }
            '\r' => {
                if characters.peek() != Some(&'\n') {
                    out.push_str("\\n");
                }
            }
            '\n' => out.push_str("\\n"),
            '\t' => out.push('\t'),
            other if other.is_ascii_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out
}

/// Octets: `ENCODING=b` in 3.0, `BASE64` in 2.1, a `data:` URI in 4.0 (RFC 6350 6.2.4).
fn encode_binary(
    mut params: Vec<Param>,
    bytes: &[u8],
    media_type: Option<&str>,
    version: Version,
) -> (Vec<Param>, Vec<u8>, Encoded) {
    let media_type = media_type.or_else(|| sniffed_media_type(bytes));
    let format = media_type.and_then(format_word);
    params.retain(|param| {
        let names_format = param.name == "TYPE"
            && media_type.is_some_and(|media_type| {
                let word = param.value.to_lowercase();
                word == media_type
                    || Some(word.to_uppercase()) == format
                    || media_type.ends_with(&format!("/{word}"))
            });
        !names_format && !matches!(param.name.as_str(), "VALUE" | "MEDIATYPE")
    });
    let text = STANDARD.encode(bytes);
    match version {
        Version::V40 => {
            let media_type = media_type.unwrap_or("application/octet-stream");
            (params, format!("data:{media_type};base64,{text}").into_bytes(), Encoded::Base64)
        }
        Version::V30 | Version::V21 => {
            let encoding = if version == Version::V30 { "b" } else { "BASE64" };
            let mut all = vec![Param::new("ENCODING", encoding)];
            if let Some(format) = format {
                all.push(Param { name: "TYPE".to_owned(), value: format });
            }
            all.append(&mut params);
            (all, text.into_bytes(), Encoded::Base64)
        }
    }
}

/// The format word of vCard 2.1 and 3.0 for a media type: `JPEG`, `PNG`, `PGP`.
fn format_word(media_type: &str) -> Option<String> {
    match media_type {
        "application/octet-stream" => None,
        "application/pgp-keys" => Some("PGP".to_owned()),
        "application/pkix-cert" => Some("X509".to_owned()),
        _ => {
            let (_, format) = media_type.split_once('/')?;
            let format = format.split(';').next().unwrap_or_default();
            (!format.is_empty()).then(|| format.to_uppercase())
        }
    }
}

/// The media type of the image formats phones write, by their first octets.
fn sniffed_media_type(bytes: &[u8]) -> Option<&'static str> {
    [(&b"\xff\xd8\xff"[..], "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"GIF8", "image/gif")]
        .into_iter()
        .find_map(|(start, media_type)| bytes.starts_with(start).then_some(media_type))
}

/// Writes the parameters. Values of one name that follow each other become a list, except the bare words of 2.1.
fn push_params(params: &[Param], version: Version, line: &mut Vec<u8>) {
    let mut previous: Option<&str> = None;
    for param in params {
        if param.name == "TYPE" && version == Version::V21 && is_word(&param.value) {
            line.push(b';');
            line.extend_from_slice(param.value.to_ascii_uppercase().as_bytes());
            previous = None;
            continue;
        }
        if previous == Some(param.name.as_str()) && version != Version::V21 {
            line.push(b',');
        } else {
            line.push(b';');
            push_token(&param.name, line);
            line.push(b'=');
        }
        line.extend_from_slice(param_value(param, version).as_bytes());
        previous = Some(&param.name);
    }
}

/// Whether a value can stand bare in a vCard 2.1 head without being taken for something else.
fn is_word(value: &str) -> bool {
    !value.is_empty()
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !matches!(
            value.to_ascii_uppercase().as_str(),
            "QUOTED-PRINTABLE"
                | "BASE64"
                | "B"
                | "8BIT"
                | "7BIT"
                | "INLINE"
                | "URL"
                | "CONTENT-ID"
                | "CID"
                | "UTF-8"
        )
}

/// A parameter value, quoted where a delimiter needs it (RFC 6350 3.3), with RFC 6868 escapes in 4.0. The older
/// versions have no escape for a quote or a line break; there they become `'` and a space.
fn param_value(param: &Param, version: Version) -> String {
    let mut out = String::with_capacity(param.value.len() + 2);
    for character in param.value.chars() {
        match character {
            '\n' if param.name == "LABEL" => out.push_str("\\n"),
            '\n' if version == Version::V40 => out.push_str("^n"),
            '^' if version == Version::V40 => out.push_str("^^"),
            '"' if version == Version::V40 => out.push_str("^'"),
            '"' => out.push('\''),
            other if other.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    if out.contains([',', ';', ':']) { format!("\"{out}\"") } else { out }
}

/// Writes a name: letters, digits and hyphens (RFC 6350 3.3). What else a foreign card has in a name becomes a
/// hyphen, but for a few marks that are harmless and in use: a colon or a line break would make another line of it,
/// and a byte order mark might make it a line of the frame.
fn push_token(token: &str, line: &mut Vec<u8>) {
    let plain = |character: char| character.is_alphanumeric() || "-_./+$!*~@".contains(character);
    let text: String =
        token.chars().map(|character| if plain(character) { character } else { '-' }).collect();
    line.extend_from_slice(text.as_bytes());
}

/// Ends a line, folded where asked: never inside a character, continuation lines begin with a space.
fn finish(line: &[u8], fold: bool, line_end: &str) -> Vec<u8> {
    if !fold || line.len() <= LINE_OCTETS {
        return [line, line_end.as_bytes()].concat();
    }
    let mut out = Vec::with_capacity(line.len() + line.len() / 20);
    let mut room = LINE_OCTETS;
    let mut used = 0;
    for (at, byte) in line.iter().enumerate() {
        let starts_character = byte & 0xC0 != 0x80;
        let following = line.get(at + 1..).unwrap_or_default().iter();
        let length = 1 + following.take(3).take_while(|next| *next & 0xC0 == 0x80).count();
        if starts_character && used + length > room {
            out.extend_from_slice(line_end.as_bytes());
            out.push(b' ');
            used = 0;
            room = LINE_OCTETS - 1;
        }
        out.push(*byte);
        used += 1;
    }
    out.extend_from_slice(line_end.as_bytes());
    out
}
