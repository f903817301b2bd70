//! Each personality walked through what was observed of the responder it stands for.

use super::initiator::{CARD, Lab, NOW_MS, elements, object_info, read_text, text};
use crate::sim::{
    App, AppMoment, BrokenPropList, Dates, Locked, Personality, PropList, Rename, RootListing, Storage,
    Suffix, format_date,
};

const ALL: u32 = 0xFFFF_FFFF;
const SHORT: &[u8] = b"BEGIN:VCARD\r\nEND:VCARD\r\n";
const LONGER: &[u8] = b"BEGIN:VCARD\r\nNOTE\r\nCARD\r\n\r\n\r\n";

/// The operations, events, device properties, capture formats and formats of a DeviceInfo, and what follows.
fn device_lists(data: &[u8]) -> (String, Vec<Vec<u16>>, Vec<String>) {
    let (extensions, rest) = read_text(&data[8..]);
    let mut rest = &rest[2..];
    let mut lists = Vec::new();
    for _ in 0..5 {
        let count = u32::from_le_bytes(rest[..4].try_into().unwrap()) as usize;
        let list = &rest[4..4 + count * 2];
        lists.push(list.chunks(2).map(|pair| u16::from_le_bytes(pair.try_into().unwrap())).collect());
        rest = &rest[4 + count * 2..];
    }
    let mut texts = Vec::new();
    while !rest.is_empty() {
        let (text, after) = read_text(rest);
        texts.push(text);
        rest = after;
    }
    (extensions, lists, texts)
}

#[test]
fn umtp_answers_as_observed() {
    let lab = Lab::new("umtp");
    let mut pc = lab.connect();
    assert_eq!(pc.code(0x1001, &[]), 0x2003);
    assert_eq!(pc.code(0x1002, &[1]), 0x2001);
    assert_eq!(pc.code(0x1002, &[1]), 0x201E);
    let (extensions, lists, texts) = device_lists(&pc.ask(0x1001, &[]).data);
    assert_eq!(extensions, "microsoft.com: 1.0; android.com: 1.0;");
    assert_eq!(
        lists[0],
        [
            0x1001, 0x1002, 0x1003, 0x1004, 0x1005, 0x1007, 0x1008, 0x1009, 0x100B, 0x100C, 0x100D, 0x1014,
            0x1015, 0x1016, 0x101B, 0x95C1, 0x95C2, 0x95C3, 0x95C4, 0x95C5, 0x9801, 0x9802, 0x9803, 0x9804,
            0x9805
        ]
    );
    assert_eq!(lists[1], [0x4002, 0x4003, 0x4004, 0x4005, 0x400C, 0x4007, 0x4006, 0xC801]);
    assert_eq!(lists[2], [0x5001, 0xD402]);
    assert_eq!(lists[4], [0x3000, 0x3001]);
    assert_eq!(texts, ["Lab", "Lab phone (umtp)", "1", "LAB0001"]);
    let storage = pc.storages()[0];
    assert_eq!(storage, 0xFFFF_0001);
    assert_eq!(pc.ask(0x1007, &[storage, 0, 0]).data.len(), 8);
    let folder = pc.handles(storage, 0)[0];
    assert_eq!(folder, 1);
    let files = pc.names(storage, folder);
    let mut handles: Vec<u32> = files.values().copied().collect();
    handles.sort_unstable();
    assert_eq!(handles, [2, 3, 4]);
    assert_eq!(pc.handles(storage, folder), [4, 3, 2]);
    let file = files["p1.vcf"];
    for (property, value) in [
        (0xDC01, vec![0x01, 0x00, 0xFF, 0xFF]),
        (0xDC02, vec![0x00, 0x30]),
        (0xDC03, vec![0, 0]),
        (0xDC04, vec![0x32, 0, 0, 0, 0, 0, 0, 0]),
        (0xDC07, text("p1.vcf")),
        (0xDC08, text("20100102T101112")),
        (0xDC09, text("20100102T101112")),
        (0xDC0B, vec![1, 0, 0, 0]),
        (0xDC44, text("p1.vcf")),
    ] {
        let expected = if property == 0xDC04 { vec![CARD.len() as u8, 0, 0, 0, 0, 0, 0, 0] } else { value };
        assert_eq!(pc.property(file, property), Ok(expected), "{property:04x}");
    }
    let id = pc.property(file, 0xDC41).unwrap();
    assert_eq!(id[..4], file.to_le_bytes());
    assert_eq!(id[4..], [1, 0, 0, 0, 0x01, 0x00, 0xFF, 0xFF, 0, 0, 0, 0]);
    assert_eq!(pc.ask(0x1007, &[storage, 0x3000, folder]).data.len(), 16);
    assert_eq!(pc.code(0x1006, &[storage, 0, folder]), 0x2005);
    let list = pc.ask(0x9805, &[folder, 0, ALL, 0, 1]);
    assert_eq!((list.code, list.data.len()), (0x2001, 233));
    assert!(elements(&list.data).iter().all(|element| element.0 == folder));
    assert_eq!(pc.code(0x9805, &[ALL, 0, 0xDC07, 0, 0]), 0x2009);
    assert_eq!(pc.ask(0x101B, &[file, 0, 5]).data.len(), 5);
    assert_eq!(pc.ask(0x95C1, &[file, 0, 0, 5]).data.len(), 5);
    assert_eq!(
        (pc.code(0x101A, &[file, storage, folder]), pc.code(0x1019, &[file, storage, folder])),
        (0x2005, 0x2005)
    );
    assert_eq!((pc.code(0x1008, &[99]), pc.code(0x9999, &[])), (0x2009, 0x2005));
    assert_eq!(pc.rename(file, "renamed.vcf"), 0x2001);
    assert_eq!(pc.names(storage, folder)["renamed.vcf"], file);
    assert_eq!(pc.rename(file, "p1.vcf"), 0x2001);
}

