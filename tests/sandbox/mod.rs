//! A sealed place to run the program in: its own home, no environment, no terminal; and what came out as one text,
//! with everything that differs from run to run made equal. It must not touch anything outside of its folder.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The sealed place.
pub struct Sandbox {
    folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

impl Sandbox {
    pub fn new() -> Self {
        // The length of the path is the same in every run, because lines are wrapped by their width.
        let folder = tempfile::Builder::new().prefix("tb").rand_bytes(6).tempdir_in("/tmp").unwrap();
        fs::create_dir(folder.path().join("home")).unwrap();
        fs::create_dir(folder.path().join("phone")).unwrap();
        Self { folder, variables: Vec::new() }
    }

    /// Sets an environment variable for the runs that follow.
    #[allow(dead_code, reason = "not every test file needs it")]
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file below the sandbox.
    pub fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Writes a card of these lines, as 3.0.
    #[allow(dead_code, reason = "not every test file needs it")]
    pub fn card(&self, name: &str, lines: &[&str]) {
        self.write(name, &card(lines));
    }

    /// Runs one command line; `{T}` in it stands for the sandbox.
    pub fn run(&self, line: &str) -> String {
        self.run_with(line, "")
    }

    /// Runs with this on stdin.
    pub fn run_with(&self, line: &str, stdin: &str) -> String {
        let root = self.folder.path().display().to_string();
        let arguments: Vec<String> = words(line).into_iter().map(|word| word.replace("{T}", &root)).collect();
        let mut child = Command::new(env!("CARGO_BIN_EXE_tetherbook"))
            .args(&arguments)
            .env_clear()
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.folder.path())
            .env("PATH", "/usr/bin:/bin")
            .env("TZ", "UTC")
            .envs(self.variables.iter().map(|(name, value)| (name.as_str(), value.replace("{T}", &root))))
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that does not read its stdin may have ended by now.
        drop(child.stdin.take().unwrap().write_all(stdin.as_bytes()));
        let output = child.wait_with_output().unwrap();
        let mut text = format!("$ tetherbook {line}\n");
        for (name, bytes) in [("", &output.stdout), ("stderr| ", &output.stderr)] {
            let part = self.redacted(&String::from_utf8_lossy(bytes));
            for line in part.split_inclusive('\n') {
                text.push_str(name);
                text.push_str(line);
            }
            if !part.is_empty() && !part.ends_with('\n') {
                text.push_str("[no line break]\n");
            }
        }
        text.push_str(&format!("[exit {}]\n", output.status.code().unwrap_or(-1)));
        text
    }

    /// Runs several command lines; what comes out is one text.
    #[allow(dead_code, reason = "not every test file needs it")]
    pub fn transcript(&self, lines: &[&str]) -> String {
        lines.iter().map(|line| self.run(line) + "\n").collect()
    }

    fn redacted(&self, text: &str) -> String {
        let root = self.folder.path().display().to_string();
        let text = text.replace(&root, "/tmp/SANDBOX_");
        let text = text.replace("00112233-4455-", "00112233=4455=");
        let text =
            replaced(&text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "UUID________________________________");
        let text = replaced(&text, "dddd-dd-dd dd:dd UTC", "DATE__________TIME__");
        let text = without_fractions(&replaced(&text, "dddd-dd-ddTdd:dd:dd", "DATETTIME"));
        let text = between(&text, "\"ms\":{", "}", "MS");
        // A file as young as its listing is read once more, so these depend on when a second ends.
        let text = between(&text, "\"transactions\":{", "}", "COSTS");
        let text = between(&text, "\"bytes\":{", "}", "COSTS");
        let text = between(&text, "Phone: ", "\n", "COSTS");
        let text = between(&text, "tetherbook-", ".vcf", "RANDOM");
        let text = between(&text, "Time: ", "\n", "MS");
        let text = between(&text, "\"hex\":\"", "\"", "HEX");
        let text = text.replace("00112233=4455=", "00112233-4455-");
        between(&text, "  hex           ", "\n", "HEX")
    }
}

/// A 3.0 card of these lines.
pub fn card(lines: &[&str]) -> String {
    format!("BEGIN:VCARD\r\nVERSION:3.0\r\n{}\r\nEND:VCARD\r\n", lines.join("\r\n"))
}

/// The words of a command line; quotes keep a word together.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// Replaces what looks like `template`: `x` is a hexadecimal digit, `d` a digit, everything else itself.
fn replaced(text: &str, template: &str, by: &str) -> String {
    let (letters, template): (Vec<char>, Vec<char>) = (text.chars().collect(), template.chars().collect());
    let mut out = String::new();
    let mut at = 0;
    while at < letters.len() {
        let window = &letters[at..letters.len().min(at + template.len())];
        let fits = window.len() == template.len()
            && window.iter().zip(&template).all(|(letter, wanted)| match wanted {
                'x' => letter.is_ascii_hexdigit(),
                'd' => letter.is_ascii_digit(),
                wanted => letter == wanted,
            });
        if fits {
            out.push_str(by);
            at += template.len();
        } else {
            out.push(letters[at]);
            at += 1;
        }
    }
    out
}

fn without_fractions(text: &str) -> String {
    let mut parts = text.split("DATETTIME");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str("DATETTIME");
        out.push_str(part.trim_start_matches(|letter: char| letter == '.' || letter.is_ascii_digit()));
    }
    out
}

/// Replaces what stands between `start` and `end`.
fn between(text: &str, start: &str, end: &str, by: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(start) {
        let (before, after) = rest.split_at(at + start.len());
        let Some(stop) =
            after.find(end).filter(|stop| !after[..*stop].contains(['\n', ' ']) || by != "RANDOM")
        else {
            out.push_str(before);
            rest = after;
            continue;
        };
        out.push_str(before);
        out.push_str(by);
        rest = &after[stop..];
    }
    out + rest
}

/// Whether a file has exactly these permissions.
#[allow(dead_code, reason = "not every test file needs it")]
pub fn mode_of(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
