//! The trees of `fixtures/exports/`: each file is what its exporter writes, reads into the people that are in it, and
//! is taken for its own exporter's and no other's.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod exporters;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use exporters::{Day, EzVersion, Kind, Moment, Person, photo};
use tetherbook::contact::{Card, Limits, Repair, Version, read_cards};
use tetherbook::device::{ChannelKind, DeviceIdentity, DeviceProfile, ExportLayout, ProfileSet};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/exports")
}

/// Has everything that a phone asks for.
fn ada() -> Person {
    Person {
        prefix: "Dr.".to_owned(),
        middle: "May".to_owned(),
        nickname: "Addie".to_owned(),
        numbers: vec![
            (Kind::Mobile, "+44 7700 900101".to_owned()),
            (Kind::WorkFax, "020 7946 0102".to_owned()),
        ],
        mails: vec![
            (Kind::Home, "ada@example.org".to_owned()),
            (Kind::Mobile, "ada.mobile@example.org".to_owned()),
        ],
        places: vec![(Kind::Home, ["1 Mill Lane; rear", "Bath", "", "BA1 0AA", "UK"].map(str::to_owned))],
        organisation: "Loom, Card & Co".to_owned(),
        title: "Weaver".to_owned(),
        site: "https://example.org/~ada?a=1,2".to_owned(),
        note: "Ring twice; then wait".to_owned(),
        birthday: Some(Day { year: Some(1980), month: 2, day: 29 }),
        anniversary: Some(Day { year: Some(2010), month: 8, day: 21 }),
        skype: "ada.example".to_owned(),
        groups: vec!["Family".to_owned(), "Choir, alto".to_owned()],
        photo: Some(photo(0)),
        prefers_first_number: true,
        ..Person::named("Ada", "Example", "")
    }
}

/// Does not fit into ASCII, and has a note that must be broken.
fn joerg() -> Person {
    Person {
        numbers: vec![(Kind::Mobile, "0171 5550103".to_owned()), (Kind::Home, "030 5550104".to_owned())],
        places: vec![(Kind::Work, ["Löwenstraße 3", "Köln", "", "50667", "Germany"].map(str::to_owned))],
        note: "Erste Zeile mit viel Text, damit sie länger wird als eine Zeile sein darf.\nZweite = Ende\\"
            .to_owned(),
        groups: vec!["Bäckerei".to_owned()],
        photo: Some(photo(1)),
        ..Person::named("Jörg", "Grünwald", "")
    }
}

fn maria() -> Person {
    Person {
        birthday: Some(Day { year: None, month: 4, day: 12 }),
        nickname: "Маша".to_owned(),
        ..Person::named("Мария", "Кузнецова", "+7 916 555-01-06")
    }
}

/// Two people of one household.
fn household() -> [Person; 2] {
    let home = (Kind::Home, "0117 4960107".to_owned());
    ["Tom", "Eva"].map(|given| Person { numbers: vec![home.clone()], ..Person::named(given, "Brook", "") })
}

/// Has a name whose 23 octets fill the last line of quoted-printable.
fn zoe() -> Person {
    Person::named("Zoë Lu", "Quimbleby-Stone", "+44 7700 900108")
}

fn bakery() -> Person {
    Person { organisation: "Backhaus Sonne".to_owned(), ..Person::named("", "", "030 5550109") }
}

fn nameless() -> Person {
    Person::named("", "", "030 5550110")
}

fn everybody() -> Vec<Person> {
    let [tom, eva] = household();
    vec![ada(), joerg(), maria(), bakery(), nameless(), tom, eva, zoe()]
}

const EVERYBODY: [&str; 8] = [
    "Dr. Ada May Example",
    "Jörg Grünwald",
    "Мария Кузнецова",
    "Backhaus Sonne",
    "030 5550110",
    "Tom Brook",
    "Eva Brook",
    "Zoë Lu Quimbleby-Stone",
];

