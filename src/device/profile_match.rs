//! Which devices a profile is for: the criteria, and devices as they introduced themselves. Values and comparing only.

use serde::{Deserialize, Serialize};

use super::tree::DeviceIdentity;

/// Criteria; all that are given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// Only (true) or never (false) for a directory of this computer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<bool>,
    /// USB ids as `vid:pid`, or `vid:*`, lower-case hexadecimal; one must be the device's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub usb: Vec<String>,
    /// The manufacturer: with `*` or `?` a pattern of the whole text, otherwise a part of it. Letter case is ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    /// The model; read like the manufacturer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// A part of the vendor extension description, such as `android.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_extension: Option<String>,
    /// Object formats as four hexadecimal digits, all of which the device lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formats: Vec<String>,
    /// Operations as four hexadecimal digits, all of which the device lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<String>,
    /// Operations as four hexadecimal digits, none of which the device lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations_absent: Vec<String>,
}

impl Match {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the USB id is a criterion and is met.
    #[must_use]
    pub fn names_usb(&self, usb_id: (u16, u16)) -> bool {
        self.usb.iter().any(|pattern| usb_matches(pattern, usb_id))
    }

    /// Whether a device meets every criterion. No criterion at all is met by every device.
    #[must_use]
    pub fn accepts(&self, device: &DeviceIdentity) -> bool {
        self.unmet(device).is_empty()
    }

    /// The criteria that a device does not meet, each by its key and what the device has instead.
    #[must_use]
    pub fn unmet(&self, device: &DeviceIdentity) -> Vec<Unmet> {
        let mut unmet = Vec::new();
        let mut demand = |holds: bool, key: &'static str, wanted: String, found: &str| {
            if !holds {
                unmet.push(Unmet { key, wanted, found: found.to_owned() });
            }
        };
        if let Some(wanted) = self.directory {
            let found = if device.is_directory { "a directory" } else { "no directory" };
            demand(wanted == device.is_directory, "directory", wanted.to_string(), found);
        }
        let (vendor, product) = device.usb_id;
        let usb_holds = self.usb.is_empty() || self.names_usb(device.usb_id);
        demand(usb_holds, "usb", self.usb.join(" or "), &format!("{vendor:04x}:{product:04x}"));
        if let Some(pattern) = &self.manufacturer {
            let holds = text_matches(pattern, &device.manufacturer);
            demand(holds, "manufacturer", pattern.clone(), &device.manufacturer);
        }
        if let Some(pattern) = &self.model {
            demand(text_matches(pattern, &device.model), "model", pattern.clone(), &device.model);
        }
        if let Some(part) = &self.vendor_extension {
            let holds = contains(&device.vendor_extension, part);
            demand(holds, "vendor_extension", part.clone(), &device.vendor_extension);
        }
        let has_code = |list: &[u16], text: &str| code(text).is_some_and(|wanted| list.contains(&wanted));
        for format in self.formats.iter().filter(|format| !has_code(&device.formats, format)) {
            demand(false, "formats", format.clone(), "");
        }
        for operation in self.operations.iter().filter(|operation| !has_code(&device.operations, operation)) {
            demand(false, "operations", operation.clone(), "");
        }
        for operation in &self.operations_absent {
            let is_listed = has_code(&device.operations, operation);
            demand(!is_listed, "operations_absent", operation.clone(), operation);
        }
        unmet
    }

    /// Why no device can ever meet these criteria, if that is so.
    #[must_use]
    pub fn contradiction(&self) -> Option<String> {
        let same = |left: &String, right: &String| code(left) == code(right);
        let both =
            self.operations.iter().find(|one| self.operations_absent.iter().any(|other| same(one, other)));
        if let Some(operation) = both {
            return Some(format!("{operation} stands in operations and in operations_absent"));
        }
        let asks_mtp = !self.usb.is_empty() || !self.formats.is_empty() || !self.operations.is_empty();
        let asks_mtp = asks_mtp || self.vendor_extension.as_ref().is_some_and(|part| !part.is_empty());
        (self.directory == Some(true) && asks_mtp).then(|| {
            String::from("a directory has no USB id, no formats, no operations and no vendor extension")
        })
    }

    /// Every code in it.
    pub(super) fn codes(&self) -> impl Iterator<Item = &String> {
        self.formats.iter().chain(&self.operations).chain(&self.operations_absent)
    }
}

/// A criterion that a device does not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// The key of the criterion.
    pub key: &'static str,
    /// What it asks for.
    pub wanted: String,
    /// What the device has; empty if it lacks it.
    pub found: String,
}

/// A device as it introduced itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// Whether it is a directory of this computer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub directory: bool,
    /// `vid:pid`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub usb: String,
    /// The manufacturer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub manufacturer: String,
    /// The model.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub model: String,
    /// The vendor extension description.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub vendor_extension: String,
    /// Object formats as four hexadecimal digits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formats: Vec<String>,
    /// Operations as four hexadecimal digits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<String>,
}

