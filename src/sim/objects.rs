//! The handles of one run or session: which object each stands for, and which names a folder is known to have.
//!
//! It must not touch a storage; what is really there is told to it.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::storage::{Entry, join_path};

/// What was last seen of an object in its folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) size: u64,
    pub(super) modified_ms: i64,
    pub(super) created_ms: i64,
    pub(super) identity: u64,
}

impl From<&Entry> for Seen {
    fn from(entry: &Entry) -> Self {
        Self {
            size: entry.size,
            modified_ms: entry.modified_ms,
            created_ms: entry.created_ms,
            identity: entry.identity,
        }
    }
}

/// What a handle stands for. A phone has tens of thousands, so it is kept small.
pub(super) struct Object {
    /// Index of the storage.
    pub(super) slot: usize,
    /// The folder's handle, 0 at root level.
    pub(super) parent: u32,
    /// File name.
    pub(super) name: Rc<str>,
    /// A display name that was set apart from the file name.
    pub(super) display_name: Option<Box<str>>,
    pub(super) is_folder: bool,
    /// As it was at the first listing or the initiator's own write, if that is another than `seen`.
    first_seen: Option<Box<Seen>>,
    /// As it was last seen; `None` if only its name was asked for so far.
    seen: Option<Seen>,
    /// The format it was sent with.
    pub(super) sent_format: Option<u16>,
    mark: u64,
}

impl Object {
    /// As it was last seen; nothing but zeros if only its name was asked for so far.
    pub(super) fn seen(&self) -> Seen {
        self.seen.unwrap_or_default()
    }

    /// As it was at the first listing or the initiator's own write.
    pub(super) fn first_seen(&self) -> Seen {
        self.first_seen.as_ref().map_or_else(|| self.seen(), |first| **first)
    }

    /// Notes how it is now. What the phone tells from its cache stays as it was.
    pub(super) fn look(&mut self, seen: Seen) {
        if let (Some(before), None) = (self.seen, &self.first_seen)
            && before != seen
        {
            self.first_seen = Some(Box::new(before));
        }
        self.seen = Some(seen);
    }

    /// Notes how it is after the initiator's own change, which the phone's cache takes in.
    pub(super) fn note_own(&mut self, seen: Seen) {
        self.first_seen = None;
        self.seen = Some(seen);
    }
}

/// What is known of one folder.
#[derive(Default)]
struct Folder {
    by_name: HashMap<Rc<str>, Vec<u32>>,
    handles: BTreeSet<u32>,
    listed: bool,
}

/// What a comparison of a folder with its listing found.
#[derive(Default)]
pub(super) struct Difference {
    /// Entries without a handle.
    pub(super) added: Vec<Entry>,
    /// Handles whose name is gone.
    pub(super) gone: Vec<u32>,
    /// Handles whose size or date is another.
    pub(super) changed: Vec<u32>,
    /// Handles whose name belongs to another file now, and that file.
    pub(super) replaced: Vec<(u32, Entry)>,
}

/// Where the object of a handle lies.
fn at(base: u32, handle: u32) -> Option<usize> {
    usize::try_from(handle.checked_sub(base)?).ok()
}

/// The table of handles.
pub(super) struct Objects {
    /// By handle, from `base` on; handles are given in order.
    objects: Vec<Option<Object>>,
    base: u32,
    folders: HashMap<(usize, u32), Folder>,
    next: u32,
    mark: u64,
}

impl Objects {
    pub(super) fn new(first: u32) -> Self {
        Self { objects: Vec::new(), base: first, folders: HashMap::new(), next: first, mark: 0 }
    }

    /// Forgets every handle and counts from `first` again.
    pub(super) fn reset(&mut self, first: u32) {
        *self = Self::new(first);
    }

    /// Forgets every handle and goes on counting.
    pub(super) fn forget_all(&mut self) {
        self.reset(self.next);
    }

    pub(super) fn get(&self, handle: u32) -> Option<&Object> {
        self.objects.get(self.index(handle)?)?.as_ref()
    }

    fn index(&self, handle: u32) -> Option<usize> {
        at(self.base, handle)
    }

    pub(super) fn get_mut(&mut self, handle: u32) -> Option<&mut Object> {
        let index = self.index(handle)?;
        self.objects.get_mut(index)?.as_mut()
    }

