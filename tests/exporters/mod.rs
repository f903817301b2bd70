//! The exporters of phones as they were found to write: given invented people, the very bytes that each app leaves.
//!
//! Written from what the apps' sources say, not from their code. Nothing here reads a vCard, so that it can prove the
//! reader wrong.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses a part of it; a test may stop at a surprise"
)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What a number, an address or a place is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Mobile,
    Home,
    Work,
    WorkFax,
    Other,
}

/// A day, perhaps without its year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    pub year: Option<u16>,
    pub month: u8,
    pub day: u8,
}

/// An address: street, city, region, postal code, country.
pub type Place = [String; 5];

/// An invented person as a phone knows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    pub prefix: String,
    pub given: String,
    pub middle: String,
    pub family: String,
    pub suffix: String,
    pub nickname: String,
    pub numbers: Vec<(Kind, String)>,
    pub mails: Vec<(Kind, String)>,
    pub places: Vec<(Kind, Place)>,
    pub organisation: String,
    pub title: String,
    pub site: String,
    pub note: String,
    pub birthday: Option<Day>,
    pub anniversary: Option<Day>,
    pub skype: String,
    pub groups: Vec<String>,
    pub photo: Option<Vec<u8>>,
    /// Whether the first number is the one to call by default.
    pub prefers_first_number: bool,
}

impl Person {
    /// Somebody with a name and a mobile number.
    pub fn named(given: &str, family: &str, number: &str) -> Self {
        Self {
            given: given.to_owned(),
            family: family.to_owned(),
            numbers: vec![(Kind::Mobile, number.to_owned())],
            ..Self::default()
        }
    }

    /// The parts of the name with a space between them.
    pub fn full_name(&self) -> String {
        let parts = [&self.prefix, &self.given, &self.middle, &self.family, &self.suffix];
        parts.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// What a phone shows for them: the name, or what else there is.
    pub fn shown_name(&self) -> String {
        let number = self.numbers.first().map(|(_, number)| number.clone());
        let others = [self.nickname.clone(), self.organisation.clone(), number.unwrap_or_default()];
        let names = std::iter::once(self.full_name()).chain(others);
        names.into_iter().find(|name| !name.is_empty()).unwrap_or_default()
    }

    fn has_name(&self) -> bool {
        !self.full_name().is_empty()
    }
}

/// A small photo, 8 by 8 pixels of one grey; `which` is 0 or 1.
pub fn photo(which: usize) -> Vec<u8> {
    let texts = [
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBD/wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAABv/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8ASv/Z",
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBD/wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAABv/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8ALP/Z",
    ];
    STANDARD.decode(texts[which]).unwrap()
}

/// A moment of the phone's clock, as it stands in names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub year: u16,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
}

impl Moment {
    /// A moment of the morning.
    pub fn at_six(year: u16, month: u8, day: u8, second: u8) -> Self {
        Self { year, month, day, hour: 6, minute: 0, second }
    }

    /// `20261118_060001`.
    pub fn stamp(self) -> String {
        let Self { year, month, day, hour, minute, second } = self;
        format!("{year:04}{month:02}{day:02}_{hour:02}{minute:02}{second:02}")
    }
}

/// The name of an automatic backup of Fossify Contacts; its first word is translated.
pub fn fossify_name(first_word: &str, moment: Moment) -> String {
    format!("{first_word}_{}.vcf", moment.stamp())
}

/// The name of a file of SD Contacts.
pub fn sd_contacts_name(moment: Moment) -> String {
    format!("contacts_{}.vcf", moment.stamp())
}

/// The name of a file of KaiOS: no zeros before day and month, and the number of contacts.
pub fn kaios_name(moment: Moment, count: usize) -> String {
    format!("{}_{}_{}_{count}.vcf", moment.day, moment.month, moment.year)
}

/// The name Android gives to a file whose name is taken: `contacts (1).vcf`.
pub fn numbered_name(name: &str, number: usize) -> String {
    let (stem, extension) = name.rsplit_once('.').unwrap();
    format!("{stem} ({number}).{extension}")
}

// --- Fossify Contacts: ez-vcard, 4.0 (or 3.0) ---

/// Which version a person chose in Fossify's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EzVersion {
    V3,
    V4,
}

