//! What goes wrong on the way, as a value: printable and parsable as one line, and fired by the link.
//!
//! A plan decides nothing about the phone's own habits; those are the personality's.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::mtp::code::operation;

/// Where on the way something happens. Everything is counted from 1, on one link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    /// As the n-th container, either way, is about to move. It does not move if the fault is a cut.
    Container(u64),
    /// After n bytes from PC to phone.
    ByteOut(u64),
    /// After n bytes from phone to PC.
    ByteIn(u64),
    /// At the n-th command of an operation.
    Operation {
        /// The operation's code.
        code: u16,
        /// Which one.
        nth: u64,
    },
}

/// What happens there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The cable is pulled. From then on the link is gone.
    Cut,
    /// The command is answered with this response and not done.
    Fail(u16),
    /// The command is done, and answered with this response.
    Misreport(u16),
    /// The phone takes so many milliseconds longer from here to its next bytes.
    Delay(u64),
    /// The next so many commands are answered with 2019.
    Busy(u64),
    /// The screen locks.
    Lock,
    /// The screen is unlocked.
    Unlock,
    /// The file that the command is about is deleted on the phone first.
    Vanish,
    /// The endpoints halt until the initiator clears them.
    Stall,
    /// The phone answers nothing any more until the device is reset.
    Mute,
    /// The command's data (a listing) has only its first so many elements, and the response is OK.
    Shorten(u64),
    /// The first byte of the command's data is inverted.
    Garble,
    /// The response has another transaction id.
    WrongId,
}

/// One thing that goes wrong once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// Where.
    pub spot: Spot,
}

/// All that goes wrong on one link.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultPlan {
    /// The faults.
    pub faults: Vec<Fault>,
}

impl FaultPlan {
    /// Nothing goes wrong.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The cable is pulled as container `number` is about to move.
    #[must_use]
    pub fn cut_at_container(number: u64) -> Self {
        Self { faults: vec![Fault { kind: FaultKind::Cut, spot: Spot::Container(number) }] }
    }
}

/// Why a text is no plan.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a fault; faults look like cut@container:17, cut@byte:out:4031, fail:2002@SendObject:3")]
pub struct FaultSyntax(pub String);

impl fmt::Display for Spot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container(number) => write!(formatter, "container:{number}"),
            Self::ByteOut(count) => write!(formatter, "byte:out:{count}"),
            Self::ByteIn(count) => write!(formatter, "byte:in:{count}"),
            Self::Operation { code, nth } => match operation::name(*code) {
                "Unknown" => write!(formatter, "{code:04x}:{nth}"),
                name => write!(formatter, "{name}:{nth}"),
            },
        }
    }
}

impl FromStr for Spot {
    type Err = FaultSyntax;

