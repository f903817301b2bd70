//! Lines of labelled text: measured in terminal columns, wrapped and cut where a terminal would break them, and
//! written with or without colour. It must not know what the text says.

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The width that everything is laid out to, in columns, on a terminal and in a pipe alike.
pub const COLUMNS: usize = 80;

/// What a piece of text is; its colour follows from that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label {
    /// Nothing special.
    Plain,
    /// A heading or a contact's name.
    Strong,
    /// What goes to the phone.
    ToPhone,
    /// What goes to the PC.
    ToPc,
    /// What goes both ways.
    Both,
    /// What is deleted.
    Deleted,
    /// What waits for a decision or was left alone.
    Attention,
    /// What was there before.
    Old,
    /// What is there afterwards.
    New,
    /// Reasons and remarks.
    Quiet,
}

impl Label {
    /// Its style. Colours are of the 16 that every terminal's theme makes readable; none carries a meaning that
    /// the text does not carry too.
    #[must_use]
    pub fn style(self) -> Style {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        match self {
            Self::Plain => Style::new(),
            Self::Strong => Style::new().bold(),
            Self::ToPhone => colour(AnsiColor::Cyan),
            Self::ToPc => colour(AnsiColor::Green),
            Self::Both => colour(AnsiColor::Blue),
            Self::Deleted => colour(AnsiColor::Red),
            Self::Attention => colour(AnsiColor::Yellow).bold(),
            Self::Old => colour(AnsiColor::Red).dimmed(),
            Self::New => colour(AnsiColor::Green),
            Self::Quiet => Style::new().dimmed(),
        }
    }
}

/// One line: pieces of text with their labels.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Line {
    pieces: Vec<(Label, String)>,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Line({} pieces)", self.pieces.len())
    }
}

impl Line {
    /// An empty line.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one piece more.
    #[must_use]
    pub fn with(mut self, label: Label, text: &str) -> Self {
        self.push(label, text);
        self
    }

    /// Adds a piece.
    pub fn push(&mut self, label: Label, text: &str) {
        if !text.is_empty() {
            self.pieces.push((label, text.to_owned()));
        }
    }

    /// Fills with spaces up to `column`.
    #[must_use]
    pub fn padded_to(mut self, column: usize) -> Self {
        let missing = column.saturating_sub(self.width());
        self.push(Label::Plain, &" ".repeat(missing));
        self
    }

    /// Its width in columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.pieces.iter().map(|(_, text)| width(text)).sum()
    }

    /// As text, without trailing spaces; `coloured` puts each piece between the codes of its style (ECMA-48 SGR).
    #[must_use]
    pub fn render(&self, coloured: bool) -> String {
        let filled =
            self.pieces.iter().rposition(|(_, text)| !text.trim_end().is_empty()).map_or(0, |last| last + 1);
        let mut out = String::new();
        for (index, (label, text)) in self.pieces.iter().take(filled).enumerate() {
            let text = if index + 1 == filled { text.trim_end() } else { text };
            let style = label.style();
            if coloured && style != Style::new() && !text.trim().is_empty() {
                out.push_str(&format!("{style}{text}{style:#}"));
            } else {
                out.push_str(text);
            }
        }
        out
    }
}

/// The width of a text in terminal columns.
#[must_use]
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The text, cut to `columns` with an ellipsis if it is longer. An isolate that the cut opened is closed again.
#[must_use]
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut kept = fitting(text, columns.saturating_sub(1)).trim_end().to_owned();
    let open = kept.matches('\u{2068}').count().saturating_sub(kept.matches('\u{2069}').count());
    kept.push('…');
    kept.push_str(&"\u{2069}".repeat(open));
    kept
}

