//! A full round with every exporter: a first sync, the PC adds somebody, the phone takes the file in, the next export
//! shows them, the two are one and the file is gone.

use crate::exporters::{
    Day, EzVersion, Kind, Moment, Person, android, fossify, fossify_name, kaios, kaios_name, numbered_name,
    open_android_backup, photo, sd_contacts_name, series_30_plus,
};
use crate::values::{Values, cards_of, person_of};
use crate::world::{Outcome, Saying, WAYS, Way, World};
use tetherbook::contact::Card;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exporter {
    Fossify,
    SdContacts,
    Aosp,
    SamsungInTheRoot,
    OpenAndroidBackup,
    Kaios,
    Series30Plus,
}

impl Exporter {
    /// The profile, where what is on the phone does not tell it.
    fn profile(self) -> Option<&'static str> {
        match self {
            Self::SamsungInTheRoot => Some("samsung-contacts"),
            Self::Series30Plus => Some("nokia-s30plus"),
            _ => None,
        }
    }

    fn drop_folder(self) -> &'static str {
        if self == Self::Series30Plus { "Tetherbook" } else { "Download/Tetherbook" }
    }

    pub fn export(self, world: &World, people: &[Person]) {
        let moment: Moment = world.moment();
        match self {
            Self::Fossify => {
                let name = format!("Download/{}", fossify_name("Kontakte", moment));
                world.put(&name, &fossify(people, EzVersion::V4));
            }
            Self::SdContacts => {
                world.put(&format!("Documents/{}", sd_contacts_name(moment)), &android(people));
            }
            Self::Aosp => {
                let number = world.names_in("Download").len();
                let name = if number == 0 {
                    "contacts.vcf".to_owned()
                } else {
                    numbered_name("contacts.vcf", number)
                };
                world.put(&format!("Download/{name}"), &android(people));
            }
            Self::SamsungInTheRoot => world.put("Kontakte.vcf", &android(people)),
            Self::OpenAndroidBackup => {
                std::fs::remove_dir_all(world.path("open-android-backup-temp")).ok();
                for (name, bytes) in open_android_backup(people) {
                    world.put(&format!("open-android-backup-temp/{name}"), &bytes);
                }
            }
            Self::Kaios => world.put(&kaios_name(moment, people.len()), &kaios(people)),
            Self::Series30Plus => world.put("backup.vcf", &series_30_plus(people)),
        }
    }
}

/// What the importer keeps of a person.
fn taken_in(exporter: Exporter, card: &Card) -> Person {
    let person = person_of(card);
    match exporter {
        Exporter::Series30Plus => Person {
            given: person.full_name(),
            family: String::new(),
            numbers: person.numbers,
            ..Person::default()
        },
        _ => person,
    }
}

fn people() -> Vec<Person> {
    let mut ada = Person::named("Ada", "Example", "+447700900101");
    ada.nickname = String::from("Addie");
    ada.anniversary = Some(Day { year: Some(2010), month: 8, day: 21 });
    ada.photo = Some(photo(0));
    ada.note = String::from("Bath");
    let joerg = Person::named("Jörg", "Grünwald", "+491715550103");
    let shop =
        Person { organisation: String::from("Backhaus Sonne"), ..Person::named("", "", "+49305550109") };
    vec![ada, joerg, shop]
}

fn next_day(world: &World) {
    world.pass_minutes(24 * 60);
}

fn quiet(outcome: &Outcome) {
    assert_eq!(outcome.failure, None);
    assert!(outcome.plan.is_empty(), "{}", outcome.words());
    assert_eq!(outcome.summary.store_writes + outcome.summary.device_writes, 0, "{}", outcome.words());
}

fn drop_files(world: &World, exporter: Exporter) -> Vec<Vec<u8>> {
    let folder = exporter.drop_folder();
    let names = world.names_in(folder);
    names.iter().map(|name| std::fs::read(world.path(&format!("{folder}/{name}"))).unwrap()).collect()
}

