//! Names as they are compared across exporters and scripts: one normal form, and what two names have in common.
//!
//! Everything is compared in compatibility form with case folded. Marks on Latin letters count less than the letters
//! (`José`, `Jose`), in other scripts they are part of the letter. It must not transliterate: that `Юлия` may be
//! `Julia` is for a person to know.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::equality::normal_name;
use super::matching_evidence::Evidence;

/// What tells a father from a son, without dots. One letter alone is an initial and not here.
const GENERATIONS: [&str; 7] = ["jr", "sr", "junior", "senior", "ii", "iii", "iv"];

/// A name in normal form with its words in the order of speech: `Lee, Ann` is `ann lee`. A name that is written in
/// Chinese, Japanese or Korean letters alone has no spaces, for whether it has any is up to the exporter.
pub(super) fn spoken_name(text: &str) -> String {
    let turned = match text.split_once(',') {
        Some((family, given)) if !is_generation(given.trim()) => format!("{given} {family}"),
        _ => text.to_owned(),
    };
    let words = case_folded(&turned.replace([',', ';'], " "));
    if is_east_asian(&words) { words.replace(' ', "") } else { words }
}

/// The words of a name, folded and in alphabetical order: the order of given and family name differs by exporter.
pub(super) fn sorted_name(text: &str) -> String {
    let folded = case_folded(&text.replace([',', ';'], " "));
    let mut words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    words.join(" ")
}

/// Full case folding for the two letters that lower case alone leaves apart (Unicode, CaseFolding.txt).
fn case_folded(text: &str) -> String {
    let folded = normal_name(text);
    if folded.is_ascii() { folded } else { folded.replace('ß', "ss").replace('ς', "σ") }
}

/// The forms of a name in which marks on Latin letters do not count: first without the marks, then, if that is another,
/// with the letters that stand for them in German and Danish spelling. Words are in alphabetical order; of an East Asian
/// name the letters are, because `小明 王` and `王小明` are one name.
pub(super) fn folded_names(spoken: &str) -> Vec<String> {
    if is_east_asian(spoken) {
        let mut letters: Vec<char> = spoken.chars().collect();
        letters.sort_unstable();
        return vec![letters.into_iter().collect()];
    }
    let bare = sorted_words(&without_marks(spoken));
    let spelled_out = sorted_words(&without_marks(
        &spoken
            .replace('ä', "ae")
            .replace('ö', "oe")
            .replace('ü', "ue")
            .replace('ø', "oe")
            .replace('å', "aa"),
    ));
    if bare == spelled_out { vec![bare] } else { vec![bare, spelled_out] }
}

fn sorted_words(text: &str) -> String {
    let mut words: Vec<&str> = words_of(text);
    words.sort_unstable();
    words.join(" ")
}

/// The words of a name without dots and hyphens: `A.` is `a`, `Lee-Ray` is two.
fn words_of(text: &str) -> Vec<&str> {
    text.split([' ', '-', '.', '‐', '’', '\'']).filter(|word| !word.is_empty()).collect()
}

/// Latin letters without their marks; all others as they are.
fn without_marks(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let mut after_latin = false;
    let bare: String = text
        .nfd()
        .filter(|letter| {
            if is_combining_mark(*letter) {
                return !after_latin;
            }
            after_latin = is_latin(*letter);
            true
        })
        .collect();
    let mut out = String::with_capacity(bare.len());
    for letter in bare.nfc() {
        match letter {
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'þ' => out.push_str("th"),
            'ø' => out.push('o'),
            'ł' => out.push('l'),
            'đ' | 'ð' => out.push('d'),
            'ħ' => out.push('h'),
            'ı' => out.push('i'),
            _ => out.push(letter),
        }
    }
    out
}

fn is_latin(letter: char) -> bool {
    letter.is_ascii_alphabetic() || ('\u{c0}'..='\u{24f}').contains(&letter)
}

