//! What is said of contacts that the phone's newest export lacks. It decides nothing: they stay as they are.

/// So many names are told.
const NAMES_MAX: usize = 5;

/// One sentence for all of them; `None` if there are none.
pub(super) fn absent_note(names: &[String]) -> Option<String> {
    let mut told: Vec<String> = names.iter().take(NAMES_MAX).map(|name| format!("“{name}”")).collect();
    if names.len() > NAMES_MAX {
        told.push(format!("{} more", names.len() - NAMES_MAX));
    }
    let last = told.pop()?;
    let list = if told.is_empty() { last } else { format!("{} and {last}", told.join(", ")) };
    let (are, they) = if names.len() == 1 {
        ("1 contact is not in the phone's newest export", "it was")
    } else {
        return Some(format!(
            "{} contacts are not in the phone's newest export: {list}. They stay here as they are; if they were \
             deleted on the phone, say so: --absent delete.",
            names.len()
        ));
    };
    Some(format!(
        "{are}: {list}. It stays here as it is; if {they} deleted on the phone, say so: --absent delete."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_names_stand_for_all() {
        let names = |count: usize| (1..=count).map(|number| format!("Person {number}")).collect::<Vec<_>>();
        assert_eq!(absent_note(&[]), None);
        assert!(
            absent_note(&names(1))
                .unwrap()
                .starts_with("1 contact is not in the phone's newest export: “Person 1”.")
        );
        assert!(absent_note(&names(2)).unwrap().contains("“Person 1” and “Person 2”. They stay"));
        assert!(absent_note(&names(9)).unwrap().contains("“Person 5” and 4 more."));
    }
}
