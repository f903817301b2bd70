//! Progress on a terminal: a line that says what is being done and goes away again. It is drawn with `indicatif` on
//! the writer that was given, never on stdout, and only once a session takes longer than a person notices.

use std::io::{self, Write};
use std::rc::Rc;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use crate::provider::Clock;
use crate::relationship::Side;

use super::layout::COLUMNS;
use super::{Event, Report};

/// Before this much time has passed, nothing is drawn.
const QUIET_US: u64 = 250_000;
/// The most drawings in a second.
const DRAWINGS_PER_SECOND: u8 = 15;

/// Draws progress and passes every event on to another report.
pub struct Progress<'a, R: Report + ?Sized> {
    inner: &'a mut R,
    clock: Rc<dyn Clock>,
    started_us: u64,
    terminal: Option<GivenTerminal>,
    bar: Option<ProgressBar>,
    words: &'static str,
    done: u64,
    total: Option<u64>,
}

impl<'a, R: Report + ?Sized> Progress<'a, R> {
    /// Draws on `terminal`, which must be one and not stdout. `started_us` is when the run began, by the clock's
    /// steady time.
    pub fn new(
        inner: &'a mut R,
        terminal: Box<dyn Write + Send>,
        clock: Rc<dyn Clock>,
        started_us: u64,
    ) -> Self {
        let terminal = Some(GivenTerminal { writer: Mutex::new(terminal) });
        Self { inner, clock, started_us, terminal, bar: None, words: "", done: 0, total: None }
    }

    fn step(&mut self, words: &'static str, total: Option<u64>) {
        self.words = words;
        self.total = total;
        self.done = 0;
    }

    fn draw(&mut self) {
        if self.clock.steady_us().saturating_sub(self.started_us) < QUIET_US {
            return;
        }
        if let Some(terminal) = self.terminal.take() {
            let target = ProgressDrawTarget::term_like_with_hz(Box::new(terminal), DRAWINGS_PER_SECOND);
            let bar = ProgressBar::with_draw_target(None, target);
            bar.enable_steady_tick(Duration::from_millis(120));
            self.bar = Some(bar);
        }
        let Some(bar) = &self.bar else { return };
        bar.set_style(style(self.total.is_some()));
        match self.total {
            Some(total) => bar.set_length(total),
            None => bar.unset_length(),
        }
        bar.set_position(self.done);
        bar.set_message(self.words);
    }

    fn clear(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(with_bar: bool) -> ProgressStyle {
    let template = if with_bar { "{spinner} {msg} {bar:30} {pos}/{len}" } else { "{spinner} {msg}" };
    // The templates are constants; one that did not parse would cost the looks only.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

impl<R: Report + ?Sized> Report for Progress<'_, R> {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Recovering { .. } => self.step("settling what an interrupted session left", None),
            Event::Collecting(Side::Phone) => self.step("asking the phone what changed", None),
            Event::Collecting(Side::Pc) => self.step("asking the book what changed", None),
            Event::Collected { .. } => self.step("comparing", None),
            Event::Planned(_) => self.step("planning", None),
            Event::Applying { actions } => self.step("writing", u64::try_from(*actions).ok()),
            Event::Applied { action, .. } if action.writes() => self.done += 1,
            Event::Opened { .. } | Event::Applied { .. } | Event::Note(_) => {}
            Event::Finished(_) => {
                self.clear();
                self.inner.event(event);
                return;
            }
        }
        match &self.bar {
            Some(bar) => bar.suspend(|| self.inner.event(event)),
            None => self.inner.event(event),
        }
        self.draw();
    }
}

impl<R: Report + ?Sized> Drop for Progress<'_, R> {
    fn drop(&mut self) {
        self.clear();
    }
}

/// The writer that was given, as `indicatif` wants a terminal: cursor movements are ECMA-48 control sequences.
struct GivenTerminal {
    writer: Mutex<Box<dyn Write + Send>>,
}

impl std::fmt::Debug for GivenTerminal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("GivenTerminal")
    }
}

impl GivenTerminal {
    fn put(&self, text: &str) -> io::Result<()> {
        let mut writer = self.writer.lock().map_err(|_| io::Error::other("the terminal is gone"))?;
        writer.write_all(text.as_bytes())
    }

    fn moved(&self, count: usize, letter: char) -> io::Result<()> {
        if count == 0 { Ok(()) } else { self.put(&format!("\u{1b}[{count}{letter}")) }
    }
}

impl TermLike for GivenTerminal {
    fn width(&self) -> u16 {
        u16::try_from(COLUMNS).unwrap_or(u16::MAX)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'D')
    }

    fn write_line(&self, s: &str) -> io::Result<()> {
        self.put(s)?;
        self.put("\n")
    }

    fn write_str(&self, s: &str) -> io::Result<()> {
        self.put(s)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.put("\r\u{1b}[2K")
    }

    fn flush(&self) -> io::Result<()> {
        self.writer.lock().map_err(|_| io::Error::other("the terminal is gone"))?.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::provider::TestClock;
    use crate::report::{Silence, Summary};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn run(taking_ms: i64) -> String {
        let (clock, drawn, mut silence) = (Rc::new(TestClock::at(0)), Shared::default(), Silence);
        {
            let mut progress =
                Progress::new(&mut silence, Box::new(drawn.clone()), Rc::clone(&clock) as Rc<dyn Clock>, 0);
            progress.event(&Event::Collecting(Side::Phone));
            clock.advance_ms(taking_ms);
            progress.event(&Event::Collecting(Side::Pc));
            progress.event(&Event::Finished(&Summary::new("phone", "book", false)));
        }
        String::from_utf8(drawn.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn nothing_is_drawn_in_a_quarter_of_a_second_and_something_after() {
        assert_eq!(run(249), "");
        let drawn = run(250);
        assert!(drawn.contains("asking the book what changed"), "{drawn:?}");
        assert!(drawn.trim_end().ends_with("\u{1b}[2K"), "the line is cleared at the end: {drawn:?}");
    }
}
