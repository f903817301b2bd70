//! Relationships: what is synced with what, and which change on which side does what to the other.
//!
//! Pure values: this room does no I/O. A [`Mode`] is a named set of trigger settings, as in Add2Exchange; the
//! settings of a side say what an add, an edit and a delete *on that side* do.

mod guards;
mod settings;

use serde::{Deserialize, Serialize};

use crate::contact::ConflictPolicy;

pub use guards::{Guards, Limits};
pub use settings::Choices;

/// The two sides of a relationship.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The phone.
    Phone,
    /// The book on the PC.
    Pc,
}

impl Side {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Phone => Self::Pc,
            Self::Pc => Self::Phone,
        }
    }

    /// As it stands in a sentence: "phone", "PC".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Pc => "PC",
        }
    }
}

/// What happens when an item is added on a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnAdd {
    /// A copy is made on the other side.
    Copy,
    /// Nothing: the item is not subject to the relationship.
    Ignore,
}

/// What happens when a linked item is edited on a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnEdit {
    /// The edit goes to the other side.
    Propagate,
    /// The edit is undone from the other side; what it replaces stays in the history.
    Revert,
}

/// What happens when a linked item is deleted on a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnDelete {
    /// The other side's item is deleted too.
    Propagate,
    /// The item is copied again from the other side.
    Restore,
}

/// The trigger settings of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Triggers {
    /// An item is added on this side.
    pub add: OnAdd,
    /// A linked item is edited on this side.
    pub edit: OnEdit,
    /// A linked item is deleted on this side.
    pub delete: OnDelete,
}

impl Triggers {
    /// Everything done on this side counts.
    pub const SOURCE: Self = Self { add: OnAdd::Copy, edit: OnEdit::Propagate, delete: OnDelete::Propagate };
    /// This side only receives.
    pub const COPY: Self = Self { add: OnAdd::Ignore, edit: OnEdit::Revert, delete: OnDelete::Restore };
}

/// A named set of trigger settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Both sides count.
    #[default]
    TwoWay,
    /// The PC follows the phone; nothing is ever written to the phone.
    PhoneToPc,
    /// The phone follows the PC; nothing that happens on the phone changes the PC.
    PcToPhone,
}

impl Mode {
    /// All modes, in the order in which help lists them.
    pub const ALL: [Self; 3] = [Self::TwoWay, Self::PhoneToPc, Self::PcToPhone];

    /// The name in the configuration and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TwoWay => "two-way",
            Self::PhoneToPc => "phone-to-pc",
            Self::PcToPhone => "pc-to-phone",
        }
    }

    /// The mode of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

/// What becomes of a contact that one side deleted and the other edited since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EditOrDelete {
    /// The edit counts: the contact comes back where it was deleted.
    #[default]
    Edit,
    /// The deletion counts: the contact goes, and what was edited stays in the history.
    Delete,
}

impl EditOrDelete {
    /// Both, in the order in which help lists them.
    pub const ALL: [Self; 2] = [Self::Edit, Self::Delete];

    /// The name in the configuration, in the database and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Delete => "delete",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|wins| wins.name() == name)
    }
}

/// What one session goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relationship {
    /// The mode, for people and for seeing that it changed.
    pub mode: Mode,
    /// What an event on the phone does.
    pub phone: Triggers,
    /// What an event on the PC does.
    pub pc: Triggers,
    /// Who wins where both sides changed the same field differently.
    pub conflicts: ConflictPolicy,
    /// What counts where one side deleted a contact and the other edited it.
    pub edit_or_delete: EditOrDelete,
    /// The limits on what a session may take away.
    pub guards: Guards,
}

impl Relationship {
    /// The relationship of that mode with the default policy and guards.
    #[must_use]
    pub fn of_mode(mode: Mode) -> Self {
        let (phone, pc) = match mode {
            Mode::TwoWay => (Triggers::SOURCE, Triggers::SOURCE),
            Mode::PhoneToPc => (Triggers::SOURCE, Triggers::COPY),
            Mode::PcToPhone => (Triggers::COPY, Triggers::SOURCE),
        };
        Self {
            mode,
            phone,
            pc,
            conflicts: ConflictPolicy::Hold,
            edit_or_delete: EditOrDelete::default(),
            guards: Guards::default(),
        }
    }

    /// The trigger settings of a side.
    #[must_use]
    pub fn triggers(&self, side: Side) -> &Triggers {
        match side {
            Side::Phone => &self.phone,
            Side::Pc => &self.pc,
        }
    }

    /// Whether a session may write to this side at all, its marker included.
    #[must_use]
    pub fn writes_to(&self, side: Side) -> bool {
        let (own, other) = (self.triggers(side), self.triggers(side.other()));
        other.add == OnAdd::Copy
            || other.edit == OnEdit::Propagate
            || other.delete == OnDelete::Propagate
            || own.edit == OnEdit::Revert
            || own.delete == OnDelete::Restore
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_way_never_writes_to_its_source() {
        let relationship = Relationship::of_mode(Mode::PhoneToPc);
        assert!(!relationship.writes_to(Side::Phone));
        assert!(relationship.writes_to(Side::Pc));
        let relationship = Relationship::of_mode(Mode::PcToPhone);
        assert!(relationship.writes_to(Side::Phone));
        assert!(!relationship.writes_to(Side::Pc));
        let relationship = Relationship::of_mode(Mode::TwoWay);
        assert!(relationship.writes_to(Side::Phone) && relationship.writes_to(Side::Pc));
    }

    #[test]
    fn modes_are_found_by_their_names() {
        for mode in Mode::ALL {
            assert_eq!(Mode::by_name(mode.name()), Some(mode));
        }
        assert_eq!(Mode::by_name("both"), None);
    }
}