/// All files as their exporters write them, by path.
fn written() -> BTreeMap<String, Vec<u8>> {
    let all = everybody();
    let few = || all[..3].to_vec();
    let first = Moment::at_six(2026, 11, 17, 2);
    let second = Moment::at_six(2026, 11, 18, 1);
    let changed = Moment { hour: 17, minute: 45, ..second };
    let fossify = |folder: &str, word: &str| format!("{folder}/{}", exporters::fossify_name(word, second));
    let sd = |moment| format!("sd-contacts/Documents/{}", exporters::sd_contacts_name(moment));
    let v4 = |people: &[Person]| exporters::fossify(people, EzVersion::V4);
    let mut files: Vec<(String, Vec<u8>)> = vec![
        (format!("fossify/Download/{}", exporters::fossify_name("Contacts", first)), v4(&few())),
        (fossify("fossify/Download", "Contacts"), v4(&all)),
        (fossify("fossify-german/Download", "Kontakte"), v4(&all)),
        (fossify("fossify-russian/Documents", "Контакты"), v4(&all)),
        ("fossify-one-name/Documents/adressen.vcf".to_owned(), exporters::fossify(&all, EzVersion::V3)),
        (sd(first), exporters::android(&few())),
        (sd(changed), exporters::android(&all)),
        ("aosp-contacts/Download/contacts.vcf".to_owned(), exporters::android(&few())),
        ("aosp-contacts/Download/contacts (1).vcf".to_owned(), exporters::android(&all)),
        ("aosp-contacts-4/00001.vcf".to_owned(), exporters::android(&all)),
        ("samsung-contacts/Documents/Kontakte.vcf".to_owned(), exporters::android(&all)),
        (format!("kaios/{}", exporters::kaios_name(second, all.len())), exporters::kaios(&all)),
        ("nokia-s30plus/backup.vcf".to_owned(), exporters::series_30_plus(&all)),
        ("no-export/Download/zoe.vcf".to_owned(), exporters::android(&[zoe()])),
    ];
    for (name, bytes) in exporters::open_android_backup(&all) {
        files.push((format!("open-android-backup/open-android-backup-temp/{name}"), bytes));
    }
    files.into_iter().collect()
}