/// Whether a name of at least two letters is written in Chinese, Japanese or Korean letters alone.
fn is_east_asian(name: &str) -> bool {
    let is_letter = |letter: char| {
        matches!(u32::from(letter), 0x3005 | 0x3040..=0x30ff | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xac00..=0xd7a3
            | 0xf900..=0xfaff | 0x2_0000..=0x3_ffff)
    };
    let mut letters = name.chars().filter(|letter| *letter != ' ');
    name.chars().filter(|letter| *letter != ' ').nth(1).is_some() && letters.all(is_letter)
}

fn is_generation(word: &str) -> bool {
    GENERATIONS.contains(&word.trim_matches('.').to_lowercase().as_str())
}

/// A name taken apart.
struct Parts<'a> {
    words: Vec<&'a str>,
    generation: Option<&'a str>,
}

fn parts(spoken: &str) -> Parts<'_> {
    let (mut words, mut generation) = (Vec::new(), None);
    for (place, word) in words_of(spoken).into_iter().enumerate() {
        if place > 0 && is_generation(word) {
            generation = Some(match word {
                "junior" => "jr",
                "senior" => "sr",
                _ => word,
            });
        } else {
            words.push(word);
        }
    }
    Parts { words, generation }
}

/// What two names in the form of [`spoken_name`] say about each other. Nothing if one of them is empty.
pub(super) fn compare_names(left: &str, right: &str, same_given: bool) -> Vec<Evidence> {
    if left.is_empty() || right.is_empty() {
        return Vec::new();
    }
    if left == right {
        return vec![Evidence::SameName];
    }
    let (one, other) = (parts(left), parts(right));
    let mut found = Vec::new();
    match (one.generation, other.generation) {
        (Some(left), Some(right)) if left != right => found.push(Evidence::OtherGeneration),
        (Some(_), None) | (None, Some(_)) => found.push(Evidence::OneGeneration),
        _ => {}
    }
    found.splice(0..0, compare_words(&one.words, &other.words, same_given));
    found
}

fn compare_words(left: &[&str], right: &[&str], same_given: bool) -> Vec<Evidence> {
    if left == right {
        return vec![Evidence::SameName];
    }
    let sorted = |words: &[&str]| {
        let mut words = words.to_vec();
        words.sort_unstable();
        words.join(" ")
    };
    if sorted(left) == sorted(right) {
        return vec![Evidence::SameWords];
    }
    let (one, other) = (folded_names(&left.join(" ")), folded_names(&right.join(" ")));
    if one.iter().any(|form| other.contains(form)) {
        return vec![Evidence::SameLetters];
    }
    let bare = |forms: &[String]| forms.first().cloned().unwrap_or_default();
    let (one, other) = (bare(&one), bare(&other));
    let (one, other): (Vec<&str>, Vec<&str>) = (one.split(' ').collect(), other.split(' ').collect());
    let (short, long) = if one.len() <= other.len() { (&one, &other) } else { (&other, &one) };
    if is_part_of(short, long) {
        return vec![Evidence::PartOfName];
    }
    match (left, right) {
        ([first, .., last], [other_first, .., other_last])
            if left.len() > 2 && right.len() > 2 && first == other_first && last == other_last =>
        {
            vec![Evidence::OtherMiddleName]
        }
        _ if same_given => vec![Evidence::SameGivenName],
        _ => vec![Evidence::OtherName],
    }
}

/// Whether each word of `short` is a word of `long`, or the initial of one, and one of them is more than an initial.
fn is_part_of(short: &[&str], long: &[&str]) -> bool {
    let mut open: Vec<&str> = long.to_vec();
    let mut whole_words = 0;
    // Whole words first, so that an initial does not take the word of another.
    let (whole, initials): (Vec<&str>, Vec<&str>) =
        short.iter().partition(|word| word.chars().nth(1).is_some());
    for word in whole.into_iter().chain(initials) {
        let is_initial = word.chars().nth(1).is_none();
        let fits = |other: &&str| {
            *other == word || (is_initial && other.starts_with(word)) || is_initial_of(other, word)
        };
        let Some(place) = open.iter().position(fits) else { return false };
        whole_words += usize::from(open.remove(place) == word && !is_initial);
    }
    whole_words > 0
}