#[test]
fn umtp_takes_changes_as_observed() {
    let lab = Lab::new("umtp");
    let (mut pc, storage, folder) = lab.open();
    pc.names(storage, folder);
    let new = pc.write(storage, folder, "new.vcf", LONGER).unwrap();
    assert_eq!(new, 5);
    assert_eq!(pc.events(), [(0x4007, 5), (0x4007, 5)]);
    assert_eq!(pc.write(storage, folder, "new.vcf", SHORT), Ok(5));
    assert_eq!(pc.events(), [(0x4007, 5); 3]);
    assert_eq!(lab.bytes("Contacts/new.vcf").as_deref(), Some(SHORT));
    assert_eq!(pc.code(0x100B, &[new, 0]), 0x2001);
    assert_eq!((pc.events(), lab.bytes("Contacts/new.vcf")), (vec![], None));
    lab.storage.borrow_mut().write("Contacts/x.vcf", b"x").unwrap();
    assert_eq!(pc.events(), [(0x4002, 6), (0x4007, 6)]);
    let file = pc.names(storage, folder)["p1.vcf"];
    lab.storage.borrow_mut().write("Contacts/p1.vcf", SHORT).unwrap();
    assert_eq!(pc.events(), [(0x4007, file), (0x4007, file)]);
    assert_eq!(pc.read(file).as_deref(), Ok(SHORT));
    lab.storage.borrow_mut().write("other", b"new").unwrap();
    lab.storage.borrow_mut().rename("other", "Contacts/p2.vcf").unwrap();
    let old = pc.names(storage, folder)["p2.vcf"];
    assert!(old < 5, "the old handle lists last");
    assert_eq!(pc.read(old).as_deref(), Ok(&b"new"[..]));
    let replaced: Vec<u32> = pc
        .events()
        .into_iter()
        .filter(|(code, handle)| *code == 0x4002 && *handle > 6)
        .map(|event| event.1)
        .collect();
    assert_eq!(replaced.len(), 1);
    let both = pc.handles(storage, folder).len();
    assert_eq!(both, 5, "p2.vcf is listed twice");
    lab.storage.borrow_mut().rename("Contacts/x.vcf", "Contacts/y.vcf").unwrap();
    assert_eq!(pc.events(), []);
    let moved = pc.names(storage, folder)["y.vcf"];
    assert!(moved > 7);
    lab.storage.borrow_mut().remove("Contacts/y.vcf").unwrap();
    assert_eq!(pc.events(), [(0x4003, moved)]);
    let edited = pc.names(storage, folder)["p3.vcf"];
    assert_eq!(pc.code(0x95C4, &[edited]), 0x2001);
    assert_eq!(pc.tell(0x95C2, &[edited, 0, 0, 9], b"REPLACED!").code, 0x2001);
    assert_eq!(pc.code(0x95C3, &[edited, 9, 0]), 0x2001);
    assert_eq!(pc.code(0x95C5, &[edited]), 0x2001);
    assert_eq!(pc.read(edited).as_deref(), Ok(&b"REPLACED!"[..]));
    assert_eq!(pc.tell(0x95C2, &[edited, 0, 0, 1], b"x").code, 0x2002);
}

#[test]
fn umtp_handles_do_not_outlive_the_session_and_one_question_silences_it() {
    let lab = Lab::new("umtp");
    let (mut pc, storage, folder) = lab.open();
    let before = pc.names(storage, folder);
    pc.code(0x1003, &[]);
    pc.open();
    let root = pc.names(storage, ALL);
    let after = pc.names(storage, root["Contacts"]);
    assert_ne!(before, after);
    assert_eq!(pc.code(0x1007, &[ALL, 0, root["Contacts"]]), 0x2008);
    assert!(pc.run(0x1004, &[], None).is_err());
    let (mut pc, storage, folder) = lab.open();
    assert_eq!(pc.names(storage, folder).len(), 3);
}

