//! An app on the phone that rewrites the cards it receives, as plain data: it drops properties, reorders them,
//! encodes them another way, changes UID and REV, adds PRODID.
//!
//! It works on a card's logical lines with string means of its own; it must not use the product's vCard code, which
//! it is there to test.

use std::fmt::Write;

/// When the app looks at what came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppMoment {
    /// The moment the transfer ends.
    TransferEnd,
    /// When the cable is pulled: all that came since it was plugged in.
    Unplug,
}

/// What the app does to each file whose name ends in `.vcf`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// When.
    pub moment: AppMoment,
    /// Properties that it does not know and drops, in upper case, without group or parameters.
    pub drops: Vec<String>,
    /// Whether it writes the properties between VERSION and END in the opposite order.
    pub reverses: bool,
    /// Whether it writes property names in lower case.
    pub lower_case_names: bool,
    /// Whether lines end in LF alone.
    pub bare_line_feeds: bool,
    /// The number of characters after which it folds; 0 = never.
    pub folds_at: usize,
    /// Whether it writes vCard 2.1, values that are not ASCII in quoted-printable.
    pub writes_2_1: bool,
    /// The UID it gives: this text followed by the old UID.
    pub uid_prefix: Option<String>,
    /// The REV that it sets.
    pub revision: Option<String>,
    /// The PRODID that it adds.
    pub product: Option<String>,
}

impl App {
    /// An app that writes back what it read.
    #[must_use]
    pub fn harmless(moment: AppMoment) -> Self {
        Self {
            moment,
            drops: Vec::new(),
            reverses: false,
            lower_case_names: false,
            bare_line_feeds: false,
            folds_at: 0,
            writes_2_1: false,
            uid_prefix: None,
            revision: None,
            product: None,
        }
    }

    /// What the app makes of a file; `None` if it is no text and the app leaves it alone.
    #[must_use]
    pub fn rewrite(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut written = String::with_capacity(text.len());
        let mut card: Vec<String> = Vec::new();
        for line in unfold(text) {
            match property_name(&line).as_str() {
                "BEGIN" => {
                    self.write_line(&mut written, &line);
                    card.clear();
                }
                "END" => {
                    self.write_card(&mut written, std::mem::take(&mut card));
                    self.write_line(&mut written, &line);
                }
                _ => card.push(line),
            }
        }
        // What follows the last card, or is no card, stays as it is.
        for line in card {
            self.write_line(&mut written, &line);
        }
        Some(written.into_bytes())
    }

    fn write_card(&self, written: &mut String, lines: Vec<String>) {
        let mut versions = Vec::new();
        let mut others = Vec::new();
        for line in lines {
            let name = property_name(&line);
            if self.drops.contains(&name) || (name == "REV" && self.revision.is_some()) {
                continue;
            }
            match (name.as_str(), &self.uid_prefix) {
                ("VERSION", _) => {
                    versions.push(if self.writes_2_1 { "VERSION:2.1".to_owned() } else { line })
                }
                ("UID", Some(prefix)) => {
                    let value = line.split_once(':').map_or("", |(_, value)| value);
                    others.push(format!("UID:{prefix}{value}"));
                }
                _ => others.push(line),
            }
        }
        if self.reverses {
            others.reverse();
        }
        others.extend(self.product.iter().map(|product| format!("PRODID:{product}")));
        others.extend(self.revision.iter().map(|revision| format!("REV:{revision}")));
        for line in versions.into_iter().chain(others) {
            self.write_line(written, &line);
        }
    }

    fn write_line(&self, written: &mut String, line: &str) {
        let mut line = line.to_owned();
        if self.writes_2_1 && !line.is_ascii() {
            line = quoted_printable(&line);
        }
        if self.lower_case_names {
            let end = line.find([':', ';']).unwrap_or(0);
            if let Some(name) = line.get(..end) {
                line = format!("{}{}", name.to_ascii_lowercase(), line.get(end..).unwrap_or_default());
            }
        }
        let line_end = if self.bare_line_feeds { "\n" } else { "\r\n" };
        let mut column = 0;
        for character in line.chars() {
            if self.folds_at > 0 && column == self.folds_at && !self.writes_2_1 {
                written.push_str(line_end);
                written.push(' ');
                column = 1;
            }
            written.push(character);
            column += 1;
        }
        written.push_str(line_end);
    }
}

/// The logical lines: continuation lines joined, without line ends.
fn unfold(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some(previous)) => previous.push_str(rest),
            _ if line.is_empty() => {}
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

/// The property's name in upper case, without group and parameters.
fn property_name(line: &str) -> String {
    let head = line.split([':', ';']).next().unwrap_or_default();
    head.rsplit('.').next().unwrap_or_default().to_ascii_uppercase()
}

fn quoted_printable(line: &str) -> String {
    let Some((head, value)) = line.split_once(':') else { return line.to_owned() };
    let mut encoded = format!("{head};ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:");
    for byte in value.bytes() {
        if byte == b'=' || !(b' '..=b'~').contains(&byte) {
            // Writing to a string does not fail.
            let _ = write!(encoded, "={byte:02X}");
        } else {
            encoded.push(char::from(byte));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARD: &str = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nFN:Zoë\r\n  Example\r\nitem1.X-NOTE:x\r\nREV:1\r\nEND:VCARD\r\n";

    fn rewritten(app: &App) -> String {
        String::from_utf8(app.rewrite(CARD.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn a_harmless_app_only_unfolds() {
        let app = App::harmless(AppMoment::TransferEnd);
        assert_eq!(rewritten(&app), CARD.replace("\r\n  ", " "));
        assert_eq!(app.rewrite(&[0xFF]), None);
    }

    #[test]
    fn every_habit_shows() {
        let harmless = App::harmless(AppMoment::TransferEnd);
        let app = App {
            drops: vec!["X-NOTE".to_owned()],
            reverses: true,
            uid_prefix: Some("app-".to_owned()),
            revision: Some("2".to_owned()),
            product: Some("-//App//EN".to_owned()),
            bare_line_feeds: true,
            ..harmless.clone()
        };
        assert_eq!(
            rewritten(&app),
            "BEGIN:VCARD\nVERSION:3.0\nFN:Zoë Example\nUID:app-1\nPRODID:-//App//EN\nREV:2\nEND:VCARD\n"
        );
        let old = rewritten(&App { writes_2_1: true, lower_case_names: true, ..harmless.clone() });
        assert!(old.contains("version:2.1\r\n"), "{old}");
        assert!(old.contains("fn;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:Zo=C3=AB Example\r\n"), "{old}");
        let folded = rewritten(&App { folds_at: 6, ..harmless });
        assert!(folded.contains("FN:Zoë\r\n  Exam\r\n ple\r\n"), "{folded}");
    }
}
