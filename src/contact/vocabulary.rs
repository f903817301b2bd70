//! The words of the versions: which names, parameters and types each of them knows.
//!
//! Tables only; what follows from them is `translate`'s business.

/// How Apple's address book server names KIND and MEMBER before 4.0.
pub(super) const ADDRESS_BOOK_SERVER: &str = "X-ADDRESSBOOKSERVER-";

/// Properties that only 4.0 has (RFC 6350, 6474, 6715, 8605, 9554, 9555); before it they are `X-` properties.
/// KIND and MEMBER go their own way.
pub(super) const NEW_IN_V40: &[&str] = &[
    "ANNIVERSARY",
    "GENDER",
    "RELATED",
    "LANG",
    "XML",
    "CLIENTPIDMAP",
    "BIRTHPLACE",
    "DEATHPLACE",
    "DEATHDATE",
    "EXPERTISE",
    "HOBBY",
    "INTEREST",
    "ORG-DIRECTORY",
    "CONTACT-URI",
    "CREATED",
    "GRAMGENDER",
    "LANGUAGE",
    "PRONOUNS",
    "SOCIALPROFILE",
    "JSPROP",
];

/// Properties that 4.0 no longer has (RFC 6350 A.2); there they are `X-` properties.
pub(super) const OLD_ONLY: &[&str] = &["LABEL", "MAILER", "CLASS", "SORT-STRING", "NAME", "PROFILE", "AGENT"];

/// Properties whose value or number may not be valid in 4.0 and that are then kept there under an `X-` name.
pub(super) const DEMOTED: &[&str] = &[
    "N",
    "BDAY",
    "GEO",
    "URL",
    "SOURCE",
    "FBURL",
    "CALURI",
    "CALADRURI",
    "PHOTO",
    "LOGO",
    "SOUND",
    "UID",
    "REV",
    "PRODID",
    "GENDER",
];

/// Properties that 4.0 allows once (RFC 6350 6, cardinality `*1`).
pub(super) const ONCE_IN_V40: &[&str] =
    &["N", "BDAY", "ANNIVERSARY", "GENDER", "REV", "PRODID", "UID", "KIND", "CREATED", "LANGUAGE"];

/// Parameters that 4.0 knows and 2.1 does not (RFC 6350 5, 9554).
pub(super) const KNOWN_PARAMS: &[&str] = &[
    "PREF",
    "ALTID",
    "PID",
    "MEDIATYPE",
    "CALSCALE",
    "SORT-AS",
    "GEO",
    "TZ",
    "LABEL",
    "INDEX",
    "LEVEL",
    "AUTHOR",
    "AUTHOR-NAME",
    "CREATED",
    "DERIVED",
    "PHONETIC",
    "PROP-ID",
    "SCRIPT",
    "SERVICE-TYPE",
    "USERNAME",
    "TYPE",
];

/// Types that only TEL has (RFC 6350 6.4.1).
const TEL_TYPES: &[&str] = &["voice", "fax", "cell", "video", "pager", "textphone", "text"];

/// Types that only ADR has (RFC 9554 5).
const ADR_TYPES: &[&str] = &["billing", "delivery"];

/// Types that only RELATED has (RFC 6350 6.6.6).
const RELATED_TYPES: &[&str] = &[
    "contact",
    "acquaintance",
    "friend",
    "met",
    "co-worker",
    "colleague",
    "co-resident",
    "neighbor",
    "child",
    "parent",
    "sibling",
    "spouse",
    "kin",
    "muse",
    "crush",
    "date",
    "sweetheart",
    "me",
    "agent",
    "emergency",
];

/// Whether 4.0 allows a type (lower case) on a property.
pub(super) fn type_fits(property: &str, word: &str) -> bool {
    let takes_types = !matches!(
        property,
        "SOURCE"
            | "KIND"
            | "XML"
            | "N"
            | "BDAY"
            | "ANNIVERSARY"
            | "GENDER"
            | "MEMBER"
            | "PRODID"
            | "REV"
            | "UID"
            | "CLIENTPIDMAP"
    );
    takes_types
        && is_token(word)
        && (property == "TEL" || !TEL_TYPES.contains(&word))
        && (property == "ADR" || !ADR_TYPES.contains(&word))
        && (property == "RELATED" || !RELATED_TYPES.contains(&word))
}

/// Whether a text is an iana-token or x-name (RFC 6350 3.3): letters, digits and hyphens.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether a text has the form of a URI (RFC 3986 3): a scheme, a colon, and only characters a URI may have.
pub(super) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let scheme_is_real = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    let mut bytes = rest.bytes();
    let mut characters_are_real = !rest.is_empty();
    while let Some(byte) = bytes.next() {
        characters_are_real &= match byte {
            b'%' => {
                bytes.next().is_some_and(|digit| digit.is_ascii_hexdigit())
                    && bytes.next().is_some_and(|digit| digit.is_ascii_hexdigit())
            }
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | b'[' | b']' => false,
            other => other.is_ascii_graphic(),
        };
    }
    scheme_is_real && characters_are_real
}