fn round(exporter: Exporter, way: Way) {
    let world = World::new(way, exporter.profile(), 1);
    let mut on_phone = people();
    next_day(&world);
    exporter.export(&world, &on_phone);
    world.pass_minutes(5);
    let first = world.sync();
    assert_eq!(first.failure, None, "{exporter:?}");
    // KaiOS leaves out who has no name.
    let count = on_phone.len() - usize::from(exporter == Exporter::Kaios);
    assert_eq!(first.summary.created.pc, count, "{exporter:?}: {}", first.words());
    quiet(&world.sync());
    // Series 30+ has a name in one piece.
    let is_whole = exporter == Exporter::Series30Plus;
    let name = |family: &str, given: &str| {
        if is_whole { format!("N:;{given} {family};;;") } else { format!("N:{family};{given};;;") }
    };
    world.add_pc(&format!(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:zoe\r\nFN:Zoë Quimbleby\r\n{}\r\n\
         TEL;TYPE=CELL:+447700900108\r\nEMAIL;TYPE=HOME:zoe@example.org\r\nNICKNAME:Zo\r\n\
         NOTE:Bath and Wells\r\nX-OWN:kept\r\nEND:VCARD\r\n",
        name("Quimbleby", "Zoë")
    ));
    world.add_pc(&format!(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:tom\r\nFN:Uncle Tom\r\n{}\r\nTEL;TYPE=HOME:+441174960107\r\n\
         END:VCARD\r\n",
        name("Brook", "Tom")
    ));
    let offered = world.sync();
    assert_eq!(
        (offered.summary.offered, offered.summary.waiting),
        (2, 2),
        "{exporter:?} {}",
        offered.words()
    );
    let again = world.sync();
    assert_eq!((again.summary.offered, again.summary.session), (0, None), "{exporter:?}");
    let files = drop_files(&world, exporter);
    assert_eq!(files.len(), 1, "{exporter:?}");
    let before = world.pc_contacts().len();
    for card in cards_of(&files[0]) {
        on_phone.push(taken_in(exporter, &card));
    }
    next_day(&world);
    exporter.export(&world, &on_phone);
    world.pass_minutes(5);
    let seen = world.sync();
    assert_eq!(
        (seen.summary.waiting, seen.summary.created.pc),
        (0, 0),
        "{exporter:?} {way:?}: {}",
        seen.words()
    );
    assert!(drop_files(&world, exporter).is_empty(), "{exporter:?}: {}", seen.words());
    assert_eq!(world.pc_contacts().len(), before, "{exporter:?}");
    let zoe = contact(&world, "+447700900108");
    for line in ["X-OWN:kept", "NOTE:Bath and Wells", "zoe@example.org", "NICKNAME:Zo", "FN:Zoë Quimbleby"] {
        assert_eq!(zoe.matches(line).count(), 1, "{exporter:?}: {line} in {zoe}");
    }
    assert!(contact(&world, "+441174960107").contains("FN:Uncle Tom"), "{exporter:?}");
    quiet(&world.sync());
    world.pass_minutes(5);
    quiet(&world.sync());
    edits_by_hand(exporter, &world, &mut on_phone);
}

/// An edit of the PC is told until the phone was seen to have it, and an edit of the phone arrives meanwhile.
fn edits_by_hand(exporter: Exporter, world: &World, on_phone: &mut [Person]) {
    let number = "+447700900101";
    let ada = world.pc_contacts().into_iter().find(|contact| has_number(&contact.text, number)).unwrap();
    let other = "TEL;TYPE=HOME:+441200000001\r\nEND:VCARD";
    world.edit_pc(ada.item, &ada.text.replace("END:VCARD", other));
    let wished = world.sync();
    assert_eq!(wished.summary.waiting, 1, "{exporter:?}: {}", wished.words());
    let at = on_phone.iter().position(|person| person.numbers.iter().any(|one| one.1 == number)).unwrap();
    on_phone[at].numbers.push((Kind::Home, String::from("+441200000001")));
    // The phone's app writes photos anew.
    on_phone[at].photo = Some(photo(1));
    next_day(world);
    exporter.export(world, on_phone);
    world.pass_minutes(5);
    let seen = world.sync();
    assert_eq!((seen.failure.clone(), seen.summary.waiting), (None, 0), "{exporter:?}: {}", seen.words());
    // They are called something else now, on the phone.
    if exporter == Exporter::Series30Plus {
        (on_phone[at].given, on_phone[at].family) = (String::from("Ada Byron"), String::new());
    } else {
        on_phone[at].family = String::from("Byron");
    }
    let shop = on_phone.iter().position(|person| person.organisation == "Backhaus Sonne");
    let shop = shop.filter(|_| exporter != Exporter::Kaios);
    if let Some(shop) = shop {
        on_phone[shop].organisation = String::from("Backhaus Mond");
    }
    next_day(world);
    exporter.export(world, on_phone);
    world.pass_minutes(5);
    let renamed = world.sync();
    assert_eq!(
        (renamed.summary.waiting, renamed.summary.created.pc),
        (0, 0),
        "{exporter:?}: {}",
        renamed.words()
    );
    if shop.is_some() && exporter != Exporter::Series30Plus {
        let text = contact(world, "+49305550109");
        let card = Card::parse(text.as_bytes()).unwrap();
        assert_eq!(card.display_name(), "Backhaus Mond", "{exporter:?}: {text}");
        assert!(!text.contains("Sonne"), "{exporter:?}: {text}");
    }
    let ada = contact(world, number);
    assert!(has_number(&ada, "+441200000001"), "{exporter:?}: {ada}");
    let card = Card::parse(ada.as_bytes()).unwrap();
    assert_eq!(card.display_name(), "Ada Byron", "{exporter:?}: {ada}");
    if exporter != Exporter::Series30Plus {
        assert_eq!(Values::of_card(&card).note, "Bath", "{exporter:?}: {ada}");
    }
    assert!(ada.matches("Addie").count() <= 1 && ada.matches("2010").count() <= 1, "{exporter:?}: {ada}");
}

