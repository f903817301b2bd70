//! What a phone over MTP tells about itself beyond its folders: storages with their sizes, DeviceInfo, its clock. It
//! asks, and writes nothing.

use super::tree::{StorageLabels, TreeError};
use super::tree_mtp::MtpTree;
use crate::mtp::code::device_property;
use crate::mtp::{DeviceInfo, StorageInfo};

/// One storage as the phone describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveyedStorage {
    /// The StorageID.
    pub id: u32,
    /// The name under which it is a [`super::Storage`] of the tree.
    pub label: String,
    /// Everything that the phone says of it.
    pub info: StorageInfo,
}

impl MtpTree {
    /// What the phone says of itself (MTP GetDeviceInfo, 1001).
    #[must_use]
    pub fn device_info(&self) -> &DeviceInfo {
        self.session.device_info()
    }

    /// The storages, each with a label that is its own.
    ///
    /// # Errors
    /// [`TreeError::Locked`] if the phone shows none.
    pub fn survey_storages(&mut self) -> Result<Vec<SurveyedStorage>, TreeError> {
        let mut labels = StorageLabels::default();
        let mut storages = Vec::new();
        for id in self.session.storage_ids()? {
            let info = self.session.storage_info(id)?;
            let label = labels.next(&info.description, &info.volume);
            storages.push(SurveyedStorage { id, label, info });
        }
        Ok(storages)
    }

    /// The date and time that the phone shows (device property DateTime, 5011), as it writes it; `None` if it does
    /// not offer that.
    ///
    /// # Errors
    /// When the session failed over the question.
    pub fn date(&mut self) -> Result<Option<String>, TreeError> {
        if !self.session.device_info().device_properties.contains(&device_property::DATE_TIME) {
            return Ok(None);
        }
        match self.session.device_property_text(device_property::DATE_TIME) {
            Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
            Err(error) => match TreeError::from(error) {
                fatal if fatal.is_fatal() => Err(fatal),
                _ => Ok(None),
            },
        }
    }
}