#[test]
fn qemu_answers_as_observed() {
    let lab = Lab::new("qemu");
    lab.storage.borrow_mut().write("Contacts/.hidden", b"h").unwrap();
    let mut pc = lab.connect();
    let info = pc.ask(0x1001, &[]);
    assert_eq!((info.code, info.data.len()), (0x2001, 189));
    let (extensions, lists, texts) = device_lists(&info.data);
    assert_eq!((extensions.as_str(), lists[0].len(), lists[1].len()), ("", 16, 0));
    assert_eq!(texts, ["QEMU", "QEMU filesharing", "0.1", "0123456789abcdef0123456789abcdef"]);
    pc.open();
    assert_eq!(pc.code(0x1002, &[1]), 0x201E);
    let storage = pc.storages()[0];
    assert_eq!(storage, 0x0001_0001);
    assert_eq!(pc.handles(storage, 0), [2]);
    let files = pc.names(storage, 2);
    assert_eq!(files.keys().collect::<Vec<_>>(), ["p1.vcf", "p2.vcf", "p3.vcf"]);
    let file = files["p1.vcf"];
    for absent in [0xDC03, 0xDC07, 0xDC08, 0xDC09] {
        assert_eq!(pc.property(file, absent), Err(0xA801));
    }
    assert_eq!(pc.property(file, 0xDC0B), Ok(vec![2, 0, 0, 0]));
    assert_eq!(pc.property(file, 0xDC44), Ok(text("p1.vcf")));
    assert_eq!(pc.property(file, 0xDC41).unwrap()[8..], u64::from(file).to_le_bytes());
    assert_eq!(pc.code(0x1007, &[storage, 0x3000, 2]), 0x2014);
    assert_eq!(pc.ask(0x1006, &[storage, 0, 2]).parameters, [3]);
    assert_eq!((pc.code(0x9805, &[2, 0, ALL, 0, 1]), pc.rename(file, "x.vcf")), (0x2005, 0x2005));
    assert_eq!((pc.code(0x101B, &[file, 0, 5]), pc.code(0x95C1, &[file, 0, 0, 5])), (0x2001, 0x2005));
    assert_eq!((pc.code(0x1008, &[99]), pc.code(0x9999, &[])), (0x2009, 0x2005));
    assert_eq!(pc.ask(0x1007, &[ALL, 0, 2]).data.len(), 16);
    assert_eq!(pc.info(file).unwrap().modified, "20261120T153959");
    pc.code(0x1003, &[]);
    pc.open();
    pc.handles(storage, 0);
    assert_eq!(pc.names(storage, 2), files, "stable over a new session");
    lab.storage.borrow_mut().write("Contacts/a.vcf", b"a").unwrap();
    let (mut pc, storage, folder) = lab.open();
    assert_ne!(pc.names(storage, folder)["p1.vcf"], file, "not over a replug with a file added");
}

#[test]
fn qemu_takes_changes_as_observed() {
    let lab = Lab::new("qemu");
    let (mut pc, storage, folder) = lab.open();
    let files = pc.names(storage, folder);
    let new = pc.write(storage, folder, "new.vcf", LONGER).unwrap();
    assert_eq!(pc.events(), [(0x4002, new), (0x4007, new)]);
    assert_eq!(pc.write(storage, folder, "new.vcf", SHORT), Ok(new));
    assert_eq!(pc.events(), [(0x4007, new)]);
    let kept = [SHORT, &LONGER[SHORT.len()..]].concat();
    assert_eq!(lab.bytes("Contacts/new.vcf"), Some(kept.clone()));
    assert_eq!((pc.read(new), pc.info(new).unwrap().size as usize), (Ok(kept), LONGER.len()));
    assert_eq!(pc.code(0x100B, &[new, 0]), 0x2001);
    assert_eq!(pc.events(), []);
    let file = files["p1.vcf"];
    lab.storage.borrow_mut().write("Contacts/p1.vcf", SHORT).unwrap();
    assert_eq!(pc.events(), [(0x4007, file); 3]);
    assert_eq!(pc.info(file).unwrap().size as usize, CARD.len(), "the size is the one first seen");
    assert_eq!(pc.read(file), Err(0x2007));
    lab.storage.borrow_mut().write("other", b"new").unwrap();
    lab.storage.borrow_mut().rename("other", "Contacts/p2.vcf").unwrap();
    pc.names(storage, folder);
    assert_eq!(pc.read(files["p2.vcf"]), Err(0x2007));
    pc.events();
    lab.storage.borrow_mut().rename("Contacts/p3.vcf", "Contacts/y.vcf").unwrap();
    let events = pc.events();
    assert_eq!(events[0], (0x4003, files["p3.vcf"]));
    assert_eq!(events[1].0, 0x4002);
    // The name is looked up by its beginning: this lands in y.vcf.
    let hit = pc.announce(storage, folder, "y", 1).unwrap();
    assert_eq!(Some(&hit), pc.names(storage, folder).get("y.vcf"));
}

