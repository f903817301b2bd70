//! The date that an app wrote into the name of an export, and how dates of exports are ordered.
//!
//! Pure functions. A name with a date tells when its content was made; the date of the file tells only when it came
//! to lie there. Neither is of use by itself where a clock was wrong, so that what lies in the future is not believed.

/// How far in the future, seen from here, the phone's clock may be: the widest span between two time zones.
const CLOCK_SPREAD_MS: i64 = 26 * 3_600_000;

/// The digits of the scripts in which Android writes dates, by their zeros.
const ZEROS: [u32; 8] = [0x30, 0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0x1040, 0xFF10];

/// What a file's name tells of its date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NameDate {
    /// Year to second as one number of 14 digits; zeros for the time where the name has only a date.
    pub date: u64,
    /// The name with `#` for the date: what the names of one app's exports share.
    pub shape: String,
}

/// A run of digits in a name.
struct Run {
    value: u64,
    length: usize,
    /// Where it begins and ends in the characters of the name.
    start: usize,
    end: usize,
}

fn digit(character: char) -> Option<u64> {
    let code = u32::from(character);
    ZEROS.iter().find_map(|zero| code.checked_sub(*zero).filter(|value| *value < 10)).map(u64::from)
}

fn runs(name: &[char]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (index, value) in name.iter().enumerate().filter_map(|(index, c)| Some((index, digit(*c)?))) {
        match runs.last_mut().filter(|run| run.end == index) {
            Some(run) => {
                run.value = run.value.saturating_mul(10).saturating_add(value);
                run.length += 1;
                run.end += 1;
            }
            None => runs.push(Run { value, length: 1, start: index, end: index + 1 }),
        }
    }
    runs
}

/// The first date in a file's name: `20261121`, `2026-11-21` or `21_11_2026`, with `060000`, `06-00-00` or no time
/// behind the first two.
pub(super) fn name_date(name: &str) -> Option<NameDate> {
    let characters: Vec<char> = name.chars().collect();
    let runs = runs(&characters);
    let (first, count, date) = (0..runs.len()).find_map(|at| {
        let (count, date) = date_at(runs.get(at..)?)?;
        Some((at, count, date))
    })?;
    let start = runs.get(first)?.start;
    let end = runs.get(first + count - 1)?.end;
    let before: String = characters.iter().take(start).collect();
    let after: String = characters.iter().skip(end).collect();
    Some(NameDate { date, shape: format!("{before}#{after}") })
}

/// The date that begins with the first of these runs, and how many runs it takes.
fn date_at(runs: &[Run]) -> Option<(usize, u64)> {
    let near = |at: usize| {
        let (before, run) = (runs.get(at.checked_sub(1)?)?, runs.get(at)?);
        (run.start - before.end == 1).then_some(run)
    };
    let value_of =
        |at: usize, length: usize| near(at).filter(|run| run.length == length).map(|run| run.value);
    let first = runs.first()?;
    let (count, date) = match first.length {
        14 => return day(first.value / 1_000_000).map(|_| (1, first.value)),
        8 => (1, day(first.value)?),
        4 => (3, day(first.value * 10_000 + value_of(1, 2)? * 100 + value_of(2, 2)?)?),
        1 | 2 => {
            let month = near(1).filter(|run| run.length <= 2)?.value;
            let date = day(value_of(2, 4)? * 10_000 + month * 100 + first.value)?;
            return Some((3, date * 1_000_000));
        }
        _ => return None,
    };
    let time = match (value_of(count, 6), value_of(count, 2), value_of(count + 1, 2), value_of(count + 2, 2))
    {
        (Some(time), ..) => Some((1, time)),
        (_, Some(hour), Some(minute), Some(second)) => Some((3, hour * 10_000 + minute * 100 + second)),
        _ => None,
    };
    let time = time.filter(|(_, time)| *time < 240_000 && time / 100 % 100 < 60 && time % 100 < 61);
    let (more, time) = time.unwrap_or((0, 0));
    Some((count + more, date * 1_000_000 + time))
}

/// The number of a day, `20261121`, if it can be the day of an export.
fn day(number: u64) -> Option<u64> {
    let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100);
    let is_day = (2000..2100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    is_day.then_some(number)
}

/// The first 14 digits of a file's date as a number, whichever way it is written; `None` if it has fewer.
pub(super) fn file_date(modified: Option<&str>) -> Option<u64> {
    let digits: String = modified?.chars().filter(char::is_ascii_digit).take(14).collect();
    if digits.len() == 14 { digits.parse().ok() } else { None }
}

/// The moment `after_ms` after `now_ms` as such a number, in UTC.
pub(super) fn moment(now_ms: i64, after_ms: i64) -> Option<u64> {
    let moment = jiff::Timestamp::from_millisecond(now_ms.saturating_add(after_ms)).ok()?;
    moment.strftime("%Y%m%d%H%M%S").to_string().parse().ok()
}

/// The latest date that can be a phone's now.
pub(super) fn latest_believable(now_ms: i64) -> u64 {
    moment(now_ms, CLOCK_SPREAD_MS).unwrap_or(u64::MAX)
}

