//! When two values of a field are the same value: the normal form of each kind of property's value.
//!
//! Two values are the same when their normal forms are equal texts, so equality is reflexive, symmetric and
//! transitive by construction. This file must not know cards or lines; it works on decoded texts only.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

use super::date::DateText;
use super::vocabulary::{ADDRESS_BOOK_SERVER, DEMOTED, KNOWN_PARAMS, NEW_IN_V40, OLD_ONLY};

/// How the value of a property is built, hence how it is compared and merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    /// One text.
    Text,
    /// A telephone number: TEL.
    Phone,
    /// A mail address: EMAIL.
    Email,
    /// A web or messenger address: URL, IMPP and their like.
    Address,
    /// A date, perhaps without a year, perhaps with a time.
    Date,
    /// Latitude and longitude: GEO.
    Position,
    /// Bytes, or a reference to them.
    Binary,
    /// Components divided by `;`.
    Structured,
    /// Items divided by `,` of which each is a value: NICKNAME, CATEGORIES.
    Items,
}

/// The shape of the property of this name (upper case).
pub(super) fn shape_of(property: &str) -> Shape {
    match property {
        "TEL" => Shape::Phone,
        "EMAIL" => Shape::Email,
        "URL" | "IMPP" | "CALURI" | "CALADRURI" | "FBURL" | "SOURCE" => Shape::Address,
        "BDAY" | "ANNIVERSARY" | "DEATHDATE" | "X-EVOLUTION-ANNIVERSARY" | "X-ABDATE" => Shape::Date,
        "GEO" => Shape::Position,
        "PHOTO" | "LOGO" | "SOUND" | "KEY" => Shape::Binary,
        "N" | "ADR" | "ORG" => Shape::Structured,
        "NICKNAME" | "CATEGORIES" => Shape::Items,
        _ => Shape::Text,
    }
}

/// Whether a card says this property once at most, so that two different values of it exclude one another.
/// The properties that RFC 6350 lets repeat but every address book shows once (FN, TITLE, NOTE ...) are among
/// them; a card that does repeat one is merged as a set all the same.
pub(super) fn is_single(property: &str) -> bool {
    matches!(
        property,
        "FN" | "N"
            | "BDAY"
            | "ANNIVERSARY"
            | "DEATHDATE"
            | "BIRTHPLACE"
            | "DEATHPLACE"
            | "GENDER"
            | "ORG"
            | "TITLE"
            | "ROLE"
            | "NOTE"
            | "PHOTO"
            | "LOGO"
            | "SOUND"
            | "KIND"
            | "TZ"
            | "GEO"
            | "MAILER"
            | "CLASS"
            | "SORT-STRING"
            | "X-SPOUSE"
            | "X-ABSHOWAS"
            | "X-MAIDENNAME"
    ) || property.starts_with("X-PHONETIC-")
        || property.starts_with("X-EVOLUTION-")
}

/// Whether two lines of this single property may stand beside each other when a person asks to keep both.
pub(super) fn may_repeat(property: &str) -> bool {
    !is_single(property) || matches!(property, "TITLE" | "ROLE" | "NOTE" | "ORG")
}

/// Whether the property says nothing about the contact, only about the card: never a field.
pub(super) fn is_bookkeeping(property: &str) -> bool {
    matches!(property, "BEGIN" | "END" | "VERSION" | "REV" | "PRODID" | "UID" | "CLIENTPIDMAP" | "PROFILE")
}