fn is_initial_of(letter: &str, word: &str) -> bool {
    letter.chars().nth(1).is_none() && word.starts_with(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(left: &str, right: &str) -> Vec<Evidence> {
        let forth = compare_names(&spoken_name(left), &spoken_name(right), false);
        let back = compare_names(&spoken_name(right), &spoken_name(left), false);
        assert_eq!(forth, back, "{left} and {right} say the same in both directions");
        forth
    }

    #[test]
    fn names_of_many_scripts_are_compared() {
        use Evidence::{
            OneGeneration, OtherGeneration, OtherMiddleName, OtherName, PartOfName, SameLetters, SameName,
            SameWords,
        };
        for (left, right, expected) in [
            ("Ann Lee", "ann  LEE", vec![SameName]),
            ("Lee, Ann", "Ann Lee", vec![SameName]),
            ("Lee Ann", "Ann Lee", vec![SameWords]),
            ("José Núñez", "Jose Nunez", vec![SameLetters]),
            ("Jose\u{301} Nuñez", "José Nuñez", vec![SameName]),
            ("Jürgen Groß", "JÜRGEN GROSS", vec![SameName]),
            ("Jürgen Müller", "Juergen Mueller", vec![SameLetters]),
            ("Søren Åberg", "Soeren Aaberg", vec![SameLetters]),
            ("Łukasz Żółć", "Lukasz Zolc", vec![SameLetters]),
            ("Nguyễn Văn An", "Nguyen Van An", vec![SameLetters]),
            ("Ann Lee", "Ann Marie Lee", vec![PartOfName]),
            ("Ann M. Lee", "Ann Marie Lee", vec![PartOfName]),
            ("Ann Lee", "Ann Lee-Ray", vec![PartOfName]),
            ("Ann", "Ann Lee", vec![PartOfName]),
            ("A L", "Ann Lee", vec![OtherName]),
            ("John A Roe", "John B Roe", vec![OtherMiddleName]),
            ("John Roe Jr.", "John Roe, Sr.", vec![SameName, OtherGeneration]),
            ("John Roe", "John Roe III", vec![SameName, OneGeneration]),
            ("John Roe Jr", "John Roe Junior", vec![SameName]),
            ("Ann Lee", "Bo Lee", vec![OtherName]),
            ("王小明", "王 小明", vec![SameName]),
            ("王小明", "小明 王", vec![SameLetters]),
            ("王小明", "王小红", vec![OtherName]),
            ("ﾔﾏﾀﾞ 太郎", "ヤマダ太郎", vec![SameName]),
            ("김 철수", "김철수", vec![SameName]),
            ("Юлия Орлова", "ЮЛИЯ ОРЛОВА", vec![SameName]),
            ("Орлова Юлия", "Юлия Орлова", vec![SameWords]),
            ("Юлий Орлов", "Юлии Орлов", vec![OtherName]),
            ("ΓΙΩΡΓΟΣ ΠΑΠΠΑΣ", "γιωργος παππας", vec![SameName]),
            ("Γιώργος", "Γιωργος", vec![OtherName]),
            ("محمد علي", "ﻣﺤﻤﺪ ﻋﻠﻲ", vec![SameName]),
            ("Ann Lee", "Αnn Lee", vec![OtherName]),
            ("", "Ann Lee", vec![]),
        ] {
            assert_eq!(words(left, right), expected, "{left} and {right}");
        }
    }

    #[test]
    fn a_given_name_that_stayed_tells_a_marriage_from_a_family() {
        let same = compare_names("ann lee", "ann ray", true);
        assert_eq!(same, [Evidence::SameGivenName]);
        assert_eq!(compare_names("ann lee", "ann ray", false), [Evidence::OtherName]);
    }
}
