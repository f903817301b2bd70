//! The settings of a relationship as text: what its last session went by, and what a person chose for it, which goes
//! before the configuration. Text to value and back; it must not decide what counts.

use serde_json::{Map, Value};

use super::{EditOrDelete, Relationship};
use crate::contact::ConflictPolicy;

/// What a person chose for one phone and one book; what is `None` the configuration decides, or the default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Choices {
    /// What becomes of a field that both sides changed differently.
    pub conflicts: Option<ConflictPolicy>,
    /// What becomes of a contact that one side deleted and the other edited.
    pub edit_or_delete: Option<EditOrDelete>,
}

impl Choices {
    /// These choices where they are made, else those.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            conflicts: self.conflicts.or(other.conflicts),
            edit_or_delete: self.edit_or_delete.or(other.edit_or_delete),
        }
    }

    /// Whether nothing was chosen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// As a clause: "conflicts: phone, edit or delete: delete"; `None` if nothing was chosen.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        let conflicts = self.conflicts.map(|policy| format!("conflicts: {}", policy.name()));
        let edit = self.edit_or_delete.map(|wins| format!("edit or delete: {}", wins.name()));
        let parts: Vec<String> = conflicts.into_iter().chain(edit).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// The choices in the settings of a relationship. Settings of an earlier version have none.
    #[must_use]
    pub fn of_settings(settings: &str) -> Self {
        let settings: Value = serde_json::from_str(settings).unwrap_or_default();
        let name = |key: &str| settings.pointer(&format!("/chosen/{key}")).and_then(Value::as_str);
        Self {
            conflicts: name(CONFLICTS).and_then(ConflictPolicy::by_name),
            edit_or_delete: name(EDIT_OR_DELETE).and_then(EditOrDelete::by_name),
        }
    }

    /// As an object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut chosen = Map::new();
        chosen.extend(self.conflicts.map(|policy| (CONFLICTS.to_owned(), policy.name().into())));
        chosen.extend(self.edit_or_delete.map(|wins| (EDIT_OR_DELETE.to_owned(), wins.name().into())));
        Value::Object(chosen)
    }

    fn into_settings(self, mut settings: Map<String, Value>) -> String {
        if !self.is_empty() {
            settings.insert(String::from("chosen"), self.to_json());
        }
        Value::Object(settings).to_string()
    }

    /// The settings that are noted with a relationship that goes by `relationship`.
    #[must_use]
    pub fn settings(self, relationship: &Relationship) -> String {
        let mut settings = Map::new();
        settings.insert(CONFLICTS.to_owned(), relationship.conflicts.name().into());
        if relationship.edit_or_delete != EditOrDelete::default() {
            settings.insert(EDIT_OR_DELETE.to_owned(), relationship.edit_or_delete.name().into());
        }
        settings
            .insert(String::from("guards"), serde_json::to_value(relationship.guards).unwrap_or_default());
        self.into_settings(settings)
    }

    /// The settings of a relationship whose mode changed and that was not compared as a whole since. What one mode
    /// passes over, another may have to act on, and a session that is cut must not make the next one forget it.
    #[must_use]
    pub fn settings_to_compare(self) -> String {
        let mut settings = Map::new();
        settings.insert(COMPARE_ALL.to_owned(), true.into());
        self.into_settings(settings)
    }

    /// Whether settings say that everything is to be compared.
    #[must_use]
    pub fn compares_all(settings: &str) -> bool {
        let settings: Value = serde_json::from_str(settings).unwrap_or_default();
        settings.get(COMPARE_ALL).and_then(Value::as_bool) == Some(true)
    }

    /// Settings with these choices in the place of the earlier ones.
    #[must_use]
    pub fn put_into(self, settings: &str) -> String {
        let mut settings: Map<String, Value> = serde_json::from_str(settings).unwrap_or_default();
        settings.remove("chosen");
        self.into_settings(settings)
    }
}

const CONFLICTS: &str = "conflicts";
const EDIT_OR_DELETE: &str = "edit-or-delete";
const COMPARE_ALL: &str = "compare-all";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relationship::Mode;

    #[test]
    fn choices_outlive_whatever_else_is_noted() {
        let chosen =
            Choices { conflicts: Some(ConflictPolicy::Newest), edit_or_delete: Some(EditOrDelete::Delete) };
        let relationship = Relationship::of_mode(Mode::TwoWay);
        for settings in [
            chosen.settings(&relationship),
            chosen.settings_to_compare(),
            chosen.put_into("{}"),
            chosen.put_into(&Choices::default().settings_to_compare()),
        ] {
            assert_eq!(Choices::of_settings(&settings), chosen, "{settings}");
        }
        assert!(Choices::compares_all(&chosen.settings_to_compare()));
        assert!(!Choices::compares_all(&chosen.settings(&relationship)));
        assert_eq!(Choices::of_settings(r#"{"conflicts":"phone"}"#), Choices::default());
        assert_eq!(Choices::default().settings_to_compare(), r#"{"compare-all":true}"#);
        assert_eq!(chosen.words().as_deref(), Some("conflicts: newest, edit or delete: delete"));
    }

    #[test]
    fn what_is_said_goes_before_what_is_chosen() {
        let said = Choices { conflicts: Some(ConflictPolicy::Pc), edit_or_delete: None };
        let chosen =
            Choices { conflicts: Some(ConflictPolicy::Phone), edit_or_delete: Some(EditOrDelete::Delete) };
        let both = said.or(chosen);
        assert_eq!(both.conflicts, Some(ConflictPolicy::Pc));
        assert_eq!(both.edit_or_delete, Some(EditOrDelete::Delete));
    }
}