    /// Gives the next handle. `seen` is `None` for an object of which only the name was asked for.
    pub(super) fn add(
        &mut self,
        slot: usize,
        parent: u32,
        name: &str,
        is_folder: bool,
        seen: Option<Seen>,
    ) -> u32 {
        let handle = self.next;
        self.next = self.next.saturating_add(1);
        let folder = self.folders.entry((slot, parent)).or_default();
        let name = match folder.by_name.get_key_value(name) {
            Some((known, _)) => Rc::clone(known),
            None => Rc::from(name),
        };
        folder.by_name.entry(Rc::clone(&name)).or_insert_with(|| Vec::with_capacity(1)).push(handle);
        folder.handles.insert(handle);
        self.objects.push(Some(Object {
            slot,
            parent,
            name,
            display_name: None,
            is_folder,
            first_seen: None,
            seen,
            sent_format: None,
            mark: self.mark,
        }));
        handle
    }

    /// Makes room for so many more handles.
    pub(super) fn reserve(&mut self, slot: usize, parent: u32, more: usize) {
        self.objects.reserve_exact(more);
        self.folders.entry((slot, parent)).or_default().by_name.reserve(more);
    }

    /// The first handle of that name in the folder.
    pub(super) fn by_name(&self, slot: usize, parent: u32, name: &str) -> Option<u32> {
        self.folders.get(&(slot, parent))?.by_name.get(name)?.first().copied()
    }