#[test]
fn android_answers_as_read() {
    let lab = Lab::new("android");
    let (mut pc, storage, folder) = lab.open();
    let files = pc.names(storage, folder);
    let file = files["p1.vcf"];
    assert_eq!(pc.info(file).unwrap().modified, "20261120T173959", "local time, two hours east");
    let list = pc.ask(0x9805, &[folder, 0, ALL, 0, 1]);
    let all = elements(&list.data);
    assert_eq!(all.iter().filter(|element| element.1 == 0xDC07).count(), 4, "the folder and three files");
    assert_eq!(all.len(), 4 * 11);
    assert_eq!(pc.code(0x9805, &[folder, 0, 0, 0, 1]), 0x2006);
    assert_eq!(pc.code(0x9805, &[folder, 0, 0, 1, 1]), 0xA807);
    assert_eq!(pc.code(0x9805, &[folder, 0, ALL, 0, ALL]), 0xA808);
    assert_eq!(pc.code(0x9805, &[folder, 0, ALL, 0, 2]), 0xA808);
    let everything = elements(&pc.ask(0x9805, &[0, 0, 0xDC07, 0, ALL]).data);
    assert_eq!(everything.len(), 4);
    assert_eq!(elements(&pc.ask(0x9805, &[0, 0, 0xDC07, 0, 1]).data).len(), 1, "the root level");
    let id = pc.property(file, 0xDC41).unwrap();
    lab.clock.advance_ms(5000);
    lab.storage.borrow_mut().write("Contacts/p1.vcf", SHORT).unwrap();
    assert_ne!(pc.property(file, 0xDC41).unwrap(), id, "the persistent id changes on edit");
    assert_eq!(pc.write(storage, folder, "p2.vcf", SHORT), Err(0x2002));
    assert_eq!(pc.rename(file, "p2.vcf"), 0x2002);
    for bad in ["", ".", "..", "a/b", "a\u{1}b"] {
        assert_eq!(pc.rename(file, bad), 0x201D, "{bad:?}");
        assert_eq!(pc.announce(storage, folder, bad, 1), Err(0x201D), "{bad:?}");
    }
    assert_eq!(pc.tell(0x9804, &[file, 0xDC09], &text("20200101T000000")).code, 0xA80A);
    assert_eq!(pc.tell(0x9804, &[file, 0xDC48], &text("x")).code, 0xA801);
    pc.events();
    // A date is applied, `Z` understood, an offset ignored.
    for (sent, shown) in
        [("20200101T000000Z", "20200101T020000"), ("20200101T000000+0900", "20200101T000000")]
    {
        let reply = pc.tell(0x100C, &[storage, folder], &object_info(0xBB83, 3, "dated.vcf", sent));
        let handle = reply.parameters[2];
        assert_eq!(pc.tell(0x100D, &[], b"new").code, 0x2001);
        let info = pc.info(handle).unwrap();
        assert_eq!((info.modified.as_str(), info.format), (shown, 0x3000));
        assert_eq!(pc.code(0x100B, &[handle, 0]), 0x2001);
    }
    assert_eq!(pc.events(), [], "nothing about the initiator's own writes");
    assert_eq!(pc.code(0x100B, &[ALL, 0]), 0x2009);
    lab.storage.borrow_mut().write("Contacts/x.vcf", b"x").unwrap();
    lab.storage.borrow_mut().remove("Contacts/p3.vcf").unwrap();
    let events = pc.events();
    assert_eq!(events[0], (0x4003, files["p3.vcf"]));
    assert_eq!(events[1].0, 0x4002);
    assert_eq!(pc.read(files["p3.vcf"]), Err(0x2009));
}

#[test]
fn android_handles_live_as_long_as_the_run() {
    let lab = Lab::new("android");
    let (mut pc, storage, folder) = lab.open();
    let files = pc.names(storage, folder);
    pc.code(0x1003, &[]);
    pc.open();
    assert_eq!(pc.read(files["p1.vcf"]).as_deref(), Ok(CARD));
    lab.storage.borrow_mut().write("Contacts/a.vcf", b"a").unwrap();
    let (mut pc, storage, folder) = lab.open();
    assert_ne!(pc.names(storage, folder)["p1.vcf"], files["p1.vcf"]);
}

#[test]
fn a_locked_phone_has_no_storages_and_its_handles_die() {
    let lab = Lab::new("android");
    let (mut pc, storage, folder) = lab.open();
    let files = pc.names(storage, folder);
    lab.phone.lock();
    assert_eq!(pc.storages(), Vec::<u32>::new());
    assert_eq!(pc.code(0x1007, &[storage, 0, ALL]), 0x2008);
    assert_eq!(pc.code(0x1005, &[storage]), 0x2008);
    assert_eq!(pc.read(files["p1.vcf"]), Err(0x2009));
    assert_eq!(pc.announce(storage, ALL, "x.vcf", 1), Err(0x2008));
    assert_eq!(pc.events(), [(0x4005, storage)]);
    lab.phone.unlock();
    assert_eq!(pc.events(), [(0x4004, storage)]);
    assert_eq!(pc.storages(), [storage]);
    let again = pc.names(storage, ALL)["Contacts"];
    assert!(again > folder);
    for (locked, code) in [(Locked::StoreNotAvailable, 0x2013), (Locked::AccessDenied, 0x200F)] {
        let lab = Lab::with(Personality { locked, ..Personality::android() });
        let (mut pc, storage, folder) = lab.open();
        lab.phone.lock();
        assert_eq!(pc.code(0x1007, &[storage, 0, ALL]), code);
        assert_eq!(pc.code(0x1008, &[folder]), code);
    }
}

