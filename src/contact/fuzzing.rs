//! What must hold for any bytes that are read as vCards; the fuzz targets call it, and a test with their seeds.
//!
//! Only compiled for tests and with the feature `fuzzing`. It asserts and decides nothing.

use super::codec::Lines;
use super::decoded::DecodedCard;
use super::*;

/// A fuzz target by name: what is to hold for any bytes. It panics where it does not.
pub type Target = (&'static str, fn(&[u8]));

/// The targets of this room.
pub const TARGETS: [Target; 2] = [("vcard", vcard), ("vcard_merge", vcard_merge)];

/// So many properties of a card are edited one by one; each edit reads the whole card again.
const EDITS_MAX: usize = 8;

/// A file of vCards.
pub fn vcard(bytes: &[u8]) {
    let mut produced_bytes = 0;
    let cards = read_cards(bytes, "any.vcf", &Limits::default());
    for card in &cards {
        match card {
            Ok(framed) => {
                let own = framed.card.as_bytes();
                produced_bytes += own.len() + framed.original.as_ref().map_or(0, Vec::len);
                let stands_there = bytes.windows(own.len()).any(|window| window == own);
                assert!(!framed.repairs.is_empty() || stands_there, "an unrepaired card is in the file");
                assert!(framed.line > 0);
                ask_card(&framed.card);
            }
            Err(broken) => {
                produced_bytes += broken.bytes.len();
                assert!(broken.line > 0 && !broken.reason.is_empty());
                assert!(broken.to_string().starts_with("any.vcf, line "), "an error names its place");
            }
        }
    }
    // A byte may become three of UTF-8, and is kept twice where it was mended; a line may get a line end and an indent.
    assert!(
        produced_bytes <= 8 * bytes.len() + 32 * cards.len(),
        "what is read is no more than what was there"
    );
}

/// Everything that can be asked of a card.
fn ask_card(card: &Card) {
    assert_eq!(Card::parse(card.as_bytes()).as_ref(), Ok(card), "a card's bytes are the card");
    assert_eq!(CardEditor::of(card).finish(), *card, "without an edit every byte stays");
    let mut covered = 0;
    for line in Lines::new(card.as_bytes()) {
        let range = line.map_or_else(|(range, _)| range, |line| line.range);
        assert_eq!(range.start, covered, "lines have no gap");
        covered = range.end;
    }
    assert_eq!(covered, card.as_bytes().len(), "lines cover every byte");
    assert!(!card.display_name().is_empty());
    let _ = (card.summary(), card.uid(), strict_reading(card));
    let properties = card.properties();
    for property in properties.iter().take(EDITS_MAX) {
        edit_one(card, property, properties.len());
    }
    let with_uid = card.with_uid("uid-1");
    assert_eq!(with_uid.uid().as_deref(), Some("uid-1"));
    assert_eq!(with_uid.with_uid("uid-1"), with_uid, "a card with that UID stays as it is");
    let mask = FieldMask::all();
    assert_eq!(with_uid.fingerprint(&mask), card.fingerprint(&mask), "a UID is bookkeeping");
    for dialect in [Dialect::v21(), Dialect::s30plus(), Dialect::phone(), Dialect::v30(), Dialect::v40()] {
        let written = write(card, &dialect).card;
        assert_eq!(Card::parse(written.as_bytes()).as_ref(), Ok(&written), "a written card is a card");
        assert_eq!(written.version(), dialect.version);
        assert_eq!(write(&written, &dialect).card, written, "writing again changes nothing");
        // A name or a parameter beyond ASCII cannot be written in another way.
        assert!(
            !dialect.ascii || written.properties().iter().all(|property| property.raw_value().is_ascii())
        );
    }
    let itself = merge(&input(None, card, card, ConflictPolicy::Hold));
    assert_eq!((&itself.pc, &itself.phone), (card, card), "a merge with itself changes nothing");
    assert!(itself.conflicts.is_empty() && itself.to_pc.is_empty() && itself.to_phone.is_empty());
}

/// What holds for one property and for an edit of it.
fn edit_one(card: &Card, property: &Property, count: usize) {
    let _ = (property.text(), property.components(), property.component_lists(), property.list());
    let _ = (property.types(), property.preference(), property.binary_with_type());
    for target in [Version::V21, Version::V30, Version::V40] {
        let _ = translate(&property.to_new(), property.version(), target);
    }
    let mut editor = CardEditor::of(card);
    editor.replace(property.index(), &property.to_new());
    editor.insert_after(property.index(), &NewProperty::text("X-NEW", "a\nb;c"));
    let edited = editor.finish();
    assert_eq!(Card::parse(edited.as_bytes()).as_ref(), Ok(&edited), "an edited card is a card");
    let after = edited.properties();
    assert_eq!(after.len(), count + 1);
    for (other, later) in card.properties().iter().zip(&after).take(property.index()) {
        assert_eq!(other.raw(), later.raw(), "a line that is not edited keeps its bytes");
    }
    let mut editor = CardEditor::of(card);
    editor.remove(property.index());
    let removed = editor.finish();
    assert_eq!(Card::parse(removed.as_bytes()).as_ref(), Ok(&removed), "a card without a line is a card");
    assert_eq!(removed.properties().len() + 1, count);
}

fn input<'a>(
    base: Option<&'a Baseline>,
    pc: &'a Card,
    phone: &'a Card,
    policy: ConflictPolicy,
) -> MergeInput<'a> {
    static EVERYTHING: std::sync::LazyLock<Projection> = std::sync::LazyLock::new(Projection::default);
    MergeInput { base, pc, phone, projection: &EVERYTHING, policy, newest: Some(Newer::Phone) }
}