/// All files of the trees, by path, but for what is no vCard.
fn found() -> BTreeMap<String, Vec<u8>> {
    fn walk(folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "vcf") {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    walk(&root(), &mut files);
    files
}

#[test]
fn the_files_are_what_the_exporters_write() {
    let written = written();
    if std::env::var_os("FIXTURES_UPDATE").is_some() {
        for (name, bytes) in &written {
            let path = root().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
    let found = found();
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&written));
    for (name, bytes) in &written {
        assert!(found[name] == *bytes, "{name} differs from what its exporter writes");
    }
}

fn cards(bytes: &[u8], name: &str) -> Vec<Card> {
    let cards = read_cards(bytes, name, &Limits::default()).into_iter().map(Result::unwrap);
    cards
        .map(|framed| {
            // Android breaks a line behind its last octet; KaiOS writes line ends of a note as they are.
            let expected =
                if name.starts_with("kaios") { Repair::LineWithoutColon } else { Repair::SoftBreak };
            let is_expected = framed.repairs.iter().all(|repair| *repair == expected);
            assert!(is_expected, "{name}, line {}: {:?}", framed.line, framed.repairs);
            framed.card
        })
        .collect()
}

#[test]
fn every_file_reads_into_its_people() {
    for (name, bytes) in found() {
        let names: Vec<String> = cards(&bytes, &name).iter().map(Card::display_name).collect();
        let tree = name.split('/').next().unwrap();
        let is_few = name.contains("20261117") || name.ends_with("/contacts.vcf");
        let mut expected: Vec<&str> = match (tree, is_few) {
            ("no-export", _) => vec!["Zoë Lu Quimbleby-Stone"],
            (_, true) => EVERYBODY[..3].to_vec(),
            _ => EVERYBODY.to_vec(),
        };
        match tree {
            // Android's exporter writes numbers without a country's in groups of three.
            "sd-contacts" | "aosp-contacts" | "aosp-contacts-4" | "samsung-contacts" if !is_few => {
                expected[4] = "030-555-011-0";
            }
            // What has no name is not exported.
            "kaios" => expected.retain(|name| !matches!(*name, "Backhaus Sonne" | "030 5550110")),
            "open-android-backup" => {
                let number: usize =
                    name.trim_end_matches(".vcf").rsplit('-').next().unwrap().parse().unwrap();
                expected = vec![EVERYBODY[number]];
            }
            _ => {}
        }
        assert_eq!(names, expected, "{name}");
    }
}

fn card_of(file: &str, number: usize) -> Card {
    cards(&found()[file], file).remove(number)
}

fn values(card: &Card, name: &str) -> Vec<String> {
    card.properties()
        .iter()
        .filter(|property| property.name == name)
        .map(|property| property.text())
        .collect()
}

#[test]
fn the_details_of_each_dialect_are_read() {
    let fossify = card_of("fossify/Download/Contacts_20261118_060001.vcf", 0);
    assert_eq!(fossify.version(), Version::V40);
    let summary = fossify.summary();
    assert_eq!(summary.categories, ["Family", "Choir, alto"]);
    assert!(summary.has_photo && fossify.uid().is_none());
    assert_eq!(values(&fossify, "ANNIVERSARY"), ["20100821"]);
    let numbers: Vec<_> =
        fossify.properties().into_iter().filter(|property| property.name == "TEL").collect();
    let kinds = |index: usize| numbers[index].types().into_iter().collect::<Vec<String>>();
    assert_eq!((kinds(0), numbers[0].preference()), (vec!["cell".to_owned(), "pref".to_owned()], Some(1)));
    assert_eq!((kinds(1), numbers[1].preference()), (vec!["fax".to_owned(), "work".to_owned()], None));
    let bakery = card_of("fossify/Download/Contacts_20261118_060001.vcf", 3);
    assert_eq!((values(&bakery, "FN"), values(&bakery, "N")), (vec![String::new()], vec![String::new()]));

    let android = card_of("aosp-contacts/Download/contacts (1).vcf", 1);
    assert_eq!(android.version(), Version::V21);
    assert_eq!(
        values(&android, "NOTE"),
        ["Erste Zeile mit viel Text, damit sie länger wird als eine Zeile sein darf.\nZweite = Ende\\"]
    );
    assert_eq!(values(&android, "ADR"), [";;Löwenstraße 3;Köln;;50667;Germany"]);
    assert!(android.summary().has_photo);
    let nameless = card_of("aosp-contacts/Download/contacts (1).vcf", 4);
    assert!(values(&nameless, "FN").is_empty() && values(&nameless, "N").is_empty());
    let customs = values(&card_of("aosp-contacts/Download/contacts (1).vcf", 0), "X-ANDROID-CUSTOM");
    assert_eq!(customs.len(), 2, "a nickname and an anniversary");

    let kaios = card_of("kaios/18_11_2026_8.vcf", 0);
    assert_eq!((kaios.version(), values(&kaios, "CATEGORY").len()), (Version::V30, 1));
    assert_eq!(kaios.summary().given.as_deref(), Some("Ada"));

    let backup = card_of("open-android-backup/open-android-backup-temp/open-android-backup-contact-1.vcf", 0);
    assert!(backup.summary().has_photo && backup.version() == Version::V30);
    let phone = card_of("nokia-s30plus/backup.vcf", 2);
    assert_eq!(phone.properties().len(), 2, "a name and a number");
}

/// Whether a profile's names, version and product accept the files of a tree; see `ExportSection`.
fn accepts(profile: &DeviceProfile, tree: &str, files: &BTreeMap<String, Vec<u8>>) -> bool {
    let Some(section) = &profile.contacts.export else { return false };
    let is_set = section.layout == ExportLayout::OneCardPerFile;
    let folders: Vec<String> = profile
        .contacts
        .folders
        .iter()
        .map(|folder| if folder == "." { format!("{tree}/") } else { format!("{tree}/{folder}/") })
        .collect();
    files.iter().any(|(path, bytes)| {
        let (folder, name) = path.rsplit_once('/').unwrap();
        let has_name =
            section.names.iter().any(|pattern| is_like(&pattern.to_lowercase(), &name.to_lowercase()));
        let cards = cards(bytes, path);
        let is_dated = name.chars().filter(char::is_ascii_digit).count() >= 8;
        let product = |card: &Card| {
            values(card, "PRODID").first().is_some_and(|product| product.contains(&section.product))
        };
        folders.contains(&format!("{folder}/"))
            && has_name
            && (is_set || is_dated || cards.len() > 1)
            && cards.iter().all(|card| section.version.is_none_or(|version| card.version() == version))
            && (section.product.is_empty() || cards.iter().all(product))
    })
}

/// `*` is any text, `?` one character.
fn is_like(pattern: &str, text: &str) -> bool {
    let (head, rest) = (pattern.chars().next(), pattern.chars().skip(1).collect::<String>());
    match head {
        None => text.is_empty(),
        Some('*') => {
            let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.into_iter().any(|at| is_like(&rest, &text[at..]))
        }
        Some(wanted) => {
            let found = text.chars().next();
            found.is_some_and(|found| wanted == '?' || wanted == found)
                && is_like(&rest, &text[found.map_or(0, char::len_utf8)..])
        }
    }
}

fn android_phone(manufacturer: &str) -> DeviceIdentity {
    DeviceIdentity {
        manufacturer: manufacturer.to_owned(),
        vendor_extension: "microsoft.com: 1.0; android.com: 1.0;".to_owned(),
        ..DeviceIdentity::default()
    }
}

#[test]
fn each_tree_is_taken_for_its_own_exporters() {
    let set = ProfileSet::built_in().unwrap();
    let directory = DeviceIdentity { is_directory: true, ..DeviceIdentity::default() };
    let found = found();
    let mut trees: BTreeMap<&str, BTreeMap<String, Vec<u8>>> = BTreeMap::new();
    for (path, bytes) in &found {
        trees.entry(path.split('/').next().unwrap()).or_default().insert(path.clone(), bytes.clone());
    }
    let expected: [(&str, &str, &DeviceIdentity); 15] = [
        ("aosp-contacts", "aosp-contacts", &android_phone("Google")),
        ("aosp-contacts", "samsung-contacts", &android_phone("samsung")),
        ("aosp-contacts-4", "aosp-contacts", &android_phone("LGE")),
        ("fossify", "fossify", &android_phone("Fairphone")),
        ("fossify", "fossify", &android_phone("samsung")),
        ("fossify", "fossify", &directory),
        ("fossify-german", "fossify", &android_phone("Google")),
        ("fossify-one-name", "fossify", &android_phone("Google")),
        ("fossify-russian", "fossify", &android_phone("Google")),
        ("kaios", "kaios", &DeviceIdentity::default()),
        ("no-export", "", &android_phone("Google")),
        ("nokia-s30plus", "nokia-s30plus", &directory),
        ("open-android-backup", "open-android-backup", &android_phone("Google")),
        ("samsung-contacts", "samsung-contacts", &android_phone("samsung")),
        ("sd-contacts", "sd-contacts", &android_phone("samsung")),
    ];
    for (tree, profile, identity) in expected {
        let candidates = set.candidates(identity);
        let exports = candidates.into_iter().filter(|found| found.contacts.channel == ChannelKind::Export);
        let first = exports.into_iter().find(|found| accepts(found, tree, &trees[tree]));
        assert_eq!(first.map_or("", |found| found.id.as_str()), profile, "{tree}");
    }
    let tried: std::collections::BTreeSet<&str> = expected.iter().map(|(tree, ..)| *tree).collect();
    assert_eq!(tried.into_iter().collect::<Vec<_>>(), trees.keys().copied().collect::<Vec<_>>());
}