/// A telephone number as it is dialled: digits of any script as ASCII, a leading `+` or `00` as `+`, `*`, `#` and
/// pauses kept, everything that only formats dropped. A text without any digit is returned trimmed as it is.
#[must_use]
pub fn normal_phone(text: &str) -> String {
    let text = strip_scheme(text.trim(), "tel:");
    let mut dialled = String::with_capacity(text.len());
    let mut digit_count = 0_usize;
    // "+49 (0) 170": the digit in brackets is dialled only inside the country, that is, without the prefix.
    let international = text.trim_start().starts_with('+') || text.trim_start().starts_with("00");
    let text: Cow<'_, str> = if international && text.contains("(0)") {
        Cow::Owned(text.replacen("(0)", "", 1))
    } else {
        Cow::Borrowed(text)
    };
    for letter in text.chars() {
        if let Some(digit) = decimal_digit(letter) {
            dialled.push(digit);
            digit_count += 1;
            continue;
        }
        match letter {
            '+' | '\u{FF0B}' if dialled.is_empty() => dialled.push('+'),
            '*' | '#' => dialled.push(letter),
            ',' | 'p' | 'P' if digit_count > 0 => dialled.push(','),
            ';' | 'w' | 'W' if digit_count > 0 => dialled.push(';'),
            'x' | 'X' if digit_count > 0 => dialled.push('x'),
            _ => {}
        }
    }
    if digit_count == 0 {
        return normal_text(&text);
    }
    match dialled.strip_prefix("00") {
        Some(rest) if digit_count > 4 => format!("+{rest}"),
        _ => dialled,
    }
}

/// The ASCII digit of a decimal digit of the scripts people write telephone numbers in.
fn decimal_digit(letter: char) -> Option<char> {
    const ZEROS: [u32; 6] = [0x30, 0x660, 0x6F0, 0x966, 0x9E6, 0xFF10];
    let code = u32::from(letter);
    let zero = ZEROS.into_iter().find(|zero| (*zero..zero + 10).contains(&code))?;
    char::from_digit(code - zero, 10)
}

/// Whether two numbers reach the same telephone: equal when dialled, or one written for inside the country
/// (`0170 1234567`, `555 123 4567`) and the other with a country code, with all of at least nine digits equal.
///
/// This is evidence for matching two people, not equality: it is not transitive across countries.
#[must_use]
pub fn same_phone(left: &str, right: &str) -> bool {
    let (left, right) = (normal_phone(left), normal_phone(right));
    if left == right {
        return left.chars().any(|letter| letter.is_ascii_digit());
    }
    let (abroad, home) = match (left.strip_prefix('+'), right.strip_prefix('+')) {
        (Some(abroad), None) => (abroad, right.as_str()),
        (None, Some(abroad)) => (abroad, left.as_str()),
        _ => return false,
    };
    let home = home.strip_prefix('0').unwrap_or(home);
    let prefix = abroad.strip_suffix(home).map(str::len);
    home.len() >= 9 && !home.starts_with('0') && prefix.is_some_and(|length| (1..=3).contains(&length))
}

/// A mail address without `mailto:`, its domain in lower case. The part before the `@` keeps its case: only the
/// mail's own server may say that it does not matter (RFC 5321 2.4).
#[must_use]
pub fn normal_email(text: &str) -> String {
    let text = normal_text(strip_scheme(text.trim(), "mailto:"));
    match text.rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.to_lowercase()),
        None => text,
    }
}

/// A person's name for matching: compatibility-composed (NFKC), lower case, one space between words.
#[must_use]
pub fn normal_name(text: &str) -> String {
    let folded: String = text.nfkc().flat_map(char::to_lowercase).nfkc().collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Takes items out of a list, each of `going` (in normal form) once, and with them what is empty.
pub(super) fn take_out(items: &mut Vec<String>, mut going: Vec<&str>) {
    items.retain(|item| {
        let item = normal_text(item);
        match going.iter().position(|gone| *gone == item) {
            Some(place) => {
                going.remove(place);
                false
            }
            None => !item.is_empty(),
        }
    });
}

/// A text in composed form (NFC) with `\n` line ends and without blanks around it.
pub(super) fn normal_text(text: &str) -> String {
    let text = text.trim();
    if text.is_ascii() && !text.contains('\r') {
        return text.to_owned();
    }
    let unified = text.replace("\r\n", "\n").replace('\r', "\n");
    unified.nfc().collect()
}

/// A web or messenger address: scheme and host in lower case, no `/` alone after the host. A host without a
/// scheme is a web page.
pub(super) fn normal_address(text: &str) -> String {
    let mut text = normal_text(text);
    if !text.contains(':') && text.contains('.') && !text.contains(char::is_whitespace) {
        text.insert_str(0, "http://");
    }
    let Some((scheme, rest)) = text.split_once(':') else {
        return text;
    };
    let is_scheme = scheme.chars().all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter));
    if !is_scheme || scheme.is_empty() {
        return text;
    }
    let scheme = scheme.to_ascii_lowercase();
    let Some(after) = rest.strip_prefix("//") else {
        return format!("{scheme}:{rest}");
    };
    let host_end = after.find(['/', '?', '#']).unwrap_or(after.len());
    let (host, path) = after.split_at(host_end);
    let path = if path == "/" { "" } else { path };
    format!("{scheme}://{}{path}", host.to_lowercase())
}

