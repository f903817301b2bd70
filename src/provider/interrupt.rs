//! A person's wish to stop, passed down to whoever talks to a phone: asked before each request, never in the middle of
//! one. It must not know signals or threads.

use std::fmt;
use std::rc::Rc;

/// Whether the person wants to stop. Once that is so, it stays so for the rest of the run.
#[derive(Clone, Default)]
pub struct Interrupt(Option<Rc<dyn Fn() -> bool>>);

impl fmt::Debug for Interrupt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Interrupt({})", if self.0.is_some() { "possible" } else { "never" })
    }
}

impl Interrupt {
    /// One that comes when `is_wanted` says so.
    #[must_use]
    pub fn when(is_wanted: impl Fn() -> bool + 'static) -> Self {
        Self(Some(Rc::new(is_wanted)))
    }

    /// Whether it has come. The default one never comes.
    #[must_use]
    pub fn has_come(&self) -> bool {
        self.0.as_ref().is_some_and(|is_wanted| is_wanted())
    }
}
