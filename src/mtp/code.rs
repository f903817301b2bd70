//! The numbers of the protocol: operations, responses, events, object formats, object properties, data types and
//! device properties (PTP ISO 15740, MTP 1.1, the Android extensions and MTP Device Services).
//!
//! Vocabulary only: this file must not hold behaviour beyond giving a number its name.

macro_rules! codes {
    ($(#[$module_doc:meta])* $module:ident { $($(#[$doc:meta])* $constant:ident = $value:literal, $name:literal;)* }) => {
        $(#[$module_doc])*
        pub mod $module {
            $($(#[$doc])* pub const $constant: u16 = $value;)*

            /// The name that the specification gives this code, or "Unknown" if it is none of this list.
            #[must_use]
            pub const fn name(code: u16) -> &'static str {
                match code {
                    $($constant => $name,)*
                    _ => "Unknown",
                }
            }

            /// Every code of this list, in the list's order.
            pub const ALL: &[u16] = &[$($constant),*];
        }
    };
}

codes! {
    /// Operation codes (MTP 1.1 appendix D; 93xx Device Services, only where DeviceInfo announces them; 95Cx Android).
    operation {
        /// Asks for the DeviceInfo dataset; the only operation allowed without a session.
        GET_DEVICE_INFO = 0x1001, "GetDeviceInfo";
        /// Opens a session; parameter: a session id other than 0.
        OPEN_SESSION = 0x1002, "OpenSession";
        /// Closes the session.
        CLOSE_SESSION = 0x1003, "CloseSession";
        /// Asks for the storage ids (AUINT32).
        GET_STORAGE_IDS = 0x1004, "GetStorageIDs";
        /// Asks for StorageInfo; parameter: storage.
        GET_STORAGE_INFO = 0x1005, "GetStorageInfo";
        /// Counts objects; parameters: storage, format, parent; the first response parameter is the count.
        GET_NUM_OBJECTS = 0x1006, "GetNumObjects";
        /// Lists handles (AUINT32); parameters: storage, format (0 = any), parent (0 = all, FFFFFFFF = root level).
        GET_OBJECT_HANDLES = 0x1007, "GetObjectHandles";
        /// Asks for ObjectInfo; parameter: handle.
        GET_OBJECT_INFO = 0x1008, "GetObjectInfo";
        /// Reads an object's bytes; parameter: handle.
        GET_OBJECT = 0x1009, "GetObject";
        /// Reads an object's thumbnail; parameter: handle.
        GET_THUMB = 0x100A, "GetThumb";
        /// Deletes; parameters: handle (FFFFFFFF = all), format.
        DELETE_OBJECT = 0x100B, "DeleteObject";
        /// Announces a new object; parameters: storage, parent; data: ObjectInfo; response: storage, parent, handle.
        SEND_OBJECT_INFO = 0x100C, "SendObjectInfo";
        /// Sends the announced object's bytes.
        SEND_OBJECT = 0x100D, "SendObject";
        /// Erases a storage; parameters: storage, file system format.
        FORMAT_STORE = 0x100F, "FormatStore";
        /// Resets the responder.
        RESET_DEVICE = 0x1010, "ResetDevice";
        /// Sets the write protection; parameters: handle, 0 or 1.
        SET_OBJECT_PROTECTION = 0x1012, "SetObjectProtection";
        /// Describes a device property; parameter: property.
        GET_DEVICE_PROP_DESC = 0x1014, "GetDevicePropDesc";
        /// Reads a device property; parameter: property.
        GET_DEVICE_PROP_VALUE = 0x1015, "GetDevicePropValue";
        /// Writes a device property; parameter: property; data: value.
        SET_DEVICE_PROP_VALUE = 0x1016, "SetDevicePropValue";
        /// Resets a device property; parameter: property.
        RESET_DEVICE_PROP_VALUE = 0x1017, "ResetDevicePropValue";
        /// Moves; parameters: handle, storage, parent.
        MOVE_OBJECT = 0x1019, "MoveObject";
        /// Copies; parameters: handle, storage, parent; response: new handle.
        COPY_OBJECT = 0x101A, "CopyObject";
        /// Reads a part; parameters: handle, 32-bit offset, most bytes; response: bytes sent.
        GET_PARTIAL_OBJECT = 0x101B, "GetPartialObject";
        /// Device Services: lists service ids (AUINT32).
        GET_SERVICE_IDS = 0x9301, "GetServiceIDs";
        /// Device Services: asks for ServiceInfo; parameter: service id.
        GET_SERVICE_INFO = 0x9302, "GetServiceInfo";
        /// Device Services: parameters: service id, format (0 = all).
        GET_SERVICE_CAPABILITIES = 0x9303, "GetServiceCapabilities";
        /// Device Services: parameters: service id, property (0 = all).
        GET_SERVICE_PROP_DESC = 0x9304, "GetServicePropDesc";
        /// Device Services: parameters: service id, property (0 = all).
        GET_SERVICE_PROP_LIST = 0x9305, "GetServicePropList";
        /// Device Services: parameter: service id; data: ServicePropList; response: failing index.
        SET_SERVICE_PROP_LIST = 0x9306, "SetServicePropList";
        /// Device Services: parameter: handle; data: ObjectPropList; response: failing index.
        UPDATE_OBJECT_PROP_LIST = 0x9307, "UpdateObjectPropList";
        /// Device Services: parameter: handle or FFFFFFFF; data: pairs of handle and property.
        DELETE_OBJECT_PROP_LIST = 0x9308, "DeleteObjectPropList";
        /// Device Services: parameter: service id; data: pairs of service id and property.
        DELETE_SERVICE_PROP_LIST = 0x9309, "DeleteServicePropList";
        /// Device Services: parameter: format.
        GET_FORMAT_CAPABILITIES = 0x930A, "GetFormatCapabilities";
        /// Android: reads a part; parameters: handle, offset low, offset high, length.
        GET_PARTIAL_OBJECT_64 = 0x95C1, "GetPartialObject64";
        /// Android: writes a part; parameters: handle, offset low, offset high, length; data: bytes.
        SEND_PARTIAL_OBJECT = 0x95C2, "SendPartialObject";
        /// Android: parameters: handle, size low, size high.
        TRUNCATE_OBJECT = 0x95C3, "TruncateObject";
        /// Android: opens an object for edits in place; parameter: handle.
        BEGIN_EDIT_OBJECT = 0x95C4, "BeginEditObject";
        /// Android: ends edits in place; parameter: handle.
        END_EDIT_OBJECT = 0x95C5, "EndEditObject";
        /// Lists an object format's properties (AUINT16); parameter: format.
        GET_OBJECT_PROPS_SUPPORTED = 0x9801, "GetObjectPropsSupported";
        /// Describes an object property; parameters: property, format.
        GET_OBJECT_PROP_DESC = 0x9802, "GetObjectPropDesc";
        /// Reads an object property; parameters: handle, property.
        GET_OBJECT_PROP_VALUE = 0x9803, "GetObjectPropValue";
        /// Writes an object property; parameters: handle, property; data: value.
        SET_OBJECT_PROP_VALUE = 0x9804, "SetObjectPropValue";
        /// Reads many properties of many objects; parameters: handle, format, property (FFFFFFFF = all), group, depth.
        GET_OBJECT_PROP_LIST = 0x9805, "GetObjectPropList";
        /// Writes many properties; data: ObjectPropList; response: failing index.
        SET_OBJECT_PROP_LIST = 0x9806, "SetObjectPropList";
        /// Describes properties that depend on each other; parameter: format.
        GET_INTERDEPENDENT_PROP_DESC = 0x9807, "GetInterdependentPropDesc";
        /// Announces a new object by properties; parameters: storage, parent, format, size high, size low; data:
        /// ObjectPropList; response: storage, parent, handle, failing index.
        SEND_OBJECT_PROP_LIST = 0x9808, "SendObjectPropList";
        /// Reads an object's references (AUINT32); parameter: handle.
        GET_OBJECT_REFERENCES = 0x9810, "GetObjectReferences";
        /// Writes an object's references; parameter: handle; data: AUINT32.
        SET_OBJECT_REFERENCES = 0x9811, "SetObjectReferences";
        /// Skips in playback.
        SKIP = 0x9820, "Skip";
    }
}

codes! {
    /// Response codes (MTP 1.1 appendix F).
    response {
        /// Done.
        OK = 0x2001, "OK";
        /// No better reason given.
        GENERAL_ERROR = 0x2002, "GeneralError";
        /// There is no session.
        SESSION_NOT_OPEN = 0x2003, "SessionNotOpen";
        /// The transaction id was not the expected one.
        INVALID_TRANSACTION_ID = 0x2004, "InvalidTransactionID";
        /// The responder does not know the operation.
        OPERATION_NOT_SUPPORTED = 0x2005, "OperationNotSupported";
        /// A parameter has a value that the responder does not handle.
        PARAMETER_NOT_SUPPORTED = 0x2006, "ParameterNotSupported";
        /// Fewer bytes were moved than announced.
        INCOMPLETE_TRANSFER = 0x2007, "IncompleteTransfer";
        /// No such storage now; a locked phone says so of every storage.
        INVALID_STORAGE_ID = 0x2008, "InvalidStorageID";
        /// No such object now.
        INVALID_OBJECT_HANDLE = 0x2009, "InvalidObjectHandle";
        /// No such device property.
        DEVICE_PROP_NOT_SUPPORTED = 0x200A, "DevicePropNotSupported";
        /// No such object format here.
        INVALID_OBJECT_FORMAT_CODE = 0x200B, "InvalidObjectFormatCode";
        /// No room left.
        STORE_FULL = 0x200C, "StoreFull";
        /// The object may not be changed.
        OBJECT_WRITE_PROTECTED = 0x200D, "ObjectWriteProtected";
        /// The storage may not be changed.
        STORE_READ_ONLY = 0x200E, "StoreReadOnly";
        /// The responder does not allow it.
        ACCESS_DENIED = 0x200F, "AccessDenied";
        /// The object has no thumbnail.
        NO_THUMBNAIL_PRESENT = 0x2010, "NoThumbnailPresent";
        /// Only some of the objects were deleted.
        PARTIAL_DELETION = 0x2012, "PartialDeletion";
        /// The storage is not there now.
        STORE_NOT_AVAILABLE = 0x2013, "StoreNotAvailable";
        /// The responder cannot choose objects by format.
        SPECIFICATION_BY_FORMAT_UNSUPPORTED = 0x2014, "SpecificationByFormatUnsupported";
        /// SendObject came without SendObjectInfo before it.
        NO_VALID_OBJECT_INFO = 0x2015, "NoValidObjectInfo";
        /// The responder is busy; ask again later.
        DEVICE_BUSY = 0x2019, "DeviceBusy";
        /// The parent is not a folder here.
        INVALID_PARENT_OBJECT = 0x201A, "InvalidParentObject";
        /// The device property has another data type.
        INVALID_DEVICE_PROP_FORMAT = 0x201B, "InvalidDevicePropFormat";
        /// The device property does not take this value.
        INVALID_DEVICE_PROP_VALUE = 0x201C, "InvalidDevicePropValue";
        /// A parameter is wrong.
        INVALID_PARAMETER = 0x201D, "InvalidParameter";
        /// A session is open already.
        SESSION_ALREADY_OPEN = 0x201E, "SessionAlreadyOpen";
        /// The transaction was cancelled.
        TRANSACTION_CANCELLED = 0x201F, "TransactionCancelled";
        /// The responder chooses the place of new objects itself.
        SPECIFICATION_OF_DESTINATION_UNSUPPORTED = 0x2020, "SpecificationOfDestinationUnsupported";
        /// Device Services: no such service.
        INVALID_SERVICE_ID = 0xA301, "InvalidServiceID";
        /// Device Services: no such service property.
        INVALID_SERVICE_PROP_CODE = 0xA302, "InvalidServicePropCode";
        /// No such object property for this object.
        INVALID_OBJECT_PROP_CODE = 0xA801, "InvalidObjectPropCode";
        /// The object property has another data type.
        INVALID_OBJECT_PROP_FORMAT = 0xA802, "InvalidObjectPropFormat";
        /// The object property does not take this value.
        INVALID_OBJECT_PROP_VALUE = 0xA803, "InvalidObjectPropValue";
        /// A reference names no object.
        INVALID_OBJECT_REFERENCE = 0xA804, "InvalidObjectReference";
        /// No such property group.
        GROUP_NOT_SUPPORTED = 0xA805, "GroupNotSupported";
        /// The dataset could not be read.
        INVALID_DATASET = 0xA806, "InvalidDataset";
        /// The responder cannot choose properties by group.
        SPECIFICATION_BY_GROUP_UNSUPPORTED = 0xA807, "SpecificationByGroupUnsupported";
        /// The responder does not handle this depth.
        SPECIFICATION_BY_DEPTH_UNSUPPORTED = 0xA808, "SpecificationByDepthUnsupported";
        /// The object is larger than the storage can hold.
        OBJECT_TOO_LARGE = 0xA809, "ObjectTooLarge";
        /// The object property cannot be used here.
        OBJECT_PROP_NOT_SUPPORTED = 0xA80A, "ObjectPropNotSupported";
    }
}

codes! {
    /// Event codes (MTP 1.1 appendix G), sent on the interrupt endpoint.
    event {
        /// The responder cancels the running transaction.
        CANCEL_TRANSACTION = 0x4001, "CancelTransaction";
        /// Parameter: handle.
        OBJECT_ADDED = 0x4002, "ObjectAdded";
        /// Parameter: handle.
        OBJECT_REMOVED = 0x4003, "ObjectRemoved";
        /// Parameter: storage.
        STORE_ADDED = 0x4004, "StoreAdded";
        /// Parameter: storage.
        STORE_REMOVED = 0x4005, "StoreRemoved";
        /// Parameter: device property.
        DEVICE_PROP_CHANGED = 0x4006, "DevicePropChanged";
        /// Parameter: handle.
        OBJECT_INFO_CHANGED = 0x4007, "ObjectInfoChanged";
        /// DeviceInfo is to be read again.
        DEVICE_INFO_CHANGED = 0x4008, "DeviceInfoChanged";
        /// Parameter: handle.
        REQUEST_OBJECT_TRANSFER = 0x4009, "RequestObjectTransfer";
        /// Parameter: storage.
        STORE_FULL = 0x400A, "StoreFull";
        /// The responder was reset; every session is gone.
        DEVICE_RESET = 0x400B, "DeviceReset";
        /// Parameter: storage.
        STORAGE_INFO_CHANGED = 0x400C, "StorageInfoChanged";
        /// Events were lost; everything is to be listed again.
        UNREPORTED_STATUS = 0x400E, "UnreportedStatus";
        /// Device Services; parameter: service id.
        SERVICE_ADDED = 0xC301, "ServiceAdded";
        /// Device Services; parameter: service id.
        SERVICE_REMOVED = 0xC302, "ServiceRemoved";
        /// Device Services; parameter: service id.
        SERVICE_PROP_CHANGED = 0xC303, "ServicePropChanged";
        /// Device Services; parameter: service id.
        METHOD_COMPLETE = 0xC304, "MethodComplete";
        /// Parameters: handle, property.
        OBJECT_PROP_CHANGED = 0xC801, "ObjectPropChanged";
        /// Parameters: property, format.
        OBJECT_PROP_DESC_CHANGED = 0xC802, "ObjectPropDescChanged";
        /// Parameter: handle.
        OBJECT_REFERENCES_CHANGED = 0xC803, "ObjectReferencesChanged";
    }
}

codes! {
    /// Object formats (MTP 1.1 appendix A).
    format {
        /// A file of no known kind; what Android says of a vCard.
        UNDEFINED = 0x3000, "Undefined";
        /// A folder.
        ASSOCIATION = 0x3001, "Association";
        /// Plain text.
        TEXT = 0x3004, "Text";
        /// HTML.
        HTML = 0x3005, "HTML";
        /// A collection of no known kind.
        UNDEFINED_COLLECTION = 0xBA00, "UndefinedCollection";
        /// A group of contacts without a file.
        ABSTRACT_CONTACT_GROUP = 0xBA06, "AbstractContactGroup";
        /// A message of no known kind.
        UNDEFINED_MESSAGE = 0xBB00, "UndefinedMessage";
        /// A message without a file.
        ABSTRACT_MESSAGE = 0xBB01, "AbstractMessage";
        /// A contact of no known kind.
        UNDEFINED_CONTACT = 0xBB80, "UndefinedContact";
        /// A contact made of properties alone.
        ABSTRACT_CONTACT = 0xBB81, "AbstractContact";
        /// A vCard 2.1 file.
        VCARD2 = 0xBB82, "VCard2";
        /// A vCard 3.0 file.
        VCARD3 = 0xBB83, "VCard3";
        /// A calendar item of no known kind.
        UNDEFINED_CALENDAR_ITEM = 0xBE00, "UndefinedCalendarItem";
        /// A calendar item made of properties alone.
        ABSTRACT_CALENDAR_ITEM = 0xBE01, "AbstractCalendarItem";
        /// A vCalendar 1.0 file.
        VCALENDAR1 = 0xBE02, "VCalendar1";
        /// An iCalendar file.
        VCALENDAR2 = 0xBE03, "VCalendar2";
    }
}

codes! {
    /// Object properties (MTP 1.1 appendix B).
    property {
        /// UINT32.
        STORAGE_ID = 0xDC01, "StorageID";
        /// UINT16.
        OBJECT_FORMAT = 0xDC02, "ObjectFormat";
        /// UINT16; 0 = none.
        PROTECTION_STATUS = 0xDC03, "ProtectionStatus";
        /// UINT64; some responders send UINT32.
        OBJECT_SIZE = 0xDC04, "ObjectSize";
        /// UINT16; 1 = folder.
        ASSOCIATION_TYPE = 0xDC05, "AssociationType";
        /// UINT32.
        ASSOCIATION_DESC = 0xDC06, "AssociationDesc";
        /// String.
        OBJECT_FILE_NAME = 0xDC07, "ObjectFileName";
        /// String, DateTime form.
        DATE_CREATED = 0xDC08, "DateCreated";
        /// String, DateTime form.
        DATE_MODIFIED = 0xDC09, "DateModified";
        /// String.
        KEYWORDS = 0xDC0A, "Keywords";
        /// UINT32.
        PARENT_OBJECT = 0xDC0B, "ParentObject";
        /// AUINT16.
        ALLOWED_FOLDER_CONTENTS = 0xDC0C, "AllowedFolderContents";
        /// UINT16.
        HIDDEN = 0xDC0D, "Hidden";
        /// UINT16.
        SYSTEM_OBJECT = 0xDC0E, "SystemObject";
        /// UINT128.
        PERSISTENT_UNIQUE_OBJECT_IDENTIFIER = 0xDC41, "PersistentUniqueObjectIdentifier";
        /// String.
        SYNC_ID = 0xDC42, "SyncID";
        /// AUINT16.
        PROPERTY_BAG = 0xDC43, "PropertyBag";
        /// String.
        NAME = 0xDC44, "Name";
        /// String.
        CREATED_BY = 0xDC45, "CreatedBy";
        /// String, DateTime form.
        DATE_AUTHORED = 0xDC47, "DateAuthored";
        /// AUINT16.
        DESCRIPTION = 0xDC48, "Description";
        /// String, DateTime form.
        DATE_ADDED = 0xDC4E, "DateAdded";
        /// UINT8.
        NON_CONSUMABLE = 0xDC4F, "NonConsumable";
        /// UINT8.
        CORRUPT_OR_UNPLAYABLE = 0xDC50, "CorruptOrUnplayable";
        /// String.
        PRODUCER_SERIAL_NUMBER = 0xDC51, "ProducerSerialNumber";
        /// String, DateTime form.
        LAST_ACCESSED = 0xDC93, "LastAccessed";
        /// String.
        SUB_DESCRIPTION = 0xDC9E, "SubDescription";
        /// String.
        DISPLAY_NAME = 0xDCE0, "DisplayName";
        /// AUINT16.
        BODY_TEXT = 0xDCE1, "BodyText";
        /// String.
        SUBJECT = 0xDCE2, "Subject";
        /// UINT16.
        PRIORITY = 0xDCE3, "Priority";
    }
}

codes! {
    /// Data types of property values; `0x4000 | x` is an array of x.
    data_type {
        /// No type.
        UNDEFINED = 0x0000, "Undefined";
        /// One byte, signed.
        INT8 = 0x0001, "INT8";
        /// One byte.
        UINT8 = 0x0002, "UINT8";
        /// Two bytes, signed.
        INT16 = 0x0003, "INT16";
        /// Two bytes.
        UINT16 = 0x0004, "UINT16";
        /// Four bytes, signed.
        INT32 = 0x0005, "INT32";
        /// Four bytes.
        UINT32 = 0x0006, "UINT32";
        /// Eight bytes, signed.
        INT64 = 0x0007, "INT64";
        /// Eight bytes.
        UINT64 = 0x0008, "UINT64";
        /// Sixteen bytes, signed.
        INT128 = 0x0009, "INT128";
        /// Sixteen bytes.
        UINT128 = 0x000A, "UINT128";
        /// Array of INT8.
        AINT8 = 0x4001, "AINT8";
        /// Array of UINT8.
        AUINT8 = 0x4002, "AUINT8";
        /// Array of INT16.
        AINT16 = 0x4003, "AINT16";
        /// Array of UINT16; also carries long text.
        AUINT16 = 0x4004, "AUINT16";
        /// Array of INT32.
        AINT32 = 0x4005, "AINT32";
        /// Array of UINT32.
        AUINT32 = 0x4006, "AUINT32";
        /// Array of INT64.
        AINT64 = 0x4007, "AINT64";
        /// Array of UINT64.
        AUINT64 = 0x4008, "AUINT64";
        /// Array of INT128.
        AINT128 = 0x4009, "AINT128";
        /// Array of UINT128.
        AUINT128 = 0x400A, "AUINT128";
        /// String: a byte that counts UTF-16 units with the final NUL, then the units.
        STR = 0xFFFF, "STR";
    }
}

codes! {
    /// Device properties (MTP 1.1 appendix C).
    device_property {
        /// UINT8.
        BATTERY_LEVEL = 0x5001, "BatteryLevel";
        /// String, DateTime form: the responder's clock.
        DATE_TIME = 0x5011, "DateTime";
        /// String.
        SECURE_TIME = 0xD101, "SecureTime";
        /// AUINT16.
        DEVICE_CERTIFICATE = 0xD102, "DeviceCertificate";
        /// AUINT16.
        REVOCATION_INFO = 0xD103, "RevocationInfo";
        /// String, usually writable; nobody agrees on its content.
        SYNCHRONIZATION_PARTNER = 0xD401, "SynchronizationPartner";
        /// String, usually writable.
        DEVICE_FRIENDLY_NAME = 0xD402, "DeviceFriendlyName";
        /// UINT32.
        VOLUME = 0xD403, "Volume";
        /// AUINT8.
        DEVICE_ICON = 0xD405, "DeviceIcon";
        /// String.
        SESSION_INITIATOR_VERSION_INFO = 0xD406, "SessionInitiatorVersionInfo";
        /// UINT32.
        PERCEIVED_DEVICE_TYPE = 0xD407, "PerceivedDeviceType";
        /// INT32.
        PLAYBACK_RATE = 0xD410, "PlaybackRate";
        /// UINT32: a handle.
        PLAYBACK_OBJECT = 0xD411, "PlaybackObject";
        /// UINT32.
        PLAYBACK_CONTAINER_INDEX = 0xD412, "PlaybackContainerIndex";
        /// UINT32.
        PLAYBACK_POSITION = 0xD413, "PlaybackPosition";
    }
}

/// Values that stand for "none" or "all" in parameters.
pub mod wildcard {
    /// Every storage (GetObjectHandles), every property (GetObjectPropList), every object (DeleteObject).
    pub const ALL: u32 = 0xFFFF_FFFF;
    /// The root level, as the parent of GetObjectHandles and SendObjectInfo.
    pub const ROOT_PARENT: u32 = 0xFFFF_FFFF;
    /// Any format, as the format of GetObjectHandles and GetObjectPropList.
    pub const ANY_FORMAT: u32 = 0;
    /// The value of ParentObject in an object at root level.
    pub const NO_PARENT: u32 = 0;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_specification() {
        assert_eq!(operation::name(operation::GET_OBJECT_PROP_LIST), "GetObjectPropList");
        assert_eq!(operation::name(0x1004), "GetStorageIDs");
        assert_eq!(response::name(0x201E), "SessionAlreadyOpen");
        assert_eq!(response::name(0x0000), "Unknown");
    }

    #[test]
    fn every_list_is_free_of_doubles() {
        for list in [
            operation::ALL,
            response::ALL,
            event::ALL,
            format::ALL,
            property::ALL,
            data_type::ALL,
            device_property::ALL,
        ] {
            let mut sorted = list.to_vec();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), list.len());
        }
    }
}