/// A date in the basic format of ISO 8601: `1980-02-29` and `19800229` are one day, and so are `--02-29`,
/// `--0229` and a date in `yearless`, the year a parameter declares to mean none. Midnight says no more than the
/// day itself. What is not a date is compared as a text.
pub(super) fn normal_date(text: &str, yearless: Option<&str>) -> String {
    let Some(date) = DateText::parse(text) else {
        return normal_text(text);
    };
    let date = match yearless.and_then(|year| year.trim().parse().ok()) {
        Some(year) => date.without_year(year),
        None => date,
    };
    let basic = date.basic();
    match basic.split_once('T') {
        Some((day, time)) if time.trim_end_matches('Z').trim_matches('0').is_empty() => day.to_owned(),
        _ => basic,
    }
}

/// A position: `geo:48.1,11.5` (RFC 6350 6.5.2), `48.1;11.5` (RFC 2426 3.4.2) and `48.1,11.5` are one.
pub(super) fn normal_position(text: &str) -> String {
    strip_scheme(text.trim(), "geo:").replace(';', ",")
}

/// The name under which a property is compared: a property that one version lacks stands there under an `X-`
/// name (`X-ANNIVERSARY` in 3.0, `X-LABEL` in 4.0), and it is the same field.
pub(super) fn field_name(property: &str) -> &str {
    let Some(bare) = property.strip_prefix("X-") else {
        return property;
    };
    match property.strip_prefix(ADDRESS_BOOK_SERVER) {
        Some(server @ ("KIND" | "MEMBER")) => server,
        _ if bare == "IMPP" || [NEW_IN_V40, OLD_ONLY, DEMOTED].iter().any(|names| names.contains(&bare)) => {
            bare
        }
        _ => property,
    }
}

/// The name under which a parameter is compared, as [`field_name`].
pub(super) fn param_field_name(param: &str) -> &str {
    param.strip_prefix("X-").filter(|bare| KNOWN_PARAMS.contains(bare)).unwrap_or(param)
}

/// Strips a URI scheme, in any case.
pub(super) fn strip_scheme<'a>(text: &'a str, scheme: &str) -> &'a str {
    match text.get(..scheme.len()) {
        Some(start) if start.eq_ignore_ascii_case(scheme) => text.get(scheme.len()..).unwrap_or(text),
        _ => text,
    }
}