#[test]
fn android_8_lists_what_the_scanner_saw() {
    let lab = Lab::new("android-8");
    let (mut pc, storage, folder) = lab.open();
    let files = pc.names(storage, folder);
    lab.storage.borrow_mut().write("Contacts/app.vcf", b"app").unwrap();
    lab.storage.borrow_mut().write("Contacts/p1.vcf", b"edited by an app").unwrap();
    lab.storage.borrow_mut().remove("Contacts/p2.vcf").unwrap();
    assert_eq!(pc.names(storage, folder), files, "stale");
    assert_eq!(pc.info(files["p1.vcf"]).unwrap().size as usize, CARD.len(), "stale");
    assert_eq!(pc.read(files["p1.vcf"]).as_deref(), Ok(&b"edited by an app"[..]));
    assert_eq!(pc.read(files["p2.vcf"]), Err(0x2002));
    let sent = pc.tell(0x100C, &[storage, folder], &object_info(0xBB83, 3, "sent.vcf", "")).parameters[2];
    assert_eq!(pc.tell(0x100D, &[], b"new").code, 0x2001);
    assert_eq!(pc.info(sent).unwrap().format, 0xBB83);
    let row = pc.property(sent, 0xDC41).unwrap();
    assert_eq!(row[..8], [sent.to_le_bytes(), storage.to_le_bytes()].concat());
    let (mut pc, storage, folder) = lab.open();
    assert_eq!(pc.names(storage, folder)["sent.vcf"], sent, "rows survive a replug");
    lab.phone.media_scan();
    let folder = pc.names(storage, ALL)["Contacts"];
    let scanned = pc.names(storage, folder);
    assert_eq!(scanned.keys().collect::<Vec<_>>(), ["app.vcf", "p1.vcf", "p3.vcf", "sent.vcf"]);
    assert_ne!(scanned["sent.vcf"], sent);
    assert_eq!(pc.info(scanned["sent.vcf"]).unwrap().format, 0x3000);
}

#[test]
fn sailfish_overwrites_preallocates_and_lies_about_renames() {
    let lab = Lab::new("sailfish");
    let (mut pc, storage, folder) = lab.open();
    let files = pc.names(storage, folder);
    let id = pc.property(files["p1.vcf"], 0xDC41);
    assert_eq!(pc.info(files["p1.vcf"]).unwrap().modified, "20261120T173959+0200");
    assert_eq!(pc.write(storage, folder, "p1.vcf", SHORT), Ok(files["p1.vcf"]));
    assert_eq!(lab.bytes("Contacts/p1.vcf").as_deref(), Some(SHORT));
    assert_eq!(pc.rename(files["p1.vcf"], "p2.vcf"), 0x2001);
    assert_eq!(pc.info(files["p1.vcf"]).unwrap().name, "p1.vcf", "it lied");
    assert_eq!(lab.bytes("Contacts/p2.vcf").unwrap().len(), CARD.len());
    assert_eq!(pc.rename(files["p1.vcf"], "q.vcf"), 0x2001);
    assert_eq!(pc.info(files["p1.vcf"]).unwrap().name, "q.vcf");
    assert_eq!(pc.property(files["p1.vcf"], 0xDC41), id, "the id follows");
    assert_eq!(pc.rename(files["p1.vcf"], "a/b"), 0xA803);
    pc.announce(storage, folder, "zeros.vcf", 40).unwrap();
    assert_eq!(lab.bytes("Contacts/zeros.vcf"), Some(vec![0; 40]));
    // SendObjectPropList and SetObjectPropList.
    let mut list = 1_u32.to_le_bytes().to_vec();
    list.extend([0, 0, 0, 0, 0x07, 0xDC, 0xFF, 0xFF]);
    list.extend(text("by-list.vcf"));
    let reply = pc.tell(0x9808, &[storage, folder, 0xBB83, 0, 3], &list);
    assert_eq!(reply.code, 0x2001);
    assert_eq!(pc.tell(0x100D, &[], b"abc").code, 0x2001);
    assert_eq!(lab.bytes("Contacts/by-list.vcf").as_deref(), Some(&b"abc"[..]));
    list[4..8].copy_from_slice(&reply.parameters[2].to_le_bytes());
    let at = list.len() - text("by-list.vcf").len();
    list.truncate(at);
    list.extend(text("again.vcf"));
    assert_eq!(pc.tell(0x9806, &[], &list).code, 0x2001);
    assert!(lab.bytes("Contacts/again.vcf").is_some());
    assert_eq!(pc.tell(0x9811, &[folder], &[1, 0, 0, 0, 99, 0, 0, 0]).code, 0xA804);
    assert_eq!(pc.tell(0x9811, &[folder], &[&[1, 0, 0, 0][..], &folder.to_le_bytes()].concat()).code, 0x2001);
    assert_eq!(pc.ask(0x9810, &[folder]).data[4..], folder.to_le_bytes());
}