/// Three cards, divided by NUL bytes: as they were, the PC's and the phone's. The first byte chooses the policy.
pub fn vcard_merge(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let policies = [
        ConflictPolicy::Hold,
        ConflictPolicy::Phone,
        ConflictPolicy::Pc,
        ConflictPolicy::Newest,
        ConflictPolicy::Both,
    ];
    let policy = policies.get(usize::from(*first) % policies.len()).copied().unwrap_or_default();
    let cards: Vec<Card> =
        rest.split(|byte| *byte == 0).take(3).filter_map(|card| Card::parse(card).ok()).collect();
    let [base, pc, phone] = cards.as_slice() else { return };
    let base = Baseline { pc: base.clone(), phone: base.clone() };
    if !cards.iter().all(is_writable) {
        return;
    }
    check_laws(&base.pc, pc);
    check_laws(&base.pc, phone);
    for base in [Some(&base), None] {
        check_merge(base, pc, phone, policy);
    }
}

/// Whether every line of the card can be written anew as it is: names and parameters are those of the standard's
/// grammar, and no text has a control character, which becomes a space where it is written.
fn is_writable(card: &Card) -> bool {
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_text = |text: &str| !text.chars().any(|letter| letter.is_control() && letter != '\n');
    card.properties().iter().all(|property| {
        let is_param =
            |param: &Param| is_name(&param.name) && is_text(&param.value) && !param.value.contains('\n');
        let is_group = property.group.as_deref().is_none_or(is_name);
        let is_plain = !property.name.is_empty() && is_name(&property.name) && is_text(&property.text());
        is_group && is_plain && property.params.iter().all(is_param)
    })
}

/// An unchanged side takes the other's state, and equal changes are absorbed.
fn check_laws(base_card: &Card, changed: &Card) {
    let mask = FieldMask::all();
    let base = Baseline { pc: base_card.clone(), phone: base_card.clone() };
    let wanted = changed.fingerprint(&mask);
    for (pc, phone) in [(base_card, changed), (changed, base_card), (changed, changed)] {
        let merged = merge(&input(Some(&base), pc, phone, ConflictPolicy::Hold));
        assert!(merged.conflicts.is_empty(), "only one side changed, or both alike");
        // A card stays in its version, and not every version can say everything.
        let can_say = base_card.version() == changed.version();
        assert!(!can_say || merged.pc.fingerprint(&mask) == wanted, "the PC has the changed state");
        assert!(!can_say || merged.phone.fingerprint(&mask) == wanted, "the phone has the changed state");
    }
}

fn check_merge(base: Option<&Baseline>, pc: &Card, phone: &Card, policy: ConflictPolicy) {
    let mask = FieldMask::all();
    let merged = merge(&input(base, pc, phone, policy));
    for card in [&merged.pc, &merged.phone, &merged.baseline.pc, &merged.baseline.phone] {
        assert_eq!(Card::parse(card.as_bytes()).as_ref(), Ok(card), "a merged card is a card");
    }
    assert!(!merged.to_pc.is_empty() || merged.pc == *pc, "a card that takes nothing keeps its bytes");
    assert!(!merged.to_phone.is_empty() || merged.phone == *phone);
    if merged.conflicts.is_empty() && pc.version() == phone.version() {
        assert!(
            merged.pc.fingerprint(&mask) == merged.phone.fingerprint(&mask),
            "without a conflict both agree"
        );
    }
    let swapped_base = base.map(|base| Baseline { pc: base.phone.clone(), phone: base.pc.clone() });
    let swapped_policy = match policy {
        ConflictPolicy::Pc => ConflictPolicy::Phone,
        ConflictPolicy::Phone | ConflictPolicy::Newest => ConflictPolicy::Pc,
        other => other,
    };
    let swapped = merge(&input(swapped_base.as_ref(), phone, pc, swapped_policy));
    assert_eq!(swapped.conflicts.len(), merged.conflicts.len(), "the sides are treated alike");
    assert!(swapped.pc.fingerprint(&mask) == merged.phone.fingerprint(&mask));
    assert!(swapped.phone.fingerprint(&mask) == merged.pc.fingerprint(&mask));
    let again = merge(&input(Some(&merged.baseline), &merged.pc, &merged.phone, policy));
    assert_eq!((&again.pc, &again.phone), (&merged.pc, &merged.phone), "a merge of the result does nothing");
    if pc.version() != phone.version() {
        return;
    }
    let known: Vec<DecodedCard> = [Some(pc), Some(phone), base.map(|base| &base.pc)]
        .into_iter()
        .flatten()
        .map(DecodedCard::of)
        .collect();
    for entry in DecodedCard::of(&merged.pc).entries.iter().chain(&DecodedCard::of(&merged.phone).entries) {
        let is_known = |card: &DecodedCard| {
            card.entries
                .iter()
                .any(|other| other.property == entry.property && other.identity == entry.identity)
        };
        // Components of a name, an address or an organisation may come from both sides.
        assert!(!entry.components.is_empty() || known.iter().any(is_known), "no value is invented");
    }
}