/// The kinds of a value (its TYPE values) in normal form: lower case, sorted, once each, without `pref`, which is
/// a mark of its own, and without those that say nothing: a TEL is a voice line, an EMAIL is an internet
/// address (RFC 2426 3.3), an ADR is for international post and parcels (3.2.1) unless something else is said.
pub(super) fn normal_kinds<'a>(property: &str, kinds: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut normal: Vec<String> = kinds
        .map(|kind| kind.trim().to_lowercase())
        .filter(|kind| {
            !(kind.is_empty()
                || kind == "pref"
                || match property {
                    // Every mobile number of open-android-backup says that messages can be left there.
                    "TEL" => matches!(kind.as_str(), "voice" | "msg"),
                    "EMAIL" => matches!(kind.as_str(), "internet" | "smtp"),
                    "ADR" | "LABEL" => matches!(kind.as_str(), "intl" | "postal" | "parcel"),
                    _ => false,
                })
        })
        .collect();
    normal.sort();
    normal.dedup();
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_in_many_dresses() {
        for same in [
            "+491701",
            "+49 170 1",
            "0049-170-1",
            "tel:+49-170-1",
            "+49 (0)170 1",
            "＋４９１７０１",
            "+٤٩١٧٠١",
        ] {
            assert_eq!(normal_phone(same), "+491701", "{same}");
        }
        assert_eq!(normal_phone("(030) 12-34"), "0301234");
        assert_eq!(normal_phone("*100#"), "*100#");
        assert_ne!(normal_phone("*100#"), normal_phone("100"));
        assert_ne!(normal_phone("+491701"), normal_phone("491701"));
        assert_eq!(normal_phone("030 1234 p 55"), "0301234,55");
        assert_eq!(normal_phone("000"), "000", "a short emergency number is not a country code");
        assert_eq!(normal_phone(" unknown "), "unknown");
        assert_eq!(normal_phone(""), "");
    }

    #[test]
    fn a_number_for_inside_the_country_is_recognised() {
        assert!(same_phone("0170 1234567", "+49 170 1234567"));
        assert!(same_phone("(555) 123-4567", "+1 555 123 4567"));
        assert!(!same_phone("0170 1234567", "+49 170 1234568"));
        assert!(!same_phone("1234567", "+49 30 1234567"), "a local number is weak");
        assert!(!same_phone("", "") && !same_phone("unknown", "unknown"));
    }

    #[test]
    fn mail_addresses_fold_the_domain_only() {
        assert_eq!(normal_email("Ann@EXAMPLE.org"), "Ann@example.org");
        assert_eq!(normal_email("MAILTO:ann@example.ORG "), "ann@example.org");
        assert_ne!(normal_email("Ann@example.org"), normal_email("ann@example.org"));
    }

    #[test]
    fn names_fold_case_width_and_composition() {
        assert_eq!(normal_name("  Ａnn\u{a0} LEE "), "ann lee");
        assert_eq!(normal_name("Zoe\u{308}"), normal_name("ZO\u{cb}"));
    }

    #[test]
    fn dates_in_both_formats_are_one_day() {
        assert_eq!(normal_date("1980-02-29", None), normal_date("19800229", None));
        assert_eq!(normal_date("--02-29", None), normal_date("--0229", None));
        assert_eq!(normal_date("1604-02-29", Some("1604")), "--0229");
        assert_eq!(normal_date("1980-02-29T00:00:00Z", None), "19800229");
        assert_eq!(normal_date("1980-02-29T10:30:00Z", None), "19800229T103000Z");
        assert_eq!(normal_date("circa 1800", None), "circa 1800");
        assert_ne!(normal_date("1980-02", None), normal_date("198002", None));
        assert_eq!(normal_position("geo:48.1,11.5"), normal_position("48.1;11.5"));
    }

    #[test]
    fn web_addresses_fold_scheme_and_host() {
        assert_eq!(normal_address("HTTP://Example.ORG/"), "http://example.org");
        assert_eq!(normal_address("Example.org"), normal_address("http://example.org/"));
        assert_ne!(normal_address("http://example.org/A"), normal_address("http://example.org/a"));
        assert_eq!(normal_address("XMPP:Ann@example.org"), "xmpp:Ann@example.org");
        assert_eq!(normal_address("example.org: page"), "example.org: page");
    }

    #[test]
    fn kinds_that_say_nothing_are_dropped() {
        let kinds = |property: &str, kinds: &[&str]| normal_kinds(property, kinds.iter().copied());
        assert_eq!(kinds("TEL", &["VOICE", "Work", "home", "pref", "HOME"]), ["home", "work"]);
        assert_eq!(kinds("TEL", &["cell", "msg"]), ["cell"]);
        assert_eq!(kinds("EMAIL", &["INTERNET"]), Vec::<String>::new());
        assert_eq!(kinds("ADR", &["home", "POSTAL"]), ["home"]);
    }

    #[test]
    fn a_field_has_one_name_over_the_versions() {
        assert_eq!(field_name("X-ANNIVERSARY"), field_name("ANNIVERSARY"));
        assert_eq!(field_name("X-ADDRESSBOOKSERVER-KIND"), "KIND");
        assert_eq!(field_name("X-FOO"), "X-FOO");
        assert_eq!(param_field_name("X-PREF"), "PREF");
        assert_eq!(param_field_name("X-P"), "X-P");
    }

    #[test]
    fn bookkeeping_is_no_field() {
        for name in ["REV", "PRODID", "VERSION", "UID"] {
            assert!(is_bookkeeping(name));
        }
        for name in ["FN", "NOTE", "SOURCE", "X-FOO"] {
            assert!(!is_bookkeeping(name));
        }
    }
}