#[test]
fn ubuntu_touch_and_cmtp_list_an_overwritten_file_twice() {
    for name in ["ubuntu-touch", "cmtp"] {
        let lab = Lab::new(name);
        let (mut pc, storage, folder) = lab.open();
        let before = pc.names(storage, folder)["p1.vcf"];
        let second = pc.write(storage, folder, "p1.vcf", SHORT).unwrap();
        assert_ne!(second, before, "{name}");
        let handles = pc.handles(storage, folder);
        assert_eq!(handles.len(), 4, "{name}");
        assert_eq!(pc.read(before).as_deref(), Ok(SHORT), "{name}");
        assert_eq!(pc.read(second).as_deref(), Ok(SHORT), "{name}");
        assert_eq!(pc.code(0x100B, &[second, 0]), 0x2001, "{name}");
        assert_eq!(pc.read(before), Err(0x2009), "{name}");
        assert_eq!(pc.handles(storage, folder).len(), 2, "{name}");
    }
}

#[test]
fn renames_replace_or_keep_the_extension() {
    let lab = Lab::new("ubuntu-touch");
    let (mut pc, storage, folder) = lab.open();
    let files = pc.names(storage, folder);
    assert_eq!(pc.rename(files["p1.vcf"], "p2.vcf"), 0x2001);
    assert_eq!(lab.bytes("Contacts/p2.vcf").as_deref(), Some(CARD));
    assert_eq!(pc.handles(storage, folder).len(), 3, "the replaced one's handle stays");
    let lab = Lab::new("cmtp");
    let (mut pc, storage, folder) = lab.open();
    let files = pc.names(storage, folder);
    assert_eq!(pc.rename(files["p1.vcf"], "p1.tmp"), 0xA802);
    assert_eq!(pc.rename(files["p1.vcf"], "q.VCF"), 0x2001);
    let lab = Lab::with(Personality { rename: Rename::AlwaysLies, ..Personality::android() });
    let (mut pc, storage, folder) = lab.open();
    let files = pc.names(storage, folder);
    assert_eq!(pc.rename(files["p1.vcf"], "q.vcf"), 0x2001);
    assert_eq!(pc.names(storage, folder), files);
}

#[test]
fn old_players_know_vcards_and_their_own_rules() {
    let lab = Lab::new("zen");
    let (mut pc, storage, folder) = lab.open();
    let file = pc.names(storage, folder)["p1.vcf"];
    let info = pc.info(file).unwrap();
    assert_eq!((info.format, info.created.as_str(), info.modified.as_str()), (0xBB83, "", ""));
    assert_eq!(pc.property(file, 0xDC09), Err(0xA801));
    assert_eq!(elements(&pc.ask(0x9805, &[folder, 0, 0xDC07, 0, 1]).data).len(), 3);
    assert_eq!(elements(&pc.ask(0x9805, &[0, 0, 0xDC07, 0, ALL]).data).len(), 3, "one of four is missing");
    let lab = Lab::new("nokia-s40");
    let (mut pc, storage, folder) = lab.open();
    let file = pc.names(storage, folder)["p1.vcf"];
    assert_eq!(pc.info(file).unwrap().format, 0xBB82);
    assert_eq!(pc.rename(file, "q.vcf"), 0xA80A);
    assert_eq!(pc.tell(0x9804, &[file, 0xDC44], &text("Person")).code, 0x2001);
    assert_eq!(
        (pc.property(file, 0xDC44), pc.info(file).unwrap().name),
        (Ok(text("Person")), "p1.vcf".to_owned())
    );
    for bad in ["zoë.vcf", "a:b.vcf", "P2.VCF", &"x".repeat(101)] {
        assert!(pc.announce(storage, folder, bad, 1).is_err(), "{bad}");
    }
}