    fn from_str(text: &str) -> Result<Self, FaultSyntax> {
        let wrong = || FaultSyntax(text.to_owned());
        let (place, number) = text.rsplit_once(':').ok_or_else(wrong)?;
        let number: u64 = number.parse().map_err(|_| wrong())?;
        Ok(match place {
            "container" => Self::Container(number),
            "byte:out" => Self::ByteOut(number),
            "byte:in" => Self::ByteIn(number),
            named => {
                let known = operation::ALL.iter().copied().find(|code| operation::name(*code) == named);
                let code = match known {
                    Some(code) => code,
                    None if named.len() == 4 => u16::from_str_radix(named, 16).map_err(|_| wrong())?,
                    None => return Err(wrong()),
                };
                Self::Operation { code, nth: number }
            }
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spot = self.spot;
        match self.kind {
            FaultKind::Cut => write!(formatter, "cut@{spot}"),
            FaultKind::Fail(code) => write!(formatter, "fail:{code:04x}@{spot}"),
            FaultKind::Misreport(code) => write!(formatter, "misreport:{code:04x}@{spot}"),
            FaultKind::Delay(duration_ms) => write!(formatter, "delay:{duration_ms}@{spot}"),
            FaultKind::Busy(times) => write!(formatter, "busy@{spot}x{times}"),
            FaultKind::Lock => write!(formatter, "lock@{spot}"),
            FaultKind::Unlock => write!(formatter, "unlock@{spot}"),
            FaultKind::Vanish => write!(formatter, "vanish@{spot}"),
            FaultKind::Stall => write!(formatter, "stall@{spot}"),
            FaultKind::Mute => write!(formatter, "mute@{spot}"),
            FaultKind::Shorten(count) => write!(formatter, "shorten:{count}@{spot}"),
            FaultKind::Garble => write!(formatter, "garble@{spot}"),
            FaultKind::WrongId => write!(formatter, "wrong-id@{spot}"),
        }
    }
}

impl FromStr for Fault {
    type Err = FaultSyntax;

    fn from_str(text: &str) -> Result<Self, FaultSyntax> {
        let wrong = || FaultSyntax(text.to_owned());
        if text == "vanish" {
            return Ok(Self {
                kind: FaultKind::Vanish,
                spot: Spot::Operation { code: operation::GET_OBJECT, nth: 1 },
            });
        }
        let (what, place) = text.split_once('@').ok_or_else(wrong)?;
        let (name, value) = match what.split_once(':') {
            Some((name, value)) => (name, Some(value)),
            None => (what, None),
        };
        let decimal = || value.and_then(|digits| digits.parse::<u64>().ok()).ok_or_else(wrong);
        let code = || value.and_then(|digits| u16::from_str_radix(digits, 16).ok()).ok_or_else(wrong);
        let (place, times) = match place.rsplit_once('x') {
            Some((place, times)) if name == "busy" => (place, times.parse().map_err(|_| wrong())?),
            _ => (place, 1),
        };
        let kind = match (name, value) {
            ("fail", _) => FaultKind::Fail(code()?),
            ("misreport", _) => FaultKind::Misreport(code()?),
            ("delay", _) => FaultKind::Delay(decimal()?),
            ("shorten", _) => FaultKind::Shorten(decimal()?),
            ("cut", None) => FaultKind::Cut,
            ("busy", None) => FaultKind::Busy(times),
            ("lock", None) => FaultKind::Lock,
            ("unlock", None) => FaultKind::Unlock,
            ("vanish", None) => FaultKind::Vanish,
            ("stall", None) => FaultKind::Stall,
            ("mute", None) => FaultKind::Mute,
            ("garble", None) => FaultKind::Garble,
            ("wrong-id", None) => FaultKind::WrongId,
            _ => return Err(wrong()),
        };
        let fault = Self { kind, spot: place.parse().map_err(|_| wrong())? };
        if fault.makes_sense() { Ok(fault) } else { Err(wrong()) }
    }
}

impl Fault {
    /// Whether this can happen at that spot: bytes can only be cut, and what a command does or answers needs an
    /// operation.
    #[must_use]
    pub fn makes_sense(&self) -> bool {
        match self.spot {
            Spot::ByteIn(_) | Spot::ByteOut(_) => self.kind == FaultKind::Cut,
            Spot::Container(_) => !self.needs_operation(),
            Spot::Operation { .. } => true,
        }
    }

    fn needs_operation(&self) -> bool {
        matches!(
            self.kind,
            FaultKind::Fail(_)
                | FaultKind::Misreport(_)
                | FaultKind::Vanish
                | FaultKind::Shorten(_)
                | FaultKind::Garble
                | FaultKind::WrongId
        )
    }
}

impl fmt::Display for FaultPlan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.faults.is_empty() {
            return formatter.write_str("none");
        }
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                formatter.write_str(",")?;
            }
            write!(formatter, "{fault}")?;
        }
        Ok(())
    }
}

impl FromStr for FaultPlan {
    type Err = FaultSyntax;

    fn from_str(text: &str) -> Result<Self, FaultSyntax> {
        let text = text.trim();
        if text.is_empty() || text == "none" {
            return Ok(Self::default());
        }
        let faults = text.split(',').map(|part| part.trim().parse()).collect::<Result<_, _>>()?;
        Ok(Self { faults })
    }
}

/// The faults of a plan that did not fire yet, and the counts they wait for.
#[derive(Debug)]
pub(super) struct FaultRunner {
    waiting: Vec<Fault>,
    operations: Vec<(u16, u64)>,
}

impl FaultRunner {
    pub(super) fn new(plan: FaultPlan) -> Self {
        Self { waiting: plan.faults, operations: Vec::new() }
    }

    fn take(&mut self, wanted: impl Fn(Spot) -> bool) -> Vec<Fault> {
        if self.waiting.is_empty() {
            return Vec::new();
        }
        let (fired, waiting) =
            std::mem::take(&mut self.waiting).into_iter().partition(|fault| wanted(fault.spot));
        self.waiting = waiting;
        fired
    }

    /// The faults that fire as this container is about to move.
    pub(super) fn at_container(&mut self, number: u64) -> Vec<Fault> {
        self.take(|spot| spot == Spot::Container(number))
    }