/// The longest beginning of `text` of at most `columns` columns that does not end inside a sequence that is drawn
/// as one (combining marks, joined emoji, flags).
fn fitting(text: &str, columns: usize) -> &str {
    let mut best = "";
    let mut flags = 0_usize;
    let mut letters = text.char_indices().peekable();
    while let Some((_, letter)) = letters.next() {
        flags = if is_flag_half(letter) { flags + 1 } else { 0 };
        let next = letters.peek().copied();
        let end = next.map_or(text.len(), |(index, _)| index);
        let joined = letter == '\u{200d}'
            || next.is_some_and(|(_, next)| {
                UnicodeWidthChar::width(next) == Some(0)
                    || (is_flag_half(next) && flags % 2 == 1)
                    || is_skin_tone(next)
            });
        let Some(head) = text.get(..end) else { break };
        if width(head) > columns {
            break;
        }
        if !joined {
            best = head;
        }
    }
    best
}

fn is_flag_half(letter: char) -> bool {
    matches!(letter, '\u{1f1e6}'..='\u{1f1ff}')
}

fn is_skin_tone(letter: char) -> bool {
    matches!(letter, '\u{1f3fb}'..='\u{1f3ff}')
}

/// The text in lines of at most `columns` columns, broken at spaces; a word that is wider than a line is broken
/// where it must be.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let mut word = word;
        let gap = usize::from(!line.is_empty());
        if width(&line) + gap + width(word) <= columns {
            if gap == 1 {
                line.push(' ');
            }
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        while width(word) > columns {
            let head = match fitting(word, columns) {
                // Not even one sequence fits: it stands alone and sticks out.
                "" => word,
                head => head,
            };
            lines.push(head.to_owned());
            word = word.get(head.len()..).unwrap_or_default();
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// A paragraph: `text` wrapped to the page, its lines after the first indented by `indent` columns.
#[must_use]
pub fn paragraph(label: Label, text: &str, indent: usize) -> Vec<Line> {
    // The first line is wrapped as narrow as the others, which costs it a few columns and nobody a surprise.
    let mut lines = wrap(text, COLUMNS.saturating_sub(indent)).into_iter();
    let first = lines.next().map(|first| Line::new().with(label, &first));
    first.into_iter().chain(lines.map(|rest| Line::new().padded_to(indent).with(label, &rest))).collect()
}

/// `text` wrapped into the room that `start` leaves on its line, the following lines indented to `column`.
#[must_use]
pub fn hanging(start: Line, label: Label, text: &str, column: usize) -> Vec<Line> {
    let room = COLUMNS.saturating_sub(column.max(start.width()));
    let mut start = Some(start);
    let mut lines: Vec<Line> = wrap(text, room)
        .into_iter()
        .map(|piece| start.take().unwrap_or_default().padded_to(column).with(label, &piece))
        .collect();
    lines.extend(start);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_counts_columns_and_keeps_sequences_whole() {
        assert_eq!(cut("Zoë Ångström", 12), "Zoë Ångström");
        assert_eq!(cut("Zoë Ångström", 11), "Zoë Ångstr…");
        assert_eq!(cut("王小明先生", 5), "王小…");
        let family = "👨\u{200d}👩\u{200d}👧";
        assert_eq!(cut(&format!("{family}{family}{family}"), 5), format!("{family}{family}…"));
        assert_eq!(cut("🇩🇪🇫🇷🇯🇵", 4), "🇩🇪…");
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(cut("\u{2068}ليلى حداد\u{2069}", 5), "\u{2068}ليلى…\u{2069}");
    }

    #[test]
    fn wrapping_never_goes_over_the_width_and_loses_no_word() {
        let text = "one two three 王小明王小明王小明 four averyveryverylongword";
        let lines = wrap(text, 10);
        assert!(lines.iter().all(|line| width(line) <= 10), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
        assert_eq!(wrap("", 10), Vec::<String>::new());
        assert_eq!(wrap("👩\u{200d}🚀", 1), vec!["👩\u{200d}🚀"]);
    }

    #[test]
    fn colour_changes_nothing_but_the_codes() {
        let line =
            Line::new().with(Label::ToPc, "← PC").padded_to(8).with(Label::Strong, "Bo Li").padded_to(20);
        assert_eq!(line.render(false), "← PC    Bo Li");
        assert_eq!(line.render(true), "\u{1b}[32m← PC\u{1b}[0m    \u{1b}[1mBo Li\u{1b}[0m");
    }
}
