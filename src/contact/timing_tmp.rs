use super::*;
#[test]
#[allow(clippy::disallowed_methods)]
fn timing() {
    let mut file = Vec::new();
    for i in 0..10_000 {
        file.extend(format!("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:urn:uuid:0000{i}\r\nFN:Name {i}\r\nN:Name;Nr {i};;;\r\nTEL;TYPE=CELL:+49 171 {i}\r\nTEL;TYPE=WORK,VOICE:+49 30 {i}\r\nEMAIL;TYPE=HOME:n{i}@example.org\r\nADR;TYPE=HOME:;;Street {i};City\\, X;;12345;Land\r\nORG:Comp;Unit\r\nNOTE:some text\\nwith lines and more of it to have about four hundred bytes per card ok\r\nBDAY:1980-01-01\r\nEND:VCARD\r\n").into_bytes());
    }
    eprintln!("bytes {}", file.len());
    let t = std::time::Instant::now();
    let cards = read_cards(&file, "f", &Limits::default());
    eprintln!("read_cards {:?} {}", t.elapsed(), cards.len());
    let cards: Vec<Card> = cards.into_iter().map(|c| c.unwrap().card).collect();
    let t = std::time::Instant::now();
    let bytes: Vec<Vec<u8>> = cards.iter().map(|c| c.as_bytes().to_vec()).collect();
    let parsed: Vec<Card> = bytes.iter().map(|b| Card::parse(b).unwrap()).collect();
    eprintln!("parse each {:?} {}", t.elapsed(), parsed.len());
    let t = std::time::Instant::now();
    let n: usize = cards.iter().map(|c| c.properties().len()).sum();
    eprintln!("properties {:?} {n}", t.elapsed());
    let t = std::time::Instant::now();
    let n: usize = cards.iter().map(|c| c.summary().tels.len()).sum();
    eprintln!("summary {:?} {n}", t.elapsed());
    let t = std::time::Instant::now();
    let n: usize = cards.iter().map(|c| write(c, &Dialect::v40()).card.as_bytes().len()).sum();
    eprintln!("write v40 {:?} {n}", t.elapsed());
    let t = std::time::Instant::now();
    let n: usize = cards.iter().map(|c| c.fingerprint(&FieldMask::all()).0.len()).sum();
    eprintln!("fingerprint {:?} {n}", t.elapsed());
    let t = std::time::Instant::now();
    let n: usize = cards.iter().filter_map(|c| c.uid()).count();
    eprintln!("uid {:?} {n}", t.elapsed());
    let photo = format!(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:x\r\nPHOTO;ENCODING=b:{}\r\nEND:VCARD\r\n",
        "AAAA"
            .repeat(12_000)
            .as_bytes()
            .chunks(74)
            .map(|c| String::from_utf8_lossy(c).into_owned())
            .collect::<Vec<_>>()
            .join("\r\n ")
    );
    let t = std::time::Instant::now();
    let c = Card::parse(photo.as_bytes()).unwrap();
    eprintln!("photo 48 KB parse {:?}", t.elapsed());
    let t = std::time::Instant::now();
    let n = c.properties()[1].binary().unwrap().len();
    eprintln!("photo binary {:?} {n}", t.elapsed());
}