    /// The faults that fire at this command.
    pub(super) fn at_operation(&mut self, code: u16) -> Vec<Fault> {
        if self.waiting.is_empty() {
            return Vec::new();
        }
        let nth = match self.operations.iter_mut().find(|(known, _)| *known == code) {
            Some((_, count)) => {
                *count = count.saturating_add(1);
                *count
            }
            None => {
                self.operations.push((code, 1));
                1
            }
        };
        self.take(|spot| spot == Spot::Operation { code, nth })
    }

    /// How many of the next `length` bytes still pass, if a cut lies among them or right after them.
    pub(super) fn cut_within(&mut self, outward: bool, moved: u64, length: u64) -> Option<(u64, Fault)> {
        let place = |spot: Spot| match spot {
            Spot::ByteOut(at) if outward => Some(at),
            Spot::ByteIn(at) if !outward => Some(at),
            _ => None,
        };
        let reached = moved.saturating_add(length);
        let fault = self
            .waiting
            .iter()
            .copied()
            .filter(|fault| place(fault.spot).is_some_and(|at| at <= reached))
            .min_by_key(|fault| place(fault.spot))?;
        self.waiting.retain(|other| *other != fault);
        Some((place(fault.spot)?.saturating_sub(moved), fault))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fault() -> impl Strategy<Value = Fault> {
        let kind = prop_oneof![
            Just(FaultKind::Cut),
            any::<u16>().prop_map(FaultKind::Fail),
            any::<u16>().prop_map(FaultKind::Misreport),
            any::<u64>().prop_map(FaultKind::Delay),
            any::<u64>().prop_map(FaultKind::Busy),
            Just(FaultKind::Lock),
            Just(FaultKind::Unlock),
            Just(FaultKind::Vanish),
            Just(FaultKind::Stall),
            Just(FaultKind::Mute),
            any::<u64>().prop_map(FaultKind::Shorten),
            Just(FaultKind::Garble),
            Just(FaultKind::WrongId),
        ];
        let spot = prop_oneof![
            any::<u64>().prop_map(Spot::Container),
            any::<u64>().prop_map(Spot::ByteOut),
            any::<u64>().prop_map(Spot::ByteIn),
            (any::<u16>(), any::<u64>()).prop_map(|(code, nth)| Spot::Operation { code, nth }),
            (0..operation::ALL.len(), any::<u64>())
                .prop_map(|(index, nth)| Spot::Operation { code: operation::ALL[index], nth }),
        ];
        (kind, spot).prop_map(|(kind, spot)| Fault { kind, spot }).prop_filter("possible", Fault::makes_sense)
    }

    proptest! {
        #[test]
        fn a_plan_is_its_line(faults in prop::collection::vec(fault(), 0..5)) {
            let plan = FaultPlan { faults };
            prop_assert_eq!(plan.to_string().parse::<FaultPlan>(), Ok(plan));
        }

        #[test]
        fn any_line_is_a_plan_or_refused(line in ".{0,40}") {
            if let Ok(plan) = line.parse::<FaultPlan>() {
                prop_assert_eq!(plan.to_string().parse::<FaultPlan>(), Ok(plan));
            }
        }
    }

    #[test]
    fn the_lines_of_the_documentation_are_plans() {
        for line in [
            "cut@container:17",
            "cut@byte:out:4031",
            "fail:2002@SendObject:3",
            "delay:25000@container:5",
            "busy@container:4x3",
            "lock@container:9",
            "vanish@GetObject:2",
            "cut@container:17,lock@container:3",
            "none",
        ] {
            assert_eq!(line.parse::<FaultPlan>().unwrap().to_string(), line);
        }
        assert_eq!("vanish".parse::<FaultPlan>().unwrap().to_string(), "vanish@GetObject:1");
        for line in [
            "cut",
            "cut@",
            "cut:1@container:1",
            "fail@SendObject:1",
            "lock@byte:in:1",
            "fail:2002@container:1",
            "cut@Nothing:1",
        ] {
            assert!(line.parse::<FaultPlan>().is_err(), "{line}");
        }
    }

    #[test]
    fn cuts_are_found_among_bytes() {
        let mut runner = FaultRunner::new("cut@byte:out:10,cut@byte:in:5".parse().unwrap());
        assert_eq!(runner.cut_within(true, 0, 9), None);
        assert_eq!(runner.cut_within(true, 4, 8).map(|(passed, _)| passed), Some(6));
        assert_eq!(runner.cut_within(true, 4, 8), None);
        assert_eq!(runner.cut_within(false, 0, 5).map(|(passed, _)| passed), Some(5));
    }
}