/// One file of Fossify Contacts. FN is made of the parts of the name and empty without them; a label of Android's goes
/// into TYPE as it is, `WORK;FAX` in quotes; the number to call by default has `PREF=1` as one more type; components
/// that are empty at the end are left out; lines are folded at 75 characters.
pub fn fossify(people: &[Person], version: EzVersion) -> Vec<u8> {
    let is_v4 = version == EzVersion::V4;
    let mut out = String::new();
    for person in people {
        let mut lines = vec![
            "BEGIN:VCARD".to_owned(),
            format!("VERSION:{}", if is_v4 { "4.0" } else { "3.0" }),
            "PRODID:ez-vcard 0.12.1".to_owned(),
            format!("FN:{}", ez_text(&person.full_name())),
        ];
        let name = [&person.family, &person.given, &person.middle, &person.prefix, &person.suffix];
        lines.push(format!("N:{}", ez_components(&name.map(String::as_str))));
        if !person.nickname.is_empty() {
            lines.push(format!("NICKNAME:{}", ez_text(&person.nickname)));
        }
        for (index, (kind, number)) in person.numbers.iter().enumerate() {
            let preferred = if index == 0 && person.prefers_first_number { ",PREF=1" } else { "" };
            lines.push(format!("TEL;TYPE={}{preferred}:{}", ez_kind(*kind), ez_text(number)));
        }
        for (kind, mail) in &person.mails {
            let kind = if *kind == Kind::Mobile { "MOBILE" } else { ez_kind(*kind) };
            lines.push(format!("EMAIL;TYPE={kind}:{}", ez_text(mail)));
        }
        let day = |day: Day| match (day.year, is_v4) {
            (Some(year), true) => format!("{year:04}{:02}{:02}", day.month, day.day),
            (Some(year), false) => format!("{year:04}-{:02}-{:02}", day.month, day.day),
            (None, _) => format!("--{:02}{:02}", day.month, day.day),
        };
        // A day without a year, and an anniversary, can be said in 4.0 only.
        if let Some(birthday) = person.birthday.filter(|day| is_v4 || day.year.is_some()) {
            lines.push(format!("BDAY:{}", day(birthday)));
        }
        if let Some(anniversary) = person.anniversary.filter(|_| is_v4) {
            lines.push(format!("ANNIVERSARY:{}", day(anniversary)));
        }
        for (kind, [street, city, region, code, country]) in &person.places {
            let parts = ["", "", street, city, region, code, country];
            lines.push(format!("ADR;TYPE={}:{}", ez_kind(*kind), ez_components(&parts)));
        }
        if !person.skype.is_empty() {
            lines.push(format!("IMPP:skype:{}", person.skype));
        }
        if !person.note.is_empty() {
            lines.push(format!("NOTE:{}", ez_text(&person.note)));
        }
        if !(person.organisation.is_empty() && person.title.is_empty()) {
            lines.push(format!("ORG:{}", ez_text(&person.organisation)));
            lines.push(format!("TITLE:{}", ez_text(&person.title)));
        }
        if !person.site.is_empty() {
            lines.push(format!("URL:{}", person.site));
        }
        if let Some(photo) = &person.photo {
            let head = if is_v4 { "PHOTO:data:image/jpeg;base64," } else { "PHOTO;ENCODING=b;TYPE=jpeg:" };
            lines.push(format!("{head}{}", STANDARD.encode(photo)));
        }
        if !person.groups.is_empty() {
            let groups: Vec<String> = person.groups.iter().map(|group| ez_text(group)).collect();
            lines.push(format!("CATEGORIES:{}", groups.join(",")));
        }
        lines.push("END:VCARD".to_owned());
        for line in lines {
            ez_fold(&line, &mut out);
        }
    }
    out.into_bytes()
}

fn ez_kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Mobile => "CELL",
        Kind::Home => "HOME",
        Kind::Work => "WORK",
        Kind::WorkFax => "\"WORK;FAX\"",
        Kind::Other => "OTHER",
    }
}

fn ez_text(text: &str) -> String {
    text.replace('\\', "\\\\").replace(',', "\\,").replace(';', "\\;").replace('\n', "\\n")
}

fn ez_components(parts: &[&str]) -> String {
    let count = parts.iter().rposition(|part| !part.is_empty()).map_or(0, |last| last + 1);
    parts[..count].iter().map(|part| ez_text(part)).collect::<Vec<_>>().join(";")
}