impl Example {
    /// The identity that such a device shows.
    #[must_use]
    pub fn identity(&self) -> DeviceIdentity {
        let (vendor, product) = self.usb.split_once(':').unwrap_or_default();
        DeviceIdentity {
            is_directory: self.directory,
            usb_id: (code(vendor).unwrap_or(0), code(product).unwrap_or(0)),
            manufacturer: self.manufacturer.clone(),
            model: self.model.clone(),
            serial: String::new(),
            vendor_extension: self.vendor_extension.clone(),
            formats: self.formats.iter().filter_map(|text| code(text)).collect(),
            operations: self.operations.iter().filter_map(|text| code(text)).collect(),
        }
    }
}

/// A 16-bit code written as four lower-case or upper-case hexadecimal digits.
pub(super) fn code(text: &str) -> Option<u16> {
    if text.len() == 4 { u16::from_str_radix(text, 16).ok() } else { None }
}

fn usb_matches(pattern: &str, (vendor, product): (u16, u16)) -> bool {
    let Some((vendor_text, product_text)) = pattern.split_once(':') else { return false };
    code(vendor_text) == Some(vendor) && (product_text == "*" || code(product_text) == Some(product))
}

fn contains(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

/// A pattern with `*` or `?` is matched against the whole text, another is looked for in it.
fn text_matches(pattern: &str, text: &str) -> bool {
    if !pattern.contains(['*', '?']) {
        return contains(text, pattern);
    }
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let text: Vec<char> = text.to_lowercase().chars().collect();
    glob(&pattern, &text)
}

/// Matches with one point of return, the last `*`: linear in practice and never exponential.
pub(super) fn glob(pattern: &[char], text: &[char]) -> bool {
    let (mut at, mut position) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while position < text.len() {
        match (pattern.get(at), text.get(position)) {
            (Some('*'), _) => {
                star = Some((at, position));
                at += 1;
            }
            (Some('?'), Some(_)) => (at, position) = (at + 1, position + 1),
            (Some(wanted), Some(found)) if wanted == found => (at, position) = (at + 1, position + 1),
            _ => {
                let Some((star_at, star_position)) = star else { return false };
                star = Some((star_at, star_position + 1));
                (at, position) = (star_at + 1, star_position + 1);
            }
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|&character| character == '*'))
}

impl Example {
    pub(super) fn is_well_formed(&self) -> bool {
        (self.usb.is_empty() || is_usb_pattern(&self.usb) && !self.usb.ends_with('*'))
            && self.formats.iter().chain(&self.operations).all(|text| code(text).is_some())
    }
}

pub(super) fn is_usb_pattern(text: &str) -> bool {
    text.split_once(':').is_some_and(|(vendor, product)| {
        code(vendor).is_some() && (product == "*" || code(product).is_some()) && *text == text.to_lowercase()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("Creative", "Creative Technology Ltd", true),
            ("creative", "CREATIVE", true),
            ("ZEN*", "ZEN Vision:M", true),
            ("ZEN*", "Creative ZEN", false),
            ("*ZEN*", "Creative ZEN Micro", true),
            ("N?", "N9", true),
            ("N?", "N95", false),
            ("*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", false),
            ("", "anything", true),
            ("*", "", true),
            ("?", "", false),
        ] {
            assert_eq!(text_matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn every_criterion_must_hold() {
        let criteria = Match {
            usb: vec!["041e:*".to_owned()],
            formats: vec!["BB83".to_owned()],
            operations_absent: vec!["9805".to_owned()],
            ..Match::default()
        };
        let device = DeviceIdentity {
            usb_id: (0x041e, 0x4150),
            formats: vec![0x3001, 0xBB83],
            operations: vec![0x1001],
            ..DeviceIdentity::default()
        };
        assert!(criteria.accepts(&device));
        assert!(!criteria.accepts(&DeviceIdentity { usb_id: (0x041f, 0x4150), ..device.clone() }));
        assert!(!criteria.accepts(&DeviceIdentity { formats: vec![0x3001], ..device.clone() }));
        assert!(!criteria.accepts(&DeviceIdentity { operations: vec![0x9805], ..device }));
    }

    #[test]
    fn what_is_not_met_is_named_and_contradictions_are_found() {
        let criteria = Match {
            model: Some("ZEN*".to_owned()),
            operations: vec!["9805".to_owned()],
            operations_absent: vec!["1001".to_owned()],
            ..Match::default()
        };
        let device = DeviceIdentity {
            model: "Phone".to_owned(),
            operations: vec![0x1001],
            ..DeviceIdentity::default()
        };
        let keys: Vec<&str> = criteria.unmet(&device).iter().map(|unmet| unmet.key).collect();
        assert_eq!(keys, ["model", "operations", "operations_absent"]);
        assert_eq!(criteria.unmet(&device)[0].found, "Phone");
        assert_eq!(criteria.contradiction(), None);
        let both = Match {
            operations: vec!["9805".to_owned()],
            operations_absent: vec!["9805".to_owned()],
            ..Match::default()
        };
        assert!(both.contradiction().is_some());
        let usb = vec!["041e:*".to_owned()];
        assert!(Match { directory: Some(true), usb, ..Match::default() }.contradiction().is_some());
        assert_eq!(Match { directory: Some(true), ..Match::default() }.contradiction(), None);
    }
}
