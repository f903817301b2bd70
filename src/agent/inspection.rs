//! Looking at the devices on the bus, and into those that can be opened. It reads, and writes nothing to a phone: no
//! marker, no leftovers removed.

use std::rc::Rc;

use super::findings::{
    Contacts, DeviceFindings, Inside, ProfileFindings, TableAnswer, Visit, VisitDurations,
};
use super::phone_date;
use super::plugged::{address_of, cable_quirks};
use super::probe::{Probed, lost_words};
use crate::device::{
    Access, Channel, ChannelChoices, ChannelOptions, DeviceProfile, MtpTree, NoMemory, ObjectTree,
    ProfileSet, Quirks, TreeError, open_channel,
};
use crate::ics::Guid;
use crate::mtp::SessionOptions;
use crate::provider::{Clock, Completeness, Costs, ProviderError, Randomness, SimpleProvider};
use crate::usb::{self, Ports, UsbDevice, UsbError};

/// What an inspection goes by.
pub struct Inspector<'a> {
    /// The bus.
    pub ports: &'a dyn Ports,
    /// The known devices.
    pub profiles: &'a ProfileSet,
    /// How listings worked on the phone of an address in earlier sessions; empty if nothing is remembered.
    pub habits: &'a dyn Fn(&str) -> String,
    /// What a probe found of the phone of an address.
    pub probed: &'a dyn Fn(&str) -> Option<Probed>,
    /// What libmtp's table says of a USB id.
    pub table: &'a dyn Fn((u16, u16)) -> TableAnswer,
    /// The time.
    pub clock: Rc<dyn Clock>,
    /// Chance.
    pub randomness: Rc<dyn Randomness>,
}

impl Inspector<'_> {
    /// Looks at every device on the bus.
    ///
    /// # Errors
    /// When the bus cannot be read.
    pub fn inspect_all(&self) -> Result<Vec<DeviceFindings>, UsbError> {
        Ok(self.ports.devices()?.iter().map(|device| self.inspect(device)).collect())
    }

    fn inspect(&self, device: &UsbDevice) -> DeviceFindings {
        let quirks = self.profiles.quirks_of_usb(device.usb_id);
        let mut holders = self.ports.holders(device);
        let visit = match (device.is_mtp(), device.access) {
            (false, _) => Visit::ChargeOnly,
            (true, usb::Access::Denied) => Visit::Denied,
            (true, usb::Access::Granted) => match self.visit(device, quirks) {
                Ok(inside) => Visit::Inside(Box::new(inside)),
                Err(NoVisit::Usb(UsbError::Held(programs))) => {
                    if !programs.is_empty() {
                        holders = programs;
                    }
                    Visit::Held
                }
                Err(NoVisit::Usb(UsbError::NoPermission(_))) => Visit::Denied,
                Err(NoVisit::Usb(UsbError::Gone)) => Visit::Gone,
                Err(NoVisit::Usb(UsbError::NoInterface)) => Visit::ChargeOnly,
                Err(NoVisit::Usb(error)) => Visit::Mute(ProviderError::Storage(error.to_string())),
                Err(NoVisit::Tree(error)) => Visit::Mute(error.for_side()),
            },
        };
        let in_table = (self.table)(device.usb_id);
        DeviceFindings { device: device.clone(), holders, quirks: quirks.names_on(), in_table, visit }
    }

    fn visit(&self, device: &UsbDevice, quirks: Quirks) -> Result<Inside, NoVisit> {
        let began_us = self.clock.steady_us();
        let options = SessionOptions {
            quirks: quirks.for_session(),
            listing_method: MtpTree::listing_method_of(&(self.habits)(&address_of(device))),
            ..SessionOptions::default()
        };
        let link = self.ports.connect(device, cable_quirks(quirks))?;
        let mut tree = MtpTree::open(link, Rc::clone(&self.clock), &options)?;
        let opened_us = self.clock.steady_us();
        let identity = tree.identity().clone();
        let probed = (self.probed)(&address_of(device));
        let candidates = self.profiles.candidates(&identity);
        let storages = tree.survey_storages().map_err(TreeError::for_side);
        let surveyed_us = self.clock.steady_us();
        let date = tree.date().unwrap_or_default();
        let mut inside = Inside {
            info: tree.device_info().clone(),
            profile: self.profile_findings(self.profiles.choose(&identity), probed.as_ref()),
            identity,
            storages,
            contacts: Contacts::NotLookedFor,
            date,
            listing: tree.habits(),
            costs: tree.costs(),
            durations: VisitDurations {
                open_us: opened_us.saturating_sub(began_us),
                storages_us: surveyed_us.saturating_sub(opened_us),
                contacts_us: 0,
            },
        };
        if !candidates.is_empty() && inside.storages.as_ref().is_ok_and(|storages| !storages.is_empty()) {
            let looked_us = self.clock.steady_us();
            let opened = open_channel(Box::new(tree), &candidates, None, self.options());
            if let Ok((_, profile)) = &opened {
                inside.profile = self.profile_findings(Some(profile), probed.as_ref());
            }
            let opened = opened.map(|(channel, _)| channel);
            (inside.contacts, inside.listing, inside.costs) = contacts(opened, &inside);
            inside.durations.contacts_us = self.clock.steady_us().saturating_sub(looked_us);
        } else {
            tree.close();
        }
        Ok(inside)
    }

    /// How a channel is opened that is only looked at: nobody will ask for its id, and nothing is remembered.
    fn options(&self) -> ChannelOptions<'static> {
        ChannelOptions {
            access: Access::ReadOnly,
            guid_if_unmarked: Guid::from_random([0; 16]),
            known_guids: Vec::new(),
            label: String::new(),
            clock: Rc::clone(&self.clock),
            randomness: Rc::clone(&self.randomness),
            memory: &NoMemory,
            choices: ChannelChoices::default(),
        }
    }

    fn profile_findings(
        &self,
        profile: Option<&DeviceProfile>,
        probed: Option<&Probed>,
    ) -> Option<ProfileFindings> {
        let profile = profile?;
        let projection = profile.contacts.projection();
        let projection = probed.map_or(projection.clone(), |probed| projection.narrowed_by(&probed.learned));
        Some(ProfileFindings {
            id: profile.id.clone(),
            name: profile.name.clone(),
            maker: profile.maker.clone(),
            is_own: self.profiles.is_own(&profile.id),
            channel: profile.contacts.channel,
            folders: profile.contacts.folders.clone(),
            quirks: profile.quirks.names_on(),
            cannot_hold: lost_words(&projection, &profile.contacts.dialect),
        })
    }
}

