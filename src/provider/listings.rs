//! Asking for a listing, and asking again where the answer is hard to believe. It must not know what the items are.

use std::collections::HashSet;

use super::simple::{Listing, Locator, Observed, SimpleProvider};
use super::{Completeness, ProviderError};

/// A listing in which absences may count. One that lacks a tenth of what was known is asked for a second time before
/// it is believed: some phones answer a short or empty list as if it were whole.
pub(super) fn believable_listing<S: SimpleProvider>(
    simple: &mut S,
    rows: &[Observed],
) -> Result<Listing, ProviderError> {
    let listing = simple.list()?;
    if matches!(listing.completeness, Completeness::PresentOnly(_)) {
        return Ok(listing);
    }
    let (lacking, known) = {
        let there: HashSet<&Locator> = listing.entries.iter().map(|entry| &entry.locator).collect();
        let known = rows.iter().filter(|row| !row.deleted);
        known.fold((0_usize, 0_usize), |(lacking, known), row| {
            (lacking + usize::from(!there.contains(&row.locator)), known + 1)
        })
    };
    if lacking == 0 || lacking.saturating_mul(10) < known {
        return Ok(listing);
    }
    let mut again = simple.list()?;
    let there: HashSet<&Locator> = again.entries.iter().map(|entry| &entry.locator).collect();
    let differs = listing.entries.iter().any(|entry| !there.contains(&entry.locator));
    if differs && again.completeness == Completeness::Complete {
        again.completeness = Completeness::Incomplete(String::from("two listings in a row differ"));
    }
    Ok(again)
}