#[test]
fn broken_property_lists_are_broken_as_named() {
    let ask = |kind: BrokenPropList| {
        let lab = Lab::with(Personality { prop_list: PropList::Broken(kind), ..Personality::sailfish() });
        let (mut pc, storage, folder) = lab.open();
        lab.storage.borrow_mut().write("outside.vcf", b"x").unwrap();
        let handles = pc.handles(storage, folder);
        (pc.run(0x9805, &[folder, 0, ALL, 0, 1], None), handles)
    };
    let whole = |kind| {
        let (reply, handles) = ask(kind);
        (elements(&reply.unwrap().data), handles)
    };
    let of =
        |all: &[super::initiator::Element], property: u16| all.iter().filter(|one| one.1 == property).count();
    let (all, handles) = whole(BrokenPropList::DropsObjects);
    assert_eq!((of(&all, 0xDC07), handles.len()), (2, 3));
    assert_eq!(of(&whole(BrokenPropList::WithoutSizes).0, 0xDC04), 0);
    assert_eq!(of(&whole(BrokenPropList::WithoutNames).0, 0xDC07), 0);
    let (all, handles) = whole(BrokenPropList::UnknownHandles);
    assert!(all.iter().all(|one| !handles.contains(&one.0)));
    assert_eq!(of(&whole(BrokenPropList::ForeignObjects).0, 0xDC07), 5);
    assert_eq!(of(&whole(BrokenPropList::DropsObjectsAtFullDepth).0, 0xDC07), 3);
    assert_eq!(ask(BrokenPropList::Empty).0.unwrap().data, [0; 4]);
    assert_eq!(ask(BrokenPropList::GeneralError).0.unwrap().code, 0x2002);
    assert!(ask(BrokenPropList::Mute).0.is_err());
    let miscounted = ask(BrokenPropList::WrongCount).0.unwrap().data;
    let cut = ask(BrokenPropList::Truncated).0.unwrap().data;
    for broken in [miscounted, cut] {
        assert!(std::panic::catch_unwind(|| elements(&broken)).is_err());
    }
}

#[test]
fn special_parents_differ() {
    for (rule, zero, ones) in [
        (RootListing::ZeroIsEverything, Some(4), Some(1)),
        (RootListing::ZeroIsRoot, Some(1), Some(1)),
        (RootListing::OnlyZero, Some(1), None),
        (RootListing::AlwaysEverything, Some(4), Some(4)),
    ] {
        let lab = Lab::with(Personality { root_listing: rule, ..Personality::android() });
        let mut pc = lab.connect();
        pc.open();
        let storage = pc.storages()[0];
        let mut count = |parent| {
            let reply = pc.ask(0x1006, &[storage, 0, parent]);
            (reply.code == 0x2001).then(|| reply.parameters[0])
        };
        assert_eq!((count(0), count(ALL)), (zero, ones), "{rule:?}");
    }
}

#[test]
fn dates_follow_their_knob() {
    let shown = |dates: Dates| {
        let lab = Lab::with(Personality { dates, ..Personality::android() });
        let (mut pc, storage, folder) = lab.open();
        let file = pc.names(storage, folder)["p1.vcf"];
        let first = pc.info(file).unwrap().modified;
        lab.clock.advance_ms(60_000);
        lab.storage.borrow_mut().write("Contacts/p1.vcf", SHORT).unwrap();
        (first, pc.info(file).unwrap().modified)
    };
    let local = |minutes| format_date(NOW_MS, minutes, Suffix::None);
    assert_eq!(shown(Dates::OneSecondLocal), (local(120), "20261120T174059".to_owned()));
    assert_eq!(shown(Dates::UtcNoSuffix), (local(0), "20261120T154059".to_owned()));
    assert_eq!(shown(Dates::Missing), (String::new(), String::new()));
    assert_eq!(shown(Dates::Constant("20100102T101112".to_owned())).1, "20100102T101112");
    assert_eq!(shown(Dates::CachedAtFirstListing), (local(120), local(120)));
    let lab = Lab::new("android");
    let (mut pc, storage, folder) = lab.open();
    lab.phone.set_utc_offset_minutes(-300);
    let file = pc.names(storage, folder)["p1.vcf"];
    assert_eq!(pc.info(file).unwrap().modified, "20261120T103959");
}

#[test]
fn rooms_and_rights_run_out() {
    let lab = Lab::new("android");
    let (mut pc, storage, folder) = lab.open();
    lab.phone.set_free_bytes(Some(30));
    assert!(pc.write(storage, folder, "a.vcf", SHORT).is_ok());
    assert_eq!(pc.announce(storage, folder, "b.vcf", 7), Err(0x200C));
    // More than announced does not fit either, and a failed transfer leaves nothing.
    pc.announce(storage, folder, "b.vcf", 1).unwrap();
    assert_eq!(pc.tell(0x100D, &[], SHORT).code, 0x200C);
    assert_eq!(lab.bytes("Contacts/b.vcf"), None);
    lab.phone.set_free_bytes(None);
    lab.phone.with_personality(|personality| personality.read_only = true);
    assert_eq!(pc.announce(storage, folder, "c.vcf", 1), Err(0x200E));
    assert_eq!(pc.code(0x100B, &[folder, 0]), 0x200E);
    lab.phone.with_personality(|personality| {
        personality.read_only = false;
        personality.root_write = Some(0x201D);
    });
    assert_eq!(pc.announce(storage, ALL, "root.vcf", 1), Err(0x201D));
    assert_eq!(pc.tell(0x100C, &[storage, ALL], &object_info(0x3001, 0, "Folder", "")).code, 0x2001);
    assert!(lab.storage.borrow().entry("Folder").unwrap().is_folder);
}

