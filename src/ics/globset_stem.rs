//! The last two levels of the set encoder: the ranges under one prefix of four bytes. It must not know the levels
//! above it.
//!
//! Below a stem are leaves, the values under one prefix of five bytes. A range that reaches from one leaf into the
//! next can be emitted whole at a lesser depth, or be cut in two at the border so that each piece costs little or
//! nothing among its neighbours (a bitmask may take it in). Which is better depends on the choice at the borders
//! before and after, so the leaves are gone through in order with the two choices as states. A range over three
//! leaves or more is always emitted whole: its middle needs a command at the lesser depth anyway.

use super::globset_codec::POP;
use super::globset_encode::{Costs, STEM_DEPTH, Span, emit_push, emit_span, push_cost, span_cost};
use super::globset_leaf::{LeafPlan, LowSpan};

/// The depth of a leaf: one byte is left.
const LEAF_DEPTH: usize = 5;

/// The values under one prefix of five bytes, and whether pieces of ranges that cross its borders are among them.
struct Leaf {
    /// The prefix.
    prefix: u64,
    spans: Vec<LowSpan>,
    /// The first range is the second piece of one that begins in the leaf before.
    has_head: bool,
    /// The whole of the range whose first piece is the last one here, and which ends in the next leaf.
    crossing: Option<Span>,
}

/// What a leaf costs with and without the pieces at its ends.
struct LeafCosts<'a> {
    leaf: &'a Leaf,
    whole: LeafPlan<'a>,
    /// The plan without the piece at the end; `None` if there is no such piece.
    without_tail: Option<LeafPlan<'a>>,
}

impl<'a> LeafCosts<'a> {
    fn new(leaf: &'a Leaf) -> Self {
        let without_tail = leaf.crossing.and(leaf.spans.split_last()).map(|(_, rest)| LeafPlan::new(rest));
        Self { leaf, whole: LeafPlan::new(&leaf.spans), without_tail }
    }

    /// The plan, the ranges it is for, and the first of them to be emitted.
    fn choose(&self, pieces: Pieces) -> (&LeafPlan<'a>, &'a [LowSpan]) {
        let spans = &self.leaf.spans;
        let (plan, spans) = match (&self.without_tail, spans.split_last()) {
            (Some(plan), Some((_, rest))) if !pieces.tail => (plan, rest),
            _ => (&self.whole, spans.as_slice()),
        };
        (plan, spans.get(self.first(pieces)..).unwrap_or_default())
    }

    fn first(&self, pieces: Pieces) -> usize {
        usize::from(self.leaf.has_head && !pieces.head)
    }

    /// The cost of the ranges one by one, and the cost with the leaf's prefix pushed.
    fn costs(&self, pieces: Pieces, context: usize) -> (u64, u64) {
        let (plan, spans) = self.choose(pieces);
        let single = spans.iter().map(|&span| span_cost(self.leaf.full(span), context)).sum();
        (single, push_cost(context, LEAF_DEPTH) + plan.cost_from(self.first(pieces)))
    }

    fn cost(&self, pieces: Pieces, context: usize) -> u64 {
        let (single, pushed) = self.costs(pieces, context);
        single.min(pushed)
    }

    fn emit(&self, pieces: Pieces, context: usize, out: &mut Vec<u8>) {
        let (plan, spans) = self.choose(pieces);
        let (single, pushed) = self.costs(pieces, context);
        if pushed < single {
            emit_push(self.leaf.prefix << 8, context, LEAF_DEPTH, out);
            plan.emit_from(self.first(pieces), out);
            out.push(POP);
        } else {
            for &span in spans {
                emit_span(self.leaf.full(span), context, out);
            }
        }
    }
}

impl Leaf {
    const fn empty(prefix: u64) -> Self {
        Self { prefix, spans: Vec::new(), has_head: false, crossing: None }
    }

    fn if_used(self) -> Option<Below> {
        (!self.spans.is_empty()).then_some(Below::Leaf(self))
    }

    fn full(&self, (low, high): LowSpan) -> Span {
        let base = self.prefix << 8;
        (base | u64::from(low), base | u64::from(high))
    }
}

/// Which pieces of crossing ranges are emitted in a leaf.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Pieces {
    head: bool,
    tail: bool,
}

/// What stands below a stem, in ascending order.
enum Below {
    Leaf(Leaf),
    /// A range over three leaves or more.
    Wide(Span),
}

/// All ranges under one prefix of [`STEM_DEPTH`] bytes.
pub(super) struct Stem {
    below: Vec<Below>,
    /// A counter under the prefix, from which its bytes are taken.
    sample: u64,
    /// The cost with nothing more pushed, in each context; the last one is with the stem's prefix pushed.
    costs: Costs,
}

impl Stem {
    /// Plans the ranges that lie under one prefix of [`STEM_DEPTH`] bytes.
    pub(super) fn plan(spans: &[Span]) -> Self {
        let mut stem = Self {
            below: divide(spans),
            sample: spans.first().map_or(0, |span| span.0),
            costs: Costs::default(),
        };
        let leaves = leaf_costs(&stem.below);
        for (context, cost) in stem.costs.iter_mut().enumerate() {
            *cost = Borders::decide(&stem.below, &leaves, context).cost;
        }
        stem
    }

