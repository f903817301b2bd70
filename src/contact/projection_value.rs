//! One value as a side with limits holds it: cut, respelled, or not at all.
//!
//! It must not look at other values of the card; how many there may be is `projection_card`'s business.

use std::collections::BTreeSet;

use super::decoded::is_encoding_param;
use super::equality::{
    Shape, normal_address, normal_email, normal_kinds, normal_phone, normal_text, param_field_name,
};
use super::field::FieldKey;
use super::projection::Projection;
use super::projection_loss::Loss;
use super::projection_text::{cut, in_ascii};
use super::property::Property;
use super::render::{NewProperty, Value};

impl Projection {
    /// Makes a value fit; `false` if it cannot be held at all.
    pub(super) fn fit_value(
        &self,
        field: &str,
        shape: Shape,
        value: &mut Value,
        property: &Property,
        losses: &mut BTreeSet<Loss>,
    ) -> bool {
        let length_max = self.length_max(field);
        match (shape, value) {
            (Shape::Binary, value) => {
                let size = match value {
                    Value::Binary { bytes, .. } => bytes.len(),
                    _ => property.binary().map_or(0, |bytes| bytes.len()),
                };
                let too_large = self.limits.photo_bytes_max.filter(|max| size > *max);
                if let Some(bytes_max) = too_large {
                    losses.insert(Loss::TooLarge { property: field.to_owned(), bytes_max });
                }
                too_large.is_none()
            }
            (Shape::Phone | Shape::Email | Shape::Address | Shape::Date | Shape::Position, value) => {
                let text = property.text();
                let too_long = |text: &str| length_max.filter(|max| text.trim().chars().count() > *max);
                if too_long(&text).is_none() && (!self.limits.ascii || text.is_ascii()) {
                    return true;
                }
                // A number without its formatting is the same number; of the others only the scheme can go.
                let plain = match shape {
                    Shape::Phone => normal_phone(&text),
                    Shape::Email => normal_email(&text),
                    Shape::Address => normal_address(&text),
                    _ => normal_text(&text),
                };
                if let Some(length_max) = too_long(&plain) {
                    losses.insert(Loss::TooLong { property: field.to_owned(), length_max });
                    return false;
                }
                if self.limits.ascii && !plain.is_ascii() {
                    losses.insert(Loss::Letters(field.to_owned()));
                    return false;
                }
                *value = Value::Text(plain);
                true
            }
            (_, Value::Text(text)) => {
                if let Some(fitted) = self.fit_text(&FieldKey::new(field), text, length_max, losses) {
                    *text = fitted;
                }
                !text.trim().is_empty() || !self.is_limited(field)
            }
            (_, Value::List(items)) => {
                for item in items.iter_mut() {
                    if let Some(fitted) = self.fit_text(&FieldKey::new(field), item, length_max, losses) {
                        *item = fitted;
                    }
                }
                true
            }
            (_, Value::Components(components)) => {
                self.fit_components(field, shape, components, length_max, losses)
            }
            (_, Value::Raw(_) | Value::Binary { .. }) => true,
        }
    }

    fn is_limited(&self, field: &str) -> bool {
        self.limits.ascii || self.length_max(field).is_some()
    }

    fn fit_components(
        &self,
        field: &str,
        shape: Shape,
        components: &mut [Vec<String>],
        length_max: Option<usize>,
        losses: &mut BTreeSet<Loss>,
    ) -> bool {
        let said =
            |components: &[Vec<String>]| components.iter().flatten().any(|item| !item.trim().is_empty());
        let said_before = said(components);
        for (index, items) in components.iter_mut().enumerate() {
            let key = if shape == Shape::Structured {
                FieldKey::component(field, index)
            } else {
                FieldKey::new(field)
            };
            if shape == Shape::Structured && !self.holds_component(field, index) {
                if items.iter().any(|item| !item.trim().is_empty()) {
                    losses.insert(Loss::Component(key));
                    *items = vec![String::new()];
                }
                continue;
            }
            let whole = items.join(",");
            if let Some(fitted) = self.fit_text(&key, &whole, length_max, losses) {
                *items = vec![fitted];
            }
        }
        // A name's line stays though it says nothing: vCard 2.1 and 3.0 want one.
        !said_before || said(components) || field == "N"
    }

    /// The text as it is held; `None` if it is held as it is.
    pub(super) fn fit_text(
        &self,
        key: &FieldKey,
        text: &str,
        length_max: Option<usize>,
        losses: &mut BTreeSet<Loss>,
    ) -> Option<String> {
        let plain = if self.limits.ascii { in_ascii(text) } else { None };
        if plain.is_some() {
            losses.insert(Loss::Letters(key.property().to_owned()));
        }
        let short = length_max.and_then(|max| cut(plain.as_deref().unwrap_or(text), max));
        if let (Some(length_max), Some(_)) = (length_max, &short) {
            losses.insert(Loss::Cut { field: key.clone(), length_max });
        }
        short.or(plain)
    }

    pub(super) fn fit_params(
        &self,
        field: &str,
        shape: Shape,
        property: &mut NewProperty,
        losses: &mut BTreeSet<Loss>,
    ) {
        property.params.retain(|param| {
            let name = param_field_name(&param.name);
            let word = param.value.trim().to_lowercase();
            if is_encoding_param(&param.name, shape) {
                true
            } else if name == "PREF" || (name == "TYPE" && word == "pref") {
                let held = !self.limits.no_preference;
                if !held {
                    losses.insert(Loss::Preference(field.to_owned()));
                }
                held
            } else if name == "TYPE" {
                // A word that says nothing (VOICE) is no kind.
                let held =
                    self.holds_kind(&word) || normal_kinds(field, [word.as_str()].into_iter()).is_empty();
                if !held {
                    losses.insert(Loss::Kinds(field.to_owned()));
                }
                held
            } else {
                if self.limits.no_parameters {
                    losses.insert(Loss::Details(field.to_owned()));
                }
                !self.limits.no_parameters
            }
        });
    }
}
