//! Operations on device properties: battery, clock, the two names that an initiator may set.

use crate::mtp::code::{data_type, device_property as prop, response};

use super::dates::{Suffix, format_date};
use super::device::Device;
use super::responder::{Answer, Command, Outcome};
use super::wire::{Reader, Writer};

const BATTERY_PERCENT: u8 = 80;
/// PerceivedDeviceType: a mobile handset.
const MOBILE_HANDSET: u32 = 3;

impl Device {
    fn known_device_property(&self, command: &Command) -> Result<u16, u16> {
        let property = u16::try_from(command.parameter(0)).unwrap_or(0);
        if self.personality.device_properties.contains(&property) {
            Ok(property)
        } else {
            Err(response::DEVICE_PROP_NOT_SUPPORTED)
        }
    }

    fn is_settable(property: u16) -> bool {
        matches!(property, prop::SYNCHRONIZATION_PARTNER | prop::DEVICE_FRIENDLY_NAME)
    }

    fn write_device_value(&self, writer: &mut Writer, property: u16, is_default: bool) -> u16 {
        match property {
            prop::BATTERY_LEVEL => {
                writer.u8(BATTERY_PERCENT);
                data_type::UINT8
            }
            prop::PERCEIVED_DEVICE_TYPE => {
                writer.u32(MOBILE_HANDSET);
                data_type::UINT32
            }
            prop::DATE_TIME => {
                let now_ms = self.clock.now_ms();
                writer.string(&format_date(now_ms, self.personality.utc_offset_minutes, Suffix::None));
                data_type::STR
            }
            _ => {
                let set = self.device_values.get(&property).filter(|_| !is_default);
                let fallback =
                    if property == prop::DEVICE_FRIENDLY_NAME { self.personality.model.as_str() } else { "" };
                writer.string(set.map_or(fallback, String::as_str));
                data_type::STR
            }
        }
    }

    pub(super) fn device_property(&self, command: &Command) -> Outcome {
        let property = self.known_device_property(command)?;
        let mut writer = Writer::default();
        self.write_device_value(&mut writer, property, false);
        Ok(Answer::data(writer.into_bytes()))
    }

    pub(super) fn device_property_description(&self, command: &Command) -> Outcome {
        let property = self.known_device_property(command)?;
        let mut values = Writer::default();
        let kind = self.write_device_value(&mut values, property, true);
        self.write_device_value(&mut values, property, false);
        let mut writer = Writer::default();
        writer.u16(property);
        writer.u16(kind);
        writer.u8(u8::from(Self::is_settable(property)));
        writer.raw(&values.into_bytes());
        writer.u8(0);
        Ok(Answer::data(writer.into_bytes()))
    }

    pub(super) fn set_device_property(&mut self, command: &Command, data: &[u8]) -> Outcome {
        let property = self.known_device_property(command)?;
        if !Self::is_settable(property) {
            return Err(response::ACCESS_DENIED);
        }
        let mut reader = Reader::new(data);
        let (text, ends_in_nul) = reader.string().ok_or(response::INVALID_DEVICE_PROP_FORMAT)?;
        if self.personality.insists.datasets && !(ends_in_nul && reader.rest().is_empty()) {
            return Err(response::INVALID_DEVICE_PROP_VALUE);
        }
        self.device_values.insert(property, text);
        Ok(Answer::ok())
    }

    pub(super) fn reset_device_property(&mut self, command: &Command) -> Outcome {
        let property = self.known_device_property(command)?;
        self.device_values.remove(&property);
        Ok(Answer::ok())
    }
}