fn has_number(text: &str, number: &str) -> bool {
    let card = Card::parse(text.as_bytes()).unwrap();
    Values::of_card(&card).numbers.contains(&number[1..])
}

/// The text of the PC's contact with that number, each property in one line.
fn contact(world: &World, number: &str) -> String {
    let contacts = world.pc_contacts();
    let mut found = contacts.iter().filter(|contact| has_number(&contact.text, number));
    let text = found.next().unwrap().text.replace("\r\n ", "");
    assert_eq!(found.count(), 0, "{number} is there twice");
    text
}

#[test]
fn what_is_new_on_the_pc_goes_round_once_with_every_exporter() {
    for exporter in [
        Exporter::Fossify,
        Exporter::SdContacts,
        Exporter::Aosp,
        Exporter::SamsungInTheRoot,
        Exporter::OpenAndroidBackup,
        Exporter::Kaios,
    ] {
        for way in WAYS {
            eprintln!("{exporter:?} {way:?}");
            round(exporter, way);
        }
    }
    // Such a phone is a disk.
    round(Exporter::Series30Plus, Way::Mounted);
}

#[test]
fn a_phone_that_holds_names_and_numbers_never_clears_the_rest() {
    let world = World::new(Way::Mounted, Some("nokia-s30plus"), 1);
    world.add_pc(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:ada\r\nFN:Ada Example\r\nN:Example;Ada;;;\r\nTEL:+447700900101\r\n\
         EMAIL:ada@example.org\r\nNOTE:kept\r\nORG:Loom\r\nBDAY:1980-02-29\r\nEND:VCARD\r\n",
    );
    let mut people = vec![Person::named("Ada Example", "", "+447700900101")];
    for round in 0..5 {
        next_day(&world);
        Exporter::Series30Plus.export(&world, &people);
        world.pass_minutes(5);
        let outcome = world.sync();
        assert_eq!(outcome.failure, None);
        let text = contact(&world, "+447700900101");
        for line in ["ada@example.org", "NOTE:kept", "ORG:Loom", "BDAY:1980-02-29"] {
            assert!(text.contains(line), "round {round}: {text}");
        }
        people[0].numbers.push((Kind::Mobile, format!("+4477009002{round:02}")));
    }
}

#[test]
fn a_set_with_a_gap_is_not_taken() {
    for way in WAYS {
        let world = World::new(way, None, 1);
        let people: Vec<Person> = (0..6)
            .map(|number| Person::named(&format!("P{number}"), "Example", &format!("+4917{number}")))
            .collect();
        Exporter::OpenAndroidBackup.export(&world, &people[..5]);
        world.pass_minutes(60);
        assert_eq!(world.sync().summary.created.pc, 5);
        next_day(&world);
        Exporter::OpenAndroidBackup.export(&world, &people);
        std::fs::remove_file(world.path("open-android-backup-temp/open-android-backup-contact-2.vcf"))
            .unwrap();
        let refused = world.session(Saying { absent_is_deleted: true, ..Saying::default() });
        let failure = refused.failure.clone().unwrap_or_default();
        assert!(failure.contains("number 2 is missing"), "{way:?} {failure:?}");
        assert_eq!(world.pc_contacts().len(), 5);
    }
}
