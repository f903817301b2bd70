//! The encoder of sets: finds a short command stream for a set. It must not decide what is in a set, and emits
//! nothing that is not in it.
//!
//! A counter is six bytes, so a set is a tree of 256-way branches. Pushing a prefix costs its bytes and two commands
//! and makes every command under it shorter. Which prefixes to push is decided from the leaves up: for each branch
//! the cost is known for every depth that the stack may have when the branch is reached (its *context*), once with
//! the branch's own prefix pushed and once without, and the cheaper one is kept. The last two levels, where nearly
//! all of a dense set's bytes go, are in `globset_stem`.

use super::GlobSet;
use super::globset_codec::{COUNTER_BYTES, END, POP, RANGE};
use super::globset_stem::Stem;

/// A closed range of counters.
pub(super) type Span = (u64, u64);

/// The depth at which a branch is a [`Stem`]: two bytes are left.
pub(super) const STEM_DEPTH: usize = 4;

/// A cost in bytes for each context, 0 up to the depth of the branch it is for.
pub(super) type Costs = [u64; STEM_DEPTH + 1];

/// Appends the command stream of `set`.
pub(super) fn encode(set: &GlobSet, out: &mut Vec<u8>) {
    let spans: Vec<Span> = set.ranges().collect();
    Branch::plan(&spans, 0).emit(0, out);
    out.push(END);
}

/// The six bytes of a counter.
fn counter_bytes(counter: u64) -> [u8; COUNTER_BYTES] {
    let [_, _, a, b, c, d, e, f] = counter.to_be_bytes();
    [a, b, c, d, e, f]
}

/// How many leading bytes the two ends of a range have in common.
fn common_depth((low, high): Span) -> usize {
    let pairs = counter_bytes(low).into_iter().zip(counter_bytes(high));
    pairs.take_while(|(a, b)| a == b).count()
}

/// Appends the push of the bytes of `counter` from depth `from` to depth `to`.
pub(super) fn emit_push(counter: u64, from: usize, to: usize, out: &mut Vec<u8>) {
    // Depths are at most 6.
    out.push(u8::try_from(to - from).unwrap_or(u8::MAX));
    out.extend(counter_bytes(counter).into_iter().take(to).skip(from));
}

/// What it costs to push from `from` to `to` and to take it back.
pub(super) const fn push_cost(from: usize, to: usize) -> u64 {
    (to - from) as u64 + 2
}

const fn range_cost(context: usize) -> u64 {
    1 + 2 * (COUNTER_BYTES - context) as u64
}

/// Whether a range that stands alone is better emitted after a push of what its ends have in common.
fn is_worth_a_push(span: Span, context: usize) -> bool {
    let depth = common_depth(span);
    depth > context && push_cost(context, depth) + range_cost(depth) <= range_cost(context)
}

/// What it costs to emit one range when `context` bytes of it are on the stack.
pub(super) fn span_cost(span: Span, context: usize) -> u64 {
    if span.0 == span.1 {
        1 + (COUNTER_BYTES - context) as u64
    } else if is_worth_a_push(span, context) {
        let depth = common_depth(span);
        push_cost(context, depth) + range_cost(depth)
    } else {
        range_cost(context)
    }
}

/// Appends one range, given that `context` bytes of it are on the stack.
pub(super) fn emit_span(span: Span, context: usize, out: &mut Vec<u8>) {
    if span.0 == span.1 {
        emit_push(span.0, context, COUNTER_BYTES, out);
        return;
    }
    let pushed = is_worth_a_push(span, context);
    let depth = if pushed { common_depth(span) } else { context };
    if pushed {
        emit_push(span.0, context, depth, out);
    }
    out.push(RANGE);
    out.extend(counter_bytes(span.0).into_iter().skip(depth));
    out.extend(counter_bytes(span.1).into_iter().skip(depth));
    if pushed {
        out.push(POP);
    }
}

/// What stands below a branch, in ascending order.
enum Below {
    /// One range: alone in its child, or reaching over several children.
    Span(Span),
    /// A child with several ranges.
    Branch(Branch),
    /// A child with several ranges at [`STEM_DEPTH`].
    Stem(Stem),
}

impl Below {
    fn cost(&self, context: usize) -> u64 {
        match self {
            Self::Span(span) => span_cost(*span, context),
            Self::Branch(branch) => branch.costs.get(context).copied().unwrap_or(u64::MAX),
            Self::Stem(stem) => stem.cost(context),
        }
    }

    fn emit(&self, context: usize, out: &mut Vec<u8>) {
        match self {
            Self::Span(span) => emit_span(*span, context, out),
            Self::Branch(branch) => branch.emit(context, out),
            Self::Stem(stem) => stem.emit(context, out),
        }
    }
}

/// All ranges under one prefix of fewer than [`STEM_DEPTH`] bytes.
struct Branch {
    depth: usize,
    /// A counter under the prefix, from which its bytes are taken.
    sample: u64,
    below: Vec<Below>,
    /// The cost of the branch in each context.
    costs: Costs,
    /// In which contexts the prefix is pushed.
    is_pushed: [bool; STEM_DEPTH + 1],
}

impl Branch {
    /// Plans the ranges that lie under one prefix of `depth` bytes.
    fn plan(spans: &[Span], depth: usize) -> Self {
        let sample = spans.first().map_or(0, |span| span.0);
        let mut branch = Self {
            depth,
            sample,
            below: Self::divide(spans, depth),
            costs: Costs::default(),
            is_pushed: [false; STEM_DEPTH + 1],
        };
        let here: u64 = branch.below.iter().map(|below| below.cost(depth)).sum();
        let choices = branch.costs.iter_mut().zip(&mut branch.is_pushed);
        for (context, (cost, is_pushed)) in choices.enumerate().take(depth + 1) {
            let without = branch.below.iter().map(|below| below.cost(context)).sum();
            let with = if context < depth { push_cost(context, depth) + here } else { u64::MAX };
            *cost = u64::min(with, without);
            *is_pushed = with < without;
        }
        branch
    }

    /// Divides the ranges by the byte after `depth` bytes.
    fn divide(spans: &[Span], depth: usize) -> Vec<Below> {
        let shift = 8 * (COUNTER_BYTES - 1 - depth);
        let child_of = |span: &Span| {
            let child = span.0 >> shift;
            (child == span.1 >> shift).then_some(child)
        };
        // Ranges that reach over several children are each a group of their own.
        let groups = spans.chunk_by(|a, b| child_of(a).is_some() && child_of(a) == child_of(b));
        let below = groups.map(|group| match *group {
            [span] => Below::Span(span),
            _ if depth + 1 == STEM_DEPTH => Below::Stem(Stem::plan(group)),
            _ => Below::Branch(Self::plan(group, depth + 1)),
        });
        below.collect()
    }

    fn emit(&self, context: usize, out: &mut Vec<u8>) {
        let is_pushed = self.is_pushed.get(context).copied().unwrap_or(false);
        let inner = if is_pushed { self.depth } else { context };
        if is_pushed {
            emit_push(self.sample, context, inner, out);
        }
        for below in &self.below {
            below.emit(inner, out);
        }
        if is_pushed {
            out.push(POP);
        }
    }
}