#[test]
fn an_app_rewrites_what_it_receives() {
    for moment in [AppMoment::TransferEnd, AppMoment::Unplug] {
        let app = App { uid_prefix: Some("app-".to_owned()), ..App::harmless(moment) };
        let lab = Lab::with(Personality { app: Some(app), ..Personality::android() });
        let (mut pc, storage, folder) = lab.open();
        let sent = b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nEND:VCARD\r\n";
        pc.write(storage, folder, "card.vcf", sent).unwrap();
        pc.write(storage, folder, "card.txt", sent).unwrap();
        let rewritten = lab.bytes("Contacts/card.vcf").unwrap() != sent;
        assert_eq!(rewritten, moment == AppMoment::TransferEnd);
        lab.phone.unplug();
        let card = String::from_utf8(lab.bytes("Contacts/card.vcf").unwrap()).unwrap();
        assert!(card.contains("UID:app-1\r\n"), "{card}");
        assert_eq!(lab.bytes("Contacts/card.txt").as_deref(), Some(&sent[..]));
    }
}

#[test]
fn objects_move_copy_and_cross_storages() {
    let lab = Lab::new("android");
    let card = crate::sim::MemoryStorage::shared(lab.clock.clone());
    lab.phone.add_storage("SD card", "1234-ABCD", card.clone());
    let (mut pc, storage, folder) = lab.open();
    let storages = pc.storages();
    assert_eq!(storages, [0x0001_0001, 0x0002_0001]);
    let info = pc.ask(0x1005, &[storages[1]]).data;
    assert_eq!(read_text(&info[26..]).0, "SD card");
    let file = pc.names(storage, folder)["p1.vcf"];
    let copy = pc.ask(0x101A, &[file, storages[1], 0]);
    assert_eq!((copy.code, card.borrow().files()), (0x2001, vec!["p1.vcf".to_owned()]));
    assert_eq!(pc.code(0x1019, &[file, storages[1], 0]), 0x2002, "the name is taken");
    assert_eq!(pc.rename(file, "q.vcf"), 0x2001);
    assert_eq!(pc.code(0x1019, &[file, storages[1], 0]), 0x2001);
    assert_eq!(card.borrow().files(), ["p1.vcf", "q.vcf"]);
    assert_eq!((pc.read(file).as_deref(), pc.info(file).unwrap().storage), (Ok(CARD), storages[1]));
    assert_eq!(pc.code(0x1019, &[file, storages[0], folder]), 0x2001);
    assert_eq!(lab.bytes("Contacts/q.vcf").as_deref(), Some(CARD));
    assert_eq!(pc.handles(ALL, ALL).len(), 2, "the root level of both");
}

#[test]
fn device_properties_are_kept_by_the_phone() {
    let lab = Lab::new("android");
    let mut pc = lab.connect();
    pc.open();
    assert_eq!(pc.ask(0x1015, &[0xD402]).data, text("Phone 9"));
    assert_eq!(pc.tell(0x1016, &[0xD401], &text("Tetherbook")).code, 0x2001);
    assert_eq!(pc.tell(0x1016, &[0x5001], &[1]).code, 0x200F);
    assert_eq!(pc.code(0x1015, &[0x5011]), 0x200A);
    let mut pc = lab.connect();
    pc.open();
    assert_eq!(pc.ask(0x1015, &[0xD401]).data, text("Tetherbook"));
    assert_eq!(lab.phone.device_value(0xD401).as_deref(), Some("Tetherbook"));
    let description = pc.ask(0x1014, &[0xD401]).data;
    assert_eq!(description[..5], [0x01, 0xD4, 0xFF, 0xFF, 1]);
    assert_eq!(pc.code(0x1017, &[0xD401]), 0x2001);
    assert_eq!(pc.ask(0x1015, &[0xD401]).data, [0]);
}

#[test]
fn files_can_be_listed_twice() {
    let mut personality = Personality::android();
    personality.handles.listed_twice = true;
    let lab = Lab::with(personality);
    let (mut pc, storage, folder) = lab.open();
    assert_eq!(pc.handles(storage, folder).len(), 6);
    assert_eq!(pc.names(storage, folder).len(), 3);
}

#[test]
fn whoever_looks_before_the_bytes_come_does_not_see_the_object_change_hands() {
    for name in Personality::faithful_names() {
        let lab = Lab::new(name);
        let (mut pc, storage, folder) = lab.open();
        let before = pc.names(storage, folder).len();
        for file in ["new.vcf", "p1.vcf"] {
            let Ok(handle) = pc.announce(storage, folder, file, CARD.len()) else { continue };
            assert_eq!(pc.events(), [], "{name} {file}");
            pc.handles(storage, folder);
            assert_eq!(pc.events(), [], "{name} {file}");
            assert_eq!(pc.tell(0x100D, &[], CARD).code, 0x2001, "{name} {file}");
            assert!(pc.events().iter().all(|event| event.1 == handle), "{name} {file}");
            assert_eq!(pc.read(handle).as_deref(), Ok(CARD), "{name} {file}");
        }
        assert_eq!(pc.names(storage, folder).len(), before + 1, "{name}");
    }
}