fn ez_fold(line: &str, out: &mut String) {
    let mut column = 0;
    for character in line.chars() {
        if column == 75 {
            out.push_str("\r\n ");
            column = 1;
        }
        out.push(character);
        column += 1;
    }
    out.push_str("\r\n");
}

// --- Android's own exporter: SD Contacts, AOSP's and other contacts apps; 2.1 ---

/// One file as Android's own exporter writes it. A value that is not plain ASCII is quoted-printable, every octet of
/// it, with a soft break after 23 octets of each component, even where nothing follows; such a value has a charset
/// unless only a line end made it so. A contact without a name has neither N nor FN. There are no groups.
pub fn android(people: &[Person]) -> Vec<u8> {
    let mut out = String::new();
    for person in people {
        out.push_str("BEGIN:VCARD\r\nVERSION:2.1\r\n");
        if !(person.given.is_empty() && person.family.is_empty()) {
            let name = [&person.family, &person.given, &person.middle, &person.prefix, &person.suffix];
            android_line("N", &name.map(String::as_str), &mut out);
            android_line("FN", &[&person.full_name()], &mut out);
        }
        if !person.nickname.is_empty() {
            android_custom("nickname", &person.nickname, "1", &mut out);
        }
        for (index, (kind, number)) in person.numbers.iter().enumerate() {
            let preferred = if index == 0 && person.prefers_first_number { ";PREF" } else { "" };
            let kind = match kind {
                Kind::Mobile => "CELL",
                Kind::Home => "HOME",
                Kind::Work => "WORK",
                Kind::WorkFax => "WORK;FAX",
                Kind::Other => "VOICE",
            };
            out.push_str(&format!("TEL;{kind}{preferred}:{}\r\n", android_number(number)));
        }
        for (kind, mail) in &person.mails {
            let kind = android_kind(*kind, ";CELL");
            android_line(&format!("EMAIL{kind}"), &[mail], &mut out);
        }
        for (kind, [street, city, region, code, country]) in &person.places {
            let parts = ["", "", street, city, region, code, country];
            android_line(&format!("ADR{}", android_kind(*kind, "")), &parts, &mut out);
        }
        for (name, value) in [("ORG", &person.organisation), ("TITLE", &person.title), ("URL", &person.site)]
        {
            if !value.is_empty() {
                android_line(name, &[value], &mut out);
            }
        }
        if let Some(photo) = &person.photo {
            android_photo(photo, &mut out);
        }
        if !person.note.is_empty() {
            android_line("NOTE", &[&person.note], &mut out);
        }
        if let Some(birthday) = person.birthday {
            out.push_str(&format!("BDAY:{}\r\n", android_day(birthday)));
        }
        if let Some(anniversary) = person.anniversary {
            android_custom("contact_event", &android_day(anniversary), "1", &mut out);
        }
        if !person.skype.is_empty() {
            android_line("X-SKYPE-USERNAME", &[&person.skype], &mut out);
        }
        out.push_str("END:VCARD\r\n");
    }
    out.into_bytes()
}

fn android_kind(kind: Kind, mobile: &'static str) -> &'static str {
    match kind {
        Kind::Mobile => mobile,
        Kind::Home => ";HOME",
        Kind::Work | Kind::WorkFax => ";WORK",
        Kind::Other => "",
    }
}

fn android_day(day: Day) -> String {
    match day.year {
        Some(year) => format!("{year:04}-{:02}-{:02}", day.month, day.day),
        None => format!("--{:02}-{:02}", day.month, day.day),
    }
}

/// Digits, with dashes as in North America where there is no country's number.
fn android_number(number: &str) -> String {
    let digits: String =
        number.chars().filter(|character| character.is_ascii_digit() || *character == '+').collect();
    if digits.starts_with(['+', '1']) || digits.len() <= 5 || digits.len() > 15 {
        return digits;
    }
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if matches!(index, 3 | 6 | 9) {
            out.push('-');
        }
        out.push(digit);
    }
    out
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (0x20..=0x7E).contains(&byte))
}