/// Whether a file of this date was surely not written within the last seconds, whatever the phone's time zone is.
pub(super) fn is_long_ago(date: Option<u64>, now_ms: i64) -> bool {
    matches!((date, moment(now_ms, -CLOCK_SPREAD_MS)), (Some(date), Some(limit)) if date < limit)
}

/// How many seconds `later` lies after `earlier`, both such numbers; negative if before, 0 if either is no date.
pub(super) fn seconds_between(earlier: u64, later: u64) -> i64 {
    let seconds = || {
        let moment = |date: u64| {
            let part = |divisor: u64| i8::try_from(date / divisor % 100).ok();
            let time = jiff::civil::Time::new(part(10_000)?, part(100)?, part(1)?.min(59), 0).ok()?;
            jiff::tz::Offset::UTC.to_timestamp(civil(date)?.to_datetime(time)).ok()
        };
        Some(moment(later)?.as_second() - moment(earlier)?.as_second())
    };
    seconds().unwrap_or(0)
}

fn civil(date: u64) -> Option<jiff::civil::Date> {
    let part = |divisor: u64, modulus: u64| i8::try_from(date / divisor % modulus).ok();
    let year = i16::try_from(date / 10_000_000_000).ok()?;
    jiff::civil::Date::new(year, part(100_000_000, 100)?, part(1_000_000, 100)?).ok()
}

/// The day of such a number in words: `2026-11-21`.
pub(super) fn day_words(date: u64) -> Option<String> {
    civil(date).map(|day| day.to_string())
}

/// How many whole days lie between such a date and now; 0 for one in the future.
pub(super) fn days_since(date: u64, now_ms: i64) -> u32 {
    let days = || {
        let now = civil(moment(now_ms, 0)?)?;
        u32::try_from((now - civil(date)?).get_days()).ok()
    };
    days().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(name: &str) -> Option<u64> {
        name_date(name).map(|found| found.date)
    }

    #[test]
    fn dates_are_found_in_names() {
        assert_eq!(date("Contacts_20261121_060000.vcf"), Some(20_261_121_060_000));
        assert_eq!(date("contacts-2026-11-21.json"), Some(20_261_121_000_000));
        assert_eq!(date("backup 2026-11-21 06-05-04.vcf"), Some(20_261_121_060_504));
        assert_eq!(date("20261121060504.vcf"), Some(20_261_121_060_504));
        assert_eq!(date("Kontakte_20261121.vcf"), Some(20_261_121_000_000));
        assert_eq!(date("7_11_2026_112.vcf"), Some(20_261_107_000_000));
        assert_eq!(date("جهات الاتصال_٢٠٢٦١١٢١_٠٦٠٠٠٠.vcf"), Some(20_261_121_060_000));
        assert_eq!(date("Contacts 2 20261121_060000.vcf"), Some(20_261_121_060_000));
        for name in [
            "contacts.vcf",
            "contacts (1).vcf",
            "+15550100199.vcf",
            "99999999.vcf",
            "20261321.vcf",
            "1.2.vcf",
        ] {
            assert_eq!(date(name), None, "{name}");
        }
        assert_eq!(date("Contacts_20261121_996000.vcf"), Some(20_261_121_000_000), "that is no time");
    }

    #[test]
    fn exports_of_one_app_have_names_of_one_shape() {
        let shape = |name: &str| name_date(name).unwrap().shape;
        assert_eq!(shape("Contacts_20261121_060000.vcf"), "Contacts_#.vcf");
        assert_eq!(shape("Contacts_20251121_070001.vcf"), "Contacts_#.vcf");
        assert_ne!(shape("Ada_20251121.vcf"), shape("Contacts_20251121_070001.vcf"));
        assert_eq!(shape("Contacts_20261121_060000 (1).vcf"), "Contacts_# (1).vcf");
    }

    #[test]
    fn days_are_counted() {
        let now_ms = 1_795_240_800_000; // 2026-11-21T06:00:00Z
        assert_eq!(moment(now_ms, 0), Some(20_261_121_060_000));
        assert_eq!(days_since(20_261_121_235_959, now_ms), 0);
        assert_eq!(days_since(20_261_031_000_000, now_ms), 21);
        assert_eq!(days_since(20_270_101_000_000, now_ms), 0);
        assert_eq!(day_words(20_261_031_000_000).as_deref(), Some("2026-10-31"));
        assert!(is_long_ago(Some(20_261_119_000_000), now_ms));
        assert!(!is_long_ago(Some(20_261_120_060_000), now_ms));
        assert!(!is_long_ago(None, now_ms));
        assert!(latest_believable(now_ms) > 20_261_122_000_000);
        assert_eq!(file_date(Some("20261121T060000")), Some(20_261_121_060_000));
        assert_eq!(file_date(Some("2026-11-21T06:00:00.123456789Z")), Some(20_261_121_060_000));
        assert_eq!(file_date(Some("2026")), None);
        assert_eq!(seconds_between(20_261_130_235_959, 20_261_201_000_001), 2);
        assert_eq!(seconds_between(20_261_201_000_001, 20_261_130_235_959), -2);
    }
}
