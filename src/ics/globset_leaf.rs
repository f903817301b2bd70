//! The last level of the set encoder: the values under one prefix of five bytes, emitted as singles, ranges and
//! bitmasks at the least cost. It must not know prefixes.

use super::globset_codec::{BITMASK, RANGE};

/// A closed range of last bytes.
pub(super) type LowSpan = (u8, u8);

/// The cost of a single: a push of one byte that is taken back by itself.
const SINGLE_COST: u16 = 2;
/// The cost of a range, and of a bitmask.
const PAIR_COST: u16 = 3;
/// A bitmask reaches from its starting value to the eighth value after it.
const WINDOW: u16 = 8;

/// The values of a range that a bitmask can leave as the first one to do.
const OFFSETS: usize = 9;

/// The command that emits the first value that is still to be emitted.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Command {
    #[default]
    Single,
    Range,
    Bitmask,
}

/// The least cost of everything from one value on, and the command it begins with.
#[derive(Clone, Copy, Default)]
struct Step {
    cost: u16,
    command: Command,
}

/// The steps for each range of a leaf: from its beginning and, because a bitmask may end inside a range, from each
/// of the values after it that a bitmask can leave as the first one to do.
///
/// A bitmask is only worth emitting if it reaches over the end of the range it begins in (else a range of the same
/// cost gets further), so it ends at most 8 values into a later range.
pub(super) struct LeafPlan<'a> {
    spans: &'a [LowSpan],
    /// [`OFFSETS`] places for each range, of which a short range uses fewer.
    steps: Vec<Step>,
}

impl<'a> LeafPlan<'a> {
    pub(super) fn new(spans: &'a [LowSpan]) -> Self {
        let mut plan = Self { spans, steps: vec![Step::default(); spans.len() * OFFSETS] };
        // Each step needs only those of later values, so the last range comes first.
        for (index, &(low, high)) in spans.iter().enumerate().rev() {
            let last = u16::from(high);
            for (offset, value) in (u16::from(low)..=last).take(OFFSETS).enumerate() {
                let step = plan.step(index, value, last);
                if let Some(place) = plan.steps.get_mut(index * OFFSETS + offset) {
                    *place = step;
                }
            }
        }
        plan
    }

    /// The least cost of all ranges from `index` on.
    pub(super) fn cost_from(&self, index: usize) -> u64 {
        u64::from(self.cost_at(index, 0))
    }

    fn step_at(&self, index: usize, offset: usize) -> Option<Step> {
        self.steps.get(index * OFFSETS + offset).copied()
    }

    fn cost_at(&self, index: usize, offset: usize) -> u16 {
        self.step_at(index, offset).map_or(0, |step| step.cost)
    }

    /// Where a bitmask that starts at `value` in range `index` leaves off: a range and the offset in it, or the
    /// number of ranges if nothing is left.
    fn after_bitmask(&self, index: usize, value: u16) -> (usize, usize) {
        let next = value + WINDOW + 1;
        let later = self.spans.iter().enumerate().skip(index + 1);
        for (later_index, &(low, high)) in later {
            if u16::from(high) >= next {
                return (later_index, usize::from(next.saturating_sub(u16::from(low))));
            }
        }
        (self.spans.len(), 0)
    }

    fn step(&self, index: usize, value: u16, last: u16) -> Step {
        let (plain, command) =
            if value == last { (SINGLE_COST, Command::Single) } else { (PAIR_COST, Command::Range) };
        let plain = plain + self.cost_at(index + 1, 0);
        if value + WINDOW > last {
            let (next_index, offset) = self.after_bitmask(index, value);
            let masked = PAIR_COST + self.cost_at(next_index, offset);
            if masked < plain {
                return Step { cost: masked, command: Command::Bitmask };
            }
        }
        Step { cost: plain, command }
    }

    /// Appends the commands for all ranges from `from` on.
    pub(super) fn emit_from(&self, from: usize, out: &mut Vec<u8>) {
        let (mut index, mut offset) = (from, 0);
        while let (Some(&(low, high)), Some(step)) = (self.spans.get(index), self.step_at(index, offset)) {
            // The offset is at most 8 and inside the range, so this does not reach its limit.
            let value = low.saturating_add(u8::try_from(offset).unwrap_or(u8::MAX));
            match step.command {
                Command::Single => out.extend([1, value]),
                Command::Range => out.extend([RANGE, value, high]),
                Command::Bitmask => {
                    out.extend([BITMASK, value, self.mask(index, value)]);
                    (index, offset) = self.after_bitmask(index, u16::from(value));
                    continue;
                }
            }
            (index, offset) = (index + 1, 0);
        }
    }

    /// The mask of the values of the set from `start` + 1 to `start` + 8.
    fn mask(&self, index: usize, start: u8) -> u8 {
        let mut mask = 0;
        for bit in 0..8 {
            let Some(value) = start.checked_add(1 + bit) else {
                break;
            };
            let mut near = self.spans.iter().skip(index).take_while(|span| span.0 <= value);
            if near.any(|span| value <= span.1) {
                mask |= 1 << bit;
            }
        }
        mask
    }
}