fn android_line(head: &str, parts: &[&str], out: &mut String) {
    out.push_str(head);
    let needs_quoting = !parts.iter().all(|part| is_plain(part));
    let needs_charset = !parts.iter().all(|part| is_plain(&part.replace(['\r', '\n'], "")));
    if needs_charset {
        out.push_str(";CHARSET=UTF-8");
    }
    if needs_quoting {
        out.push_str(";ENCODING=QUOTED-PRINTABLE");
    }
    let encoded: Vec<String> = parts
        .iter()
        .map(|part| if needs_quoting { quoted(part) } else { part.replace(';', "\\;") })
        .collect();
    out.push_str(&format!(":{}\r\n", encoded.join(";")));
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for byte in text.bytes() {
        out.push_str(&format!("={byte:02X}"));
        column += 3;
        if column >= 67 {
            out.push_str("=\r\n");
            column = 0;
        }
    }
    out
}

/// A row of the phone's database that has no property: its first two columns, and 13 empty ones.
fn android_custom(row: &str, first: &str, second: &str, out: &mut String) {
    let is_plain = is_plain(first);
    let head = if is_plain { "" } else { ";CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE" };
    let encode = |text: &str| if is_plain { text.replace(';', "\\;") } else { quoted(text) };
    let values = format!("{};{}{}", encode(first), encode(second), ";".repeat(13));
    out.push_str(&format!("X-ANDROID-CUSTOM{head}:vnd.android.cursor.item/{row};{values}\r\n"));
}

fn android_photo(photo: &[u8], out: &mut String) {
    let line = format!("PHOTO;ENCODING=BASE64;JPEG:{}", STANDARD.encode(photo));
    let mut column = 0;
    for character in line.chars() {
        out.push(character);
        column += 1;
        if column > 72 {
            out.push_str("\r\n ");
            column = 0;
        }
    }
    out.push_str("\r\n\r\n");
}

// --- open-android-backup: flutter_contacts, 3.0, one card per file ---

/// The files of open-android-backup's companion app, by name: LF between lines and none at the end, nothing folded,
/// no backslash escaped, FN is what the phone shows.
pub fn open_android_backup(people: &[Person]) -> Vec<(String, Vec<u8>)> {
    let name = |index| format!("open-android-backup-contact-{index}.vcf");
    people.iter().enumerate().map(|(index, person)| (name(index), flutter(person).into_bytes())).collect()
}

fn flutter(person: &Person) -> String {
    let text = |text: &str| text.replace(',', "\\,").replace(';', "\\;").replace('\n', "\\n");
    let mut lines = vec!["BEGIN:VCARD".to_owned(), "VERSION:3.0".to_owned()];
    lines.push(format!("FN:{}", text(&person.shown_name())));
    if let Some(photo) = &person.photo {
        lines.push(format!("PHOTO;ENCODING=b;TYPE=JPEG:{}", STANDARD.encode(photo)));
    }
    if person.has_name() {
        let name = [&person.family, &person.given, &person.middle, &person.prefix, &person.suffix];
        lines.push(format!("N:{}", name.map(|part| text(part)).join(";")));
    }
    if !person.nickname.is_empty() {
        lines.push(format!("NICKNAME:{}", text(&person.nickname)));
    }
    for (index, (kind, number)) in person.numbers.iter().enumerate() {
        let mut kinds = match kind {
            Kind::Mobile => vec!["cell", "msg"],
            Kind::Home => vec!["home"],
            Kind::WorkFax => vec!["fax", "work"],
            Kind::Work | Kind::Other => vec![],
        };
        if index == 0 && person.prefers_first_number {
            kinds.push("pref");
        }
        let kinds = if kinds.is_empty() { String::new() } else { format!(";TYPE={}", kinds.join(",")) };
        lines.push(format!("TEL{kinds}:{}", text(number)));
    }
    let kind_of = |kind: Kind| match kind {
        Kind::Home => ";TYPE=home",
        Kind::Work => ";TYPE=work",
        _ => "",
    };
    for (kind, mail) in &person.mails {
        lines.push(format!("EMAIL{}:{}", kind_of(*kind), text(mail)));
    }
    for (kind, place) in &person.places {
        let parts: Vec<String> = place.iter().map(|part| text(part)).collect();
        lines.push(format!("ADR{}:;;{}", kind_of(*kind), parts.join(";")));
    }
    if !person.organisation.is_empty() {
        lines.push(format!("ORG:{}", text(&person.organisation)));
    }
    if !person.title.is_empty() {
        lines.push(format!("TITLE:{}", text(&person.title)));
    }
    if !person.site.is_empty() {
        lines.push(format!("URL:{}", text(&person.site)));
    }
    if !person.skype.is_empty() {
        lines.push(format!("IMPP:skype:{}", text(&person.skype)));
    }
    if let Some(day) = person.birthday {
        lines.push(format!("BDAY:{:04}-{:02}-{:02}", day.year.unwrap_or(0), day.month, day.day));
    }
    if !person.note.is_empty() {
        lines.push(format!("NOTE:{}", text(&person.note)));
    }
    lines.push("END:VCARD".to_owned());
    lines.join("\n")
}

