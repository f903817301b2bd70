//! `profiles`: the device profiles as a list, and the table of phones that is made of them.

use serde_json::{Value, json};

use crate::device::{DeviceProfile, Guide, ProfileSet};
use crate::report::{ExitCode, Label, Line, hanging, shown};

use super::arguments::{ProfilesAction, ProfilesArguments, ProfilesListArguments};
use super::configuration::nearest;
use super::failure::Failed;
use super::invocation::{Invocation, Outcome};
use super::phone;
use super::{profiles_check, profiles_new, profiles_show};

/// Where texts behind an id begin, in columns.
const TEXT_COLUMN: usize = 21;
/// Where the texts about one direction begin, in columns.
const WAY_COLUMN: usize = TEXT_COLUMN + 12;

/// Runs `profiles`.
pub fn run(invocation: &Invocation<'_>, arguments: &ProfilesArguments) -> Outcome {
    match &arguments.action {
        None => list(invocation, &ProfilesListArguments::default()),
        Some(ProfilesAction::List(arguments)) => list(invocation, arguments),
        Some(ProfilesAction::Show(arguments)) => profiles_show::run(invocation, arguments),
        Some(ProfilesAction::Check(arguments)) => profiles_check::run(invocation, arguments),
        Some(ProfilesAction::New(arguments)) => profiles_new::run(invocation, arguments),
    }
}

/// The profile with this id.
///
/// # Errors
/// When there is none; those that could be meant are named.
pub fn profile_of<'p>(profiles: &'p ProfileSet, id: &str) -> Result<&'p DeviceProfile, Failed> {
    if let Some(profile) = profiles.by_id(id) {
        return Ok(profile);
    }
    let ids: Vec<&str> = profiles.all().iter().map(|profile| profile.id.as_str()).collect();
    let wanted = id.trim().trim_end_matches(".toml").to_lowercase();
    let parts: Vec<&str> =
        ids.iter().copied().filter(|known| wanted.len() >= 3 && known.contains(&wanted)).collect();
    let meant = match (parts, nearest(&wanted, &ids)) {
        (parts, near) if parts.is_empty() && near.is_empty() => nearest_in_part(&wanted, &ids),
        (parts, near) if parts.is_empty() => near,
        (parts, _) => parts,
    };
    let hint = if meant.is_empty() {
        String::from("tetherbook profiles list shows them all")
    } else {
        format!("is it {}? tetherbook profiles list shows them all", meant.join(" or "))
    };
    Err(Failed::general(format!("there is no profile \"{}\"", shown(id)), hint))
}

/// The ids of which a word is nearest: "zenn" means creative-zen.
fn nearest_in_part<'a>(wanted: &str, ids: &[&'a str]) -> Vec<&'a str> {
    let words: Vec<&str> = ids.iter().flat_map(|id| id.split('-')).collect();
    let near = nearest(wanted, &words);
    ids.iter().copied().filter(|id| id.split('-').any(|word| near.contains(&word))).collect()
}

fn list(invocation: &Invocation<'_>, arguments: &ProfilesListArguments) -> Outcome {
    let profiles = phone::profiles(invocation.world)?;
    if arguments.markdown {
        table(&profiles).iter().try_for_each(|line| invocation.result(line))?;
        return Ok(ExitCode::Done);
    }
    for profile in profiles.all() {
        let is_own = profiles.is_own(&profile.id);
        if invocation.global.json {
            invocation.json(&object(profile, is_own))?;
        } else {
            invocation.result_lines(&lines(profile, is_own))?;
        }
    }
    Ok(ExitCode::Done)
}

fn lines(profile: &DeviceProfile, is_own: bool) -> Vec<Line> {
    let head = Line::new().with(Label::Strong, &shown(&profile.id)).with(Label::Plain, " ");
    let own = if is_own { ", your own" } else { "" };
    let text = format!("{} ({}{own})", shown(&profile.name), profile.contacts.channel.words());
    let mut lines = hanging(head.padded_to(TEXT_COLUMN), Label::Plain, &text, TEXT_COLUMN);
    let Some(guide) = &profile.guide else { return lines };
    for (way, label, text) in
        [("phone → PC", Label::ToPc, &guide.to_pc), ("PC → phone", Label::ToPhone, &guide.to_phone)]
    {
        let start = Line::new().padded_to(TEXT_COLUMN).with(label, way).padded_to(WAY_COLUMN);
        lines.extend(hanging(start, Label::Plain, &shown(text), WAY_COLUMN));
    }
    lines
}

fn object(profile: &DeviceProfile, is_own: bool) -> Value {
    let guide = profile.guide.as_ref();
    json!({
        "type": "profile", "id": profile.id, "name": profile.name, "maker": profile.maker, "own": is_own,
        "channel": profile.contacts.channel, "rank": profile.rank, "writable": profile.contacts.writable,
        "phone": guide.map(|guide| &guide.phone), "to_pc": guide.map(|guide| &guide.to_pc),
        "to_phone": guide.map(|guide| &guide.to_phone), "needs": guide.map(|guide| &guide.needs),
        "proved": guide.map(|guide| &guide.proved),
    })
}

/// The table of phones in Markdown, line by line: a row for each profile that has a place in it.
fn table(profiles: &ProfileSet) -> Vec<String> {
    let mut rows: Vec<(&Guide, &str)> = profiles
        .all()
        .into_iter()
        .filter_map(|profile| profile.guide.as_ref().map(|guide| (guide, profile.id.as_str())))
        .filter(|(guide, _)| guide.order > 0)
        .collect();
    rows.sort_by_key(|(guide, id)| (guide.order, *id));
    let head = [
        "| your phone | phone → PC | PC → phone | what it needs | how it is known |",
        "|---|---|---|---|---|",
    ];
    let rows = rows.into_iter().map(|(guide, _)| {
        let Guide { phone, to_pc, to_phone, needs, proved, .. } = guide;
        format!("| **{}** | {to_pc} | {to_phone} | {needs} | {proved} |", phone.trim())
    });
    head.into_iter().map(str::to_owned).chain(rows).collect()
}
