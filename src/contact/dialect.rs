//! How cards are written for a target: the version and the layout.
//!
//! It is data only (device profiles name it); `writer` does the writing.

use serde::{Deserialize, Serialize};

use super::Version;

/// Which lines may be longer than 75 octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Folding {
    /// All: no line is folded, no quoted-printable value is broken.
    Never,
    /// All but inline binaries. Android up to version 8 loses the property behind a folded N, ORG or ADR.
    PhotoOnly,
    /// None: every line is folded (RFC 6350 3.2).
    Always,
}

/// How lines end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineEnd {
    /// CR LF, which every version demands.
    CrLf,
    /// LF alone, for folders that people keep under version control.
    Lf,
}

impl LineEnd {
    /// The line end itself.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            LineEnd::CrLf => "\r\n",
            LineEnd::Lf => "\n",
        }
    }
}

/// How cards are written for a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialect {
    /// The version of the card.
    pub version: Version,
    /// What is folded.
    #[serde(default = "photo_only")]
    pub folding: Folding,
    /// How lines end.
    #[serde(default = "crlf")]
    pub line_end: LineEnd,
    /// Whether a card that came in this version is written anew if it holds octets beyond ASCII. In vCard 2.1 all other
    /// letters are then quoted-printable UTF-8; later versions have no such way of writing.
    #[serde(default, skip_serializing_if = "is_off")]
    pub ascii: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn is_off(flag: &bool) -> bool {
    !*flag
}

fn photo_only() -> Folding {
    Folding::PhotoOnly
}

fn crlf() -> LineEnd {
    LineEnd::CrLf
}

impl Dialect {
    /// What Android and most phones read best: 3.0, nothing folded but photos.
    #[must_use]
    pub fn phone() -> Self {
        Dialect { version: Version::V30, folding: Folding::PhotoOnly, line_end: LineEnd::CrLf, ascii: false }
    }

    /// vCard 4.0 as in RFC 6350.
    #[must_use]
    pub fn v40() -> Self {
        Dialect { version: Version::V40, folding: Folding::Always, line_end: LineEnd::CrLf, ascii: false }
    }

    /// vCard 3.0 as in RFC 2426.
    #[must_use]
    pub fn v30() -> Self {
        Dialect { version: Version::V30, folding: Folding::Always, line_end: LineEnd::CrLf, ascii: false }
    }

    /// vCard 2.1, for feature phones and old players.
    #[must_use]
    pub fn v21() -> Self {
        Dialect { version: Version::V21, folding: Folding::Always, line_end: LineEnd::CrLf, ascii: false }
    }

    /// What the simplest phones read (Nokia S30+ and its like): vCard 2.1 in ASCII, everything else in
    /// quoted-printable UTF-8 with soft line breaks.
    #[must_use]
    pub fn s30plus() -> Self {
        Self { ascii: true, ..Self::v21() }
    }
}