// --- KaiOS: gaia, 3.0 ---

/// One file of KaiOS: nothing escaped, nothing folded, `n` in lower case with a semicolon behind its last component,
/// birthdays as moments, groups as CATEGORY. Contacts without a name are left out.
pub fn kaios(people: &[Person]) -> Vec<u8> {
    let mut out = String::new();
    for person in people.iter().filter(|person| person.has_name()) {
        let name = [&person.family, &person.given, &person.middle, &person.prefix, &person.suffix];
        let mut lines = vec!["BEGIN:VCARD".to_owned(), "VERSION:3.0".to_owned()];
        lines.push(format!("n:{}", name.map(|part| format!("{part};")).concat()));
        lines.push(format!("FN:{}", person.full_name()));
        let joined = person.groups.join(",");
        let texts = [
            ("NICKNAME", &person.nickname),
            ("CATEGORY", &joined),
            ("ORG", &person.organisation),
            ("TITLE", &person.title),
            ("NOTE", &person.note),
        ];
        for (property, value) in texts {
            if !value.is_empty() {
                lines.push(format!("{property}:{value}"));
            }
        }
        let moment =
            |day: Day| format!("{:04}-{:02}-{:02}T00:00:00Z", day.year.unwrap_or(1900), day.month, day.day);
        if let Some(day) = person.birthday {
            lines.push(format!("BDAY:{}", moment(day)));
        }
        if let Some(day) = person.anniversary {
            lines.push(format!("ANNIVERSARY:{}", moment(day)));
        }
        for (kind, mail) in &person.mails {
            lines.push(format!("EMAIL;TYPE={}:{mail}", kaios_kind(*kind)));
        }
        if !person.site.is_empty() {
            lines.push(format!("URL:{}", person.site));
        }
        for (index, (kind, number)) in person.numbers.iter().enumerate() {
            let preferred = if index == 0 && person.prefers_first_number { ",PREF" } else { "" };
            lines.push(format!("TEL;TYPE={}{preferred}:{number}", kaios_kind(*kind)));
        }
        for (kind, place) in &person.places {
            lines.push(format!("ADR;TYPE={}:;;{}", kaios_kind(*kind), place.join(";")));
        }
        if let Some(photo) = &person.photo {
            lines.push(format!("PHOTO;ENCODING=b;TYPE=image/jpeg:{}", STANDARD.encode(photo)));
        }
        lines.push("END:VCARD".to_owned());
        out.push_str(&lines.join("\r\n"));
        out.push_str("\r\n");
    }
    out.into_bytes()
}

fn kaios_kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Mobile => "CELL",
        Kind::Home => "HOME",
        Kind::Work => "WORK",
        Kind::WorkFax => "FAX,WORK",
        Kind::Other => "other",
    }
}

// --- Series 30+: 2.1, names and numbers ---

/// One file of a feature phone: the whole name as N, quoted-printable where it is not ASCII, and the numbers.
pub fn series_30_plus(people: &[Person]) -> Vec<u8> {
    let mut out = String::new();
    for person in people {
        out.push_str("BEGIN:VCARD\r\nVERSION:2.1\r\n");
        let name = person.shown_name();
        if is_plain(&name) {
            out.push_str(&format!("N:;{name};;;\r\n"));
        } else {
            let octet = |byte: u8| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("={byte:02X}")
                }
            };
            let encoded: String = name.bytes().map(octet).collect();
            out.push_str(&format!("N;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:;{encoded};;;\r\n"));
        }
        for (_, number) in &person.numbers {
            let number: String = number.chars().filter(|character| !character.is_whitespace()).collect();
            out.push_str(&format!("TEL;VOICE;CELL:{number}\r\n"));
        }
        out.push_str("END:VCARD\r\n");
    }
    out.into_bytes()
}
