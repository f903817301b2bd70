//! What a side can hold of a contact: which fields, how many values of each, how long, in which letters.
//!
//! Two cards are compared and merged as the phone can hold them: what it drops or cuts is no edit of its owner. This
//! file is the data, as it stands in a device profile and as it is learned from a phone; `projection_card` applies
//! it to a card. It must not know what a card or a phone is.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::decoded::{ATTRIBUTES, Part};
use super::equality::{Shape, field_name, shape_of};
use super::field::FieldMask;

/// The most components that a structured property has (ADR in RFC 9554 has 18; ORG may have any number of units).
const COMPONENTS_MAX: usize = 32;

/// What a side can hold. The default holds everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Projection {
    /// The properties it knows.
    #[serde(default)]
    pub fields: FieldMask,
    /// What it can hold of them.
    #[serde(default, skip_serializing_if = "FieldLimits::is_none")]
    pub limits: FieldLimits,
}

/// What a side can hold of the properties it knows; each limit that is left out is none. Properties are named in
/// upper case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldLimits {
    /// Properties that are dropped although the mask holds them: what was learned of a phone that is said to hold
    /// everything.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub without: BTreeSet<String>,
    /// The longest text in characters, of a property or of each of its components; `*` stands for those not named.
    /// A text is cut; a number, an address or a date that is longer is left out, for half of it is a wrong one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub length_max: BTreeMap<String, usize>,
    /// The most values of a property; the first ones are held.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub count_max: BTreeMap<String, usize>,
    /// The components that are held, from 0 in the order of RFC 6350 (`N = [0, 1]`: family and given name).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub components: BTreeMap<String, BTreeSet<usize>>,
    /// What a value may be said to be for (TYPE, lower case); left out: anything, empty: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kinds: Option<BTreeSet<String>>,
    /// Whether only ASCII letters are held.
    #[serde(default, skip_serializing_if = "is_off")]
    pub ascii: bool,
    /// Whether it forgets which of several values is preferred.
    #[serde(default, skip_serializing_if = "is_off")]
    pub no_preference: bool,
    /// Whether it forgets the parameters that are neither kind nor preference.
    #[serde(default, skip_serializing_if = "is_off")]
    pub no_parameters: bool,
    /// The largest photo, logo or sound that it takes, in bytes before base64; 0 for a side that takes none as it is,
    /// though it has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photo_bytes_max: Option<usize>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn is_off(flag: &bool) -> bool {
    !*flag
}

impl FieldLimits {
    /// Whether nothing is limited.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the limits can be meant: names in upper case, no length and no count of nothing.
    ///
    /// # Errors
    /// Says which entry is wrong and how it should be.
    pub fn check(&self) -> Result<(), String> {
        let names = self.without.iter().chain(self.length_max.keys()).chain(self.count_max.keys());
        for name in names.chain(self.components.keys()) {
            if name.trim().is_empty() || name.to_ascii_uppercase() != *name {
                return Err(format!("“{name}” is no property; write its name in upper case, such as NOTE"));
            }
        }
        for (table, limits) in [("length_max", &self.length_max), ("count_max", &self.count_max)] {
            if let Some((name, _)) = limits.iter().find(|(_, max)| **max == 0) {
                return Err(format!("{table} of {name} is 0; leave {name} out of `fields` instead"));
            }
        }
        if let Some(name) =
            self.components.keys().find(|name| shape_of(field_name(name)) != Shape::Structured)
        {
            return Err(format!("{name} has no components; only N, ADR and ORG have"));
        }
        if let Some(kind) = self.kinds.iter().flatten().find(|kind| kind.to_lowercase() != **kind) {
            return Err(format!("the kind “{kind}” must be in lower case"));
        }
        Ok(())
    }
}

impl From<FieldMask> for Projection {
    fn from(fields: FieldMask) -> Self {
        Self { fields, limits: FieldLimits::default() }
    }
}

impl Projection {
    /// Whether everything is held.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.fields.is_all() && self.limits.is_none()
    }

    /// Whether the property of this name (upper case) is held at all.
    #[must_use]
    pub fn holds_property(&self, property: &str) -> bool {
        let field = field_name(property);
        self.fields.holds_property(property)
            && !self.limits.without.iter().any(|name| field_name(name) == field)
    }

    /// The most values of a property (by its field name) that are held.
    #[must_use]
    pub fn count_max(&self, property: &str) -> Option<usize> {
        of_property(&self.limits.count_max, property).copied()
    }

    /// The longest text of a property, in characters.
    pub(super) fn length_max(&self, property: &str) -> Option<usize> {
        of_property(&self.limits.length_max, property).or_else(|| self.limits.length_max.get("*")).copied()
    }

    /// Whether a component of a structured property is held.
    pub(super) fn holds_component(&self, property: &str, index: usize) -> bool {
        of_property(&self.limits.components, property).is_none_or(|held| held.contains(&index))
    }

    /// Whether a value may be said to be for this (lower case).
    pub(super) fn holds_kind(&self, kind: &str) -> bool {
        self.limits.kinds.as_ref().is_none_or(|kinds| kinds.contains(kind))
    }

    /// The parts of a property's values that are not held.
    pub(super) fn parts_without(&self, property: &str) -> Vec<Part> {
        let mut parts: Vec<Part> = ATTRIBUTES
            .into_iter()
            .filter(|part| match part {
                Part::Label => !self.holds_property("X-ABLABEL"),
                Part::Format => !self.holds_property("X-ABADR"),
                Part::Kinds => self.limits.kinds.as_ref().is_some_and(BTreeSet::is_empty),
                Part::Preference => self.limits.no_preference,
                Part::Rest => self.limits.no_parameters,
                Part::Value | Part::Component(_) => false,
            })
            .collect();
        if of_property(&self.limits.components, property).is_some() {
            let absent = (0..COMPONENTS_MAX).filter(|index| !self.holds_component(property, *index));
            parts.extend(absent.map(Part::Component));
        }
        parts
    }
}

/// The entry of a property, whichever of its names the table has.
fn of_property<'a, Value>(table: &'a BTreeMap<String, Value>, property: &str) -> Option<&'a Value> {
    let field = field_name(property);
    table.get(property).or_else(|| {
        let same = table.iter().find(|(name, _)| field_name(name) == field);
        same.map(|(_, value)| value)
    })
}

#[cfg(test)]
#[path = "projection_tests.rs"]
mod tests;
