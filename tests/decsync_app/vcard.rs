//! vCards as text: only what the apps of the model need. It must not use the product's vCard code.

/// The logical lines of the one card in `text`, without BEGIN and END; `None` unless there is exactly one card.
pub fn only_card(text: &str) -> Option<Vec<String>> {
    let lines = unfolded(text);
    let is = |line: &str, wanted: &str| line.trim().eq_ignore_ascii_case(wanted);
    let begins = lines.iter().filter(|line| is(line, "BEGIN:VCARD")).count();
    let ends = lines.iter().filter(|line| is(line, "END:VCARD")).count();
    if (begins, ends) != (1, 1) {
        return None;
    }
    let inside = |line: &String| !line.is_empty() && !is(line, "BEGIN:VCARD") && !is(line, "END:VCARD");
    Some(lines.into_iter().filter(inside).collect())
}

/// Lines with their continuations, without line ends.
pub fn unfolded(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some(previous)) => previous.push_str(rest),
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

/// The property's name in upper case, without group and parameters.
pub fn name(line: &str) -> String {
    let head = line.split([':', ';']).next().unwrap_or_default();
    head.rsplit('.').next().unwrap_or_default().to_ascii_uppercase()
}

/// The value of the first property of that name.
pub fn value(lines: &[String], wanted: &str) -> Option<String> {
    lines
        .iter()
        .find(|line| name(line) == wanted)
        .and_then(|line| line.split_once(':'))
        .map(|(_, v)| v.to_owned())
}

/// A card of these lines.
pub fn card(lines: &[String]) -> String {
    let mut text = String::from("BEGIN:VCARD\r\n");
    for line in lines {
        text.push_str(&folded(line));
        text.push_str("\r\n");
    }
    text + "END:VCARD\r\n"
}

/// Folded after 75 characters, as the phone's library does.
fn folded(line: &str) -> String {
    let letters: Vec<char> = line.chars().collect();
    let pieces: Vec<String> = letters.chunks(74).map(|piece| piece.iter().collect()).collect();
    pieces.join("\r\n ")
}