    /// The handles of a folder, oldest first.
    pub(super) fn children(&self, slot: usize, parent: u32) -> impl DoubleEndedIterator<Item = u32> + '_ {
        self.folders.get(&(slot, parent)).into_iter().flat_map(|folder| folder.handles.iter().copied())
    }

    /// The folders that were listed.
    pub(super) fn listed_folders(&self) -> Vec<(usize, u32)> {
        self.folders.iter().filter(|(_, folder)| folder.listed).map(|(key, _)| *key).collect()
    }

    /// Whether the folder was listed or anything is known to lie in it.
    pub(super) fn is_known(&self, slot: usize, parent: u32) -> bool {
        self.folders.get(&(slot, parent)).is_some_and(|folder| folder.listed || !folder.handles.is_empty())
    }

    /// Notes that the folder was listed; whether it was before.
    pub(super) fn note_listed(&mut self, slot: usize, parent: u32) -> bool {
        std::mem::replace(&mut self.folders.entry((slot, parent)).or_default().listed, true)
    }

    /// The path of a folder: the root for handle 0; `None` if a handle on the way is unknown.
    pub(super) fn folder_path(&self, handle: u32) -> Option<String> {
        if handle == 0 { Some(String::new()) } else { self.path(handle) }
    }

    /// The path of an object; `None` if it or a folder above it is unknown.
    pub(super) fn path(&self, handle: u32) -> Option<String> {
        let object = self.get(handle)?;
        let mut path = object.name.as_ref().to_owned();
        let mut parent = object.parent;
        while parent != 0 {
            let folder = self.get(parent)?;
            path = join_path(&folder.name, &path);
            parent = folder.parent;
        }
        Some(path)
    }

    fn detach(&mut self, handle: u32) {
        let Some(object) = self.get(handle) else { return };
        let (slot, parent, name) = (object.slot, object.parent, Rc::clone(&object.name));
        let Some(folder) = self.folders.get_mut(&(slot, parent)) else { return };
        folder.handles.remove(&handle);
        if let Some(handles) = folder.by_name.get_mut(&name) {
            handles.retain(|other| *other != handle);
            if handles.is_empty() {
                folder.by_name.remove(&name);
            }
        }
    }

    /// Forgets a handle and those below it.
    pub(super) fn remove(&mut self, handle: u32) {
        let mut doomed = vec![handle];
        while let Some(next) = doomed.pop() {
            self.detach(next);
            let index = self.index(next);
            let place = index.and_then(|index| self.objects.get_mut(index));
            let Some(object) = place.and_then(Option::take) else { continue };
            if object.is_folder
                && let Some(folder) = self.folders.remove(&(object.slot, next))
            {
                doomed.extend(folder.handles);
            }
        }
    }

    /// Gives the object another place and name under the same handle.
    pub(super) fn relocate(&mut self, handle: u32, slot: usize, parent: u32, name: &str) {
        self.detach(handle);
        let Some(object) = self.get_mut(handle) else { return };
        object.slot = slot;
        object.parent = parent;
        object.name = Rc::from(name);
        let name = Rc::clone(&object.name);
        let folder = self.folders.entry((slot, parent)).or_default();
        folder.by_name.entry(name).or_default().push(handle);
        folder.handles.insert(handle);
    }

    /// Compares a folder with its listing and notes what was seen. `spared` is a handle whose file need not exist.
    pub(super) fn compare(
        &mut self,
        slot: usize,
        parent: u32,
        entries: Vec<Entry>,
        spared: Option<u32>,
    ) -> Difference {
        self.mark = self.mark.wrapping_add(1);
        let mut difference = Difference::default();
        let (objects, base, mark) = (&mut self.objects, self.base, self.mark);
        let folder = self.folders.entry((slot, parent)).or_default();
        if folder.handles.is_empty() {
            difference.added = entries;
            return difference;
        }
        for entry in entries {
            let Some(handles) = folder.by_name.get(entry.name.as_str()) else {
                difference.added.push(entry);
                continue;
            };
            let seen = Seen::from(&entry);
            let newest = handles.last().copied();
            for handle in handles {
                let Some(object) = at(base, *handle).and_then(|index| objects.get_mut(index)?.as_mut())
                else {
                    continue;
                };
                object.mark = mark;
                let before = object.seen.filter(|before| !object.is_folder && *before != seen);
                if object.is_folder != entry.is_folder {
                    difference.gone.push(*handle);
                } else if let Some(before) = before {
                    if before.identity == seen.identity {
                        difference.changed.push(*handle);
                    } else if Some(*handle) == newest {
                        difference.replaced.push((*handle, entry.clone()));
                    }
                }
                object.look(seen);
            }
        }
        for handle in &folder.handles {
            let known = at(base, *handle).and_then(|index| objects.get(index)?.as_ref());
            let current = known.is_some_and(|object| object.mark == mark);
            if !current && Some(*handle) != spared {
                difference.gone.push(*handle);
            }
        }
        difference
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, size: u64, identity: u64) -> Entry {
        Entry { name: name.to_owned(), is_folder: false, size, modified_ms: 0, created_ms: 0, identity }
    }

    #[test]
    fn handles_are_given_in_order_and_never_again() {
        let mut objects = Objects::new(5);
        let seen = Seen::from(&entry("a", 1, 1));
        let folder = objects.add(0, 0, "folder", true, Some(seen));
        let file = objects.add(0, folder, "a", false, Some(seen));
        assert_eq!((folder, file), (5, 6));
        assert_eq!(objects.path(file).as_deref(), Some("folder/a"));
        objects.remove(folder);
        assert!(objects.get(file).is_none());
        assert_eq!(objects.add(0, 0, "b", false, Some(seen)), 7);
        objects.reset(5);
        assert_eq!(objects.add(0, 0, "b", false, Some(seen)), 5);
    }

    #[test]
    fn a_comparison_tells_what_moved() {
        let mut objects = Objects::new(1);
        for item in
            [entry("same", 1, 1), entry("gone", 1, 2), entry("changed", 1, 3), entry("replaced", 1, 4)]
        {
            objects.add(0, 0, &item.name, false, Some(Seen::from(&item)));
        }
        let now =
            vec![entry("same", 1, 1), entry("changed", 2, 3), entry("replaced", 1, 9), entry("new", 1, 5)];
        let difference = objects.compare(0, 0, now, None);
        assert_eq!(difference.added.iter().map(|added| added.name.as_str()).collect::<Vec<_>>(), ["new"]);
        assert_eq!(difference.gone, [2]);
        assert_eq!(difference.changed, [3]);
        assert_eq!(difference.replaced.iter().map(|(handle, _)| *handle).collect::<Vec<_>>(), [4]);
    }

    #[test]
    fn a_renamed_folder_takes_its_contents_along() {
        let mut objects = Objects::new(1);
        let seen = Seen::from(&entry("a", 1, 1));
        let folder = objects.add(0, 0, "old", true, Some(seen));
        let file = objects.add(0, folder, "a", false, Some(seen));
        objects.relocate(folder, 0, 0, "new");
        assert_eq!(objects.path(file).as_deref(), Some("new/a"));
        assert_eq!(objects.by_name(0, 0, "old"), None);
        assert_eq!(objects.by_name(0, 0, "new"), Some(folder));
    }
}