    /// The costs in a context without and with the stem's prefix pushed.
    fn alternatives(&self, context: usize) -> (u64, u64) {
        let without = self.costs.get(context).copied().unwrap_or(u64::MAX);
        let with = match self.costs.last() {
            Some(here) if context < STEM_DEPTH => push_cost(context, STEM_DEPTH) + here,
            _ => u64::MAX,
        };
        (without, with)
    }

    /// The least cost in a context.
    pub(super) fn cost(&self, context: usize) -> u64 {
        let (without, with) = self.alternatives(context);
        without.min(with)
    }

    /// Appends the commands, given that `context` bytes are on the stack.
    pub(super) fn emit(&self, context: usize, out: &mut Vec<u8>) {
        let (without, with) = self.alternatives(context);
        let is_pushed = with < without;
        let inner = if is_pushed { STEM_DEPTH } else { context };
        if is_pushed {
            emit_push(self.sample, context, STEM_DEPTH, out);
        }
        let leaves = leaf_costs(&self.below);
        let borders = Borders::decide(&self.below, &leaves, inner);
        let mut is_cut_before = false;
        let mut plans = leaves.iter().zip(&borders.is_cut_after);
        for below in &self.below {
            match below {
                Below::Wide(span) => emit_span(*span, inner, out),
                Below::Leaf(leaf) => {
                    if let Some((plan, &is_cut_after)) = plans.next() {
                        plan.emit(Pieces { head: is_cut_before, tail: is_cut_after }, inner, out);
                        if let Some(span) = leaf.crossing.filter(|_| !is_cut_after) {
                            emit_span(span, inner, out);
                        }
                        is_cut_before = is_cut_after;
                    }
                }
            }
        }
        if is_pushed {
            out.push(POP);
        }
    }
}

fn leaf_costs(below: &[Below]) -> Vec<LeafCosts<'_>> {
    let leaves = below.iter().filter_map(|below| match below {
        Below::Leaf(leaf) => Some(LeafCosts::new(leaf)),
        Below::Wide(_) => None,
    });
    leaves.collect()
}

/// Divides the ranges under a stem into leaves and wide ranges.
fn divide(spans: &[Span]) -> Vec<Below> {
    let mut below: Vec<Below> = Vec::new();
    let mut leaf = Leaf::empty(0);
    for &(low, high) in spans {
        let (first, last) = (low >> 8, high >> 8);
        if leaf.prefix != first {
            below.extend(std::mem::replace(&mut leaf, Leaf::empty(first)).if_used());
        }
        if first == last {
            leaf.spans.push((low_byte(low), low_byte(high)));
        } else if first + 1 == last {
            leaf.spans.push((low_byte(low), u8::MAX));
            leaf.crossing = Some((low, high));
            below.extend(std::mem::replace(&mut leaf, Leaf::empty(last)).if_used());
            leaf.has_head = true;
            leaf.spans.push((0, low_byte(high)));
        } else {
            below.extend(std::mem::replace(&mut leaf, Leaf::empty(last)).if_used());
            below.push(Below::Wide((low, high)));
        }
    }
    below.extend(leaf.if_used());
    below
}

/// The last byte of a counter; the others are the leaf's prefix.
const fn low_byte(counter: u64) -> u8 {
    let [last, ..] = counter.to_le_bytes();
    last
}

/// At which borders between leaves a crossing range is cut.
struct Borders {
    cost: u64,
    /// For each leaf, whether the range that leaves it at its end is cut at the border.
    is_cut_after: Vec<bool>,
}

impl Borders {
    /// Goes through the leaves in order; the state is whether the border before the leaf is cut.
    fn decide(below: &[Below], leaves: &[LeafCosts<'_>], context: usize) -> Self {
        const UNREACHED: u64 = u64::MAX;
        // The least cost so far with the border uncut, and cut.
        let (mut uncut, mut cut) = (0, UNREACHED);
        // For each leaf, whether the border before it is cut on the best way to: the one after it uncut, cut.
        let mut trace: Vec<(bool, bool)> = Vec::with_capacity(leaves.len());
        for plan in leaves {
            let best = |tail: bool| {
                let from = |before: u64, head: bool| match before {
                    UNREACHED => UNREACHED,
                    before => before + plan.cost(Pieces { head, tail }, context),
                };
                let (from_uncut, from_cut) = (from(uncut, false), from(cut, true));
                (from_uncut.min(from_cut), from_cut < from_uncut)
            };
            let (after_uncut, via_cut_to_uncut) = best(false);
            let (after_cut, via_cut_to_cut) =
                if plan.leaf.crossing.is_some() { best(true) } else { (UNREACHED, false) };
            trace.push((via_cut_to_uncut, via_cut_to_cut));
            let whole = plan.leaf.crossing.map_or(0, |span| span_cost(span, context));
            (uncut, cut) = (after_uncut + whole, after_cut);
        }
        // The last leaf has no crossing range, since that would lie in one more leaf; so the end is uncut.
        let wide = below.iter().map(|below| match below {
            Below::Wide(span) => span_cost(*span, context),
            Below::Leaf(_) => 0,
        });
        let cost = uncut + wide.sum::<u64>();
        let mut is_cut_after = Vec::with_capacity(leaves.len());
        let mut is_cut = false;
        for &(via_cut_to_uncut, via_cut_to_cut) in trace.iter().rev() {
            is_cut_after.push(is_cut);
            is_cut = if is_cut { via_cut_to_cut } else { via_cut_to_uncut };
        }
        is_cut_after.reverse();
        Self { cost, is_cut_after }
    }
}
