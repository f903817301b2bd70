//! What is odd about a device profile that can be used all the same. Values in, sentences out; nothing is read here.

use crate::device::{ChannelKind, DeviceProfile, ProfileSet, Transport, Unmet};
use crate::report::shown;

/// Something that is allowed and probably not meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oddity {
    /// What it is.
    pub text: String,
    /// What could be done about it.
    pub fix: String,
}

fn odd(text: impl Into<String>, fix: impl Into<String>) -> Option<Oddity> {
    Some(Oddity { text: text.into(), fix: fix.into() })
}

/// A criterion that is not met, in words.
pub fn unmet_words(unmet: &Unmet) -> String {
    let Unmet { key, wanted, found } = unmet;
    let (wanted, found) = (shown(wanted), shown(found));
    match (*key, found.is_empty()) {
        ("operations_absent", _) => format!("it lists the operation {wanted}"),
        ("formats" | "operations", _) => format!("{key}: it does not list {wanted}"),
        (_, true) => format!("{key}: it tells none, not {wanted}"),
        (_, false) => format!("{key}: it is {found}, not {wanted}"),
    }
}

/// Everything that is odd about `profile`, which is a person's own one in `profiles`; `built_in` are those compiled in.
pub fn oddities(profile: &DeviceProfile, profiles: &ProfileSet, built_in: &ProfileSet) -> Vec<Oddity> {
    let mut odd: Vec<Oddity> = [
        replaces(profile, built_in),
        contradicts(profile),
        takes_all(profile),
        libmtp_unreachable(profile),
        nameless(profile),
        no_example(profile),
        rank_clash(profile, built_in),
    ]
    .into_iter()
    .flatten()
    .collect();
    odd.extend(examples_not_won(profile, profiles));
    odd
}

fn replaces(profile: &DeviceProfile, built_in: &ProfileSet) -> Option<Oddity> {
    built_in.by_id(&profile.id)?;
    odd(
        format!("it takes the place of the built-in profile {}", profile.id),
        "if that is not meant, give it and its file another id",
    )
}

fn contradicts(profile: &DeviceProfile) -> Option<Oddity> {
    let why = profile.matches.contradiction()?;
    odd(format!("no device can ever match: {why}"), "take one of the two out of [match]")
}

fn takes_all(profile: &DeviceProfile) -> Option<Oddity> {
    let takes_all = profile.matches == crate::device::Match::default();
    (takes_all && profile.contacts.channel == ChannelKind::VcardFolder).then_some(())?;
    odd(
        "it has no criteria, so that every phone gets it before all built-in profiles",
        "say in [match] for which phones it is; tetherbook profiles new --phone usb fills that in",
    )
}

fn libmtp_unreachable(profile: &DeviceProfile) -> Option<Oddity> {
    (profile.transport == Transport::Libmtp && profile.matches.usb.is_empty()).then_some(())?;
    odd(
        "transport = \"libmtp\" has no effect without match.usb, because the way is chosen before the phone is opened",
        "name the phone's USB id in match.usb",
    )
}

fn nameless(profile: &DeviceProfile) -> Option<Oddity> {
    let fields = &profile.contacts.fields;
    (!fields.holds_property("N") && !fields.holds_property("FN")).then_some(())?;
    odd("its fields hold no name (N or FN)", "add \"N\" or \"FN\" to contacts.fields")
}

fn no_example(profile: &DeviceProfile) -> Option<Oddity> {
    let has_criteria = profile.matches != crate::device::Match::default();
    (profile.examples.is_empty() && has_criteria).then_some(())?;
    odd(
        "it has no example of a phone that it is for, so that nothing holds that such a phone gets it",
        "tetherbook profiles new --phone usb writes one, which can be copied into it",
    )
}

/// Built-in profiles of the same rank for the same devices: no matter for an own one, which goes first; it would be
/// if it were sent in.
fn rank_clash(profile: &DeviceProfile, built_in: &ProfileSet) -> Option<Oddity> {
    let is_rival = |other: &&DeviceProfile| {
        let shares = |one: &DeviceProfile, two: &DeviceProfile| {
            one.examples.iter().any(|example| two.matches.accepts(&example.identity()))
        };
        other.id != profile.id
            && other.rank == profile.rank
            && other.contacts.channel == profile.contacts.channel
            && (shares(profile, other) || shares(other, profile))
    };
    let rivals: Vec<&str> =
        built_in.all().into_iter().filter(is_rival).map(|other| other.id.as_str()).collect();
    (!rivals.is_empty()).then_some(())?;
    odd(
        format!(
            "its rank {} is also that of {}, and some devices match both; your own goes first all the same",
            profile.rank,
            rivals.join(" and ")
        ),
        "before it is sent in, give it a rank of its own",
    )
}

fn examples_not_won(profile: &DeviceProfile, profiles: &ProfileSet) -> Vec<Oddity> {
    let mut found = Vec::new();
    for (number, example) in (1..).zip(&profile.examples) {
        let device = example.identity();
        let unmet = profile.matches.unmet(&device);
        let winner = profiles.candidates(&device).first().map_or("", |winner| winner.id.as_str());
        if let Some(first) = unmet.first() {
            found.extend(odd(
                format!("example {number} does not meet [match]: {}", unmet_words(first)),
                "correct [match], or the example",
            ));
        } else if winner != profile.id && !winner.is_empty() {
            found.extend(odd(
                format!("example {number} is won by the profile {winner}"),
                format!("give it a higher rank than {winner} has"),
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(change: impl Fn(&mut DeviceProfile)) -> String {
        let built_in = ProfileSet::built_in().unwrap();
        let mut profile = built_in.by_id("creative-zen").unwrap().clone();
        profile.id = String::from("mine");
        change(&mut profile);
        let mut all = built_in.clone();
        all.try_out(profile.clone(), std::path::Path::new("mine.toml"));
        let texts: Vec<String> =
            oddities(&profile, &all, &built_in).into_iter().map(|oddity| oddity.text).collect();
        texts.join("\n")
    }

    #[test]
    fn a_profile_without_oddities_has_none() {
        assert_eq!(texts(|profile| profile.rank = 90), "");
    }

    #[test]
    fn each_oddity_is_found() {
        assert!(texts(|_| ()).contains("its rank 100 is also that of creative-zen"));
        assert!(texts(|profile| profile.id = String::from("qemu")).contains("takes the place"));
        assert!(texts(|profile| profile.matches.directory = Some(true)).contains("no device can ever match"));
        assert!(texts(|profile| profile.matches = crate::device::Match::default()).contains("no criteria"));
        assert!(texts(|profile| profile.examples.clear()).contains("no example"));
        assert!(
            texts(|profile| profile.matches.model = Some(String::from("Y*")))
                .contains("example 1 does not meet [match]: model: it is ZEN Vision:M, not Y*")
        );
        let unreachable = texts(|profile| {
            profile.transport = Transport::Libmtp;
            profile.matches.usb.clear();
        });
        assert!(unreachable.contains("has no effect without match.usb"));
        assert!(
            texts(|profile| profile.contacts.fields = crate::contact::FieldMask::only(["TEL"]))
                .contains("no name")
        );
    }
}