/// Where the contacts are, how the folders were listed, and what everything cost up to then.
fn contacts(
    opened: Result<Box<dyn Channel + '_>, ProviderError>,
    before: &Inside,
) -> (Contacts, String, Costs) {
    let mut channel = match opened {
        Ok(channel) => channel,
        Err(error) => {
            let contacts = match error {
                ProviderError::NoChannel(why) => Contacts::Nowhere(Some(why)),
                error => Contacts::Unknown(error),
            };
            return (contacts, before.listing.clone(), before.costs.clone());
        }
    };
    let place = channel.place().map(str::to_owned);
    let contacts = match (place, channel.list()) {
        (None, Ok(_)) => Contacts::Nowhere(None),
        (Some(place), Ok(listing)) => {
            let (storage, path) = place.split_once('/').unwrap_or((&place, ""));
            let dates = listing.entries.iter().filter_map(|entry| entry.stamp.modified.as_deref());
            Contacts::Found {
                storage: storage.to_owned(),
                path: path.to_owned(),
                cards: listing.entries.len(),
                doubt: match listing.completeness {
                    Completeness::Complete | Completeness::PresentOnly(_) => None,
                    Completeness::Incomplete(why) => Some(why),
                },
                newest: phone_date::newest(dates),
            }
        }
        (_, Err(error)) => Contacts::Unknown(error),
    };
    let (listing, costs) = (channel.habits(), channel.costs());
    channel.close();
    (contacts, listing, costs)
}

/// Why there was no look inside.
enum NoVisit {
    Usb(UsbError),
    Tree(TreeError),
}

impl From<UsbError> for NoVisit {
    fn from(error: UsbError) -> Self {
        Self::Usb(error)
    }
}

impl From<TreeError> for NoVisit {
    fn from(error: TreeError) -> Self {
        Self::Tree(error)
    }
}
